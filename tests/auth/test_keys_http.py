"""JWKS over a real socket on the loopback."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from auth.keys_http import JwksSource
from tests.auth.signing import JWKS, SECRET, SIGNERS

DEADLINE_SECONDS = 5.0


class Platform:
    """An HTTP server whose answer the test sets; `silent` accepts and never answers."""

    def __init__(self) -> None:
        self.status = "200 OK"
        self.body = json.dumps(JWKS).encode()
        self.headers = ""
        self.silent = False
        self.requests: list[bytes] = []
        self.url = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.requests.append(await reader.readuntil(b"\r\n\r\n"))
        if self.silent:
            await reader.read()
        else:
            head = (
                f"HTTP/1.1 {self.status}\r\n{self.headers}content-length: {len(self.body)}\r\nconnection: close\r\n\r\n"
            )
            writer.write(head.encode() + self.body)
        writer.close()


@asynccontextmanager
async def platform() -> AsyncIterator[Platform]:
    running = Platform()
    server = await asyncio.start_server(running.serve, "127.0.0.1", 0)
    async with server:
        running.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/keys"
        yield running


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(DEADLINE_SECONDS):
        while not condition():
            await asyncio.sleep(0.005)


def kids(source: JwksSource) -> set[str]:
    return {key["kid"] for key in source.ring().public_jwks()["keys"]}


async def test_the_ring_holds_the_secrets_at_once_and_the_keys_after_a_fetch() -> None:
    async with platform() as running:
        source = JwksSource(running.url, [SECRET])
        assert len(source.ring().candidates(None)) == 1
        assert kids(source) == set()
        assert await source.refresh()
        assert kids(source) == {"key-RS256", "key-ES256", "key-EdDSA"}
        assert len(source.ring().candidates(None)) == 1


@pytest.mark.parametrize(
    ("status", "body", "headers"),
    [
        ("500 Broken", b"{}", ""),
        ("302 Found", b"", "location: /elsewhere\r\n"),
        ("200 OK", b"<html>", ""),
        ("200 OK", b"[]", ""),
        ("200 OK", b"[" * 5000, ""),
        ("200 OK", b'{"keys": []}', ""),
        ("200 OK", b'{"pad": "' + b"x" * 70_000 + b'"}', ""),
    ],
)
async def test_a_bad_answer_leaves_the_old_ring(status: str, body: bytes, headers: str) -> None:
    async with platform() as running:
        source = JwksSource(running.url)
        assert await source.refresh()
        running.status, running.body, running.headers = status, body, headers
        assert not await source.refresh()
        assert kids(source) == {"key-RS256", "key-ES256", "key-EdDSA"}


async def test_a_silent_or_absent_platform_leaves_the_old_ring() -> None:
    async with platform() as running:
        source = JwksSource(running.url, timeout_seconds=1)
        assert await source.refresh()
        running.silent = True
        assert not await source.refresh()
    assert not await source.refresh()
    assert len(kids(source)) == 3


async def test_it_refreshes_by_itself() -> None:
    async with platform() as running:
        source = JwksSource(running.url, refresh_seconds=0.01)
        task = asyncio.create_task(source.run())
        await until(lambda: len(kids(source)) == 3)
        running.body = json.dumps({"keys": [SIGNERS["EdDSA"].jwk]}).encode()
        await until(lambda: kids(source) == {"key-EdDSA"})
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task


async def test_unknown_kids_ask_for_one_refresh_in_thirty_seconds() -> None:
    now = [1000.0]
    async with platform() as running:
        source = JwksSource(running.url, refresh_seconds=3600, monotonic=lambda: now[0])
        task = asyncio.create_task(source.run())
        for _ in range(100):
            source.ask()
        await until(lambda: len(kids(source)) == 3)
        now[0] += 29.9
        source.ask()
        assert await JwksSource(running.url).refresh()  # a round trip, in which a refresh too early would show
        now[0] += 0.2
        running.body = json.dumps({"keys": [SIGNERS["ES256"].jwk]}).encode()
        source.ask()
        await until(lambda: kids(source) == {"key-ES256"})
        assert len(running.requests) == 3
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task


def test_only_http_addresses_are_taken() -> None:
    with pytest.raises(ValueError, match="https://"):
        JwksSource("file:///etc/passwd")
