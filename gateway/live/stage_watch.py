"""Places on stage that nobody uses any more are given back, whatever became of the gateway that held the socket.

Two halves meet in SQL (`rooms.stage.absence_sql`). Every gateway writes down until when it will look again after those
on stage whose sockets it holds. Every worker takes off who was not seen for the grace, and ends requests and
invitations that nobody has answered. Redis is asked by neither: while it is away nobody is taken off for it.
"""

import asyncio
from collections.abc import Callable, Iterable
from typing import Protocol

import structlog
from msgspec import structs

from auth.identity import RoomId, UserId
from rooms.stage import absence_sql
from rooms.stage.stage import StageReason, Terms
from store.database_sql import Database, RacedError

log = structlog.get_logger(__name__)

LOOKS_PER_GRACE = 8
"""How often in a grace a gateway looks after those on stage; several looks may fail before anybody is taken off."""
LONGEST_LOOK_SECONDS = 2.0
SWEEP_SECONDS = 1.0
LATE_MS = 5_000
"""A worker that looks so late after its last look has slept, and the gateways with it maybe."""
NOT_NOW_MS = 2**53
KEEP_MS = 3_600_000
"""How long it is remembered when somebody was seen last, who is not on stage any more."""
PRUNE_EVERY_MS = 600_000


class Staged(Protocol):
    """A room as far as its stage goes."""

    @property
    def id(self) -> RoomId: ...

    def on_stage_here(self) -> list[UserId]:
        """Those on stage who have a socket on this gateway."""
        ...


def look_seconds(grace_seconds: float) -> float:
    """How often a gateway looks after those on stage."""
    return min(LONGEST_LOOK_SECONDS, grace_seconds / LOOKS_PER_GRACE)


async def look(db: Database, rooms: Iterable[Staged], every_ms: int) -> None:
    """Write down who on stage has a socket here; costs nothing where nobody has."""
    here = {room.id: users for room in rooms if (users := room.on_stage_here())}
    if here:
        async with db.write(express=True) as uow:  # behind a crowd of orders it would be late
            await absence_sql.see(uow, here, uow.now_ms + every_ms)


class StageSweep:
    """Ends what has lasted too long, every second. Any number of workers may run it."""

    def __init__(self, db: Database, terms: Terms, clock: Callable[[], int]) -> None:
        self._db = db
        self._terms = terms
        self._clock = clock
        self._since_ms: int | None = None
        """Since when nothing has kept this worker, or the gateways with it, from SQL."""
        self._looked_ms = 0
        self._pruned_ms = 0

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            try:
                await self.sweep()
            except Exception:  # the world failed; nothing is lost, and the next look begins anew
                self._since_ms = None
                log.exception("stage.sweep_failed")
            await asyncio.sleep(SWEEP_SECONDS)

    async def sweep(self) -> None:
        """Take off and out of the queue whose time is over.

        Nobody is taken off for being away until SQL could be read for a whole grace without a break: gateways could
        not write either while it could not, and have as long to do so as anybody has to come back.
        """
        now_ms = self._clock()
        if self._since_ms is None or not 0 <= now_ms - self._looked_ms <= LATE_MS:
            self._since_ms = now_ms
        self._looked_ms = now_ms
        terms = self._terms
        if now_ms - self._since_ms < terms.grace_ms:
            terms = structs.replace(terms, grace_ms=NOT_NOW_MS)
        async with self._db.read() as connection:
            overdue = await absence_sql.overdue(connection, now_ms, terms)
        for room in overdue:
            try:
                async with self._db.write() as uow:
                    over = await absence_sql.lapse(uow, room, terms)
            except RacedError:  # somebody changed the stage: the next sweep looks again
                continue
            for reason in StageReason:
                count = list(over.values()).count(reason)
                if count:
                    log.info("stage.lapsed", room=room, reason=reason.value, count=count)
        await self._prune(now_ms)

    async def _prune(self, now_ms: int) -> None:
        if now_ms - self._pruned_ms >= PRUNE_EVERY_MS:
            self._pruned_ms = now_ms
            async with self._db.write() as uow:
                await absence_sql.forget(uow, now_ms - self._terms.grace_ms - KEEP_MS)
