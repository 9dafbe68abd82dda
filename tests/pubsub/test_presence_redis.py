"""Presence in Redis keeps the port's promises."""

import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import closing

import pytest
from redis.asyncio import Redis

from auth.identity import Tier
from pubsub.broker_redis import RedisBroker
from pubsub.presence import REPORT_MS
from pubsub.presence_redis import RedisPresence
from tests.contracts.broker_suite import until
from tests.contracts.presence_suite import ROOM, PresenceSuite, online
from tests.pubsub.test_broker_redis import SECRETS
from tests.redis_server import RedisServer


@pytest.fixture
def server() -> Iterator[RedisServer]:
    with closing(RedisServer()) as server:
        server.start()
        yield server


class RedisCrowd:
    """A presence, and a clock that runs ahead when told."""

    def __init__(self, broker: RedisBroker, prefix: str) -> None:
        self.lead_ms = 0
        self.presence = RedisPresence(broker.wire, prefix=prefix, lead_ms=lambda: self.lead_ms)

    async def pass_time(self, ms: int) -> None:
        self.lead_ms += ms


@pytest.fixture
async def crowd(redis_url: str) -> AsyncIterator[RedisCrowd]:
    prefix = f"test-{uuid.uuid4().hex}"
    broker = await RedisBroker.open(redis_url, SECRETS, prefix=prefix)
    yield RedisCrowd(broker, prefix)
    await broker.close()
    async with Redis.from_url(redis_url) as client:
        keys = [key async for key in client.scan_iter(f"{prefix}:*")]
        eternal = [key for key in keys if await client.pttl(key) < 0]
        if keys:
            await client.delete(*keys)
    assert eternal == []


class TestRedisPresence(PresenceSuite):
    """The contract suite."""


async def test_a_node_counts_its_own_while_redis_is_away_and_all_again_after(server: RedisServer) -> None:
    broker = await RedisBroker.open(server.url, SECRETS)
    here, there = RedisPresence(broker.wire), RedisPresence(broker.wire)
    await here.report("a", {ROOM: {Tier.MAIN: 3}})
    await there.report("b", {ROOM: {Tier.MAIN: 4}})
    assert (await online(here, ROOM))[Tier.MAIN] == 7
    server.kill()
    assert (await online(here, ROOM))[Tier.MAIN] == 3
    await here.report("a", {ROOM: {Tier.MAIN: 2}})
    assert (await online(here, ROOM))[Tier.MAIN] == 2
    server.start()
    await until(lambda: broker.wire.reaches("any"))
    await here.report("a", {ROOM: {Tier.MAIN: 2}})
    await there.report("b", {ROOM: {Tier.MAIN: 4}})
    assert (await online(here, ROOM))[Tier.MAIN] == 6
    await broker.close()


async def test_a_dead_node_leaves_no_field_behind(crowd: RedisCrowd, redis_url: str) -> None:
    await crowd.presence.report("dead", {ROOM: {Tier.MAIN: 3}})
    await crowd.pass_time(REPORT_MS + 1)
    await online(crowd.presence, ROOM)
    async with Redis.from_url(redis_url) as client:
        assert await client.exists(f"{crowd.presence._prefix}:{{{ROOM}}}:online") == 0
