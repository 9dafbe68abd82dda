"""The Redis broker keeps the port's promises on a cluster, and when a node of it is lost."""

from collections.abc import AsyncIterator, Iterator
from contextlib import closing

import pytest
from redis.asyncio import Redis
from redis.asyncio.cluster import RedisCluster as ClusterClient
from redis.crc import key_slot

from pubsub.broker import Retention
from pubsub.broker_redis import RedisBroker
from pubsub.scripts_redis import keys_of
from tests.contracts.broker_suite import BrokerSuite, Inbox, said
from tests.pubsub.test_broker_redis import SECRETS, RedisWire
from tests.pubsub.test_redis_faults import Node, Told, insist
from tests.redis_server import RedisCluster


@pytest.fixture(scope="module")
def shared() -> Iterator[RedisCluster]:
    with closing(RedisCluster()) as cluster:
        cluster.start()
        yield cluster


@pytest.fixture
def own() -> Iterator[RedisCluster]:
    with closing(RedisCluster()) as cluster:
        cluster.start()
        yield cluster


@pytest.fixture
async def wire(shared: RedisCluster) -> AsyncIterator[RedisWire]:
    client = ClusterClient(host="127.0.0.1", port=shared.nodes[0].port)
    wire = RedisWire(shared.url, client)  # type: ignore[arg-type]
    wire.here, wire.there = await wire.node(), await wire.node()
    yield wire
    await wire.here.close()
    await wire.there.close()
    await client.aclose()
    for node in shared.nodes[:3]:
        async with Redis(port=node.port) as single:
            keys = [key async for key in single.scan_iter(f"{wire.prefix}:*")]
            assert [key for key in keys if await single.pttl(key) < 0] == []


class TestRedisBrokerOnACluster(BrokerSuite):
    """The contract suite."""


async def test_a_lost_node_costs_its_own_rooms_a_told_gap_and_heals(own: RedisCluster) -> None:
    rooms = rooms_by_node(3)
    told = Told()
    broker = await RedisBroker.open(own.url, SECRETS, listener=told)
    inboxes = [Inbox() for _ in rooms]
    for room, inbox in zip(rooms, inboxes, strict=True):
        await broker.subscribe(room, inbox)
        await broker.publish(room, said("before", Retention.LONG))
    assert [inbox.ids for inbox in inboxes] == [["before"]] * 3
    own.nodes[0].kill()
    for room in reversed(rooms):
        await insist(broker, said("after", Retention.LONG), seconds=30, channel=room)
    await Node(broker, told, inboxes[0]).healed()
    assert [inbox.ids for inbox in inboxes] == [["before", "after"]] * 3
    assert len(told.gaps) == 1
    assert told.since[-1] is None
    await broker.close()


def rooms_by_node(nodes: int) -> list[str]:
    """A room on each node."""
    found: dict[int, str] = {}
    for number in range(1_000):
        room = f"room-{number}"
        found.setdefault(key_slot(keys_of("liveroom", room)[0].encode()) * nodes // 16_384, room)
    return [found[node] for node in range(nodes)]
