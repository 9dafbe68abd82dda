"""Jobs: enqueued in the transaction that needs them, run later, at least once, with a bounded number of attempts."""

from dataclasses import dataclass

from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from store.database_sql import Database, UnitOfWork
from store.tables_sql import JobState, jobs

MAX_ATTEMPTS = 20
"""How often a job is claimed before it is dead; with the backoff between attempts that is more than a day."""
PROOF = "store.proof"
"""A reserved kind that no job has: see `_prove`."""


@dataclass(frozen=True, slots=True)
class Job:
    """One claimed job."""

    id: str
    kind: str
    key: str
    payload: bytes
    attempt: int
    """The number of this attempt, from 1."""


@dataclass(frozen=True, slots=True)
class DeadJob:
    """A job that ran out of attempts."""

    id: str
    kind: str
    payload: bytes
    created_ms: int
    error: str | None
    """The error of its last attempt; None if its process ended before it could tell."""


async def claim(db: Database, limit: int, lease_ms: int) -> list[Job]:
    """Lease due jobs, longest due first; one that is neither done nor retried comes back after the lease.

    A job that is due after its last attempt becomes dead here. This runs all the time, so a database that could not be
    written is tested here until it can.
    """
    async with db.write() as uow:
        if not db.is_writable:
            await _prove(uow)
        due = (jobs.c.state == JobState.WAITING) & (jobs.c.run_at_ms <= uow.now_ms)
        await uow.connection.execute(
            update(jobs).where(due, jobs.c.attempt >= MAX_ATTEMPTS).values(state=JobState.DEAD)
        )
        oldest = select(jobs.c.id).where(due).order_by(jobs.c.run_at_ms, jobs.c.id).limit(limit)
        # what another worker is claiming is passed over; as a CTE, for a subquery may be run, and lock, many times
        chosen = oldest.with_for_update(skip_locked=True).cte()
        claimed = await uow.connection.execute(
            update(jobs)
            .where(jobs.c.id.in_(select(chosen.c.id)), due)
            .values(attempt=jobs.c.attempt + 1, run_at_ms=uow.now_ms + lease_ms)
            .returning(jobs)
        )
        rows = sorted(claimed, key=lambda row: (row.created_ms, row.id))
    return [Job(row.id, row.kind, row.key, row.payload, row.attempt) for row in rows]


async def done(db: Database, job_id: str) -> None:
    """Finish a job. Its (kind, key) stays taken until pruned."""
    async with db.write() as uow:
        await uow.connection.execute(
            update(jobs).where(jobs.c.id == job_id).values(state=JobState.DONE, error=None, run_at_ms=uow.now_ms)
        )


async def retry(db: Database, job_id: str, run_at_ms: int, error: str | None = None) -> None:
    """Let a claimed job run again at `run_at_ms`, or mark it dead if that was its last attempt."""
    async with db.write() as uow:
        row = (await uow.connection.execute(select(jobs.c.attempt).where(jobs.c.id == job_id))).one()
        state = JobState.DEAD if row.attempt >= MAX_ATTEMPTS else JobState.WAITING
        await uow.connection.execute(
            update(jobs).where(jobs.c.id == job_id).values(state=state, run_at_ms=run_at_ms, error=error)
        )


async def count(connection: AsyncConnection, state: JobState) -> int:
    """How many jobs are in a state."""
    counted = select(func.count()).select_from(jobs).where(jobs.c.state == state)
    return (await connection.execute(counted)).scalar_one()


async def list_dead(connection: AsyncConnection) -> list[DeadJob]:
    """The jobs that ran out of attempts, oldest first."""
    dead = select(jobs).where(jobs.c.state == JobState.DEAD).order_by(jobs.c.created_ms, jobs.c.id)
    rows = await connection.execute(dead)
    return [DeadJob(row.id, row.kind, row.payload, row.created_ms, row.error) for row in rows]


async def revive(db: Database, job_id: str | None = None) -> int:
    """Make a dead job, or all of them, due now with all attempts left; answers how many there were."""
    dead = jobs.c.state == JobState.DEAD
    async with db.write() as uow:
        revived = await uow.connection.execute(
            update(jobs)
            .where(dead if job_id is None else dead & (jobs.c.id == job_id))
            .values(state=JobState.WAITING, attempt=0, run_at_ms=uow.now_ms)
            .returning(jobs.c.id)
        )
        return len(revived.all())


async def prune(db: Database, before_ms: int) -> None:
    """Delete jobs that were done before a time."""
    async with db.write() as uow:
        await uow.connection.execute(delete(jobs).where(jobs.c.state == JobState.DONE, jobs.c.run_at_ms < before_ms))


async def _prove(uow: UnitOfWork) -> None:
    """Write a row and delete it: SQLite commits a transaction without changes without touching the disk."""
    row = {"id": uow.new_id(), "kind": PROOF, "payload": b"", "state": JobState.DONE, "attempt": 0}
    await uow.connection.execute(insert(jobs).values(**row, key=row["id"], run_at_ms=0, created_ms=uow.now_ms))
    await uow.connection.execute(delete(jobs).where(jobs.c.id == row["id"]))
    uow.proves = True
