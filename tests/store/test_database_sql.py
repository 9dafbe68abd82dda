import asyncio
import contextlib
import sqlite3
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from sqlalchemy import delete, func, select, text
from sqlalchemy.exc import OperationalError

from store import jobs_sql, outbox_sql
from store.database_sql import MAX_RACES, Database, RacedError, UnitOfWork
from store.tables_sql import JobState, jobs, outbox
from tests.store.fakes import FakeClock
from tests.store.homes import only_on_sqlite


class Stop(Exception):  # noqa: N818 - not an error, a way out
    pass


async def test_what_a_transaction_changes_and_announces_is_committed_together(db: Database) -> None:
    async with db.write() as uow:
        await uow.emit("room", b"1", "none")
        await uow.enqueue("kind", "key", b"", uow.now_ms)
    async with db.read() as connection:
        assert await outbox_sql.pending(connection) == 1
        assert await jobs_sql.count(connection, JobState.WAITING) == 1


async def test_an_exception_leaves_nothing_behind_and_wakes_nobody(db: Database) -> None:
    woken: list[int] = []
    db.on_commit = lambda: woken.append(1)

    async def fail() -> None:
        async with db.write() as uow:
            await uow.emit("room", b"1", "none")
            raise Stop

    with pytest.raises(Stop):
        await fail()
    async with db.read() as connection:
        assert await outbox_sql.pending(connection) == 0
    assert woken == []


async def test_a_cancelled_transaction_leaves_nothing_behind_and_frees_its_turn(db: Database) -> None:
    inside = asyncio.Event()

    async def hang() -> None:
        async with db.write() as uow:
            await uow.emit("room", b"1", "none")
            inside.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(hang())
    await inside.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    async with asyncio.timeout(5), db.write() as uow:
        await uow.emit("room", b"2", "none")
    assert [row.body for row in await outbox_sql.claim(db, 10, 1000)] == [b"2"]


async def test_only_commits_that_announce_wake_somebody(db: Database) -> None:
    woken: list[int] = []
    db.on_commit = lambda: woken.append(1)
    async with db.write() as uow:
        await uow.connection.execute(delete(outbox))
    assert woken == []
    async with db.write() as uow:
        await uow.emit("room", b"1", "none")
    assert woken == [1]


@only_on_sqlite
async def test_a_writer_holds_the_write_lock_from_the_beginning(db: Database, url: str) -> None:
    other = await Database.open(url, clock=lambda: 0, new_id=lambda: "x")
    async with other.read() as connection:
        await connection.execute(text("PRAGMA busy_timeout = 0"))
        async with db.write():
            with pytest.raises(OperationalError, match="locked"):
                await connection.execute(delete(outbox))
    await other.close()


async def test_readers_see_the_last_commit_and_never_wait(db: Database) -> None:
    async with db.write() as uow:
        await uow.emit("room", b"1", "none")
        async with asyncio.timeout(5), db.read() as connection:
            assert (await connection.execute(select(func.count()).select_from(outbox))).scalar_one() == 0


async def test_what_is_written_through_a_reader_is_rolled_back(db: Database) -> None:
    async with db.write() as uow:
        await uow.emit("room", b"1", "none")
    async with db.read() as connection:
        await connection.execute(delete(outbox))
    async with db.read() as connection:
        assert await outbox_sql.pending(connection) == 1


@only_on_sqlite
async def test_commits_survive_power_loss_and_foreign_keys_hold(db: Database) -> None:
    async with db.write() as uow:
        for pragma, value in {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "busy_timeout": 5000}.items():
            assert (await uow.connection.execute(text(f"PRAGMA {pragma}"))).scalar_one() == value


async def test_many_writers_queue_and_all_commit(db: Database) -> None:
    async def write(number: int) -> None:
        async with db.write() as uow:
            await uow.emit("room", str(number).encode(), "none")

    await asyncio.gather(*(write(number) for number in range(50)))
    assert len(await outbox_sql.claim(db, 100, 1000)) == 50


@only_on_sqlite
async def test_between_its_statements_a_transaction_waits_for_nobody(db: Database) -> None:
    # `liveroom rehearse` with 500 fans: every statement of a transaction waited for a turn of an event loop busy
    # with sending, while the transaction held the one write lock; acks of gifts took seconds
    turns = 0

    async def take_turns() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    async with db.write() as uow:
        others = asyncio.create_task(take_turns())
        for number in range(10):
            await uow.emit("room", str(number).encode(), "none")
            await outbox_sql.pending(uow.connection)
        assert turns == 0
        await asyncio.sleep(0)
        assert turns == 1
        others.cancel()


@only_on_sqlite
@pytest.mark.parametrize("kind", ["read", "survey"])
async def test_a_short_read_takes_no_turn_and_a_long_one_leaves_the_event_loop_to_others(
    db: Database, kind: str
) -> None:
    turns = 0

    async def take_turns() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    async with db.read() if kind == "read" else db.survey() as connection:
        others = asyncio.create_task(take_turns())
        assert [await outbox_sql.pending(connection) for _ in range(10)] == [0] * 10
        assert (turns > 0) is (kind == "survey")
        others.cancel()


@only_on_sqlite
async def test_waiting_for_another_process_to_write_stops_nobody_else(db: Database, url: str) -> None:
    path = url.partition(":///")[2]
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as stranger:
        stranger.execute("BEGIN IMMEDIATE")

        async def write() -> None:
            async with db.write() as uow:
                await uow.emit("room", b"1", "none")

        writing = asyncio.create_task(write())
        async with asyncio.timeout(2):  # far less than the busy timeout
            for _ in range(20):
                await asyncio.sleep(0.005)
        assert not writing.done()
        stranger.execute("COMMIT")
        await writing
    async with db.read() as connection:
        assert await outbox_sql.pending(connection) == 1


@only_on_sqlite
async def test_a_transaction_cancelled_while_it_waits_for_the_lock_leaves_the_writer_usable(
    db: Database, url: str
) -> None:
    path = url.partition(":///")[2]
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as stranger:
        stranger.execute("BEGIN IMMEDIATE")

        async def write() -> None:
            async with db.write() as uow:
                await uow.emit("room", b"1", "none")

        writing = asyncio.create_task(write())
        await asyncio.sleep(0.02)  # it is on the driver's thread now
        writing.cancel()
        stranger.execute("COMMIT")
        with pytest.raises(asyncio.CancelledError):
            await writing
    async with asyncio.timeout(5), db.write() as uow:
        await uow.emit("room", b"2", "none")
    assert [row.body for row in await outbox_sql.claim(db, 10, 1000)] == [b"2"]


async def test_a_database_in_memory_is_refused() -> None:
    with pytest.raises(ValueError, match="file"):
        await Database.open("sqlite+aiosqlite:///:memory:", clock=lambda: 0, new_id=lambda: "x")


async def test_an_unreachable_database_fails_at_once(tmp_path: Path) -> None:
    with pytest.raises(OperationalError):
        await Database.open(f"sqlite+aiosqlite:///{tmp_path}/no/such", clock=lambda: 0, new_id=lambda: "x")


async def test_a_second_enqueue_of_the_same_key_does_nothing_even_after_the_job_ran(
    db: Database, clock: FakeClock
) -> None:
    for body in (b"first", b"second"):
        async with db.write() as uow:
            await uow.enqueue("kind", "key", body, uow.now_ms)
    (job,) = await jobs_sql.claim(db, 10, 1000)
    assert job.payload == b"first"
    await jobs_sql.done(db, job.id)
    async with db.write() as uow:
        await uow.enqueue("kind", "key", b"third", uow.now_ms)
    assert await jobs_sql.claim(db, 10, 1000) == []
    await jobs_sql.prune(db, clock.now_ms + 1)
    async with db.read() as connection:
        assert (await connection.execute(select(func.count()).select_from(jobs))).scalar_one() == 0


async def test_text_with_a_nul_is_never_an_error(db: Database) -> None:
    async with db.write() as uow:
        await uow.enqueue("kind", "a\x00b", b"\x00", uow.now_ms)
    (job,) = await jobs_sql.claim(db, 10, 1000)
    assert (job.key[0], len(job.key), job.payload) == ("a", 3, b"\x00")
    async with db.read() as connection:
        assert (await connection.execute(select(jobs.c.id).where(jobs.c.id == "\x00"))).first() is None


@only_on_sqlite
async def test_the_outbox_goes_before_the_crowd_that_queues_for_the_only_writer(db: Database) -> None:
    written: list[int] = []

    async def write(number: int) -> None:
        async with db.write() as uow:
            await uow.emit("room", b"%d" % number, "none")
        written.append(number)

    async with db.write() as first:
        await first.emit("room", b"news", "none")
        crowd = [asyncio.create_task(write(number)) for number in range(30)]
        await asyncio.sleep(0)
        claiming = asyncio.create_task(outbox_sql.claim(db, 10, 1000))
        await asyncio.sleep(0)
    async with asyncio.timeout(5):
        rows = await claiming
    assert rows[0].body == b"news"
    assert len(written) <= 1, "one of the crowd stood in line for the turn before"
    await asyncio.gather(*crowd)


async def test_work_that_loses_a_race_is_done_again_and_only_what_won_is_committed(db: Database) -> None:
    seen: list[UnitOfWork] = []

    async def work(uow: UnitOfWork) -> int:
        seen.append(uow)
        await uow.emit("room", b"1", "none")
        if len(seen) < MAX_RACES:
            raise RacedError("somebody was first")
        return len(seen)

    assert await db.transact(work) == MAX_RACES
    assert len({id(uow) for uow in seen}) == MAX_RACES
    async with db.read() as connection:
        assert await outbox_sql.pending(connection) == 1


async def test_who_loses_every_race_is_told_so_and_other_errors_are_not_tried_again(db: Database) -> None:
    calls: list[type[Exception]] = []

    def failing(error: type[Exception]) -> Callable[[UnitOfWork], Awaitable[None]]:
        async def work(uow: UnitOfWork) -> None:
            calls.append(error)
            await uow.emit("room", b"1", "none")
            raise error

        return work

    for error, times in ((RacedError, MAX_RACES), (Stop, 1)):
        with pytest.raises(error):
            await db.transact(failing(error))
        assert calls.count(error) == times
    async with db.read() as connection:
        assert await outbox_sql.pending(connection) == 0
