"""What every broker adapter must keep. An adapter's test file inherits `BrokerSuite` and provides `wire`.

Nothing here assumes that publisher and subscriber share a process: deliveries are awaited by polling.
"""

import asyncio
import time
from collections.abc import Callable
from typing import Protocol

import pytest

from pubsub.broker import Broker, Delivery, Position, Publication, Retention

DEADLINE_S = 5.0


class Wire(Protocol):
    """One adapter under test, bounded small so that the bounds can be met."""

    here: Broker
    there: Broker
    """A second gateway's broker on the same wire; may be the same object where there is only one process."""
    short_ms: int
    short_bytes: int
    long_ms: int
    long_bytes: int
    """Room for at least four times `short_bytes`; `long_ms` is longer than `short_ms`."""

    async def pass_time(self, ms: int) -> None:
        """Let what is kept grow older by `ms`."""
        ...

    async def lose_history(self, channel: str) -> None:
        """Make the channel forget where it stood, as a crash of the wire would."""
        ...


class Inbox:
    """Collects deliveries, from any number of channels."""

    def __init__(self) -> None:
        self.deliveries: list[Delivery] = []

    def __call__(self, delivery: Delivery) -> None:
        self.deliveries.append(delivery)

    @property
    def ids(self) -> list[str]:
        return [delivery.publication.id for delivery in self.deliveries]

    @property
    def offsets(self) -> list[int]:
        return [delivery.position.offset for delivery in self.deliveries]

    async def until(self, count: int) -> None:
        await until(lambda: len(self.deliveries) >= count)


async def until(condition: Callable[[], bool]) -> None:
    """Poll a condition with a deadline."""
    deadline = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < deadline, "nothing happened before the deadline"
        await asyncio.sleep(0.005)


def said(name: str, retention: Retention = Retention.SHORT, body: bytes = b"x") -> Publication:
    return Publication(name, body, retention, 1_000)


async def flush(wire: Wire, channel: str, *inboxes: Inbox) -> None:
    """Publish a last word and wait for it: whatever was to come before it has come."""
    last = f"flush-{time.monotonic_ns()}"
    await wire.here.publish(channel, said(last, Retention.NONE))
    await until(lambda: all(last in inbox.ids for inbox in inboxes))


class BrokerSuite:
    """The tests; each uses a channel of its own name so that adapters may share a server."""

    async def test_a_raising_subscriber_does_not_cost_the_others_the_publication(
        self, wire: Wire, caplog: pytest.LogCaptureFixture
    ) -> None:
        def broken(delivery: Delivery) -> None:
            raise ValueError(delivery.publication.id)

        inbox = Inbox()
        await wire.here.subscribe("room", broken)
        await wire.here.subscribe("room", inbox)
        await wire.here.publish("room", said("a"))
        assert inbox.ids == ["a"]
        assert "broke its promise" in caplog.text

    async def test_what_is_posted_arrives_once_in_the_order_of_the_calls_and_is_kept(self, wire: Wire) -> None:
        here, there = Inbox(), Inbox()
        await wire.here.subscribe("posted", here)
        await wire.there.subscribe("posted", there)
        before = await wire.here.position("posted")
        names = [f"posted-{number}" for number in range(20)]
        for name in names:
            wire.here.post("posted", said(name))
        await here.until(20)
        await there.until(20)
        assert here.ids == names
        assert there.ids == names
        recovery = await wire.there.recover("posted", before)
        assert [delivery.publication.id for delivery in recovery.deliveries] == names

    async def test_a_fresh_channel_stands_at_offset_zero_of_one_epoch(self, wire: Wire) -> None:
        position = await wire.here.position("fresh")
        assert position.offset == 0
        assert await wire.there.position("fresh") == position

    async def test_all_subscribers_see_one_order_without_gaps(self, wire: Wire) -> None:
        inboxes = [Inbox(), Inbox(), Inbox()]
        await wire.here.subscribe("order", inboxes[0])
        await wire.here.subscribe("order", inboxes[1])
        await wire.there.subscribe("order", inboxes[2])

        async def speak(broker: Broker, speaker: str) -> None:
            for number in range(20):
                await broker.publish("order", said(f"{speaker}{number}"))
                await asyncio.sleep(0)

        await asyncio.gather(speak(wire.here, "a"), speak(wire.there, "b"), speak(wire.here, "c"))
        for inbox in inboxes:
            await inbox.until(60)
        assert inboxes[0].offsets == list(range(1, 61))
        assert inboxes[0].deliveries == inboxes[1].deliveries == inboxes[2].deliveries
        assert [name for name in inboxes[0].ids if name.startswith("b")] == [f"b{number}" for number in range(20)]

    async def test_publishing_answers_the_position_that_subscribers_see(self, wire: Wire) -> None:
        inbox = Inbox()
        await wire.there.subscribe("answer", inbox)
        positions = [await wire.here.publish("answer", said(f"p{number}")) for number in range(3)]
        await inbox.until(3)
        assert [delivery.position for delivery in inbox.deliveries] == positions
        assert await wire.here.position("answer") == positions[-1]

    async def test_publications_of_one_call_arrive_in_order_with_nothing_in_between(self, wire: Wire) -> None:
        inbox = Inbox()
        await wire.there.subscribe("together", inbox)
        last, alone = await asyncio.gather(
            wire.here.publish("together", *(said(f"p{number}") for number in range(300))),
            wire.there.publish("together", said("alone")),
        )
        await inbox.until(301)
        assert [name for name in inbox.ids if name != "alone"] == [f"p{number}" for number in range(300)]
        assert inbox.ids.index("alone") in {0, 300}
        assert max(last.offset, alone.offset) == 301
        assert inbox.deliveries[last.offset - 1].publication.id == "p299"

    async def test_publications_of_one_call_that_were_accepted_before_are_dropped_from_it(self, wire: Wire) -> None:
        inbox = Inbox()
        await wire.here.subscribe("again", inbox)
        await wire.here.publish("again", said("a"), said("b"))
        assert (await wire.here.publish("again", said("a"), said("b"), said("c"))).offset == 3
        assert inbox.ids == ["a", "b", "c"]

    async def test_own_subscribers_were_called_when_publish_returns(self, wire: Wire) -> None:
        inbox = Inbox()
        await wire.here.subscribe("prompt", inbox)
        await wire.here.publish("prompt", said("now"))
        assert inbox.ids == ["now"]

    async def test_a_publication_arrives_unchanged(self, wire: Wire) -> None:
        inbox = Inbox()
        await wire.there.subscribe("bytes", inbox)
        publication = Publication("id-1", bytes(range(256)), Retention.LONG, 1_234_567_890_123)
        await wire.here.publish("bytes", publication)
        await inbox.until(1)
        assert inbox.deliveries[0].publication == publication

    async def test_channels_do_not_mix(self, wire: Wire) -> None:
        inbox = Inbox()
        await wire.here.subscribe("mine", inbox)
        await wire.here.publish("yours", said("a"))
        await wire.here.publish("mine", said("a"))
        await flush(wire, "mine", inbox)
        assert inbox.offsets == [1, 2]
        assert (await wire.here.position("yours")).offset == 1

    async def test_an_accepted_id_is_not_delivered_again(self, wire: Wire) -> None:
        inbox = Inbox()
        await wire.here.subscribe("dedupe", inbox)
        first = await wire.here.publish("dedupe", said("once"))
        await wire.here.publish("dedupe", said("other"))
        assert await wire.there.publish("dedupe", said("once", body=b"changed")) == first
        await flush(wire, "dedupe", inbox)
        assert inbox.ids[:2] == ["once", "other"]
        assert inbox.offsets == [1, 2, 3]
        recovery = await wire.here.recover("dedupe", Position(first.epoch, 0))
        assert [delivery.publication.id for delivery in recovery.deliveries] == ["once", "other"]

    async def test_an_id_is_still_known_when_its_publication_left_the_history(self, wire: Wire) -> None:
        first = await wire.here.publish("dedupe-old", said("once"))
        await wire.pass_time(wire.short_ms + 1)
        assert await wire.here.publish("dedupe-old", said("once")) == first

    async def test_a_subscriber_misses_nothing_from_the_return_of_subscribe_on(self, wire: Wire) -> None:
        await wire.here.publish("from", said("before"))
        inbox = Inbox()
        await wire.there.subscribe("from", inbox)
        position = await wire.there.position("from")
        await wire.here.publish("from", said("after"))
        await inbox.until(1)
        assert inbox.ids == ["after"]
        assert inbox.offsets == [position.offset + 1]

    async def test_a_closed_subscription_receives_nothing_more(self, wire: Wire) -> None:
        closed, open_ = Inbox(), Inbox()
        subscription = await wire.there.subscribe("closing", closed)
        await wire.there.subscribe("closing", open_)
        await subscription.close()
        await subscription.close()
        await wire.here.publish("closing", said("late"))
        await flush(wire, "closing", open_)
        assert closed.ids == []

    async def test_recovery_answers_everything_after_a_position_in_order(self, wire: Wire) -> None:
        start = await wire.here.publish("recover", said("seen"))
        expected = []
        for number in range(6):
            retention = (Retention.SHORT, Retention.LONG)[number % 2]
            expected.append(await wire.here.publish("recover", said(f"r{number}", retention)))
        recovery = await wire.there.recover("recover", start)
        assert [delivery.position for delivery in recovery.deliveries] == expected
        assert recovery.position == expected[-1]
        assert recovery.short_complete
        assert recovery.long_complete

    async def test_recovery_from_where_the_channel_stands_is_empty_and_complete(self, wire: Wire) -> None:
        position = await wire.here.publish("standing", said("a"))
        recovery = await wire.here.recover("standing", position)
        assert recovery.deliveries == ()
        assert recovery.position == position
        assert recovery.short_complete
        assert recovery.long_complete

    async def test_recovery_and_a_live_subscription_join_without_gap_or_overlap(self, wire: Wire) -> None:
        start = await wire.here.position("join")
        inbox = Inbox()
        await wire.here.publish("join", said("a"))
        await wire.there.subscribe("join", inbox)
        await wire.here.publish("join", said("b"))
        recovery = await wire.there.recover("join", start)
        await wire.here.publish("join", said("c"))
        await flush(wire, "join", inbox)
        live = [item for item in inbox.deliveries if item.position.offset > recovery.position.offset]
        joined = [item.publication.id for item in (*recovery.deliveries, *live)]
        assert joined[:3] == ["a", "b", "c"]

    async def test_what_is_never_kept_makes_no_recovery_incomplete(self, wire: Wire) -> None:
        start = await wire.here.position("none")
        await wire.here.publish("none", said("state", Retention.NONE))
        await wire.here.publish("none", said("kept"))
        recovery = await wire.here.recover("none", start)
        assert [delivery.publication.id for delivery in recovery.deliveries] == ["kept"]
        assert recovery.position.offset == 2
        assert recovery.short_complete
        assert recovery.long_complete

    async def test_age_drops_short_before_long_and_recovery_says_so(self, wire: Wire) -> None:
        start = await wire.here.position("age")
        await wire.here.publish("age", said("danmaku", Retention.SHORT))
        await wire.here.publish("age", said("gift", Retention.LONG))
        await wire.pass_time(wire.short_ms + 1)
        recovery = await wire.here.recover("age", start)
        assert [delivery.publication.id for delivery in recovery.deliveries] == ["gift"]
        assert not recovery.short_complete
        assert recovery.long_complete
        await wire.pass_time(wire.long_ms)
        recovery = await wire.here.recover("age", start)
        assert recovery.deliveries == ()
        assert not recovery.short_complete
        assert not recovery.long_complete

    async def test_who_had_seen_what_fell_out_misses_nothing(self, wire: Wire) -> None:
        await wire.here.publish("seen", said("old"))
        seen = await wire.here.publish("seen", said("gift", Retention.LONG))
        await wire.pass_time(wire.short_ms + 1)
        await wire.here.publish("seen", said("new"))
        recovery = await wire.here.recover("seen", seen)
        assert [delivery.publication.id for delivery in recovery.deliveries] == ["new"]
        assert recovery.short_complete
        assert recovery.long_complete

    async def test_bytes_bound_each_class_by_itself_oldest_first_out(self, wire: Wire) -> None:
        start = await wire.here.position("bytes-bound")
        await wire.here.publish("bytes-bound", said("gift", Retention.LONG))
        quarter = b"x" * (wire.short_bytes // 4)
        for number in range(6):
            await wire.here.publish("bytes-bound", said(f"d{number}", Retention.SHORT, quarter))
        recovery = await wire.here.recover("bytes-bound", start)
        assert [delivery.publication.id for delivery in recovery.deliveries] == ["gift", "d2", "d3", "d4", "d5"]
        assert not recovery.short_complete
        assert recovery.long_complete

    async def test_a_publication_too_big_for_the_history_is_delivered_and_known_as_lost(self, wire: Wire) -> None:
        start = await wire.here.position("big")
        inbox = Inbox()
        await wire.there.subscribe("big", inbox)
        await wire.here.publish("big", said("big", Retention.SHORT, b"x" * (wire.short_bytes + 1)))
        await inbox.until(1)
        recovery = await wire.here.recover("big", start)
        assert recovery.deliveries == ()
        assert not recovery.short_complete
        assert recovery.long_complete

    async def test_a_foreign_epoch_and_a_future_offset_recover_nothing(self, wire: Wire) -> None:
        now = await wire.here.publish("foreign", said("a"))
        for after in (Position("another", 0), Position("", 0), Position(now.epoch, now.offset + 1)):
            recovery = await wire.here.recover("foreign", after)
            assert recovery.deliveries == ()
            assert recovery.position == now
            assert not recovery.short_complete
            assert not recovery.long_complete

    async def test_a_lost_history_starts_a_new_epoch(self, wire: Wire) -> None:
        before = await wire.here.publish("lost", said("a"))
        await wire.lose_history("lost")
        await wire.here.publish("lost", said("b"))
        after = await wire.here.position("lost")
        assert after.epoch != before.epoch
        recovery = await wire.here.recover("lost", before)
        assert recovery.deliveries == ()
        assert not recovery.short_complete
        assert not recovery.long_complete

    async def test_closing_ends_all_subscriptions_and_may_be_repeated(self, wire: Wire) -> None:
        inbox = Inbox()
        subscription = await wire.here.subscribe("end", inbox)
        await wire.here.publish("end", said("a"))
        await wire.here.close()
        await wire.here.close()
        await subscription.close()
        assert inbox.ids == ["a"]
