"""What is said while the wire is away is heard at one gateway alone, and nobody at another takes that for silence."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.integration.clients import Client
from tests.integration.test_recovery import cursor, say
from tests.integration.test_two_gateways import HEAL_SECONDS, Scene, healed, scene
from tests.redis_server import RedisServer
from tests.tcp_proxy import TcpProxy

pytestmark = pytest.mark.asyncio


@pytest.fixture
def redis() -> Iterator[RedisServer]:
    with closing(RedisServer()) as server:
        server.start()
        yield server


@pytest.fixture
async def line(redis: RedisServer) -> AsyncIterator[TcpProxy]:
    """Cut without harm to Redis: it forgets nothing, and its history looks whole afterwards."""
    proxy = TcpProxy(redis.port)
    await proxy.start()
    yield proxy
    await proxy.close()


async def test_who_missed_what_was_said_elsewhere_is_told_though_redis_has_kept_all_it_knew(
    redis: RedisServer, tmp_path: Path
) -> None:
    """Once a Redis that froze for seconds came back with its whole history, and fans were told that they had it."""
    async with scene(tmp_path, redis) as here:
        near, far, left = await _three(here)
        redis.freeze()
        for fan in (near, far):
            await fan.wait("degraded", lambda told: told["since_ms"] is not None, seconds=HEAL_SECONDS)
        [unheard] = await say(near, "heard here alone")
        await near.wait("danmaku", lambda told: told["items"][-1]["id"] == unheard)
        redis.thaw()
        await healed(near, far)
        await _is_told(far)
        assert unheard not in [item["id"] for told in far.all("danmaku") for item in told["items"]]
        # who was away meanwhile is told too, wherever they come back
        back = await here.far_fan("wang", cursor=left)
        welcome = await back.wait("welcome")
        assert (welcome["recovered"], welcome["danmaku_truncated"]) == (True, True)


async def test_a_gateway_that_was_never_cut_off_tells_what_the_other_said_alone(
    redis: RedisServer, line: TcpProxy, tmp_path: Path
) -> None:
    """Once the first gateway to find Redis again told its fans that all was well, while the other still spoke alone."""
    async with scene(tmp_path, redis, each=[{"redis_url": f"redis://127.0.0.1:{line.port}/0"}]) as here:
        near, far, _ = await _three(here)
        line.blackhole()
        await near.wait("degraded", lambda told: told["since_ms"] is not None, seconds=HEAL_SECONDS)
        await say(near, "heard here alone")
        line.heal()
        await healed(near)
        await _is_told(far)
        assert far.all("degraded") == []
        # nobody is told twice, and those who heard it not at all
        assert [told["danmaku_truncated"] for told in far.all("welcome")] == [False, True]
        [after] = await say(near, "heard by all again")
        await far.wait("danmaku", lambda told: told["items"][-1]["id"] == after, seconds=HEAL_SECONDS)


async def _three(here: Scene) -> tuple[Client, Client, str]:
    """A fan at either gateway, and the cursor of one who has left."""
    near = await here.show.fan("li")
    for user in ("mei", "wang"):
        await here.show.ticket(user)
    far = await here.far_fan("mei")
    away = await here.far_fan("wang")
    [first] = await say(near, "heard by all")
    async with asyncio.timeout(HEAL_SECONDS):
        for fan in (far, away):
            await fan.wait("danmaku", lambda told: told["items"][-1]["id"] == first)
    left = cursor(away)
    await away.close()
    return near, far, left


async def _is_told(fan: Client) -> None:
    anew = await fan.wait("welcome", lambda told: told["danmaku_truncated"], seconds=HEAL_SECONDS)
    assert anew["recovered"]
