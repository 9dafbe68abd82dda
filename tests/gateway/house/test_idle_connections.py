"""A gateway under connections that say nothing lets newcomers in, and says so."""

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from gateway.setup import descriptors
from tests.gateway.sockets.raw import http_client, raw_socket
from tests.gateway.sockets.venue import PRODUCTION, Venue, venue

HALF = b"GET /livez HTTP/1.1\r\nhost: "
WHOLE = HALF + b"a\r\n\r\n"


async def opened(hall: Venue, said: bytes, source: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    settings = hall.house.settings
    reader, writer = await asyncio.open_connection(settings.host, settings.port, local_addr=(source, 0))
    writer.write(said)
    if said == WHOLE:
        assert (await reader.readuntil(b'{"ok":true')).startswith(b"HTTP/1.1 200")
    return reader, writer


def told(hall: Venue, name: str, **labels: str) -> float:
    value = hall.house.metrics.registry.get_sample_value(name, labels)
    assert value is not None
    return value


@pytest.mark.parametrize("said", [b"", HALF, WHOLE], ids=["silent", "half a head", "answered"])
@pytest.mark.parametrize("bound", ["process", "address"])
async def test_idle_connections_give_way_to_newer_ones_and_newcomers_are_let_in(
    tmp_path: Path, said: bytes, bound: str
) -> None:
    # 200 of them shut newcomers out, and no line of log told of it
    most: dict[str, Any] = {"idle_connections": 10} if bound == "process" else {"idle_connections_per_address": 10}
    async with venue(tmp_path, **PRODUCTION, **most) as hall, AsyncExitStack() as stack:
        fan = await stack.enter_async_context(raw_socket(hall.url, source="127.0.7.9"))
        await fan.enter(token=hall.token(), room=hall.room)
        idle = [await opened(hall, said, "127.0.7.1") for _ in range(200)]
        for reader, _ in idle[:190]:
            async with asyncio.timeout(5):
                try:
                    while await reader.read(1000):
                        pass
                except ConnectionResetError:
                    pass
        async with http_client(hall.url, source="127.0.7.1") as http:
            assert (await http.get("/livez")).status_code == 200
        assert told(hall, "liveroom_address_limits_total", limit="idle") >= 190
        assert 0 < told(hall, "liveroom_idle_connections") <= 11
        assert (await fan.ask("clock", {"t0": 1}))["ok"], "who is inside is not idle"
        for _, writer in idle:
            writer.close()


async def test_a_request_that_is_answered_slowly_and_connections_of_a_proxy_are_not_idle(tmp_path: Path) -> None:
    settings: dict[str, Any] = {"idle_connections": 2, "trusted_proxies": ["127.0.0.9"]}
    async with venue(tmp_path, **PRODUCTION, **settings) as hall, AsyncExitStack() as stack:
        poller = await stack.enter_async_context(raw_socket(hall.url, transport="polling", source="127.0.7.2"))
        await poller.enter(token=hall.token(), room=hall.room)
        waiting = asyncio.create_task(poller.event("bye"))
        for_proxy = [await opened(hall, WHOLE, "127.0.0.9") for _ in range(5)]
        strangers = [await opened(hall, b"", "127.0.7.3") for _ in range(5)]
        assert told(hall, "liveroom_address_limits_total", limit="idle") >= 1
        assert not waiting.done(), "its poll was broken off"
        for reader, writer in for_proxy:
            writer.write(WHOLE)
            await reader.readuntil(b'{"ok":true')
        waiting.cancel()
        for _, writer in (*for_proxy, *strangers):
            writer.close()


def test_idle_connections_leave_most_descriptors_to_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(descriptors, "limit", lambda: 256)
    assert descriptors.for_idle(2048) == 64
    assert descriptors.for_idle(10) == 10


def test_used_descriptors_are_about_those_that_are_open() -> None:
    before = descriptors.used()
    with Path("/dev/null").open(), Path("/dev/null").open():
        assert descriptors.used() >= before
    assert 0 < descriptors.used() < descriptors.limit()
