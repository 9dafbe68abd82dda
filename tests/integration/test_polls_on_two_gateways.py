"""One poll on two gateways, Redis between them."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.integration.evening import done
from tests.integration.test_polls import ENCORE, counted
from tests.integration.test_two_gateways import healed, scene
from tests.redis_server import RedisServer

pytestmark = pytest.mark.asyncio


@pytest.fixture
def redis() -> Iterator[RedisServer]:
    with closing(RedisServer()) as server:
        server.start()
        yield server


async def test_votes_at_two_gateways_are_one_count_and_nobody_has_two(tmp_path: Path, redis: RedisServer) -> None:
    async with scene(tmp_path, redis) as here:
        near = await here.show.fan("li")
        await here.show.ticket("mei")
        far, again = await here.far_fan("mei", device="phone"), await here.show.enter("mei", device="phone")
        poll = (await done(here.show.host, "poll:ask", ENCORE))["id"]
        await done(near, "poll:vote", {"poll": poll, "option": 0})
        await done(again, "poll:vote", {"poll": poll, "option": 0})
        for socket in (near, again):
            await counted(socket, 2, 0)
        await done(again, "poll:vote", {"poll": poll, "option": 1})
        await counted(near, 1, 1)
        assert far is not again


async def test_what_was_voted_while_redis_was_away_is_seen_after_it(tmp_path: Path, redis: RedisServer) -> None:
    async with scene(tmp_path, redis) as here:
        near = await here.show.fan("li")
        await here.show.ticket("mei")
        far = await here.far_fan("mei")
        poll = (await done(here.show.host, "poll:ask", ENCORE))["id"]
        await counted(far, 0, 0)
        redis.kill()
        await near.wait("degraded", lambda told: told["since_ms"] is not None, seconds=15)
        await done(near, "poll:vote", {"poll": poll, "option": 1})
        redis.start()
        await healed(near, far)
        await counted(far, 0, 1)
