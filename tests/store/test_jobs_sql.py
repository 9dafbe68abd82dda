import asyncio

from store import jobs_sql
from store.database_sql import Database
from store.tables_sql import JobState
from tests.store.fakes import FakeClock


async def enqueue(db: Database, key: str, in_ms: int = 0) -> None:
    async with db.write() as uow:
        await uow.enqueue("kind", key, key.encode(), uow.now_ms + in_ms)


async def test_a_job_is_claimed_by_one_worker_only(db: Database) -> None:
    for number in range(10):
        await enqueue(db, str(number))
    claims = await asyncio.gather(*(jobs_sql.claim(db, 3, 1000) for _ in range(5)))
    keys = [job.key for claim in claims for job in claim]
    assert sorted(keys) == [str(number) for number in range(10)]


async def test_a_job_waits_for_its_time(db: Database, clock: FakeClock) -> None:
    await enqueue(db, "later", in_ms=500)
    assert await jobs_sql.claim(db, 10, 1000) == []
    clock.advance(500)
    assert [job.key for job in await jobs_sql.claim(db, 10, 1000)] == ["later"]


async def test_a_crashed_workers_job_comes_back_and_counts_its_attempts(db: Database, clock: FakeClock) -> None:
    await enqueue(db, "job")
    assert [job.attempt for job in await jobs_sql.claim(db, 10, 1000)] == [1]
    assert await jobs_sql.claim(db, 10, 1000) == []
    clock.advance(1000)
    assert [job.attempt for job in await jobs_sql.claim(db, 10, 1000)] == [2]


async def test_a_retried_job_runs_at_its_new_time(db: Database, clock: FakeClock) -> None:
    await enqueue(db, "job")
    (job,) = await jobs_sql.claim(db, 10, 60_000)
    await jobs_sql.retry(db, job.id, clock.now_ms + 10, "provider away")
    assert await jobs_sql.claim(db, 10, 1000) == []
    clock.advance(10)
    assert len(await jobs_sql.claim(db, 10, 1000)) == 1


async def test_a_job_dies_after_its_last_attempt_whether_it_was_retried_or_crashed(
    db: Database, clock: FakeClock
) -> None:
    await enqueue(db, "retried")
    await enqueue(db, "crashed")
    for _ in range(jobs_sql.MAX_ATTEMPTS):
        claimed = await jobs_sql.claim(db, 10, 1000)
        assert len(claimed) == 2
        for job in claimed:
            if job.key == "retried":
                await jobs_sql.retry(db, job.id, clock.now_ms + 1000, "no")
        clock.advance(1000)
    assert await jobs_sql.claim(db, 10, 1000) == []
    async with db.read() as connection:
        assert await jobs_sql.count(connection, JobState.DEAD) == 2


async def test_a_done_job_never_runs_again(db: Database, clock: FakeClock) -> None:
    await enqueue(db, "job")
    (job,) = await jobs_sql.claim(db, 10, 1000)
    await jobs_sql.done(db, job.id)
    clock.advance(10_000)
    assert await jobs_sql.claim(db, 10, 1000) == []
