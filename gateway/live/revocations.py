"""Keeps every process in step with the tokens that were taken back, and ends the sockets that were opened with them.

SQL alone carries the news: each process asks it a few times a second for what is newer than what it knows, a look at
one index. That needs neither Redis nor an open room, and is the same way at the start, after a restart and after a gap.
"""

import asyncio
from collections.abc import Callable, Iterable

import structlog

from auth.denials import Code
from auth.revocations import Revocations
from gateway.live.room import LiveRoom
from rooms import revocations_sql
from store.database_sql import Database

log = structlog.get_logger(__name__)

LOOK_SECONDS = 0.25
"""What is revoked holds everywhere within a second: this, the question, and the next turn of the event loop."""
SLICE = 1_000
"""Sockets looked at before others have their turn on the event loop."""


class RevocationWatch:
    """Reads into `known`, which token verification asks."""

    def __init__(
        self, known: Revocations, db: Database, *, clock: Callable[[], int], rooms: Iterable[LiveRoom]
    ) -> None:
        """`rooms`: those that are open here, each time it is iterated."""
        self.known = known
        self._db = db
        self._clock = clock
        self._rooms = rooms
        self._is_failing = False
        self._turn = asyncio.Lock()

    async def read(self) -> None:
        """Take in what SQL knows; whoever was let in on a token that it refuses has left when this returns."""
        async with self._turn:
            before = self.known.version
            async with self._db.read() as connection:
                while news := await revocations_sql.since(connection, self.known.version):
                    self.known.take(news)
            if self.known.version != before:
                await self._end_sockets()

    async def run(self) -> None:
        """Until cancelled. Without SQL what is known holds, and nobody can revoke more."""
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            try:
                await self.read()
            except Exception as error:  # noqa: BLE001 - whatever a driver raises: the truth cannot be asked now
                if not self._is_failing:
                    log.warning("revocations.unread", error=repr(error))
                self._is_failing = True
            else:
                self._is_failing = False
            self.known.forget(self._clock())

    async def _end_sockets(self) -> None:
        """Who enters meanwhile was asked for a token that is not known to be revoked: nobody is passed over."""
        looked_at = 0
        for room in self._rooms:
            for member in list(room.members()):
                if self.known.refuses(member.identity):
                    member.bye(Code.TOKEN_EXPIRED)
                looked_at += 1
                if not looked_at % SLICE:
                    await asyncio.sleep(0)
