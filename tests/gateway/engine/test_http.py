"""Requests that are none, byte by byte: an answer or a closed line, never a fault of ours."""

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from gateway.engine.limits import EngineLimits
from tests import protocol_app

pytestmark = pytest.mark.asyncio(loop_scope="module")

UPGRADE = (
    b"host: a\r\nupgrade: websocket\r\nconnection: upgrade\r\n"
    b"sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)
QUERY = b"?EIO=4&transport=websocket"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def url() -> AsyncIterator[str]:
    async with protocol_app.running("engineio") as where:
        yield where


async def answer(url: str, request: bytes) -> bytes:
    """All that comes back until the line is closed."""
    host, port = url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    try:
        writer.write(request)
        async with asyncio.timeout(3):
            return await reader.read()
    finally:
        writer.close()


@pytest.mark.parametrize(
    "target",
    [b"a:443", b"*", b"http://a", b"http://a" + QUERY, b"//", b"/nowhere/" + QUERY, b"/engine.io/\xff" + QUERY],
)
@pytest.mark.parametrize("method", [b"GET", b"CONNECT", b"OPTIONS", b"POST"])
async def test_an_upgrade_of_no_path_of_ours_is_none_and_answered_as_usual(
    url: str, method: bytes, target: bytes
) -> None:
    # the target of CONNECT is no URL, which raised where nobody caught it
    loop = asyncio.get_running_loop()
    faults: list[object] = []
    loop.set_exception_handler(lambda _, context: faults.append(context))
    last = UPGRADE.replace(b"connection: upgrade", b"connection: upgrade, close")
    got = await answer(url, method + b" " + target + b" HTTP/1.1\r\n" + last)
    loop.set_exception_handler(None)
    assert faults == []
    assert got.split(b" ")[1] in (b"204", b"400", b"404")  # 204: a preflight, which names no origin


@pytest.mark.parametrize("method", [b"POST", b"PUT", b"HEAD"])
async def test_an_upgrade_is_asked_for_with_get(url: str, method: bytes) -> None:
    got = await answer(url, method + b" /engine.io/" + QUERY + b" HTTP/1.1\r\n" + UPGRADE)
    assert got.startswith(b"HTTP/1.1 400 ")


async def test_bytes_that_are_no_http_are_answered_and_the_line_closed(url: str) -> None:
    for noise in (b"\x16\x03\x01\x02\x00\x01\x00", b"\r\nnonsense\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n"):
        assert (await answer(url, noise)).startswith(b"HTTP/1.1 400 ")


async def test_a_head_larger_than_its_bound_is_refused_while_it_still_comes(url: str) -> None:
    bound = EngineLimits().header_bytes
    for line in (b"x-pad: " + b"a" * 200 + b"\r\n", b"a" * 200):
        got = await answer(url, b"GET / HTTP/1.1\r\n" + line * (bound // len(line) + 1))
        assert got.startswith((b"HTTP/1.1 431 ", b"HTTP/1.1 400 ")), got
