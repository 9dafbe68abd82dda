"""Limits belong to a person in a room: not to a socket, not to a gateway, and they outlive both."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any

import pytest

from tests.integration.clients import Client, connected
from tests.integration.conftest import UNHURRIED
from tests.integration.evening import Evening, denied, done, evening
from tests.integration.running import liveroom
from tests.integration.test_two_gateways import HEAL_SECONDS, scene
from tests.redis_server import RedisServer

pytestmark = pytest.mark.asyncio

STRICT: dict[str, Any] = {
    "danmaku_per_second": 0.001,
    "danmaku_burst": 3,
    "gifts_per_second": 0.001,
    "cohost_every_seconds": 900.0,
}
"""Rates under which nothing comes back while a test lasts."""
SLOW_MS = 600_000
FREE: dict[str, Any] = {"access": "open"}
EVERYONE: dict[str, Any] = {"chat": "everyone", "likes": "everyone", "cohost": "everyone"}


@asynccontextmanager
async def party(folder: Path, **overrides: Any) -> AsyncIterator[Evening]:
    """An open show in which strangers may speak."""
    async with liveroom(folder, **{**UNHURRIED, **overrides}) as house, evening(house, "live", **FREE) as show:
        await show.switch(**EVERYONE)
        yield show


async def codes(*answers: Any) -> list[str]:
    """What each command came to."""
    return ["ok" if answer["ok"] else answer["error"]["code"] for answer in await asyncio.gather(*answers)]


@pytest.fixture
def redis() -> Iterator[RedisServer]:
    with closing(RedisServer()) as server:
        server.start()
        yield server


async def test_slow_mode_outlives_the_socket(tmp_path: Path) -> None:
    """Speak, drop, connect, speak: so somebody said nine lines in a minute in a room that takes one in ten minutes."""
    async with party(tmp_path) as show:
        await show.switch(slow_ms=SLOW_MS)
        before = await show.fan("fan", None)
        await done(before, "danmaku", {"text": "once"})
        await before.close()
        for _ in range(3):
            again = await show.enter("fan")
            error = await denied(again, "danmaku", {"text": "and again"})
            assert error["code"] == "RATE_LIMITED"
            assert SLOW_MS - 60_000 < error["retry_after_ms"] <= SLOW_MS
            await again.close()
        await done(await show.fan("other", None), "danmaku", {"text": "mine"})


async def test_all_sockets_of_a_stranger_have_the_budget_of_one(tmp_path: Path) -> None:
    async with party(tmp_path, **STRICT, sockets_per_user=16) as show:
        sockets = [await show.enter("fan") for _ in range(16)]
        said = await codes(*(socket.send("danmaku", {"text": "me"}) for socket in sockets))
        assert sorted(said) == ["RATE_LIMITED"] * 13 + ["ok"] * 3
        asked = await codes(*(socket.send("cohost:request", {}) for socket in sockets))
        assert sorted(asked) == ["RATE_LIMITED"] * 15 + ["ok"]


async def test_likes_of_a_person_have_one_rate(tmp_path: Path) -> None:
    async with party(tmp_path, likes_per_second=0.001, likes_burst=5) as show:
        sockets = [await show.enter("fan") for _ in range(4)]
        liked = await codes(*(socket.send("like", {"count": 1}) for socket in sockets * 3))
        assert sorted(liked) == ["RATE_LIMITED"] * 7 + ["ok"] * 5


async def test_a_gift_in_one_tab_is_a_gift_less_in_the_other(tmp_path: Path) -> None:
    async with party(tmp_path, **STRICT, sockets_per_seat=2) as show:
        first, second = await show.fan("fan"), await show.enter("fan")
        await done(first, "gift", {"gift": "rose", "key": "the first gift"})
        error = await denied(second, "gift", {"gift": "rose", "key": "the second gift"})
        assert error["code"] == "RATE_LIMITED"


async def test_of_too_many_sockets_the_oldest_end_for_good(tmp_path: Path) -> None:
    async with party(tmp_path, sockets_per_user=3) as show:
        sockets = [await show.enter("fan") for _ in range(5)]
        for old in sockets[:2]:
            assert await old.wait("bye") == {"code": "SEAT_TAKEN", "retryable": False}
            await old.gone()
        for kept in sockets[2:]:
            await done(kept, "danmaku", {"text": "still here"})
        assert (await show.fan("other", None)).all("bye") == []


async def test_what_a_ticket_seats_does_not_count_among_a_users_sockets(tmp_path: Path) -> None:
    async with party(tmp_path, sockets_per_user=1, sockets_per_seat=2) as show:
        phone = await show.fan("fan", device="phone")
        laptop = await show.enter("fan", device="laptop")
        for device in (phone, laptop):
            await done(device, "danmaku", {"text": "both"})
        order = await show.ticket("other")
        seated = [await show.enter("other", device=device) for device in ("phone", "laptop")]
        await show.refund("other", order)  # without the ticket they are two sockets of a stranger
        assert (await seated[0].wait("bye"))["code"] == "SEAT_TAKEN"
        assert seated[1].all("bye") == []


async def test_the_staff_keeps_a_bounded_number_of_consoles(tmp_path: Path) -> None:
    async with party(tmp_path, sockets_per_user=2) as show:
        await show.enter("host", "/console")
        await show.enter("host", "/console")
        assert (await show.host.wait("bye"))["code"] == "SEAT_TAKEN"


# ---- across gateways ---------------------------------------------------------------------------------


async def heard(socket: Client, text: str) -> None:
    """The gateway of this socket knows what was said."""
    await socket.wait("danmaku", lambda told: any(item["text"] == text for item in told["items"]))


async def test_rates_hold_across_gateways_and_slow_mode_too(tmp_path: Path, redis: RedisServer) -> None:
    overrides = {**STRICT, "sockets_per_seat": 2}
    async with scene(tmp_path, redis, **overrides) as here:
        near, listener = await here.show.fan("mei", device="phone"), await here.show.fan("li")
        far = await here.far_fan("mei", device="laptop")
        for number in range(2):
            await done(near, "danmaku", {"text": f"near {number}"})
            await heard(far, f"near {number}")
        await done(far, "danmaku", {"text": "far"})
        await heard(near, "far")
        for socket in (near, far):  # three of three are used, two here and one there
            assert (await denied(socket, "danmaku", {"text": "one too many"}))["code"] == "RATE_LIMITED"
        await done(near, "gift", {"gift": "rose", "key": "a rose from near"})
        await far.wait("gift")
        assert (await denied(far, "gift", {"gift": "rose", "key": "a rose from far"}))["code"] == "RATE_LIMITED"
        await done(far, "cohost:request", {})
        await near.wait("cohost", lambda told: told["state"] == "requested")
        await done(near, "cohost:cancel")
        await far.wait("cohost", lambda told: told["state"] == "idle")
        assert (await denied(near, "cohost:request", {}))["code"] == "RATE_LIMITED"
        assert listener.all("bye") == []


async def test_a_gateway_charges_nobody_twice_for_what_they_did_there(tmp_path: Path, redis: RedisServer) -> None:
    async with scene(tmp_path, redis, **STRICT) as here:
        near, listener = await here.show.fan("mei"), await here.show.fan("li")
        for number in range(3):
            await done(near, "danmaku", {"text": f"near {number}"})
            await heard(listener, f"near {number}")  # and so has its author's gateway
        assert (await denied(near, "danmaku", {"text": "a fourth"}))["retry_after_ms"] <= 1_000_000


async def test_slow_mode_holds_at_another_gateway(tmp_path: Path, redis: RedisServer) -> None:
    async with scene(tmp_path, redis, danmaku_store_ms=10) as here:
        await here.show.switch(slow_ms=SLOW_MS)
        near = await here.show.fan("mei")
        await here.show.ticket("li")
        listener = await here.far_fan("li")
        await done(near, "danmaku", {"text": "said near"})
        await heard(listener, "said near")
        far = await here.far_fan("mei")
        await near.gone()
        error = await denied(far, "danmaku", {"text": "said far"})
        assert error["code"] == "RATE_LIMITED"
        assert error["retry_after_ms"] > SLOW_MS - 60_000
        await far.close()


async def test_slow_mode_outlives_the_gateway(tmp_path: Path) -> None:
    """A restart is no way around it: who spoke lately is read from SQL when the room is opened."""
    async with liveroom(tmp_path, **UNHURRIED) as house, evening(house, "live", **FREE) as show:
        await show.switch(**EVERYONE, slow_ms=SLOW_MS)
        await done(await show.fan("fan", None), "danmaku", {"text": "before"})
        room, token = show.room, show.token("fan")
        other = show.token("other")
    async with liveroom(tmp_path, **UNHURRIED) as anew:
        async with connected(anew.url, token=token, room=room) as fan:
            error = await denied(fan, "danmaku", {"text": "after"})
            assert error["code"] == "RATE_LIMITED"
            assert SLOW_MS - 60_000 < error["retry_after_ms"] <= SLOW_MS
        async with connected(anew.url, token=other, room=room) as fan:
            await done(fan, "danmaku", {"text": "mine"})


async def test_sockets_without_a_ticket_are_bounded_over_all_gateways(tmp_path: Path, redis: RedisServer) -> None:
    """With the bound at each gateway a script on four of them held four times as many."""
    async with scene(tmp_path, redis, sockets_per_user=2) as here:
        consoles = [here.show.host, await here.far_staff("host"), await here.show.enter("host", "/console")]
        assert await consoles[0].wait("bye") == {"code": "SEAT_TAKEN", "retryable": False}
        latest = await here.far_staff("host")
        assert (await consoles[1].wait("bye"))["code"] == "SEAT_TAKEN"
        for kept in (consoles[2], latest):
            await done(kept, "room:switches", {"slow_ms": 1000})
            assert kept.all("bye") == []


async def test_while_redis_is_away_nobody_loses_a_socket_to_another_gateway_and_after_it_the_newest_stay(
    tmp_path: Path, redis: RedisServer
) -> None:
    async with scene(tmp_path, redis, sockets_per_user=2) as here:
        second = await here.show.enter("host", "/console")
        redis.kill()
        third = await here.far_staff("host")
        await done(third, "room:switches", {"slow_ms": 1000})
        for console in (here.show.host, second, third):
            assert console.all("bye") == []
        redis.start()
        assert (await here.show.host.wait("bye", seconds=HEAL_SECONDS))["code"] == "SEAT_TAKEN"
        for console in (second, third):
            await done(console, "room:switches", {"slow_ms": 2000})
            assert console.all("bye") == []
