"""Keeps every process in step with the tokens that were taken back, and ends the sockets that were opened with them.

SQL alone carries the news: each process asks it a few times a second for what is newer than what it knows, a look at
one index. That needs neither Redis nor an open room, and is the same way at the start, after a restart and after a gap.
"""

import asyncio
from collections.abc import Callable, Iterable

import structlog

from auth.denials import Code
from auth.revocations import CLOCKS_APART_MS, SECOND_MS, Revocations
from gateway.live.room import LiveRoom
from rooms.roles import revocations_sql
from store.database_sql import Database

log = structlog.get_logger(__name__)

LOOK_SECONDS = 0.25
"""What is revoked is refused everywhere within a second: this, the question, and the next turn of the event loop."""
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
        self._again_ms: int | None = None
        """When sockets are to end whose tokens are refused already."""
        self._turn = asyncio.Lock()

    async def read(self) -> None:
        """Take in what SQL knows: it is refused from then on, and whoever was let in on it leaves.

        Who is told TOKEN_EXPIRED fetches a new token at once. Those whose tokens were all taken back are told when the
        new one is sure to be none of them.
        """
        async with self._turn:
            before = self.known.version
            async with self._db.read() as connection:
                while news := await revocations_sql.since(connection, self.known.version):
                    self.known.take(news)
            is_due = self._again_ms is not None and self._clock() >= self._again_ms
            if is_due or self.known.version != before:
                await self._end_sockets()

    async def settle(self) -> None:
        """As `read`, until everybody has left and any token that is minted from now on is taken: a good second."""
        await self.read()
        wait_ms = self.known.settled_ms - self._clock()
        if wait_ms > 0:
            await asyncio.sleep(min(wait_ms, SECOND_MS + CLOCKS_APART_MS) / 1000)
            await self.read()

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
        looked_at, now_ms, again_ms = 0, self._clock(), None
        for room in self._rooms:
            for member in list(room.members()):
                refused = self.known.refused_by(member.identity)
                if refused is not None and refused.settled_ms > now_ms:
                    again_ms = min(again_ms or refused.settled_ms, refused.settled_ms)
                elif refused is not None:
                    member.bye(Code.TOKEN_EXPIRED)
                looked_at += 1
                if not looked_at % SLICE:
                    await asyncio.sleep(0)
        self._again_ms = again_ms
