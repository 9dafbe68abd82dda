"""Whether a room knows here what SQL knows: asked by many at once, answered by one query, mended where it does not.

A publication may be on its way, or kept from this gateway; what rights hang on is then read from SQL. Nobody is let in,
and nobody is refused for good, on the word of a replica alone.
"""

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from auth.identity import RoomId, UserId
from gateway.live.member import Member
from gateway.live.room import LiveRoom
from gateway.replica.reading import is_behind
from presale.entitlements import entitlements_sql
from rooms.course import rooms_sql
from rooms.stage.events import StageChanged
from store.database_sql import Database

log = structlog.get_logger(__name__)

PACE_SECONDS = 0.005
"""Questions to SQL begin at least so far apart, the first after a rest at once: whoever asks, and however often, costs
no more than this."""


class Truth:
    """What SQL is asked before somebody is let in or refused."""

    def __init__(
        self,
        db: Database,
        *,
        known: Callable[[RoomId], LiveRoom | None],
        read_now: Callable[[LiveRoom], Awaitable[None]],
    ) -> None:
        """`known`: a room if it is open here. `read_now` brings one to what SQL has."""
        self._db = db
        self._known = known
        self._read_now = read_now
        self._next: _Question | None = None
        """What is to be asked next; None: nothing."""
        self._asking: asyncio.Task[None] | None = None
        self._next_at = 0.0

    def is_told(self, room: LiveRoom) -> bool:
        """Whether the room is known at once to know what SQL has; False: ask `of`."""
        standing = rooms_sql.standing_at_once(self._db, room.id)
        return standing is not None and not is_behind(room.replica, standing)

    async def of(self, room: RoomId, user: UserId | None = None) -> bool:
        """On return the room knows what SQL had at the call: phase, switches, stage, roles and sanctions.

        And the rights that `user` has bought. False where SQL cannot be asked.
        """
        if self._next is None:
            self._next = _Question()
            if self._asking is None:
                self._asking = asyncio.create_task(self._ask())
        question = self._next
        users = question.rooms.setdefault(room, set())
        if user is not None:
            users.add(user)
        return await asyncio.shield(question.answered)

    async def is_news(self, member: Member) -> bool | None:
        """Whether SQL had anything that may change a refusal; None where it cannot be asked."""
        before = _known_of(member)
        if not await self.of(member.room.id, member.user):
            return None
        return _known_of(member) != before

    async def _ask(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            while self._next is not None:
                if (pause := self._next_at - loop.time()) > 0:
                    await asyncio.sleep(pause)
                question, self._next = self._next, None
                self._next_at = loop.time() + PACE_SECONDS
                question.answered.set_result(await self._look(question))
        finally:
            self._asking = None

    async def _look(self, question: "_Question") -> bool:
        try:
            await self._mend(question)
        except Exception as error:  # noqa: BLE001 - whatever a driver raises: SQL cannot be asked now
            log.warning("truth.failed", error=repr(error))
            return False
        return True

    async def _mend(self, question: "_Question") -> None:
        rooms = [room for name in question.rooms if (room := self._known(name)) is not None]
        async with self._db.read() as connection:
            standings = await rooms_sql.standings(connection, list(question.rooms))
            rights = [
                (room, await entitlements_sql.latest(connection, room.replica.show, question.rooms[room.id]))
                for room in rooms
                if question.rooms[room.id]
            ]
        for room in rooms:
            if is_behind(room.replica, standings[room.id]):
                await self._read_now(room)
        for room, changes in rights:
            for at_ms, changed in changes:
                if any(changed.version > member.tier_version for member in room.of_user(changed.user)):
                    room.happen(changed, at_ms)


class _Question:
    """Rooms, each with the users whose rights are in question, and those who wait for the answer."""

    def __init__(self) -> None:
        self.rooms: dict[RoomId, set[UserId]] = {}
        self.answered: asyncio.Future[bool] = asyncio.get_running_loop().create_future()


def _known_of(member: Member) -> tuple[int, ...]:
    replica = member.room.replica
    stage = replica.newest(StageChanged).version
    return (replica.room.version, stage, replica.counted.floor, member.tier_version, member.role_version)
