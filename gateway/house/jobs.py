"""Runs the jobs that transactions enqueued: at once when due, retried with exponential backoff when they fail."""

import asyncio
from collections.abc import Mapping

import structlog

from store import jobs_sql
from store.database_sql import Database
from store.jobs import Again, Handler
from store.jobs_sql import Job

LEASE_MS = 60_000
"""The lease on a claimed job, longer than any job may run; a crashed process's job is claimed again after it."""
JOB_SECONDS = 45.0
"""The timeout of a job; it is then cancelled and retried."""
BATCH = 16
"""How many jobs are claimed at a time; they run concurrently."""
FIRST_WAIT_MS = 5_000
"""The wait before the second attempt; it doubles with each further one."""
LONGEST_WAIT_MS = 6 * 3_600_000
KEEP_DONE_MS = 7 * 24 * 3_600_000
"""How long finished jobs are kept; until then their (kind, key) cannot be enqueued again."""
PRUNE_EVERY_MS = 3_600_000

_log = structlog.get_logger(__name__)


class JobWorker:
    """Claims due jobs and hands each to the handler of its kind. Any number of processes may run one."""

    def __init__(self, db: Database, handlers: Mapping[str, Handler], *, sweep_seconds: float = 1.0) -> None:
        self._db = db
        self._handlers = handlers
        self._sweep_seconds = sweep_seconds
        self._woken = asyncio.Event()
        self._pruned_ms = 0

    def wake(self) -> None:
        """A transaction was committed: look for due jobs. Cheap; for `Database.on_commit`."""
        self._woken.set()

    async def run(self) -> None:
        """Run jobs until cancelled."""
        while True:
            self._woken.clear()
            try:
                await self.drain()
                await self._prune()
            except Exception:  # noqa: BLE001 - the world failed: the jobs are safe in SQL, the sweep comes again
                _log.exception("worker.failed")
            try:
                async with asyncio.timeout(self._sweep_seconds):
                    await self._woken.wait()
            except TimeoutError:
                continue

    async def drain(self) -> int:
        """Run every job that is due now; answers how many attempts were made."""
        runs = 0
        while claimed := await jobs_sql.claim(self._db, BATCH, LEASE_MS):
            async with asyncio.TaskGroup() as group:
                for job in claimed:
                    group.create_task(self._run(job))
            runs += len(claimed)
        return runs

    async def _run(self, job: Job) -> None:
        outcome = await self._outcome(job)
        if outcome is None:
            await jobs_sql.done(self._db, job.id)
            return
        wait_ms = min(FIRST_WAIT_MS << (job.attempt - 1), LONGEST_WAIT_MS)
        await jobs_sql.retry(self._db, job.id, self._db.now_ms() + wait_ms, outcome.reason)
        if job.attempt >= jobs_sql.MAX_ATTEMPTS:
            _log.error("job.dead", kind=job.kind, key=job.key, reason=outcome.reason)

    async def _outcome(self, job: Job) -> Again | None:
        handler = self._handlers.get(job.kind)
        if handler is None:
            return Again("no handler of this kind")
        try:
            async with asyncio.timeout(JOB_SECONDS):
                return await handler(job)
        except Exception as error:  # noqa: BLE001 - one broken job must not stop the others
            _log.exception("job.failed", kind=job.kind, key=job.key, attempt=job.attempt)
            return Again(type(error).__name__)

    async def _prune(self) -> None:
        now_ms = self._db.now_ms()
        if now_ms - self._pruned_ms >= PRUNE_EVERY_MS:
            await jobs_sql.prune(self._db, now_ms - KEEP_DONE_MS)
            self._pruned_ms = now_ms
