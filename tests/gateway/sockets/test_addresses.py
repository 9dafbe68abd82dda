"""What counts per address, the one that connects or the one a trusted proxy names, and that nobody pays for it."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from auth.identity import Role
from gateway.door.address_limits import Limit
from gateway.setup import descriptors
from gateway.setup.settings import Mode
from tests.gateway.sockets.raw import CONNECT, CONNECT_ERROR, Packet, RawSocket, raw_socket
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
    """Use up the failures of an address, and one more, from which on it is suspect."""
    for _ in range(FAILURES + 1):
        refused = await knock(hall, source, "forged", transport=transport, forwarded=forwarded)
        assert refused.data["message"] == "TOKEN_INVALID"


def limited(hall: Venue, limit: Limit) -> float:
    """How often a limit has held somebody back."""
    told = hall.house.metrics.registry.get_sample_value("liveroom_address_limits_total", {"limit": limit.value})
    assert told is not None
    return told


async def is_suspect(hall: Venue, source: str, *, transport: str = "websocket", forwarded: str | None = None) -> bool:
    """Whether a good token of this address, which is let in in any case, was looked at by turns."""
    before = limited(hall, Limit.BAD_TOKENS)
    answer = await knock(hall, source, hall.token(), transport=transport, forwarded=forwarded)
    assert answer.kind == CONNECT, answer
    return limited(hall, Limit.BAD_TOKENS) > before


@every_transport
async def test_an_address_that_showed_too_many_bad_tokens_is_suspect_and_good_ones_behind_it_are_let_in(
    direct: Venue, transport: str
) -> None:
    # 40 forged tokens on one socket shut everybody out who came from behind the same address
    source, neighbour = ("127.0.1.1", "127.0.1.2") if transport == "polling" else ("127.0.2.1", "127.0.2.2")
    await fail(direct, source, transport=transport)
    assert await is_suspect(direct, source, transport=transport)
    assert not await is_suspect(direct, neighbour, transport=transport)


@every_transport
async def test_without_a_trusted_proxy_nobody_chooses_the_address_they_count_as(direct: Venue, transport: str) -> None:
    source = "127.0.1.3" if transport == "polling" else "127.0.2.3"
    for turn in range(FAILURES + 1):  # another name each time
        await knock(direct, source, "forged", transport=transport, forwarded=f"203.0.113.{turn}")
    assert await is_suspect(direct, source, transport=transport, forwarded="203.0.113.99")
    assert not await is_suspect(direct, "127.0.1.4", transport=transport, forwarded=source)


@every_transport
async def test_behind_a_trusted_proxy_the_address_it_names_counts(proxied: Venue, transport: str) -> None:
    fan = "198.51.100.7" if transport == "polling" else "198.51.100.8"
    await fail(proxied, PROXY, transport=transport, forwarded=fan)
    assert await is_suspect(proxied, PROXY, transport=transport, forwarded=fan)
    assert not await is_suspect(proxied, PROXY, transport=transport, forwarded="198.51.100.9")


async def test_of_ipv6_a_home_counts_and_mapped_ipv4_counts_as_ipv4(proxied: Venue) -> None:
    for turn in range(FAILURES + 1):
        await knock(proxied, PROXY, "forged", forwarded=f"2001:db8:1:2::{turn:x}")
    assert await is_suspect(proxied, PROXY, forwarded="2001:db8:1:2:ffff::1")
    assert not await is_suspect(proxied, PROXY, forwarded="2001:db8:1:3::1")
    await fail(proxied, PROXY, forwarded="::ffff:198.51.100.30")
    assert await is_suspect(proxied, PROXY, forwarded="198.51.100.30")
    assert not await is_suspect(proxied, PROXY, forwarded="::ffff:198.51.100.31")


async def test_the_address_nearest_to_the_trusted_proxy_counts_not_what_the_client_claims(proxied: Venue) -> None:
    for turn in range(FAILURES + 1):
        await knock(proxied, PROXY, "forged", forwarded=f"203.0.113.{turn}, 198.51.100.20")
    assert await is_suspect(proxied, PROXY, forwarded="203.0.113.77, 198.51.100.20")
    assert not await is_suspect(proxied, PROXY, forwarded="203.0.113.77")


async def test_a_header_from_an_address_that_is_no_trusted_proxy_is_not_believed(proxied: Venue) -> None:
    for turn in range(FAILURES + 1):
        await knock(proxied, "127.0.3.1", "forged", forwarded=f"203.0.113.{turn}")
    assert await is_suspect(proxied, "127.0.3.1", forwarded="203.0.113.99")


async def test_a_signature_is_never_an_attack_however_late_it_comes(direct: Venue) -> None:
    # 32 expired tokens of one house shut out three good ones
    expired = direct.token("late", seconds=60, ago_seconds=3600)
    for _ in range(FAILURES + 3):
        refused = await knock(direct, "127.0.6.1", expired)
        assert refused.data["message"] == "TOKEN_EXPIRED"
    assert not await is_suspect(direct, "127.0.6.1")


async def test_a_transport_ends_with_its_third_refusal(direct: Venue) -> None:
    async with raw_socket(direct.url, source="127.0.6.2") as hostile:
        for _ in range(3):
            assert (await hostile.connect(token="x", room=direct.room)).data["message"] == "TOKEN_INVALID"
        assert (await hostile.until_end()).reason == "PROTOCOL"
    assert (await knock(direct, "127.0.6.2", direct.token())).kind == CONNECT


@every_transport
async def test_at_the_cap_of_its_address_who_is_silent_longest_gives_way_and_nobody_is_refused(
    tmp_path: Path, transport: str
) -> None:
    # 20 transports without a token shut an address out: 429, and nothing told of it
    async with venue(tmp_path, **PRODUCTION, unaccepted_sockets_per_address=3) as hall, AsyncExitStack() as all_of_them:

        async def arrive() -> RawSocket:
            return await all_of_them.enter_async_context(raw_socket(hall.url, transport=transport, source="127.0.6.3"))

        seated = await arrive()
        await seated.enter(token=hall.token("first"), room=hall.room)
        silent = [await arrive() for _ in range(3)]
        late = await arrive()
        end = await silent[0].until_end()
        assert end.reason == ("BUSY" if transport == "websocket" else "")
        for fan in (silent[1], silent[2], late):
            await fan.enter(token=hall.token(), room=hall.room)
        assert await seated.ask("clock", {"t0": 1})
        assert limited(hall, Limit.UNACCEPTED) == 1


async def test_from_however_many_addresses_only_so_many_stand_whom_nobody_knows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(descriptors, "for_strangers", lambda: 3)
    async with venue(tmp_path, **PRODUCTION) as hall, AsyncExitStack() as all_of_them:
        silent = [
            await all_of_them.enter_async_context(raw_socket(hall.url, source=f"127.0.8.{number}"))
            for number in range(1, 6)
        ]
        for given_up in silent[:2]:
            assert (await given_up.until_end()).reason == "BUSY"
        for number, fan in enumerate(silent[2:]):
            await fan.enter(token=hall.token(f"fan-{number}"), room=hall.room)
        assert limited(hall, Limit.UNACCEPTED) == 2


async def test_a_hundred_fans_behind_one_address_who_are_slow_to_say_who_they_are_all_get_in(tmp_path: Path) -> None:
    async with venue(tmp_path, **PRODUCTION) as hall, AsyncExitStack() as all_of_them:
        fans = [
            await all_of_them.enter_async_context(raw_socket(hall.url, source="127.0.6.4")) for _ in range(100)
        ]  # a long way off: all are open before the first CONNECT is here
        for number, fan in enumerate(fans):
            await fan.enter(token=hall.token(f"fan-{number}"), room=hall.room)
        assert limited(hall, Limit.UNACCEPTED) == 0


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


async def arrive(socket: RawSocket, namespace: str, **auth: str) -> str:
    """ "in", or the code of the refusal."""
    answer = await socket.connect(namespace, **auth)
    while answer.kind not in (CONNECT, CONNECT_ERROR):
        answer = await socket.next()
    return "in" if answer.kind == CONNECT else str(answer.data["data"]["code"])


async def test_two_namespaces_of_one_transport_arrive_once(tmp_path: Path) -> None:
    """A console that multiplexes /live and /console was BUSY after half as many reconnects as a fan."""
    async with venue(tmp_path, **PRODUCTION, handshakes_per_minute=2) as hall:
        await hall.give("hana", Role.HOST)
        token = hall.token("hana")

        async def both(socket: RawSocket, *namespaces: str) -> list[str]:
            return [await arrive(socket, namespace, token=token, room=hall.room) for namespace in namespaces]

        async with raw_socket(hall.url) as first, raw_socket(hall.url) as second, raw_socket(hall.url) as third:
            assert await both(first, "/live", "/console") == ["in", "in"]
            assert await both(second, "/console", "/live") == ["in", "in"]
            # what was refused lets in no other, and who connects again is counted again
            assert await both(third, "/live", "/console") == ["BUSY", "BUSY"]
            assert await both(first, "/console", "/live") == ["BUSY", "BUSY"]


async def test_a_transport_that_changes_its_user_counts_each(tmp_path: Path) -> None:
    async with venue(tmp_path, **PRODUCTION, handshakes_per_minute=1) as hall, raw_socket(hall.url) as shared:
        users = ("one", "two", "two", "one")
        said = [await arrive(shared, "/live", token=hall.token(user), room=hall.room) for user in users]
        assert said == ["in", "in", "BUSY", "BUSY"]


async def test_limits_per_address_are_lifted_in_the_demo(tmp_path: Path) -> None:
    async with venue(tmp_path, mode=Mode.DEMO, failed_handshakes_per_minute=FAILURES) as hall:
        await fail(hall, "127.0.5.1")
        assert not await is_suspect(hall, "127.0.5.1")
