import asyncio

from store import jobs_sql
from store.database_sql import Database
from store.jobs_sql import DeadJob
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


async def die(db: Database, clock: FakeClock) -> None:
    """Have every job fail until it is given up."""
    for _ in range(jobs_sql.MAX_ATTEMPTS):
        for job in await jobs_sql.claim(db, 10, 1000):
            await jobs_sql.retry(db, job.id, clock.now_ms + 1000, f"no {job.key}")
        clock.advance(1000)


async def dead(db: Database) -> list[DeadJob]:
    async with db.read() as connection:
        return await jobs_sql.list_dead(connection)


async def test_dead_jobs_are_listed_with_what_they_failed_of(db: Database, clock: FakeClock) -> None:
    await enqueue(db, "first")
    clock.advance(1)
    await enqueue(db, "second")
    await enqueue(db, "later", in_ms=10**9)
    await die(db, clock)
    assert [(job.kind, job.payload, job.error) for job in await dead(db)] == [
        ("kind", b"first", "no first"),
        ("kind", b"second", "no second"),
    ]


async def test_a_revived_job_is_due_at_once_and_has_all_its_attempts_again(db: Database, clock: FakeClock) -> None:
    await enqueue(db, "one")
    await enqueue(db, "other")
    await die(db, clock)
    one, other = await dead(db)
    assert await jobs_sql.revive(db, one.id) == 1
    assert await dead(db) == [other]
    assert [(job.key, job.attempt) for job in await jobs_sql.claim(db, 10, 1000)] == [("one", 1)]
    assert await jobs_sql.revive(db) == 1
    assert [(job.key, job.attempt) for job in await jobs_sql.claim(db, 10, 1000)] == [("other", 1)]


async def test_only_the_dead_are_revived(db: Database) -> None:
    await enqueue(db, "done")
    (job,) = await jobs_sql.claim(db, 10, 1000)
    await jobs_sql.done(db, job.id)
    await enqueue(db, "waiting", in_ms=500)
    assert await jobs_sql.revive(db) == await jobs_sql.revive(db, job.id) == await jobs_sql.revive(db, "none") == 0
    assert await jobs_sql.claim(db, 10, 1000) == []


async def test_a_done_job_never_runs_again(db: Database, clock: FakeClock) -> None:
    await enqueue(db, "job")
    (job,) = await jobs_sql.claim(db, 10, 1000)
    await jobs_sql.done(db, job.id)
    clock.advance(10_000)
    assert await jobs_sql.claim(db, 10, 1000) == []
