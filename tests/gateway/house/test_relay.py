"""The outbox reaches the broker: in order, at once, and again after a failure."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.house.relay import LEASE_MS, TICK_SECONDS, OutboxRelay
from pubsub.broker import Position, Publication, Recovery, Retention, Subscription
from store import migrations, outbox_sql
from store.database_sql import Database
from tests.store.fakes import FakeClock, counting_ids


class RecordingBroker:
    """Keeps what is published; fails when told to."""

    def __init__(self) -> None:
        self.published: list[tuple[str, Publication]] = []
        self.failures = 0
        self.deaf: set[str] = set()
        """Channels that take nothing."""
        self.calls: list[tuple[str, int]] = []
        """Channel and number of publications of each."""
        self.heard = asyncio.Event()

    async def publish(self, channel: str, *publications: Publication) -> Position:
        self.calls.append((channel, len(publications)))
        if self.failures or channel in self.deaf:
            self.failures = max(0, self.failures - 1)
            raise ConnectionError
        self.published += [(channel, publication) for publication in publications]
        self.heard.set()
        return Position("epoch", len(self.published))

    def post(self, channel: str, publication: Publication) -> None:
        raise NotImplementedError

    async def subscribe(self, channel: str, receive: object) -> Subscription:
        raise NotImplementedError

    async def position(self, channel: str) -> Position:
        raise NotImplementedError

    async def recover(self, channel: str, after: Position) -> Recovery:
        raise NotImplementedError

    async def close(self) -> None:
        raise NotImplementedError

    @property
    def bodies(self) -> list[bytes]:
        return [publication.body for _, publication in self.published]


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def broker() -> RecordingBroker:
    return RecordingBroker()


@pytest.fixture
async def db(tmp_path: Path, clock: FakeClock) -> AsyncIterator[Database]:
    url = f"sqlite+aiosqlite:///{tmp_path / 'relay.sqlite'}"
    await migrations.upgrade(url)
    database = await Database.open(url, clock=clock, new_id=counting_ids())
    yield database
    await database.close()


async def emit(db: Database, *bodies: bytes, room: str = "room") -> None:
    async with db.write() as uow:
        for body in bodies:
            await uow.emit(room, body, "long")


async def test_publications_keep_their_id_order_retention_and_time(
    db: Database, broker: RecordingBroker, clock: FakeClock
) -> None:
    await emit(db, b"1", b"2")
    await emit(db, b"3")
    assert await OutboxRelay(db, broker).drain() == 3
    assert broker.bodies == [b"1", b"2", b"3"]
    channel, first = broker.published[0]
    assert (channel, first.retention, first.at_ms) == ("room", Retention.LONG, clock.now_ms)
    assert len({publication.id for _, publication in broker.published}) == 3


async def test_what_was_published_is_not_published_again(db: Database, broker: RecordingBroker) -> None:
    await emit(db, b"1")
    relay = OutboxRelay(db, broker)
    await relay.drain()
    assert await relay.drain() == 0
    async with db.read() as connection:
        assert await outbox_sql.pending(connection) == 0


async def test_what_waits_of_a_room_travels_together(db: Database, broker: RecordingBroker) -> None:
    # one after another, each with a way to Redis and back, the news of a flooded box office lagged by seconds
    await emit(db, b"1", b"2")
    await emit(db, b"a", room="other")
    await emit(db, b"3")
    assert await OutboxRelay(db, broker).drain() == 4
    assert sorted(broker.calls) == [("other", 1), ("room", 3)]
    assert [body for body in broker.bodies if body != b"a"] == [b"1", b"2", b"3"]


async def test_a_room_that_the_broker_cannot_take_costs_the_others_nothing_and_goes_out_in_order_next_time(
    db: Database, broker: RecordingBroker
) -> None:
    await emit(db, b"1", b"2")
    await emit(db, b"a", room="other")
    relay = OutboxRelay(db, broker)
    broker.deaf.add("room")
    with pytest.raises(ConnectionError):
        await relay.drain()
    assert broker.bodies == [b"a"]
    broker.deaf.clear()
    assert await relay.drain() == 2
    assert broker.bodies == [b"a", b"1", b"2"]


async def test_a_relay_that_is_cancelled_gives_back_what_it_has_not_published_and_forgets_what_it_has(
    db: Database, broker: RecordingBroker
) -> None:
    await emit(db, b"1")
    await emit(db, b"a", room="stuck")
    never, publish = asyncio.Event(), broker.publish

    async def hang(channel: str, *publications: Publication) -> Position:
        if channel == "stuck":
            await never.wait()
        return await publish(channel, *publications)

    broker.publish = hang  # type: ignore[method-assign]
    task = asyncio.create_task(OutboxRelay(db, broker).drain())
    async with asyncio.timeout(5):
        await broker.heard.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    broker.publish = publish  # type: ignore[method-assign]
    assert await OutboxRelay(db, broker).drain() == 1
    assert broker.bodies == [b"1", b"a"]


async def test_a_drain_returns_only_when_one_that_is_under_way_has_published_what_it_took(
    db: Database, broker: RecordingBroker
) -> None:
    await emit(db, b"1")
    taken, go, publish = asyncio.Event(), asyncio.Event(), broker.publish

    async def linger(channel: str, *publications: Publication) -> Position:
        taken.set()
        await go.wait()
        return await publish(channel, *publications)

    broker.publish = linger  # type: ignore[method-assign]
    relay = OutboxRelay(db, broker)
    first = asyncio.create_task(relay.drain())
    await taken.wait()
    second = asyncio.create_task(relay.drain())
    await asyncio.sleep(3 * TICK_SECONDS)
    assert not second.done()
    go.set()
    assert (await first, await second) == (1, 0)
    assert broker.bodies == [b"1"]


async def test_after_a_crash_between_publishing_and_finishing_the_same_ids_go_out_again(
    db: Database, broker: RecordingBroker, clock: FakeClock
) -> None:
    await emit(db, b"1")
    (row,) = await outbox_sql.claim(db, 10, LEASE_MS)  # the crashed one got as far as publishing
    relay = OutboxRelay(db, broker)
    assert await relay.drain() == 0
    clock.advance(LEASE_MS)
    assert await relay.drain() == 1
    assert broker.published[0][1].id == row.id


async def test_a_running_relay_publishes_at_once_after_a_commit(db: Database, broker: RecordingBroker) -> None:
    relay = OutboxRelay(db, broker, sweep_seconds=60)
    db.on_commit = relay.wake
    task = asyncio.create_task(relay.run())
    async with asyncio.timeout(5):
        await emit(db, b"1")
        await broker.heard.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_running_relay_survives_a_failing_broker_and_sweeps_without_being_woken(
    db: Database, broker: RecordingBroker
) -> None:
    broker.failures = 2
    await emit(db, b"1")
    task = asyncio.create_task(OutboxRelay(db, broker, sweep_seconds=0.01).run())
    async with asyncio.timeout(5):
        await broker.heard.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert broker.bodies == [b"1"]


async def test_a_busy_house_brings_many_rows_out_with_each_claim(db: Database, broker: RecordingBroker) -> None:
    relay = OutboxRelay(db, broker, sweep_seconds=60)
    db.on_commit = relay.wake
    task = asyncio.create_task(relay.run())
    loop = asyncio.get_running_loop()
    began = loop.time()
    for number in range(100):
        await emit(db, b"%d" % number)
    async with asyncio.timeout(5):
        while len(broker.published) < 100:
            await asyncio.sleep(0.005)
    assert broker.bodies == [b"%d" % number for number in range(100)]
    assert len(broker.calls) <= (loop.time() - began) / TICK_SECONDS + 1
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
