"""What PostgreSQL does that SQLite never did: write transactions side by side."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from sqlalchemy import insert, text, update

from store import jobs_sql, outbox_sql
from store.database_sql import WRITERS_ON_SERVER, Database, RacedError
from store.tables_sql import jobs
from tests.store import homes
from tests.store.fakes import FakeClock, counting_ids

pytestmark = homes.only_on_postgresql


@pytest.fixture
async def other(url: str, clock: FakeClock) -> AsyncIterator[Database]:
    """Another process on the same database."""
    ids = counting_ids()
    opened = await Database.open(url, clock=clock, new_id=lambda: f"other-{ids()}")
    yield opened
    await opened.close()


async def test_publications_of_a_room_are_claimed_in_the_order_of_commits_not_of_calls(db: Database) -> None:
    async with db.write() as first:
        await first.emit("room", b"called first, committed last", "none")
        async with db.write() as second:
            await second.emit("room", b"called last, committed first", "none")
    assert [row.body for row in await outbox_sql.claim(db, 10, 1000)] == [
        b"called last, committed first",
        b"called first, committed last",
    ]


async def test_what_commits_late_is_not_passed_over_and_never_told_before_what_was_claimed(
    db: Database, other: Database
) -> None:
    claimed: list[bytes] = []

    async def relay() -> None:
        while len(claimed) < 60:
            rows = await outbox_sql.claim(other, 100, 60_000)
            claimed.extend(row.body for row in rows)
            await outbox_sql.settle(other, done=[row.id for row in rows])

    async def write(number: int) -> None:
        async with db.write() as uow:
            await uow.emit("room", b"%d" % number, "none")
            await uow.connection.execute(text(f"SELECT pg_sleep({number % 7 / 500})"))
            await uow.take_turn("counter")
            order.append(b"%d" % number)

    order: list[bytes] = []
    async with asyncio.timeout(20):
        await asyncio.gather(relay(), *(write(number) for number in range(60)))
    assert claimed == order


async def test_relays_side_by_side_never_split_a_room(db: Database, other: Database) -> None:
    async with db.write() as uow:
        for number in range(30):
            await uow.emit("room", b"%d" % number, "none")
    for _ in range(10):
        few, many = await asyncio.gather(outbox_sql.claim(db, 3, 60_000), outbox_sql.claim(other, 30, 60_000))
        assert (len(few), len(many)) in {(3, 0), (0, 30)}, "what is left waits for the lease of the first"
        await outbox_sql.settle(db, free=[row.id for row in few + many])


async def test_who_writes_to_a_room_waits_for_the_commit_of_whom_it_will_follow(db: Database) -> None:
    async def follow() -> None:
        async with db.write() as uow:
            await uow.emit("room", b"second", "none")

    async with db.write() as first:
        await first.emit("room", b"first", "none")
        await first.write_outbox()
        second = asyncio.create_task(follow())
        async with asyncio.timeout(5):
            while not await waiting_for_turns(db):
                await asyncio.sleep(0.005)
        assert not second.done()
    await second
    assert [row.body for row in await outbox_sql.claim(db, 10, 1000)] == [b"first", b"second"]


async def waiting_for_turns(db: Database) -> int:
    async with db.read() as connection:
        asked = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'advisory' AND datname = current_database()"
        return int((await connection.execute(text(asked))).scalar_one())


async def test_the_outbox_does_not_stand_in_line_behind_a_crowd_that_waits_for_a_turn(db: Database) -> None:
    # it did: with fifty refunds of a show under way, their news waited for a connection that each of them held in turn
    async def wait_in_turn() -> None:
        async with db.write() as uow:
            await uow.take_turn("show")

    async with db.write() as uow:
        await uow.emit("room", b"news", "none")
    async with db.write() as first:
        await first.take_turn("show")
        crowd = [asyncio.create_task(wait_in_turn()) for _ in range(30)]
        async with asyncio.timeout(5):
            while await waiting_for_turns(db) < WRITERS_ON_SERVER - 1:
                await asyncio.sleep(0.005)
        async with asyncio.timeout(1):
            rows = await outbox_sql.claim(db, 10, 1000)
            await outbox_sql.settle(db, done=[row.id for row in rows])
        assert [row.body for row in rows] == [b"news"]
        assert not any(task.done() for task in crowd)
    await asyncio.gather(*crowd)


async def test_workers_side_by_side_claim_all_jobs_once(db: Database, other: Database) -> None:
    async with db.write() as uow:
        for number in range(40):
            await uow.enqueue("kind", str(number), b"", uow.now_ms)
    claims = await asyncio.gather(*(jobs_sql.claim(each, 5, 60_000) for each in (db, other) * 4))
    assert [len(claim) for claim in claims] == [5] * 8
    assert len({job.key for claim in claims for job in claim}) == 40


async def test_who_takes_the_same_turn_waits_and_then_sees_what_the_other_did(
    db: Database, other: Database, clock: FakeClock
) -> None:
    async with db.write() as uow:
        await uow.take_turn("room")
        await uow.enqueue("kind", "key", b"", uow.now_ms)
        waiting = asyncio.create_task(count_in_turn(other, "room"))
        assert await count_in_turn(other, "another room") == 0
        assert not waiting.done()
        clock.advance(7)
        late = uow.now_ms + 7
    async with asyncio.timeout(5):
        assert await waiting == 1
    async with db.write() as uow:
        await uow.take_turn("room")
        assert uow.now_ms == late


async def count_in_turn(db: Database, name: str, patience: str = "lock_timeout = 3000") -> int:
    async with db.write() as uow:
        await uow.connection.execute(text(f"SET LOCAL {patience}"))
        await uow.take_turn(name)
        return (await uow.connection.execute(text("SELECT count(*) FROM jobs"))).scalar_one()  # type: ignore[no-any-return]


async def test_the_time_of_a_transaction_is_that_of_its_turn(db: Database, other: Database, clock: FakeClock) -> None:
    async def now_in_turn() -> int:
        async with other.write() as uow:
            began.set()
            await uow.take_turn("room")
            return uow.now_ms

    began = asyncio.Event()
    async with db.write() as uow:
        await uow.take_turn("room")
        waiting = asyncio.create_task(now_in_turn())
        await began.wait()
        clock.advance(500)
    assert await waiting == clock.now_ms


async def test_a_turn_that_takes_too_long_is_a_lost_race_and_says_nothing_of_the_database(
    db: Database, other: Database
) -> None:
    async with db.write() as uow:
        await uow.take_turn("room")
        with pytest.raises(RacedError):
            await count_in_turn(other, "room", patience="lock_timeout = 50")
    assert other.is_writable


async def test_a_deadlock_is_a_lost_race_for_one_of_the_two(db: Database) -> None:
    async with db.write() as uow:
        for number in (1, 2):
            await uow.enqueue("kind", str(number), b"", uow.now_ms)
    both = asyncio.Barrier(2)

    async def cross(first: str, second: str) -> None:
        async with db.write() as uow:
            await uow.connection.execute(text("SET LOCAL deadlock_timeout = '20ms'"))
            await uow.connection.execute(update(jobs).where(jobs.c.key == first).values(attempt=1))
            await both.wait()
            await uow.connection.execute(update(jobs).where(jobs.c.key == second).values(attempt=2))

    outcomes = await asyncio.gather(cross("1", "2"), cross("2", "1"), return_exceptions=True)
    assert [type(outcome) for outcome in outcomes if outcome is not None] == [RacedError]
    assert db.is_writable


async def test_a_row_inserted_by_another_transaction_meanwhile_is_a_lost_race(db: Database, other: Database) -> None:
    row = {"id": "1", "kind": "k", "key": "k", "payload": b"", "state": "done", "attempt": 0}

    async def put(database: Database) -> None:
        async with database.write() as uow:
            await uow.connection.execute(insert(jobs).values(**row, run_at_ms=0, created_ms=0))
            await asyncio.sleep(0)

    outcomes = await asyncio.gather(put(db), put(other), return_exceptions=True)
    assert [type(outcome) for outcome in outcomes if outcome is not None] == [RacedError]


async def test_a_process_that_stands_still_loses_its_turn(db: Database, other: Database) -> None:
    async def stand_still() -> None:
        async with db.write() as uow:
            await uow.connection.execute(text("SET LOCAL idle_in_transaction_session_timeout = 50"))
            await uow.take_turn("room")
            async with asyncio.timeout(5):
                assert await count_in_turn(other, "room") == 0
            await uow.take_turn("another")

    with pytest.raises(RacedError):
        await stand_still()
    async with db.write() as uow:
        await uow.enqueue("kind", "key", b"", 0)
