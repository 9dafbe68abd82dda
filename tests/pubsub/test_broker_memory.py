"""The in-process broker keeps the port's promises, and its own bounds."""

from dataclasses import dataclass, field

import pytest

from pubsub.broker import DEDUPE_MS, Delivery, Retention
from pubsub.broker_memory import MemoryBroker
from tests.contracts.broker_suite import BrokerSuite, Inbox, said


@dataclass
class MemoryWire:
    """One broker twice, and a clock that only moves when told."""

    short_ms: int = 1_000
    short_bytes: int = 400
    long_ms: int = 10_000
    long_bytes: int = 1_600
    now_ms: int = 50_000
    here: MemoryBroker = field(init=False)
    there: MemoryBroker = field(init=False)

    def __post_init__(self) -> None:
        self.here = self.there = MemoryBroker(
            short_ms=self.short_ms,
            short_bytes=self.short_bytes,
            long_ms=self.long_ms,
            long_bytes=self.long_bytes,
            max_channels=3,
            monotonic_ms=lambda: self.now_ms,
        )

    async def pass_time(self, ms: int) -> None:
        self.now_ms += ms

    async def lose_history(self, channel: str) -> None:
        del self.here._channels[channel]


@pytest.fixture
def wire() -> MemoryWire:
    return MemoryWire()


class TestMemoryBroker(BrokerSuite):
    """The contract suite."""


async def test_an_id_is_forgotten_after_the_dedupe_window(wire: MemoryWire) -> None:
    await wire.here.publish("room", said("once", Retention.NONE))
    await wire.pass_time(DEDUPE_MS)
    assert (await wire.here.publish("room", said("once", Retention.NONE))).offset == 1
    await wire.pass_time(1)
    assert (await wire.here.publish("room", said("once", Retention.NONE))).offset == 2


async def test_a_subscription_closed_during_a_delivery_does_not_get_it(wire: MemoryWire) -> None:
    late = Inbox()

    def close_the_other(_: Delivery) -> None:
        with pytest.raises(StopIteration):
            other.close().send(None)

    await wire.here.subscribe("room", close_the_other)
    other = await wire.here.subscribe("room", late)
    await wire.here.publish("room", said("a"))
    assert late.ids == []


async def test_channels_without_subscribers_are_forgotten_beyond_the_bound(wire: MemoryWire) -> None:
    await wire.here.subscribe("kept", Inbox())
    kept = await wire.here.position("kept")
    first = await wire.here.publish("idle-1", said("a"))
    await wire.here.publish("idle-2", said("a"))
    await wire.here.publish("idle-3", said("a"))
    assert await wire.here.position("kept") == kept
    recovery = await wire.here.recover("idle-1", first)
    assert not recovery.short_complete
    assert recovery.position.epoch != first.epoch


async def test_a_closed_broker_refuses_work(wire: MemoryWire) -> None:
    await wire.here.close()
    with pytest.raises(RuntimeError):
        await wire.here.publish("room", said("a"))
