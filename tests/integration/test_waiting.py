"""The queue at the door: who is over the budget waits in the room without any right, and is let in on the spot."""

import asyncio
from collections.abc import Iterator
from contextlib import AsyncExitStack, closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis
from sqlalchemy import event
from sqlalchemy.engine import Engine

from gateway.contract.cursor import from_cursor, to_cursor
from pubsub.broker import Position
from rooms.queue.waiting_room import LEAST_RETRY_MS
from tests.integration.clients import Client, connected
from tests.integration.conftest import UNHURRIED
from tests.integration.evening import Evening, denied, done, evening
from tests.integration.gate import Gate
from tests.integration.running import Liveroom, liveroom, liverooms
from tests.integration.test_recovery import cursor, eventually
from tests.redis_server import RedisServer

pytestmark = pytest.mark.asyncio(loop_scope="package")

IDLE_SECONDS = 6.0
"""All that a gateway does by the clock it has done once by then."""
CLOSED_AFTER_THREE: dict[str, Any] = {
    "admissions_per_second": 0.001,
    "admissions_burst": 3,
    "position_seconds": 0.05,
    "waiting_grace_seconds": 60,
}


@pytest.fixture
def redis() -> Iterator[RedisServer]:
    with closing(RedisServer()) as server:
        server.start()
        yield server


async def admission(socket: Client, since: int = 0) -> Any:
    """What somebody who waits was told last."""
    welcome = await socket.wait("welcome")
    return (socket.all("admission", since=since) or [welcome["admission"]])[-1]


async def is_let_in(socket: Client) -> Any:
    """The `tier` with which it goes in."""
    told: dict[str, Any] = await socket.wait("tier", lambda told: told["reason"] == "admitted")
    return told


async def queued(show: Evening, gate: Gate, *fans: tuple[str, str | None]) -> list[Client]:
    """These, in this order, in the queue."""
    for user, tier in fans:
        if tier is not None:
            await show.ticket(user, tier)
    gate.left = 0
    return [await show.enter(user) for user, _ in fans]


async def test_who_is_over_the_budget_waits_without_rights_and_is_let_in_where_they_stand(
    house: Liveroom, gate: Gate
) -> None:
    async with evening(house) as show:
        inside = await show.fan("li")
        said = await done(inside, "danmaku", {"text": "for those inside"})
        await done(show.host, "pin", {"id": said["id"]})
        [fan] = await queued(show, gate, ("mei", "main"))
        welcome = await fan.wait("welcome")
        assert welcome["admission"]["position"] == 1
        assert welcome["admission"]["eta_ms"] > 0
        assert (welcome["you"]["permissions"], welcome["streams"]) == ([], [])
        assert (welcome["you"]["tier"], welcome["you"]["wallet"]["credits"]) == ("main", 100)
        assert (welcome["pins"]["items"], welcome["recovered"], welcome["missed"]) == ([], False, [])
        assert (welcome["room"]["phase"], len(welcome["sales"]["products"])) == ("live", 2)

        for command, payload in (("danmaku", {"text": "let me in"}), ("cohost:cancel", None), ("like", {"count": 1})):
            error = await denied(fan, command, payload)
            assert (error["code"], error["retryable"]) == ("BUSY", True)
            assert error["retry_after_ms"] > 0
        assert await done(fan, "streams:refresh") == {"grants": []}
        assert (await done(fan, "clock", {"t0": 1}))["t0"] == 1
        await done(inside, "danmaku", {"text": "only heard inside"})
        await inside.wait("danmaku")

        mark, gate.left = fan.mark(), 1
        told = await is_let_in(fan)
        assert {"chat:read", "danmaku", "stream:main"} <= set(told["permissions"])
        assert [grant["stream"] for grant in told["streams"]] == ["main"]
        await fan.wait("position", since=mark)
        told_of_it = ("admission", "tier", "pins", "position")
        assert tuple(name for name, _ in fan.heard[mark:] if name in told_of_it)[:4] == told_of_it
        assert fan.all("admission")[-1] == {"position": 0, "eta_ms": 0}
        assert [pin["text"] for pin in fan.all("pins")[-1]["items"]] == ["for those inside"]
        await done(fan, "danmaku", {"text": "here I am"})
        await fan.wait("danmaku", lambda told: told["items"][0]["text"] == "here I am")
        assert len(fan.all("danmaku")) == 1


async def test_vip_is_let_in_before_main_and_main_before_those_without_a_ticket(house: Liveroom, gate: Gate) -> None:
    async with evening(house, "doors") as show:
        fans = await queued(show, gate, ("stranger", None), ("main-1", "main"), ("main-2", "main"), ("vip", "vip"))
        stranger, first, second, vip = fans
        assert [(await one.wait("welcome"))["admission"]["position"] for one in fans] == [1, 1, 2, 1]
        await stranger.wait("admission", lambda told: told["position"] == 4)
        order: list[Client] = []
        for _ in fans:
            gate.left = 1
            let_in = {asyncio.create_task(one.wait("admission", _is_over)): one for one in fans if one not in order}
            over, still = await asyncio.wait(let_in, return_when=asyncio.FIRST_COMPLETED)
            order += [let_in[task] for task in over]
            for task in still:
                task.cancel()
        assert order == [vip, first, second, stranger]


async def test_who_pays_or_returns_a_ticket_while_waiting_moves_in_the_queue(house: Liveroom, gate: Gate) -> None:
    async with evening(house, "doors") as show:
        number = await show.ticket("returns")
        first, upgraded, returns = await queued(show, gate, ("first", "main"), ("upgraded", "main"), ("returns", None))
        await show.ticket("upgraded", "vip")
        told = await upgraded.wait("tier", lambda told: told["reason"] == "purchase")
        assert (told["tier"], told["permissions"], told["streams"]) == ("vip", [], [])
        await upgraded.wait("admission", lambda told: told["position"] == 1)
        await first.wait("admission", lambda told: told["position"] == 2)
        await show.refund("returns", number)
        await returns.wait("tier", lambda told: (told["tier"], told["permissions"]) == ("none", []))
        gate.left = 3
        assert (await is_let_in(upgraded))["tier"] == "vip"
        assert (await is_let_in(first))["permissions"] != []
        assert (await is_let_in(returns))["permissions"] == []


async def test_a_place_is_kept_for_who_loses_the_connection(house: Liveroom, gate: Gate) -> None:
    async with evening(house) as show:
        first, second = await queued(show, gate, ("first", "main"), ("second", "main"))
        await first.close()
        await second.wait("admission", lambda told: told["position"] == 1)
        again = await show.enter("first")
        assert (await admission(again))["position"] == 1
        gate.left = 1
        await is_let_in(again)
        assert second.all("tier") == []


async def test_who_was_inside_a_moment_ago_is_in_past_the_crowd_and_has_missed_nothing(tmp_path: Path) -> None:
    async with liveroom(tmp_path, **CLOSED_AFTER_THREE, **UNHURRIED) as house, evening(house) as show:
        fan, speaker = await show.fan("mei"), await show.fan("li")
        await show.fan("ming")
        kept = (await fan.wait("welcome"))["cursor"]
        await fan.close()
        await done(speaker, "danmaku", {"text": "meanwhile"})
        vip = await show.fan("vip", "vip")
        waiting = await vip.wait("welcome")
        assert waiting["admission"]["position"] == 1

        welcome = await (await show.enter("mei", cursor=kept)).wait("welcome")
        assert "admission" not in welcome
        assert [one["data"]["items"][0]["text"] for one in welcome["missed"]] == ["meanwhile"]

        # the cursor of somebody who waits, and one whose stamp was tampered with, say nothing of having been inside
        told = await vip.wait("position")
        forged = to_cursor(_position(kept), "00000000abcdef01")
        for place, cursor in enumerate((waiting["cursor"], told["cursor"], forged), 2):
            stranger = await show.fan(f"stranger-{place}", cursor=cursor)
            assert (await stranger.wait("welcome"))["admission"]["position"] == place


async def test_a_cursor_helps_nobody_but_whom_it_was_told(tmp_path: Path) -> None:
    # a stranger who showed somebody's cursor went past the queue
    async with liveroom(tmp_path, **CLOSED_AFTER_THREE, **UNHURRIED) as house, evening(house) as show:
        fan, speaker = await show.fan("mei"), await show.fan("li")
        await show.fan("ming")
        await done(speaker, "danmaku", {"text": "hello"})
        await fan.wait("danmaku")
        welcomed, heard = (await fan.wait("welcome"))["cursor"], cursor(fan)
        for place, kept in enumerate((welcomed, heard), 1):
            stranger = await show.fan(f"stranger-{place}", cursor=kept)
            assert (await stranger.wait("welcome"))["admission"]["position"] == place
        await fan.close()
        back = await show.enter("mei", cursor=heard)
        assert "admission" not in await back.wait("welcome"), "this gateway knows who went a moment ago"


@pytest.mark.parametrize("how", ["drained", "cut off"])
async def test_who_was_inside_at_another_gateway_is_in_past_the_crowd_and_a_stranger_with_their_cursor_is_not(
    tmp_path: Path, redis: RedisServer, how: str
) -> None:
    settings = {**CLOSED_AFTER_THREE, **UNHURRIED, "redis_url": redis.url, "position_seconds": 3600}
    async with AsyncExitStack() as stack:
        far, near = await stack.enter_async_context(liverooms(tmp_path, 2, **settings))
        show = await stack.enter_async_context(evening(far))  # its host stays
        users = ("mei", "one", "two", "three", "stranger")
        for user in users:
            await show.ticket(user)
        entered = {"room": show.room, "device": "phone"}
        mei = await stack.enter_async_context(connected(near.url, token=show.token("mei"), **entered))
        await done(show.host, "danmaku", {"text": "what a whole room is told has a cursor that names nobody"})
        await mei.wait("danmaku")
        if how == "drained":
            near.stop.set()
            await mei.wait("bye")
        else:  # as when its gateway is gone without a word: her seat is known to Redis for a while
            await eventually(lambda: _is_leased(redis, "mei"))
        kept = cursor(mei)
        for user in ("one", "two", "three"):
            await show.enter(user)
        stranger = await show.enter("stranger", cursor=kept)
        assert (await stranger.wait("welcome"))["admission"]["position"] == 1
        back = await show.enter("mei", cursor=kept, device="phone")
        assert "admission" not in await back.wait("welcome")


async def _is_leased(redis: RedisServer, user: str) -> bool:
    async with Redis(port=redis.port) as store:
        return any([await store.hexists(key, user) for key in await store.keys("liveroom:*:leases")])


async def test_beyond_the_budget_of_those_who_are_back_they_wait_before_everybody(house: Liveroom, gate: Gate) -> None:
    async with evening(house) as show:
        fan, speaker = await show.fan("mei"), await show.fan("li")
        kept = (await fan.wait("welcome"))["cursor"]
        await fan.close()
        await done(speaker, "danmaku", {"text": "for those inside"})
        [vip] = await queued(show, gate, ("vip", "vip"))
        back = await show.enter("mei", cursor=kept)
        assert (await admission(back))["position"] == 1
        welcome = await back.wait("welcome")
        assert (welcome["recovered"], welcome["missed"]) == (False, [])
        await vip.wait("admission", lambda told: told["position"] == 2)
        gate.left = 1
        await is_let_in(back)
        assert vip.all("tier") == []


async def test_an_open_socket_never_waits_again_and_a_second_device_of_somebody_inside_does_not_either(
    house: Liveroom, gate: Gate
) -> None:
    async with evening(house, "doors") as show:
        fan = await show.fan("mei")
        gate.left = 0
        await show.phase("live")
        assert (await fan.wait("tier", lambda told: told["reason"] == "phase"))["streams"] != []
        second = await show.enter("mei")
        assert "admission" not in await second.wait("welcome")
        assert (await fan.wait("bye"))["code"] == "SEAT_TAKEN"


async def test_somebody_who_waits_takes_nobodys_seat_before_their_turn(house: Liveroom, gate: Gate) -> None:
    async with evening(house) as show:
        [one] = await queued(show, gate, ("mei", "main"))
        other = await show.enter("mei")
        assert (await admission(other))["position"] == 1
        assert await done(one, "streams:refresh") == {"grants": []}
        gate.left = 1
        await is_let_in(other)
        assert (await one.wait("bye"))["code"] == "SEAT_TAKEN"


async def test_the_staff_never_waits_and_who_joins_it_is_called_in(house: Liveroom, gate: Gate) -> None:
    async with evening(house) as show:
        await show.role("watchful", "moderator")
        [watchful, fan] = await queued(show, gate, ("watchful", None), ("mei", "main"))
        assert "admission" not in await watchful.wait("welcome")
        await show.role("mei", "moderator")
        assert "danmaku" in (await is_let_in(fan))["permissions"]


async def test_a_ban_and_the_end_of_the_show_reach_those_who_wait(house: Liveroom, gate: Gate) -> None:
    async with evening(house) as show:
        banned, fan = await queued(show, gate, ("banned", "main"), ("mei", "main"))
        await done(show.host, "ban", {"user": "banned"})
        assert (await banned.wait("bye"))["code"] == "BANNED"
        await show.phase("ended")
        assert (await fan.wait("bye"))["code"] == "ROOM_ENDED"


async def test_beyond_the_places_the_door_is_busy_and_the_console_hears_how_many_wait(
    tmp_path: Path, gate: Gate
) -> None:
    async with liveroom(tmp_path, waiting_places=2, **UNHURRIED) as house, evening(house, "doors") as show:
        await queued(show, gate, ("first", None), ("second", None))
        refused = await show.refusal("third")
        assert (refused["code"], refused["retryable"]) == ("BUSY", True)
        assert refused["retry_after_ms"] >= LEAST_RETRY_MS
        await show.host.wait("health", lambda told: told["waiting"] == 2)
        metrics = (await house.http.get("/metrics")).text
        assert 'liveroom_waiting{tier="none"} 2.0' in metrics
        assert 'liveroom_admissions_total{way="at_once"}' not in metrics


async def test_in_the_steady_state_neither_who_waits_nor_who_is_let_in_costs_a_statement(
    house: Liveroom, gate: Gate
) -> None:
    async with evening(house) as show:
        users = [f"fan-{number}" for number in range(10)]
        for user in users:
            await show.ticket(user)
        with statements() as idle:
            await asyncio.sleep(IDLE_SECONDS)
        with statements() as busy:
            direct = [await show.enter(user) for user in users[:5]]
            gate.left = 0
            waiting = [await show.enter(user) for user in users[5:]]
            gate.left = 5
            for fan in waiting:
                await is_let_in(fan)
        assert all("admission" not in (one.heard[0][1]) for one in direct)
        assert busy - idle == set()


@contextmanager
def statements() -> Iterator[set[str]]:
    """Every statement that this process sends to its database meanwhile."""
    seen: set[str] = set()

    def executed(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        seen.add(statement)

    event.listen(Engine, "before_cursor_execute", executed)
    try:
        yield seen
    finally:
        event.remove(Engine, "before_cursor_execute", executed)


def _position(cursor: str) -> Position:
    position = from_cursor(cursor)
    assert position is not None
    return position


def _is_over(told: Any) -> bool:
    return bool(told["position"] == 0)
