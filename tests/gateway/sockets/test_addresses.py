"""Refused tokens count per address: the one that connects, or the one a trusted proxy names."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from gateway.settings import Mode
from tests.gateway.sockets.raw import Packet, raw_socket
from tests.gateway.sockets.venue import PRODUCTION, Venue, venue

pytestmark = pytest.mark.asyncio(loop_scope="module")

FAILURES = 3
PROXY = "127.0.0.9"
every_transport = pytest.mark.parametrize("transport", ["websocket", "polling"])


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def direct(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Venue]:
    limits: dict[str, Any] = {"failed_handshakes_per_minute": FAILURES}
    async with venue(tmp_path_factory.mktemp("direct"), **PRODUCTION, **limits) as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def proxied(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Venue]:
    limits: dict[str, Any] = {"failed_handshakes_per_minute": FAILURES, "trusted_proxies": [PROXY]}
    async with venue(tmp_path_factory.mktemp("proxied"), **PRODUCTION, **limits) as running:
        yield running


async def knock(
    hall: Venue, source: str, token: str, *, transport: str = "websocket", forwarded: str | None = None
) -> Packet:
    headers = {} if forwarded is None else {"x-forwarded-for": forwarded}
    async with raw_socket(hall.url, transport=transport, source=source, headers=headers) as fan:
        return await fan.connect(token=token, room=hall.room)


async def fail(hall: Venue, source: str, *, transport: str = "websocket", forwarded: str | None = None) -> None:
    """Use up the failures of an address, and one more, which is the one that shuts the door."""
    for _ in range(FAILURES + 1):
        refused = await knock(hall, source, "forged", transport=transport, forwarded=forwarded)
        assert refused.data["message"] == "TOKEN_INVALID"


def is_shut(answer: Packet) -> bool:
    if answer.kind == 0:
        return False
    data = answer.data["data"]
    assert (data["code"], data["retryable"]) == ("BUSY", True)
    assert 0 < data["retry_after_ms"] <= 60_000 / FAILURES
    return True


@every_transport
async def test_an_address_that_showed_too_many_bad_tokens_waits_and_its_neighbours_do_not(
    direct: Venue, transport: str
) -> None:
    source, neighbour = ("127.0.1.1", "127.0.1.2") if transport == "polling" else ("127.0.2.1", "127.0.2.2")
    await fail(direct, source, transport=transport)
    assert is_shut(await knock(direct, source, direct.token(), transport=transport))
    assert not is_shut(await knock(direct, neighbour, direct.token(), transport=transport))


@every_transport
async def test_without_a_trusted_proxy_nobody_chooses_the_address_they_count_as(direct: Venue, transport: str) -> None:
    source = "127.0.1.3" if transport == "polling" else "127.0.2.3"
    for turn in range(FAILURES + 1):  # another name each time
        await knock(direct, source, "forged", transport=transport, forwarded=f"203.0.113.{turn}")
    assert is_shut(await knock(direct, source, direct.token(), transport=transport, forwarded="203.0.113.99"))
    # nor can anybody shut the door to others
    assert not is_shut(await knock(direct, "127.0.1.4", direct.token(), transport=transport, forwarded=source))


@every_transport
async def test_behind_a_trusted_proxy_the_address_it_names_counts(proxied: Venue, transport: str) -> None:
    fan = "198.51.100.7" if transport == "polling" else "198.51.100.8"
    await fail(proxied, PROXY, transport=transport, forwarded=fan)
    assert is_shut(await knock(proxied, PROXY, proxied.token(), transport=transport, forwarded=fan))
    assert not is_shut(await knock(proxied, PROXY, proxied.token(), transport=transport, forwarded="198.51.100.9"))


async def test_the_address_nearest_to_the_trusted_proxy_counts_not_what_the_client_claims(proxied: Venue) -> None:
    for turn in range(FAILURES + 1):
        await knock(proxied, PROXY, "forged", forwarded=f"203.0.113.{turn}, 198.51.100.20")
    assert is_shut(await knock(proxied, PROXY, proxied.token(), forwarded="203.0.113.77, 198.51.100.20"))
    assert not is_shut(await knock(proxied, PROXY, proxied.token(), forwarded="203.0.113.77"))


async def test_a_header_from_an_address_that_is_no_trusted_proxy_is_not_believed(proxied: Venue) -> None:
    for turn in range(FAILURES + 1):
        await knock(proxied, "127.0.3.1", "forged", forwarded=f"203.0.113.{turn}")
    assert is_shut(await knock(proxied, "127.0.3.1", proxied.token(), forwarded="203.0.113.99"))


async def test_good_tokens_count_per_user_not_per_address(tmp_path: Path) -> None:
    async with venue(tmp_path, **PRODUCTION, handshakes_per_minute=2) as hall:
        for _ in range(2):
            assert (await knock(hall, "127.0.4.1", hall.token("eager"))).kind == 0
        refused = await knock(hall, "127.0.4.2", hall.token("eager"))
        assert (refused.data["data"]["code"], refused.data["data"]["retryable"]) == ("BUSY", True)
        assert 0 < refused.data["data"]["retry_after_ms"] <= 30_000
        # thousands of fans share a carrier's address
        for number in range(10):
            assert (await knock(hall, "127.0.4.1", hall.token(f"fan-{number}"))).kind == 0


async def test_limits_per_address_are_lifted_in_the_demo(tmp_path: Path) -> None:
    async with venue(tmp_path, mode=Mode.DEMO, failed_handshakes_per_minute=FAILURES) as hall:
        await fail(hall, "127.0.5.1")
        assert not is_shut(await knock(hall, "127.0.5.1", hall.token()))
