"""Places on stage and in its queue end by themselves, and only who is here and may come is invited."""

import asyncio
import os
import signal
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from gateway.setup import preflight
from rooms.stage.tables_sql import stage_presence
from tests.integration.clients import Client
from tests.integration.conftest import UNHURRIED
from tests.integration.evening import Evening, denied, done, evening
from tests.integration.running import Liveroom, liveroom
from tests.integration.test_room_stage import on_stage, stage, state
from tests.integration.test_two_gateways import HEAL_SECONDS, scene
from tests.integration.workers import node
from tests.redis_server import RedisServer

pytestmark = pytest.mark.asyncio

GRACE_MS = 3_000
"""Long enough for a machine that others keep busy: who is here is seen within it."""
SHORT: dict[str, Any] = {**UNHURRIED, "stage_grace_seconds": GRACE_MS / 1000}
IMPATIENT: dict[str, Any] = {**UNHURRIED, "stage_patience_seconds": 1}


@pytest.fixture
def redis() -> Iterator[RedisServer]:
    with closing(RedisServer()) as server:
        server.start()
        yield server


async def seen_ms(house: Liveroom) -> int:
    """Until when whoever was seen last is known to be on a stage."""
    async with preflight.database(house.settings.effective_database_url) as db, db.read() as connection:
        rows = (await connection.execute(select(stage_presence.c.here_until_ms))).scalars().all()
    return max(rows, default=0)


async def still_seen(house: Liveroom, since_ms: int) -> None:
    """Wait until a gateway has seen somebody after a time."""
    async with asyncio.timeout(HEAL_SECONDS):
        while await seen_ms(house) <= since_ms:
            await asyncio.sleep(0.05)


async def test_who_drops_keeps_the_place_for_a_grace_and_then_the_next_one_has_it(tmp_path: Path) -> None:
    """Four fans on stage dropped; twenty seconds later the one who was there still met STAGE_FULL."""
    async with liveroom(tmp_path, **SHORT) as house, evening(house) as show:
        cast = [await on_stage(show, f"singer-{number}") for number in range(4)]
        fan = await show.fan("mei")
        for singer in cast[1:]:
            await singer.close()
        await stage(fan, "singer-0")
        await stage(show.host, "singer-0")
        await done(fan, "cohost:request", {})
        await done(show.host, "cohost:approve", {"user": "mei"})
        await stage(cast[0], "singer-0", "mei")
        back = await (await show.enter("singer-1")).wait("welcome")
        assert back["you"]["cohost"]["state"] == "idle"


async def test_who_comes_back_within_the_grace_is_on_stage_still(tmp_path: Path) -> None:
    async with liveroom(tmp_path, **SHORT) as house, evening(house) as show:
        before = await on_stage(show, "mei")
        for _ in range(3):
            await before.close()
            before = await show.enter("mei")
        now_ms = await seen_ms(house)
        await still_seen(house, now_ms + 2 * GRACE_MS)
        assert [told["state"] for told in before.all("cohost")] == []
        assert (await denied(before, "cohost:request", {}))["state"] == "on_stage"


async def test_requests_and_invitations_end_and_all_concerned_are_told(tmp_path: Path) -> None:
    async with liveroom(tmp_path, **IMPATIENT) as house, evening(house) as show:
        asking, invited = await show.fan("mei"), await show.fan("li")
        await done(asking, "cohost:request", {})
        await done(show.host, "cohost:invite", {"user": "li"})
        mark = show.host.mark()
        for fan in (asking, invited):
            await state(fan, "idle", reason="expired")
        await show.host.wait("cohost:queue", lambda told: told["items"] == [], since=mark)
        assert (await denied(invited, "cohost:accept"))["code"] == "STAGE_STATE"
        await done(asking, "cohost:request", {})


async def test_a_place_is_given_back_when_the_gateway_of_its_holder_is_gone(tmp_path: Path, redis: RedisServer) -> None:
    """Nobody is left there to run a timer."""
    async with scene(tmp_path, redis, stage_grace_seconds=GRACE_MS / 1000) as here:
        near = await here.show.fan("li")
        await here.show.ticket("mei")
        far = await here.far_fan("mei")
        await done(far, "cohost:request", {})
        await here.show.host.wait("cohost:queue", lambda told: len(told["items"]) == 1)
        await done(here.show.host, "cohost:approve", {"user": "mei"})
        await stage(near, "mei")
        await still_seen(here.far, 0)
        mark = near.mark()
        here.far.stop.set()
        await far.gone()
        assert (await near.wait("stage", since=mark))["members"] == []
        async with asyncio.timeout(HEAL_SECONDS):
            await far.close()


async def test_a_place_is_given_back_when_its_gateway_was_killed(tmp_path: Path) -> None:
    settings = {**UNHURRIED, "stage_grace_seconds": GRACE_MS / 1000}
    async with node(tmp_path, workers=2, **settings) as running, evening(running.house, access="open") as show:
        await show.switch(cohost="everyone")
        fan = await show.fan("mei", None)
        await done(fan, "cohost:request", {})
        await done(show.host, "cohost:approve", {"user": "mei"})
        await state(fan, "on_stage")
        await still_seen(running.house, 0)
        for process in running.workers().values():
            os.kill(process, signal.SIGKILL)
        await fan.gone()
        await running.serving(2)
        async with asyncio.timeout(HEAL_SECONDS):
            while (await seen_by_a_newcomer(show))["members"]:
                await asyncio.sleep(0.1)


async def seen_by_a_newcomer(show: Evening) -> dict[str, Any]:
    """The stage as it stands."""
    newcomer = await show.enter("newcomer")
    stage_now: dict[str, Any] = (await newcomer.wait("welcome"))["stage"]
    await newcomer.close()
    return stage_now


async def test_nobody_is_taken_off_because_redis_is_away(tmp_path: Path, redis: RedisServer) -> None:
    async with scene(tmp_path, redis, stage_grace_seconds=GRACE_MS / 1000) as here:
        near = await here.show.fan("li")
        await here.show.ticket("mei")
        far = await here.far_fan("mei")
        await done(far, "cohost:request", {})
        await here.show.host.wait("cohost:queue", lambda told: len(told["items"]) == 1)
        await done(here.show.host, "cohost:approve", {"user": "mei"})
        await stage(near, "mei")
        redis.freeze()
        await near.wait("degraded", lambda told: told["since_ms"] is not None, seconds=HEAL_SECONDS)
        await still_seen(here.far, await seen_ms(here.far) + 2 * GRACE_MS)
        assert (await denied(far, "cohost:request", {}))["state"] == "on_stage"
        redis.thaw()


# ---- whom to invite ----------------------------------------------------------------------------------


async def invited(show: Evening, user: str) -> Any:
    """The answer to an invitation: the code of a refusal, or None."""
    answer = await show.host.send("cohost:invite", {"user": user})
    return None if answer["ok"] else answer["error"]["code"]


async def test_only_who_is_here_can_be_invited(tmp_path: Path) -> None:
    """198 names that never existed filled the queue, and fans were told BUSY."""
    async with liveroom(tmp_path, **UNHURRIED) as house, evening(house) as show:
        for number in range(60):
            assert await invited(show, f"nobody-{number}") == "NOT_HERE"
        left = await show.fan("left")
        await left.close()
        async with asyncio.timeout(HEAL_SECONDS):
            while (code := await invited(show, "left")) != "NOT_HERE":
                assert code is None
                await done(show.host, "cohost:remove", {"user": "left"})
        assert show.host.all("cohost:queue")[-1]["items"] == []
        fan = await show.fan("mei")
        assert await invited(show, "mei") is None
        assert (await state(fan, "invited"))["state"] == "invited"


async def test_only_who_may_accept_can_be_invited(tmp_path: Path) -> None:
    async with liveroom(tmp_path, **UNHURRIED) as house, evening(house, "doors") as show:
        foyer, fan = await show.fan("foyer", None), await show.fan("mei")
        assert await invited(show, "foyer") == "TICKET_REQUIRED"
        assert await invited(show, "host") == "NOT_HERE"  # a console cannot accept
        await show.switch(cohost="vip")
        assert await invited(show, "mei") == "TICKET_REQUIRED"
        await show.switch(cohost="off")
        assert await invited(show, "mei") == "CLOSED"
        await show.switch(cohost="ticket")
        assert await invited(show, "mei") is None
        await done(fan, "cohost:accept")
        assert foyer.all("cohost") == []


async def test_who_is_at_another_gateway_is_here(tmp_path: Path, redis: RedisServer) -> None:
    async with scene(tmp_path, redis) as here:
        await here.show.ticket("mei")
        far = await here.far_fan("mei")
        assert await invited(here.show, "nobody") == "NOT_HERE"
        assert await invited(here.show, "mei") is None
        await state(far, "invited")
        queue = await here.show.host.wait("cohost:queue", lambda told: len(told["items"]) == 1)
        assert queue["items"][0]["name"] == (await far.wait("welcome"))["you"]["name"]
        redis.freeze()
        await far.wait("degraded", lambda told: told["since_ms"] is not None, seconds=HEAL_SECONDS)
        assert await busy(here.show.host, "nobody")
        redis.thaw()


async def busy(host: Client, user: str) -> bool:
    """Whether it cannot be known now who is here, and the host is told to ask again."""
    error = await denied(host, "cohost:invite", {"user": user})
    return bool(error["code"] == "BUSY" and error["retryable"] and error["retry_after_ms"] > 0)
