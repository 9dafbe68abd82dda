"""Publishes what transactions put into the outbox: at once after a commit; a sweep finds what was left behind."""

import asyncio

import structlog

from pubsub.broker import Broker, Publication, Retention
from store import outbox_sql
from store.database_sql import Database
from store.outbox_sql import OutboxRow

LEASE_MS = 10_000
"""The lease on claimed rows; after a crash another relay claims them then."""
BATCH = 200
"""How many rows are claimed at a time."""
TICK_SECONDS = 0.02
"""Claims begin at least this far apart, the first after a pause at once. Claims go before other writers, so under load
each should take many rows.
"""

_log = structlog.get_logger(__name__)


class OutboxRelay:
    """Publishes in commit order per room, at least once; the broker drops duplicates.

    When the broker or the database fails, rows stay and the next sweep retries them.
    """

    def __init__(self, db: Database, broker: Broker, *, sweep_seconds: float = 1.0) -> None:
        self._db = db
        self._broker = broker
        self._sweep_seconds = sweep_seconds
        self._woken = asyncio.Event()
        self._draining = asyncio.Lock()
        self._next_claim = 0.0

    def wake(self) -> None:
        """A transaction was committed: publish it. Cheap; for `Database.on_commit`."""
        self._woken.set()

    async def run(self) -> None:
        """Relay until cancelled."""
        while True:
            self._woken.clear()
            try:
                await self.drain()
            except Exception:  # noqa: BLE001 - the world failed: the rows are safe in SQL, the sweep comes again
                _log.exception("relay.failed")
            await _wait(self._woken, self._sweep_seconds)

    async def drain(self) -> int:
        """Publish all rows that are not leased; answers how many.

        It waits for a drain under way first: on return, no row taken by that one is still being published.
        """
        async with self._draining:
            return await self._drain()

    async def _drain(self) -> int:
        published = 0
        rows: list[OutboxRow] = []
        done: list[str] = []
        try:
            while rows := await self._claim(done):
                done = []
                await self._publish(rows, done)
                published += len(done)
        except BaseException:
            # also when cancelled: what went out must not go out again, what did not must not wait for the lease
            await outbox_sql.settle(self._db, done=done, free=[row.id for row in rows if row.id not in done])
            raise
        return published

    async def _claim(self, done: list[str]) -> list[OutboxRow]:
        loop = asyncio.get_running_loop()
        await asyncio.sleep(self._next_claim - loop.time())
        self._next_claim = loop.time() + TICK_SECONDS
        return await outbox_sql.claim(self._db, BATCH, LEASE_MS, done)

    async def _publish(self, rows: list[OutboxRow], done: list[str]) -> None:
        """Publish rows, in order within a room and rooms concurrently; `done` gets those the broker accepted."""
        by_room: dict[str, list[OutboxRow]] = {}
        for row in rows:
            by_room.setdefault(row.room, []).append(row)

        async def publish(room: str, some: list[OutboxRow]) -> None:
            await self._broker.publish(
                room, *(Publication(row.id, row.body, Retention(row.retention), row.at_ms) for row in some)
            )
            done.extend(row.id for row in some)

        # each to its end, whatever becomes of the others
        ends = await asyncio.gather(*(publish(*one) for one in by_room.items()), return_exceptions=True)
        for end in ends:
            if isinstance(end, BaseException):
                raise end


async def _wait(woken: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await woken.wait()
    except TimeoutError:
        return
