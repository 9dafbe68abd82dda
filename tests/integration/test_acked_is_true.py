"""What is acked holds on that gateway from the ack on, though no publication has come around, and is told once."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager, closing
from pathlib import Path
from typing import Any

import pytest
from socketio.exceptions import ConnectionError as NotLetInError

from gateway.house.relay import OutboxRelay
from tests.integration.clients import Client, connected
from tests.integration.conftest import UNHURRIED
from tests.integration.evening import Evening, denied, done, evening
from tests.integration.running import Liveroom, liveroom, liverooms
from tests.redis_server import RedisServer

pytestmark = pytest.mark.asyncio

SAY = {"text": "hello"}


class Relay:
    """Publishes nothing while it is held."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._open = asyncio.Event()
        self._open.set()
        publish = OutboxRelay._publish

        async def when_open(relay: OutboxRelay, rows: list[Any], done: list[str]) -> None:
            await self._open.wait()
            await publish(relay, rows, done)

        monkeypatch.setattr(OutboxRelay, "_publish", when_open)

    def hold(self) -> None:
        self._open.clear()

    def let_go(self) -> None:
        self._open.set()


@pytest.fixture
async def relay(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Relay]:
    held = Relay(monkeypatch)
    yield held
    held.let_go()


@pytest.fixture
async def house(tmp_path: Path, relay: Relay) -> AsyncIterator[Liveroom]:
    async with liveroom(tmp_path, **UNHURRIED) as running:
        yield running
        relay.let_go()


async def test_who_connects_right_after_a_change_of_phase_is_let_in(house: Liveroom, relay: Relay) -> None:
    async with evening(house, "draft") as show:
        assert (await show.refusal("mei"))["code"] == "FORBIDDEN"
        relay.hold()
        await done(show.host, "show:phase", {"phase": "presale"})
        await show.enter("mei")


async def test_a_host_hears_the_ack_of_what_sends_it_away(house: Liveroom, relay: Relay) -> None:
    async with evening(house, "presale") as show:
        relay.hold()
        await done(show.host, "show:phase", {"phase": "cancelled"})
        assert (await show.host.wait("bye"))["code"] == "ROOM_CANCELLED"
        await show.host.gone()


async def test_who_connects_right_after_a_ban_is_not_and_after_its_end_is(house: Liveroom, relay: Relay) -> None:
    async with evening(house) as show:
        fan = await show.fan("mei")
        relay.hold()
        await done(show.host, "ban", {"user": "mei"})
        assert (await fan.wait("bye"))["code"] == "BANNED"
        assert (await show.refusal("mei"))["code"] == "BANNED"
        await done(show.host, "unban", {"user": "mei"})
        await show.enter("mei")


async def test_mutes_and_switches_hold_for_the_next_line(house: Liveroom, relay: Relay) -> None:
    async with evening(house) as show:
        fan = await show.fan("mei")
        relay.hold()
        await done(show.host, "mute", {"user": "mei"})
        assert (await denied(fan, "danmaku", SAY))["code"] == "MUTED"
        await done(show.host, "unmute", {"user": "mei"})
        await done(fan, "danmaku", SAY)
        await done(show.host, "room:switches", {"chat": "off"})
        assert (await denied(fan, "danmaku", SAY))["code"] == "CLOSED"
        await done(show.host, "room:switches", {"chat": "everyone"})
        await done(fan, "danmaku", SAY)


async def test_a_role_given_over_http_opens_the_console_and_taken_shuts_it(house: Liveroom, relay: Relay) -> None:
    async with evening(house) as show:
        fan = await show.fan("mei")
        relay.hold()
        await show.role("mei", "moderator")
        assert (await fan.wait("tier"))["reason"] == "role"
        console = await show.enter("mei", "/console")
        await show.role("mei", "moderator", method="DELETE")
        assert (await console.wait("bye"))["code"] == "KICKED"


async def test_a_paid_order_opens_the_door_and_a_refund_ends_the_right(house: Liveroom, relay: Relay) -> None:
    async with evening(house) as show:
        assert (await show.refusal("mei"))["code"] == "TICKET_REQUIRED"
        relay.hold()
        order = await show.ticket("mei")
        fan = await show.enter("mei")
        await done(fan, "gift", {"gift": "rose", "key": "a-rose-right-away"})
        await show.ticket("mei", "vip")
        await fan.wait("tier", lambda told: (told["tier"], told["reason"]) == ("vip", "purchase"))
        await show.refund("mei", order)
        assert (await fan.wait("order", lambda told: told["state"] == "refunded"))["order"] == order


async def test_nobody_is_told_twice(house: Liveroom, relay: Relay) -> None:
    async with evening(house) as show:
        fan = await show.fan("mei")
        relay.hold()
        start = fan.mark()
        order = await show.ticket("mei", "vip")
        await _much(show, fan)
        await show.refund("mei", order)
        await fan.wait("tier", lambda told: told["reason"] == "refund")
        relay.let_go()
        await done(show.host, "announce", {"text": "the last word"})
        # an audit's entry comes by its publication alone, and after those of all that was committed before
        await show.host.wait("audit", lambda told: told["items"][-1]["action"] == "announce")
        versions = [
            (name, data.get("order"), data.get("id"), data["version"])
            for name, data in fan.heard[start:]
            if name in {"room", "order", "wallet", "stage", "pins"} or (name == "countdown" and data["scope"] == "room")
        ]
        assert len(versions) > 5
        assert len(versions) == len(set(versions))
        assert [told["kind"] for told in fan.all("inbox", since=start)] == ["muted", "unmuted"]
        assert [told["reason"] for told in fan.all("tier", since=start)] == ["purchase", "refund"]
        assert [told["state"] for told in fan.all("cohost", since=start)] == ["requested", "on_stage", "idle"]


# ---- another gateway, which has heard of nothing yet -------------------------------------------------


@asynccontextmanager
async def far_from(
    folder: Path, phase: str = "live"
) -> AsyncIterator[tuple[Evening, Callable[..., Awaitable[Client]]]]:
    """An evening at one gateway, and how somebody enters at another."""
    with closing(RedisServer()) as redis:
        redis.start()
        settings: dict[str, Any] = {**UNHURRIED, "redis_url": redis.url}
        async with (
            liverooms(folder, 2, **settings) as (near, far),
            evening(near, phase) as show,
            AsyncExitStack() as stack,
        ):

            async def enter(user: str, namespace: str = "/live") -> Client:
                entered = connected(far.url, namespace, token=show.token(user), room=show.room)
                return await stack.enter_async_context(entered)

            yield show, enter


async def test_the_door_of_another_gateway_knows_the_phase(tmp_path: Path, relay: Relay) -> None:
    async with far_from(tmp_path, "presale") as (show, enter):
        await enter("li")
        await show.ticket("mei")
        relay.hold()
        await done(show.host, "show:phase", {"phase": "cancelled"})
        with pytest.raises(NotLetInError, match="/live"):
            await enter("mei")
        relay.let_go()


async def test_the_door_of_another_gateway_knows_bans_roles_and_tickets(tmp_path: Path, relay: Relay) -> None:
    async with far_from(tmp_path) as (show, enter):
        for user in ("li", "mei"):
            await show.ticket(user)
        await enter("li")
        relay.hold()
        await done(show.host, "ban", {"user": "mei"})
        with pytest.raises(NotLetInError, match="/live"):
            await enter("mei")
        await done(show.host, "unban", {"user": "mei"})
        await enter("mei")
        await show.role("ann", "moderator")
        await enter("ann", "/console")
        await show.role("ann", "moderator", method="DELETE")
        with pytest.raises(NotLetInError, match="/console"):
            await enter("ann", "/console")
        await show.ticket("new")
        await enter("new")
        relay.let_go()


async def test_another_gateway_refuses_nobody_for_what_is_over(tmp_path: Path, relay: Relay) -> None:
    async with far_from(tmp_path) as (show, enter):
        await show.ticket("mei")
        fan = await enter("mei")
        await done(show.host, "mute", {"user": "mei"})
        await done(show.host, "room:switches", {"chat": "off"})
        await fan.wait("room", lambda told: told["switches"]["chat"] == "off")
        assert (await denied(fan, "danmaku", SAY))["code"] == "CLOSED"
        relay.hold()
        await done(show.host, "room:switches", {"chat": "everyone", "links": False})
        assert (await denied(fan, "danmaku", SAY))["code"] == "MUTED"
        await done(show.host, "unmute", {"user": "mei"})
        await done(fan, "danmaku", SAY)
        assert [told["version"] for told in fan.all("room")] == sorted({told["version"] for told in fan.all("room")})
        relay.let_go()
        await fan.wait("danmaku")


async def test_another_gateway_knows_that_slow_mode_is_off(tmp_path: Path, relay: Relay) -> None:
    # RATE_LIMITED named the ten minutes of a slow mode that was over already
    async with far_from(tmp_path) as (show, enter):
        await show.ticket("mei")
        fan = await enter("mei")
        await done(show.host, "room:switches", {"slow_ms": 600_000})
        await fan.wait("room", lambda told: told["switches"]["slow_ms"] == 600_000)
        await done(fan, "danmaku", SAY)
        refused = await denied(fan, "danmaku", SAY)
        assert (refused["code"], refused["slow_ms"]) == ("RATE_LIMITED", 600_000)
        relay.hold()
        await done(show.host, "room:switches", {"slow_ms": 0})
        await done(fan, "danmaku", SAY)
        relay.let_go()


@pytest.mark.parametrize(
    ("event", "payload"),
    [
        ("gift", {"gift": "rose", "count": 1, "key": "gift-key-number-1"}),
        ("cohost:request", {"message": "hi"}),
    ],
)
async def test_who_is_banned_gets_nothing_at_another_gateway(
    tmp_path: Path, relay: Relay, event: str, payload: dict[str, Any]
) -> None:
    # a ban still on its way: a gift was committed, and a request for the stage was taken
    async with far_from(tmp_path) as (show, enter):
        await show.ticket("mei", "vip")
        fan = await enter("mei")
        relay.hold()
        await done(show.host, "ban", {"user": "mei"})
        assert (await denied(fan, event, payload))["code"] == "BANNED"
        relay.let_go()


async def test_who_is_banned_gets_no_streams_at_another_gateway(tmp_path: Path, relay: Relay) -> None:
    async with far_from(tmp_path) as (show, enter):
        await show.ticket("mei", "vip")
        fan = await enter("mei")
        assert (await done(fan, "streams:refresh", {}))["grants"]
        relay.hold()
        await done(show.host, "ban", {"user": "mei"})
        answers: list[Any] = []
        await fan.sio.emit("streams:refresh", {}, namespace="/live", callback=answers.append)
        assert (await fan.wait("bye"))["code"] == "BANNED"
        assert answers == []  # no grants on the way out
        relay.let_go()


async def _much(show: Evening, fan: Client) -> None:
    """Something of everything."""
    await done(show.host, "mute", {"user": "mei"})
    await done(show.host, "unmute", {"user": "mei"})
    await done(show.host, "room:switches", {"slow_ms": 500})
    made = await done(show.host, "countdown:set", {"target_ms": show.start_ms, "label": "Encore"})
    await done(show.host, "countdown:clear", {"id": made["id"]})
    await show.role("mei", "moderator")
    await show.role("mei", "moderator", method="DELETE")
    await done(fan, "cohost:request", {})
    await done(show.host, "cohost:approve", {"user": "mei"})
    await done(fan, "cohost:leave")
