"""Idle HTTP connections outlive those of whoever is in front: one that ends under a request is a reset for a fan."""

import asyncio
import re
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from gateway.setup.settings import Mode, Settings
from tests.gateway.sockets.venue import Venue, venue

DEPLOY = Path(__file__).parents[3] / "deploy"
KEEPALIVE_SECONDS = 1
HEADER_SECONDS = 0.3
BALANCERS_SECONDS = 60
LATE_SECONDS = 5.0

pytestmark = pytest.mark.asyncio(loop_scope="module")

PATHS = {
    "/livez": 200,
    "/": 200,
    "/nowhere": 404,
    "/api/v1/shows": 200,
    "/socket.io/?EIO=4&transport=polling": 200,
    "/socket.io/?EIO=3&transport=polling": 400,
    "/pay/nobody/notify": 404,
    "/.well-known/jwks.json": 200,
}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def hall(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Venue]:
    folder = tmp_path_factory.mktemp("hall")
    web = folder / "web"
    web.mkdir()
    (web / "index.html").write_text("<!doctype html>", "utf-8")
    async with venue(
        folder, web_dir=web, keepalive_seconds=KEEPALIVE_SECONDS, header_seconds=HEADER_SECONDS
    ) as running:
        yield running


async def ask(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, path: str, more: str = "") -> int:
    """The status of an answer that was read whole."""
    writer.write(f"GET {path} HTTP/1.1\r\nhost: a\r\n{more}\r\n".encode())
    head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
    await reader.readexactly(int(head.split("content-length: ")[1].split("\r\n")[0]))
    return int(head.split(" ")[1])


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("more", ["", "connection: upgrade\r\nupgrade: h2c\r\n"], ids=["", "h2c"])
async def test_an_idle_connection_waits_as_long_as_it_is_set_whatever_was_asked(
    hall: Venue, path: str, more: str
) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", hall.house.settings.port)
    async with asyncio.timeout(20):
        assert await ask(reader, writer, path, more) == PATHS[path]
        asked = time.monotonic()
        assert await ask(reader, writer, path, more) == PATHS[path]
        answered = time.monotonic()
        assert await reader.read() == b""
    ended = time.monotonic()
    assert ended - asked >= KEEPALIVE_SECONDS
    assert ended - answered <= KEEPALIVE_SECONDS + LATE_SECONDS
    writer.close()


async def test_by_default_it_is_longer_than_balancers_and_the_nginx_that_ships_keep_one() -> None:
    seconds = Settings.load(Mode.TEST).keepalive_seconds
    assert seconds == 75 > BALANCERS_SECONDS
    for name in ("upstreams.conf", "compose/upstreams.conf"):
        kept = re.findall(r"^ +keepalive_timeout (\d+)s;", (DEPLOY / name).read_text("utf-8"), re.MULTILINE)
        assert len(kept) == 4
        assert all(int(one) < seconds for one in kept)
