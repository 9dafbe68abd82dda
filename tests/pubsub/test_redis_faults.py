"""Redis is slow, cut off, frozen, killed or emptied: nobody has a gap who was not told, and it heals by itself."""

import asyncio
import random
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from dataclasses import dataclass, field

import pytest
from redis.asyncio import Redis

from pubsub.broker import Position, Publication, Retention
from pubsub.broker_redis import RedisBroker
from pubsub.link import BrokerAwayError, Gap
from tests.contracts.broker_suite import Inbox, said, until
from tests.pubsub.test_broker_redis import SECRETS
from tests.redis_server import RedisServer, Sentinel
from tests.tcp_proxy import TcpProxy

HEAL_S = 10.0


@dataclass
class Told:
    """A listener that remembers."""

    since: list[int | None] = field(default_factory=list)
    gaps: list[Gap] = field(default_factory=list)

    def degraded(self, since_ms: int | None) -> None:
        self.since.append(since_ms)

    def gap(self, channel: str, gap: Gap) -> None:
        self.gaps.append(gap)


@dataclass
class Node:
    """A broker, what it was told, and what its one subscriber has got."""

    broker: RedisBroker
    told: Told
    inbox: Inbox

    async def healed(self) -> None:
        async with asyncio.timeout(HEAL_S):
            while self.broker.degraded_since_ms is not None:
                await asyncio.sleep(0.01)

    async def has(self, *ids: str) -> None:
        async with asyncio.timeout(HEAL_S):
            while not set(ids) <= set(self.inbox.ids):
                await asyncio.sleep(0.01)


@dataclass
class Scene:
    """A Redis that may fail, with one node beside it and one behind a line that may fail too."""

    server: RedisServer
    line: TcpProxy
    client: Redis
    near: Node
    far: Node


async def node(port: int, *, channel: str | None = "room") -> Node:
    told, inbox = Told(), Inbox()
    broker = await RedisBroker.open(f"redis://127.0.0.1:{port}/0", SECRETS, listener=told, clock_ms=lambda: 7_000)
    if channel is not None:
        await broker.subscribe(channel, inbox)
    return Node(broker, told, inbox)


async def insist(
    broker: RedisBroker, publication: Publication, *, seconds: float = HEAL_S, channel: str = "room"
) -> Position:
    """Publish as the outbox does: again and again under one id."""
    async with asyncio.timeout(seconds):
        while True:
            try:
                return await broker.publish(channel, publication)
            except BrokerAwayError:
                await asyncio.sleep(0.02)


@pytest.fixture
def server() -> Iterator[RedisServer]:
    with closing(RedisServer()) as server:
        server.start()
        yield server


@pytest.fixture
def replica(server: RedisServer) -> Iterator[RedisServer]:
    """A second server, in step with the first."""
    with closing(RedisServer(None, "--replicaof", "127.0.0.1", str(server.port))) as replica:
        replica.start()
        yield replica


@pytest.fixture
async def scene(server: RedisServer) -> AsyncIterator[Scene]:
    line = TcpProxy(server.port)
    await line.start()
    async with Redis.from_url(server.url) as client:
        near, far = await node(server.port), await node(line.port)
        yield Scene(server, line, client, near, far)
        await near.broker.close()
        await far.broker.close()
    await line.close()


def names(prefix: str, count: int) -> list[str]:
    return [f"{prefix}{number}" for number in range(count)]


async def test_cut_subscriptions_miss_nothing_that_is_kept(scene: Scene) -> None:
    ids = names("gift", 60)
    for number, name in enumerate(ids):
        if number % 20 == 10:
            await scene.client.execute_command("CLIENT", "KILL", "TYPE", "pubsub")  # type: ignore[no-untyped-call]
        await insist(scene.near.broker, said(name, Retention.LONG))
    for each in (scene.near, scene.far):
        await each.has(*ids)
        assert each.inbox.ids == ids
        await each.healed()
        assert each.told.gaps == []
        assert each.told.since[0] == 7_000
        assert each.told.since[-1] is None


async def test_what_is_never_kept_is_told_when_it_is_missed(scene: Scene) -> None:
    scene.line.blackhole()
    await scene.near.broker.publish("room", said("state", Retention.NONE))
    await scene.near.broker.publish("room", said("gift", Retention.LONG))
    scene.line.heal()
    await scene.far.has("gift")
    await scene.far.healed()
    assert scene.far.inbox.ids == ["gift"]
    (gap,) = scene.far.told.gaps
    assert (gap.until.offset - gap.after.offset, gap.long_complete) == (2, True)


async def test_a_half_open_line_is_noticed_and_everything_kept_comes_late(scene: Scene) -> None:
    await scene.near.broker.publish("room", said("before"))
    await scene.far.has("before")
    scene.line.blackhole()
    await until(lambda: scene.far.broker.degraded_since_ms is not None)
    assert not scene.far.inbox.ids[1:]
    ids = names("said", 30)
    for name in ids:
        await scene.near.broker.publish("room", said(name))
    with pytest.raises(BrokerAwayError):
        await scene.far.broker.publish("room", said("lost"))
    scene.line.heal()
    await scene.far.healed()
    assert scene.far.inbox.ids == ["before", *ids]
    assert scene.far.told.gaps == []
    assert scene.near.told.since == []


async def test_a_pause_delays_and_doubles_nothing(scene: Scene) -> None:
    await scene.client.client_pause(1_500)
    ids = names("gift", 5)
    for name in ids:
        await insist(scene.far.broker, said(name, Retention.LONG))
    for each in (scene.near, scene.far):
        await each.has(*ids)
        await each.healed()
        assert each.inbox.ids == ids
        assert each.told.gaps == []


async def test_a_busy_server_delays_and_doubles_nothing(scene: Scene) -> None:
    sleeping = asyncio.create_task(scene.client.execute_command("DEBUG", "SLEEP", "1.5"))  # type: ignore[no-untyped-call]
    ids = names("gift", 5)
    for name in ids:
        await insist(scene.near.broker, said(name, Retention.LONG))
    await sleeping
    for each in (scene.near, scene.far):
        await each.has(*ids)
        await each.healed()
        assert each.inbox.ids == ids
        assert each.told.gaps == []


async def test_a_frozen_server_raises_soon_and_delivers_once_after_all(scene: Scene) -> None:
    scene.server.freeze()
    with pytest.raises(BrokerAwayError):
        await scene.near.broker.publish("room", said("gift", Retention.LONG))
    scene.server.thaw()
    await insist(scene.near.broker, said("gift", Retention.LONG))
    await insist(scene.near.broker, said("last", Retention.LONG))
    for each in (scene.near, scene.far):
        await each.has("gift", "last")
        assert each.inbox.ids == ["gift", "last"]


async def test_a_killed_server_comes_back_empty_and_everybody_is_told(scene: Scene) -> None:
    before = await scene.near.broker.publish("room", said("before", Retention.LONG))
    await scene.far.has("before")
    scene.server.kill()
    with pytest.raises(BrokerAwayError):
        await scene.near.broker.publish("room", said("after", Retention.LONG))
    scene.server.start()
    after = await insist(scene.near.broker, said("after", Retention.LONG))
    assert after.epoch != before.epoch
    for each in (scene.near, scene.far):
        await each.healed()
        await each.has("after")
        assert each.inbox.ids == ["before", "after"]
        assert [gap.long_complete for gap in each.told.gaps] == [False]
    recovery = await scene.far.broker.recover("room", before)
    assert not recovery.long_complete


async def test_an_emptied_server_starts_a_new_epoch_and_everybody_is_told(scene: Scene) -> None:
    before = await scene.near.broker.publish("room", said("before"))
    await scene.far.has("before")
    await scene.client.flushall()
    after = await scene.near.broker.publish("room", said("after"))
    assert scene.near.inbox.ids == ["before", "after"], "delivered here before publish returned, as ever"
    assert (after.epoch != before.epoch, after.offset) == (True, 1)
    await scene.far.has("after")
    for each in (scene.near, scene.far):
        assert len(each.told.gaps) == 1
        assert each.told.since == []


async def test_a_failover_that_lost_writes_starts_a_new_epoch(scene: Scene, replica: RedisServer) -> None:
    async with Redis.from_url(replica.url) as client:
        async with asyncio.timeout(HEAL_S):
            while (await client.info("replication"))["master_link_status"] != "up":
                await asyncio.sleep(0.02)
        await scene.near.broker.publish("room", said("kept", Retention.LONG))
        await scene.far.has("kept")
        scene.far.told.gaps.clear()  # a server's replication id changes with its first replica too
        async with asyncio.timeout(HEAL_S):
            while not await client.keys("liveroom:{room}:long"):
                await asyncio.sleep(0.02)
        await client.execute_command("REPLICAOF", "NO", "ONE")  # type: ignore[no-untyped-call]
    lost = [await scene.near.broker.publish("room", said(name, Retention.LONG)) for name in names("lost", 3)][-1]
    await scene.far.has("lost2")
    scene.line.upstream_port = replica.port
    scene.line.reset()
    # whoever publishes now knows nothing of the offsets that are counted again
    newcomer = await node(replica.port, channel=None)
    places = [await insist(newcomer.broker, said(name, Retention.LONG)) for name in names("new", 4)]
    await newcomer.broker.close()
    await scene.far.has(*names("new", 4))
    assert lost.epoch not in {place.epoch for place in places}
    await scene.far.healed()
    assert scene.far.inbox.ids == ["kept", *names("lost", 3), *names("new", 4)]
    assert len(scene.far.told.gaps) == 1
    recovery = await scene.far.broker.recover("room", lost)
    assert recovery.deliveries == ()
    assert not recovery.long_complete


@pytest.fixture
def sentinel(server: RedisServer) -> Iterator[Sentinel]:
    with closing(Sentinel(server.port)) as sentinel:
        sentinel.start()
        yield sentinel


async def test_sentinels_lead_to_the_new_master(server: RedisServer, replica: RedisServer, sentinel: Sentinel) -> None:
    async with Redis.from_url(replica.url) as client, Redis.from_url(sentinel.url) as watch:
        async with asyncio.timeout(HEAL_S):
            while (await client.info("replication"))["master_link_status"] != "up":
                await asyncio.sleep(0.02)
            while not await watch.execute_command("SENTINEL", "REPLICAS", "show"):  # type: ignore[no-untyped-call]
                await asyncio.sleep(0.02)
    told, inbox = Told(), Inbox()
    url = f"redis+sentinel://127.0.0.1:1,127.0.0.1:{sentinel.port}/show"
    broker = await RedisBroker.open(url, SECRETS, listener=told)
    await broker.subscribe("room", inbox)
    before = await broker.publish("room", said("before", Retention.LONG))
    server.kill()
    after = await insist(broker, said("after", Retention.LONG), seconds=30)
    assert after.epoch != before.epoch
    assert inbox.ids == ["before", "after"]
    assert len(told.gaps) == 1
    await Node(broker, told, inbox).healed()
    await broker.close()


@pytest.mark.parametrize("url", ["redis+sentinel://127.0.0.1:26379", "redis+sentinel:///show", "amqp://127.0.0.1"])
def test_an_address_that_names_no_redis_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match=r"address|URL"):
        RedisBroker(url, SECRETS)


async def test_posts_stay_on_the_node_while_redis_is_away_and_say_so(scene: Scene) -> None:
    scene.server.kill()
    with pytest.raises(BrokerAwayError):
        await scene.near.broker.publish("room", said("gift", Retention.LONG))
    for name in names("post", 3):
        scene.near.broker.post("room", said(name))
    assert scene.near.inbox.ids == names("post", 3), "at once, and in order"
    assert all(delivery.degraded for delivery in scene.near.inbox.deliveries)
    scene.server.start()
    await scene.near.healed()
    scene.near.broker.post("room", said("late"))
    await scene.near.has("late")
    assert not scene.near.inbox.deliveries[-1].degraded
    await scene.far.has("late")
    assert scene.far.inbox.ids == ["late"]


async def test_a_post_that_redis_took_after_all_is_not_delivered_twice(scene: Scene) -> None:
    scene.server.freeze()
    scene.near.broker.post("room", said("post"))
    await scene.near.has("post")
    assert scene.near.inbox.deliveries[0].degraded
    scene.server.thaw()
    await scene.far.has("post")
    await insist(scene.near.broker, said("last"))
    await scene.far.has("last")
    assert scene.near.inbox.ids == scene.far.inbox.ids == ["post", "last"]


async def test_a_node_may_start_and_subscribe_while_redis_is_away(server: RedisServer) -> None:
    server.kill()
    alone = await node(server.port)
    assert alone.told.since == [7_000]
    assert (await alone.broker.position("room")).offset == 0
    recovery = await alone.broker.recover("room", Position("e", 3))
    assert not recovery.short_complete
    server.start()
    await alone.healed()
    assert len(alone.told.gaps) == 1
    await alone.broker.publish("room", said("a"))
    assert alone.inbox.ids == ["a"]
    await alone.broker.close()


async def test_a_channel_left_while_redis_is_away_is_not_waited_for(scene: Scene) -> None:
    subscription = await scene.near.broker.subscribe("other", Inbox())
    scene.server.kill()
    await until(lambda: scene.near.broker.degraded_since_ms is not None)
    await subscription.close()
    scene.server.start()
    await scene.near.healed()
    await insist(scene.near.broker, said("a"))
    assert scene.near.inbox.ids == ["a"]


async def test_the_lag_of_the_wire_is_measured(scene: Scene) -> None:
    await until(lambda: scene.far.broker.wire.lag_s > 0)
    assert scene.far.broker.wire.lag_s < HEAL_S


async def test_a_fault_of_ours_silences_no_room_for_good(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object) -> None:
        raise KeyError("a mistake")

    with monkeypatch.context() as mistaken:
        mistaken.setattr(scene.near.broker._publisher, "_place", broken)
        with pytest.raises(BrokerAwayError):
            await scene.near.broker.publish("room", said("gift", Retention.LONG))
    await insist(scene.near.broker, said("gift", Retention.LONG))
    assert scene.near.inbox.ids == ["gift"]
    assert "a mistake" in caplog.text


async def test_closing_while_redis_is_away_lets_nobody_wait(scene: Scene) -> None:
    scene.server.freeze()
    waiting = asyncio.create_task(scene.near.broker.publish("room", said("a")))
    await asyncio.sleep(0)
    await scene.near.broker.close()
    with pytest.raises(BrokerAwayError):
        await waiting
    scene.server.thaw()


@pytest.mark.parametrize("seed", range(3))
async def test_whatever_happens_order_holds_and_what_is_missing_was_told(scene: Scene, seed: int) -> None:
    dice = random.Random(seed)  # noqa: S311 - a seeded mishap, not a secret
    nodes = (scene.near, scene.far)
    must: list[str] = []
    posted: dict[str, list[str]] = {"near": [], "far": []}

    async def speak(each: Node, speaker: str) -> None:
        for number in range(60):
            retention = dice.choice(list(Retention))
            name = f"{speaker}{number}-{retention}"
            if dice.random() < 0.5:
                each.broker.post("room", said(name, retention))
                posted[speaker].append(name)
            else:
                await insist(each.broker, said(name, retention))
                must.append(name)
            await asyncio.sleep(dice.random() * 0.03)

    async def harm() -> None:
        for _ in range(8):
            await asyncio.sleep(dice.random() * 0.3)
            match dice.randrange(4):
                case 0:
                    await scene.client.execute_command("CLIENT", "KILL", "TYPE", "pubsub")  # type: ignore[no-untyped-call]
                case 1:
                    scene.line.reset()
                case 2:
                    await scene.client.execute_command("CLIENT", "KILL", "TYPE", "normal")  # type: ignore[no-untyped-call]
                case _:
                    await scene.client.client_pause(100)

    await asyncio.gather(speak(scene.near, "near"), speak(scene.far, "far"), harm())
    await insist(scene.near.broker, said("last", Retention.LONG))
    for each, own in zip(nodes, posted.values(), strict=True):
        await each.has("last", *own)  # a node hears its own posts, with Redis or without
        await each.healed()
        placed = [delivery for delivery in each.inbox.deliveries if not delivery.degraded]
        assert len(set(each.inbox.ids)) == len(each.inbox.ids), "nothing comes twice"
        assert [delivery.position.offset for delivery in placed] == sorted(
            delivery.position.offset for delivery in placed
        )
        kept = {name for name in must if not name.endswith("none")}
        assert kept <= set(each.inbox.ids), "what is kept was recovered"
        if not set(must) <= set(each.inbox.ids):
            assert each.told.gaps
