"""Jobs run when due, once when they succeed, again when they do not."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.house.jobs import FIRST_WAIT_MS, KEEP_DONE_MS, LEASE_MS, JobWorker
from store import jobs_sql
from store.database_sql import Database
from store.jobs import Again
from store.jobs_sql import Job
from store.tables_sql import JobState
from tests.store import homes
from tests.store.fakes import FakeClock, counting_ids


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
async def db(home: str, tmp_path: Path, clock: FakeClock) -> AsyncIterator[Database]:
    with homes.migrated(home, tmp_path) as url:
        database = await Database.open(url, clock=clock, new_id=counting_ids())
        yield database
        await database.close()


class Recorder:
    """A handler that answers from a script, then succeeds."""

    def __init__(self, *script: Again | Exception) -> None:
        self.script = list(script)
        self.runs: list[Job] = []
        self.heard = asyncio.Event()

    async def __call__(self, job: Job) -> Again | None:
        self.runs.append(job)
        self.heard.set()
        answer = self.script.pop(0) if self.script else None
        if isinstance(answer, Exception):
            raise answer
        return answer


async def enqueue(db: Database, key: str = "key", kind: str = "kind") -> None:
    async with db.write() as uow:
        await uow.enqueue(kind, key, b"payload", uow.now_ms)


async def count(db: Database, state: JobState) -> int:
    async with db.read() as connection:
        return await jobs_sql.count(connection, state)


async def test_a_job_that_succeeds_runs_once(db: Database) -> None:
    handler = Recorder()
    await enqueue(db)
    worker = JobWorker(db, {"kind": handler})
    assert await worker.drain() == 1
    assert await worker.drain() == 0
    assert [(job.key, job.payload, job.attempt) for job in handler.runs] == [("key", b"payload", 1)]


@pytest.mark.parametrize("failure", [Again("not yet"), RuntimeError("broken")])
async def test_a_job_that_does_not_succeed_runs_again_with_growing_waits(
    db: Database, clock: FakeClock, failure: Again | Exception
) -> None:
    handler = Recorder(failure, failure)
    await enqueue(db)
    worker = JobWorker(db, {"kind": handler})
    await worker.drain()
    for wait_ms, runs in ((FIRST_WAIT_MS, 2), (2 * FIRST_WAIT_MS, 3)):
        clock.advance(wait_ms - 1)
        assert await worker.drain() == 0
        clock.advance(1)
        await worker.drain()
        assert len(handler.runs) == runs
    assert await count(db, JobState.DONE) == 1


async def test_one_broken_job_does_not_stop_the_others(db: Database) -> None:
    handler = Recorder(RuntimeError("broken"))
    await enqueue(db, "1")
    await enqueue(db, "2")
    await JobWorker(db, {"kind": handler}).drain()
    assert len(handler.runs) == 2
    assert await count(db, JobState.DONE) == 1


async def test_a_job_without_a_handler_waits_for_one(db: Database, clock: FakeClock) -> None:
    await enqueue(db, kind="unknown")
    await JobWorker(db, {}).drain()
    clock.advance(FIRST_WAIT_MS)
    handler = Recorder()
    await JobWorker(db, {"unknown": handler}).drain()
    assert len(handler.runs) == 1


async def test_two_workers_share_the_jobs_and_run_none_twice(db: Database) -> None:
    handler = Recorder()
    for number in range(40):
        await enqueue(db, str(number))
    await asyncio.gather(*(JobWorker(db, {"kind": handler}).drain() for _ in range(2)))
    assert sorted(job.key for job in handler.runs) == sorted(str(number) for number in range(40))


async def test_a_job_of_a_crashed_worker_is_run_by_another_after_the_lease(db: Database, clock: FakeClock) -> None:
    await enqueue(db)
    await jobs_sql.claim(db, 10, LEASE_MS)
    handler = Recorder()
    worker = JobWorker(db, {"kind": handler})
    assert await worker.drain() == 0
    clock.advance(LEASE_MS)
    await worker.drain()
    assert [job.attempt for job in handler.runs] == [2]


async def test_a_running_worker_takes_a_job_at_once_and_forgets_old_ones(db: Database, clock: FakeClock) -> None:
    handler = Recorder()
    await enqueue(db, "old")
    await JobWorker(db, {"kind": handler}).drain()
    clock.advance(KEEP_DONE_MS + 1)
    handler.heard.clear()
    worker = JobWorker(db, {"kind": handler}, sweep_seconds=60)
    db.on_commit = worker.wake
    task = asyncio.create_task(worker.run())
    async with asyncio.timeout(5):
        await enqueue(db, "new")
        await handler.heard.wait()
        while await count(db, JobState.DONE) != 1:
            await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
