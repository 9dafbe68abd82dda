"""The Redis broker keeps the port's promises, and leaves nothing behind."""

import struct
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from redis.asyncio import Redis

from pubsub import broker_redis
from pubsub.broker import DEDUPE_MS, Broker, Publication, Retention
from pubsub.broker_redis import RedisBroker
from pubsub.envelope import CLOCK_TOLERANCE_MS
from pubsub.scripts_redis import keys_of
from tests.contracts.broker_suite import BrokerSuite, Inbox, flush, said

SECRETS = [b"a secret of the wire, for tests only"]


@dataclass
class RedisWire:
    """Two nodes on one Redis, and a clock that runs ahead when told."""

    url: str
    client: Redis
    short_ms: int = 60_000
    short_bytes: int = 400
    long_ms: int = 240_000
    long_bytes: int = 1_600
    lead_ms: int = 0
    prefix: str = field(default_factory=lambda: f"test-{uuid.uuid4().hex}")
    here: Broker = field(init=False)
    there: Broker = field(init=False)

    async def node(self, secrets: list[bytes] = SECRETS) -> RedisBroker:
        return await RedisBroker.open(
            self.url,
            secrets,
            prefix=self.prefix,
            short_ms=self.short_ms,
            short_bytes=self.short_bytes,
            long_ms=self.long_ms,
            long_bytes=self.long_bytes,
            lead_ms=lambda: self.lead_ms,
        )

    async def speak(self, channel: str, message: bytes) -> None:
        """Publish whatever anybody could who can write to this Redis."""
        await self.client.eval(
            "return redis.call('SPUBLISH', KEYS[1], ARGV[1])", 1, keys_of(self.prefix, channel)[-1], message
        )

    async def kept(self, channel: str) -> bytes:
        """The newest envelope of a short history, as anybody can read it who can read this Redis."""
        newest: Any = await self.client.xrevrange(keys_of(self.prefix, channel)[1], count=1)
        envelope: bytes = newest[0][1][b"e"]
        return envelope

    async def pass_time(self, ms: int) -> None:
        self.lead_ms += ms

    async def lose_history(self, channel: str) -> None:
        await self.client.delete(*keys_of(self.prefix, channel))


@pytest.fixture
async def wire(redis_url: str) -> AsyncIterator[RedisWire]:
    async with Redis.from_url(redis_url) as client:
        wire = RedisWire(redis_url, client)
        wire.here, wire.there = await wire.node(), await wire.node()
        yield wire
        await wire.here.close()
        await wire.there.close()
        keys = [key async for key in client.scan_iter(f"{wire.prefix}:*")]
        eternal = [key for key in keys if await client.pttl(key) < 0]
        if keys:
            await client.delete(*keys)
    assert eternal == []


class TestRedisBroker(BrokerSuite):
    """The contract suite."""


async def test_an_id_is_forgotten_after_the_dedupe_window(wire: RedisWire) -> None:
    await wire.here.publish("room", said("once", Retention.NONE))
    await wire.pass_time(DEDUPE_MS - 1_000)
    assert (await wire.there.publish("room", said("once", Retention.NONE))).offset == 1
    await wire.pass_time(1_001)
    assert (await wire.here.publish("room", said("once", Retention.NONE))).offset == 2


async def test_posts_keep_their_order_and_come_in_few_batches(wire: RedisWire) -> None:
    inbox = Inbox()
    await wire.there.subscribe("room", inbox)
    before = await _scripts_run(wire)
    names = [f"p{number}" for number in range(400)]
    for name in names:
        wire.here.post("room", said(name))
    await inbox.until(400)
    assert inbox.ids == names
    assert inbox.offsets == list(range(1, 401))
    assert await _scripts_run(wire) - before <= 4


async def test_commands_do_not_grow_with_subscribers(wire: RedisWire) -> None:
    counts = []
    for subscribers in (1, 200):
        inboxes = [Inbox() for _ in range(subscribers)]
        for inbox in inboxes:
            await wire.there.subscribe(f"room-{subscribers}", inbox)
        before = await _commands_run(wire)
        for number in range(10):
            await wire.here.publish(f"room-{subscribers}", said(f"p{number}"))
        for inbox in inboxes:
            await inbox.until(10)
        counts.append(await _commands_run(wire) - before)
    assert counts[1] <= counts[0] + 3  # a probe may fall in between


async def test_another_replication_id_starts_a_new_epoch_that_remembers_ids(wire: RedisWire) -> None:
    # what a replica that was promoted looks like: it has the keys, and an id of its own
    before = await wire.here.publish("room", said("once"))
    await wire.client.hset(keys_of(wire.prefix, "room")[0], "r", "0" * 40)
    assert await wire.here.publish("room", said("once")) == before
    after = await wire.here.publish("room", said("other"))
    assert after.epoch != before.epoch
    assert after.offset == 1
    recovery = await wire.there.recover("room", before)
    assert not recovery.long_complete


async def test_a_count_behind_what_was_seen_starts_a_new_epoch(wire: RedisWire) -> None:
    before = [await wire.here.publish("room", said(f"p{number}")) for number in range(3)][-1]
    await wire.client.hset(keys_of(wire.prefix, "room")[0], "o", "1")
    assert (await wire.here.position("room")).epoch != before.epoch


async def test_a_stream_that_was_evicted_makes_recovery_incomplete(wire: RedisWire) -> None:
    start = await wire.here.position("room")
    await wire.here.publish("room", said("gift", Retention.LONG))
    await wire.client.delete(keys_of(wire.prefix, "room")[2])
    await wire.here.publish("room", said("later", Retention.LONG))
    recovery = await wire.here.recover("room", start)
    assert [delivery.publication.id for delivery in recovery.deliveries] == ["later"]
    assert not recovery.long_complete
    assert recovery.short_complete


async def test_a_burst_that_grew_old_is_trimmed_to_the_entry(wire: RedisWire) -> None:
    start = await wire.here.position("room")
    for half in range(2):
        for number in range(37):
            await wire.here.publish("room", said(f"{half}-{number}"))
        await wire.pass_time(wire.short_ms // 2 + 1)
    recovery = await wire.here.recover("room", start)
    assert [delivery.publication.id for delivery in recovery.deliveries] == [f"1-{number}" for number in range(37)]
    assert not recovery.short_complete


async def test_a_long_history_is_recovered_page_by_page_in_order(
    wire: RedisWire, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(broker_redis, "PAGE", 5)
    start = await wire.here.position("room")
    names = [f"p{number}" for number in range(40)]
    for number, name in enumerate(names):
        await wire.here.publish("room", said(name, Retention.LONG if number % 7 == 3 else Retention.SHORT))
    recovery = await wire.here.recover("room", start)
    assert [delivery.publication.id for delivery in recovery.deliveries] == names
    assert [delivery.position.offset for delivery in recovery.deliveries] == list(range(1, 41))
    assert recovery.short_complete
    assert recovery.long_complete


@pytest.mark.parametrize("message", [b"", b"hello", b"\xff" * 40, b"\x00\x01e\x00\x00\x00\x01\x00\x00\x00\x05hello"])
async def test_foreign_messages_are_ignored(wire: RedisWire, message: bytes) -> None:
    inbox = Inbox()
    await wire.there.subscribe("room", inbox)
    await wire.speak("room", message)
    await wire.here.publish("room", said("a"))
    await inbox.until(1)
    assert inbox.ids == ["a"]
    assert inbox.offsets == [1]


async def test_who_has_another_secret_is_not_heard_live_nor_from_the_history(wire: RedisWire) -> None:
    inbox = Inbox()
    await wire.there.subscribe("room", inbox)
    start = await wire.here.position("room")
    forger = await wire.node([b"a secret that was made up by somebody"])
    await forger.publish("room", said("forged", Retention.LONG))
    await forger.close()
    await wire.here.publish("room", said("true"))
    await inbox.until(1)
    assert inbox.ids == ["true"]
    recovery = await wire.here.recover("room", start)
    assert [delivery.publication.id for delivery in recovery.deliveries] == ["true"]
    assert not recovery.long_complete


async def test_an_envelope_replayed_at_an_invented_place_is_not_delivered(wire: RedisWire) -> None:
    inbox, node = Inbox(), await wire.node()
    await node.subscribe("room", inbox)
    position = await wire.here.publish("room", said("a"))
    envelope = await wire.kept("room")
    # once right where the next one belongs, which must not lose its place to it
    for epoch, offset in ((position.epoch, 2), (position.epoch, 9), ("elsewhere", 1)):
        await wire.speak("room", _packed(epoch, offset, envelope))
    await wire.here.publish("room", said("b"))
    await inbox.until(2)
    assert not node._channels["room"].order.is_behind
    await flush(wire, "room", inbox)
    assert inbox.ids[:2] == ["a", "b"]
    assert inbox.offsets == [1, 2, 3]
    await node.close()


async def test_an_own_envelope_played_back_is_not_delivered(wire: RedisWire) -> None:
    inbox = Inbox()
    await wire.here.subscribe("room", inbox)
    position = await wire.here.publish("room", said("a"))
    envelope = await wire.kept("room")
    await wire.speak("room", _packed(position.epoch, 2, envelope))
    await wire.there.publish("room", said("b"))
    await inbox.until(2)
    assert (inbox.ids, inbox.offsets) == (["a", "b"], [1, 2])


async def test_an_envelope_older_than_the_history_is_refused_by_a_node_that_has_just_started(wire: RedisWire) -> None:
    position = await wire.here.publish("room", said("a"))
    envelope = await wire.kept("room")
    await wire.pass_time(wire.short_ms + CLOCK_TOLERANCE_MS + 1)
    inbox, node = Inbox(), await wire.node()
    await node.subscribe("room", inbox)
    await wire.speak("room", _packed(position.epoch, 2, envelope))
    await wire.here.publish("room", said("b"))
    await inbox.until(1)
    assert (inbox.ids, inbox.offsets) == (["b"], [2])
    await node.close()


async def test_what_was_committed_long_ago_and_published_now_is_heard(wire: RedisWire) -> None:
    # `said` was at a time decades ago: what counts is when it was sealed
    inbox = Inbox()
    await wire.there.subscribe("room", inbox)
    await wire.here.publish("room", Publication("late", b"x", Retention.NONE, 1_000))
    await inbox.until(1)


async def test_what_was_written_into_the_history_a_second_time_is_recovered_once(wire: RedisWire) -> None:
    start = await wire.here.position("room")
    await wire.here.publish("room", said("a", Retention.LONG))
    position = await wire.here.publish("room", said("b", Retention.LONG))
    key = keys_of(wire.prefix, "room")[2]
    entries: Any = await wire.client.xrange(key)
    await wire.client.xadd(key, entries[0][1], id=f"{position.offset + 1}-0")
    await wire.client.hset(keys_of(wire.prefix, "room")[0], "o", str(position.offset + 1))
    recovery = await wire.here.recover("room", start)
    assert [delivery.publication.id for delivery in recovery.deliveries] == ["a", "b"]


def _packed(epoch: str, offset: int, envelope: bytes) -> bytes:
    return struct.pack(">H", len(epoch)) + epoch.encode() + struct.pack(">II", offset, len(envelope)) + envelope


async def test_a_secret_may_be_replaced_while_nodes_run(wire: RedisWire) -> None:
    inbox = Inbox()
    new = b"the secret that is to replace the first"
    both = await wire.node([new, *SECRETS])
    last = await wire.node([*SECRETS, new])
    await last.subscribe("room", inbox)
    await both.publish("room", said("new"))
    await wire.here.publish("room", said("old"))
    await inbox.until(2)
    assert inbox.ids == ["new", "old"]
    await both.close()
    await last.close()


async def test_a_room_left_and_entered_again_is_heard(wire: RedisWire) -> None:
    for name in ("p0", "p1", "p2"):
        inbox = Inbox()
        subscription = await wire.there.subscribe("room", inbox)
        await wire.here.publish("room", said(name))
        await inbox.until(1)
        assert inbox.ids == [name]
        await subscription.close()


async def test_a_closed_broker_refuses_work(wire: RedisWire) -> None:
    await wire.here.close()
    with pytest.raises(RuntimeError):
        await wire.here.publish("room", said("a"))


async def _scripts_run(wire: RedisWire) -> int:
    stats = await wire.client.info("commandstats")
    return sum(int(stats.get(f"cmdstat_{name}", {}).get("calls", 0)) for name in ("eval", "evalsha"))


async def _commands_run(wire: RedisWire) -> int:
    return int((await wire.client.info("stats"))["total_commands_processed"])
