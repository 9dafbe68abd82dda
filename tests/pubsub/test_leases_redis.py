"""Leases in Redis keep the port's promises, and those about a Redis that goes away."""

import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from dataclasses import replace

import pytest
from redis.asyncio import Redis
from redis.crc import key_slot

from auth.identity import RoomId
from pubsub.broker_redis import RedisBroker
from pubsub.leases import SeatId, Verdict
from pubsub.leases_redis import RedisLeases
from tests.contracts.broker_suite import until
from tests.contracts.leases_suite import ANN, ROOM, LeasesSuite, claim, holding, lease
from tests.pubsub.test_broker_redis import SECRETS
from tests.redis_server import RedisCluster, RedisServer


@pytest.fixture
def server() -> Iterator[RedisServer]:
    with closing(RedisServer()) as server:
        server.start()
        yield server


class RedisHall:
    """One Redis, and a clock that runs ahead when told."""

    def __init__(self, broker: RedisBroker, client: Redis, prefix: str) -> None:
        self.lead_ms = 0
        self.prefix = prefix
        self._broker = broker
        self._client = client

    def node(self) -> RedisLeases:
        return RedisLeases(self._broker.wire, prefix=self.prefix, lead_ms=lambda: self.lead_ms)

    async def pass_time(self, ms: int) -> None:
        self.lead_ms += ms

    async def flush(self) -> None:
        for key in await self.keys():
            await self._client.delete(key)

    async def keys(self) -> list[bytes]:
        return [key async for key in self._client.scan_iter(f"{self.prefix}:*")]


@pytest.fixture
async def hall(redis_url: str) -> AsyncIterator[RedisHall]:
    prefix = f"test-{uuid.uuid4().hex}"
    broker = await RedisBroker.open(redis_url, SECRETS, prefix=prefix)
    async with Redis.from_url(redis_url) as client:
        hall = RedisHall(broker, client, prefix)
        yield hall
        await broker.close()
        eternal = [key for key in await hall.keys() if await client.pttl(key) < 0]
        await hall.flush()
    assert eternal == []


class TestRedisLeases(LeasesSuite):
    """The contract suite."""


async def test_all_keys_of_a_room_are_in_one_slot_of_a_cluster(hall: RedisHall) -> None:
    node = hall.node()
    for room in (ROOM, RoomId("}{"), RoomId("{}")):
        await node.hold(room, [lease("phone", seat=SeatId(name)) for name in ("ann", "{bob}", "")])
        await node.era(room)
        assert len({key_slot(node._key(room, name).encode()) for name in ("seats", "leases")}) == 1
        assert [await node.others(room, SeatId(name), "") for name in ("ann", "{bob}", "", "eve")] == [1, 1, 1, 0]
    assert len(await hall.keys()) == 3 * 2


async def test_what_was_released_leaves_no_key_behind(hall: RedisHall) -> None:
    node = hall.node()
    phone = await claim(node, lease("phone"))
    await node.release(ROOM, [phone])
    assert await hall.keys() == [node._key(ROOM, "seats").encode()]


async def test_a_renewal_costs_redis_a_few_commands_however_many_leases_are_in_it(
    hall: RedisHall, redis_url: str
) -> None:
    async def commands() -> int:
        async with Redis.from_url(redis_url) as client:
            told = await client.info("commandstats")
        return sum(stats["calls"] for name, stats in told.items() if name != "cmdstat_info")

    async def renewal(count: int) -> int:
        node, room = hall.node(), RoomId(f"{ROOM} of {count}")
        leases = [lease("phone", seat=SeatId(f"fan-{number}")) for number in range(count)]
        await node.hold(room, leases)
        before = await commands()
        await node.hold(room, leases)
        return await commands() - before

    few, many = await renewal(2), await renewal(400)
    assert many <= few + 8, "what the server's own clients do meanwhile included"


async def test_an_era_ends_with_what_was_known(hall: RedisHall) -> None:
    node = hall.node()
    before = await node.era(ROOM)
    await hall.flush()
    await claim(node, lease("phone"))  # a claim alone begins none
    after = await node.era(ROOM)
    assert None not in {before, after}
    assert before != after


async def test_while_redis_is_away_everything_is_granted_and_settled_when_it_is_back(server: RedisServer) -> None:
    brokers = [await RedisBroker.open(server.url, SECRETS) for _ in range(2)]
    here, there = (RedisLeases(broker.wire) for broker in brokers)
    era = await here.era(ROOM)
    tv = await claim(here, lease("tv"))
    server.kill()
    phone = await claim(here, lease("phone"))
    laptop = await claim(there, lease("laptop"))
    assert await here.hold(ROOM, [tv, phone]) == [Verdict(one.fence, holds=True) for one in (tv, phone)]
    assert tv.fence < phone.fence < laptop.fence
    assert await here.others(ROOM, ANN, "") == 0
    assert await here.era(ROOM) is None
    await here.release(ROOM, [lease("gone")])
    server.start()
    await until(lambda: all(broker.wire.reaches("any") for broker in brokers))
    assert await here.era(ROOM) not in {None, era}
    assert (await there.hold(ROOM, [laptop]))[0].holds
    assert await holding(here, tv, phone) == []
    assert await holding(there, replace(laptop, fence=0)) == ["laptop"]
    for broker in brokers:
        await broker.close()


async def test_an_answer_that_is_lost_changes_nothing_about_who_holds(server: RedisServer) -> None:
    broker = await RedisBroker.open(server.url, SECRETS)
    node = RedisLeases(broker.wire)
    server.freeze()
    phone = await claim(node, lease("phone"))  # Redis will do it when it thaws, and nobody will hear
    server.thaw()
    await until(lambda: broker.wire.reaches("any"))
    (verdict,) = await node.hold(ROOM, [phone])
    assert verdict.holds
    assert (await node.hold(ROOM, [lease("laptop")]))[0].ousted == (phone.holder,)
    await broker.close()


async def test_an_era_ends_when_another_server_takes_over(server: RedisServer) -> None:
    broker = await RedisBroker.open(server.url, SECRETS)
    node = RedisLeases(broker.wire)
    before = await node.era(ROOM)
    async with Redis.from_url(server.url) as client:  # its word changes as that of a replica that is made the master
        await client.execute_command("DEBUG", "CHANGE-REPL-ID")  # type: ignore[no-untyped-call]
    assert await node.era(ROOM) != before
    await broker.close()


async def test_leases_are_where_their_rooms_are_in_a_cluster() -> None:
    with closing(RedisCluster()) as cluster:
        cluster.start()
        broker = await RedisBroker.open(cluster.url, SECRETS)
        await until(lambda: broker.wire.is_up)
        node = RedisLeases(broker.wire)
        for room in (RoomId(f"room-{number}") for number in range(10)):
            assert [verdict.holds for verdict in await node.hold(room, [lease("phone"), lease("laptop")])] == [True] * 2
            assert await node.era(room) is not None
            assert await node.others(room, ANN, "") == 1
            await node.release(room, [lease("laptop")])
            assert await node.others(room, ANN, "") == 0
        await broker.close()
