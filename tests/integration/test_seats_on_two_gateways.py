"""The seat of a ticket among two gateways: the newest device wins wherever it is, and nobody is sent away in doubt."""

import asyncio
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis

from tests.integration.clients import client
from tests.integration.running import Liveroom
from tests.integration.test_recovery import say
from tests.integration.test_two_gateways import HEAL_SECONDS, Scene, scene
from tests.redis_server import RedisServer

pytestmark = pytest.mark.asyncio


@pytest.fixture
def redis() -> Iterator[RedisServer]:
    with closing(RedisServer()) as server:
        server.start()
        yield server


SEAT_TAKEN = {"code": "SEAT_TAKEN", "retryable": False}


async def leased(redis: RedisServer) -> None:
    """The seat of the fan is known to Redis, for a time."""
    async with asyncio.timeout(HEAL_SECONDS), Redis(port=redis.port) as store:
        while not (keys := [key for key in await store.keys("liveroom:*:leases") if await store.hexists(key, "fan")]):
            await asyncio.sleep(0.02)
        assert [await store.pttl(key) > 0 for key in keys] == [True]


async def asked(here: Scene, gateway: Liveroom) -> Any:
    """What a third device is refused with that asks first."""
    async with client(gateway.url) as tablet:
        token = here.show.token("fan")
        return await tablet.refused(token=token, room=here.show.room, device="tablet", takeover="ask")


async def test_the_newest_device_wins_at_whichever_gateway_it_comes_in(tmp_path: Path, redis: RedisServer) -> None:
    async with scene(tmp_path, redis) as here:
        phone = await here.show.fan("fan", device="phone")
        await leased(redis)
        assert await asked(here, here.far) == SEAT_TAKEN | {"devices": 1}
        laptop = await here.far_fan("fan", device="laptop")
        assert await phone.wait("bye") == SEAT_TAKEN
        again = await here.show.enter("fan", device="phone", takeover="yes")
        assert await laptop.wait("bye") == SEAT_TAKEN
        await say(again, "back on the phone")


async def test_a_device_that_moves_to_another_gateway_is_not_asked_and_ends_at_the_first(
    tmp_path: Path, redis: RedisServer
) -> None:
    async with scene(tmp_path, redis) as here:
        before = await here.show.fan("fan", device="phone", takeover="ask")
        await leased(redis)
        after = await here.far_fan("fan", device="phone", takeover="ask")
        assert await before.wait("bye") == SEAT_TAKEN
        await say(after, "still the same phone")


async def test_while_redis_is_away_nobody_is_refused_or_sent_away_and_after_it_the_newest_stays(
    tmp_path: Path, redis: RedisServer
) -> None:
    async with scene(tmp_path, redis) as here:
        phone = await here.show.fan("fan", device="phone")
        await leased(redis)
        redis.kill()
        laptop = await here.far_fan("fan", device="laptop", takeover="ask")
        await laptop.wait("welcome")
        for fan in (phone, laptop):
            assert fan.all("bye") == []
        redis.start()
        assert await phone.wait("bye", seconds=HEAL_SECONDS) == SEAT_TAKEN
        await leased(redis)
        assert laptop.all("bye") == []


async def test_after_redis_lost_everything_every_seat_is_taken_again(tmp_path: Path, redis: RedisServer) -> None:
    async with scene(tmp_path, redis) as here:
        near = await here.show.fan("fan", device="phone")
        far = await here.far_fan("fan", device="phone2", takeover="yes")
        assert await near.wait("bye") == SEAT_TAKEN
        async with Redis(port=redis.port) as store:
            await store.flushall()
        await leased(redis)
        assert await asked(here, here.show.house) == SEAT_TAKEN | {"devices": 1}
        assert far.all("bye") == []
