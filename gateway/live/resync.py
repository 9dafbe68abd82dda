"""Keeps rooms right where their publications cannot: after a gap in them, and while this gateway is cut off.

SQL is the truth: it is read again, what differs happens in the room as if it had just been published, and by its
version nothing happens twice. After a gap everybody is welcomed anew on the same socket: what they missed for good is
told by `recovered` and `danmaku_truncated`, as after a reconnect.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress

import structlog

from auth.identity import RoomId, UserId
from gateway.live.greeting import greet_anew
from gateway.live.loading import load_guests, read_room
from gateway.live.member import Member
from gateway.live.room import LiveRoom
from gateway.live.rooms import LiveRooms
from gateway.setup.metrics import Metrics
from presale.entitlements import entitlements_sql
from pubsub.link import Gap
from rooms.roles.events import RoleChanged
from store.database_sql import Database

log = structlog.get_logger(__name__)

PATIENCE_MS = 1_000
"""Sockets are told that the wire is away once that has lasted."""
MARGIN_MS = 60_000
"""How much later than its time a commit may be seen."""
LOOK_SECONDS = 0.25
CUT_OFF_SECONDS = 5.0
"""How often a room is read while publications do not come: rights are never wrong for much longer."""
RETRY_SECONDS = 1.0
SLICE = 200
"""Sockets welcomed anew before others have their turn on the event loop."""


class Resync:
    """Hears of the link (a `pubsub.link.LinkListener`) and mends what came of it, kept going by `run`."""

    def __init__(
        self,
        db: Database,
        rooms: LiveRooms,
        metrics: Metrics,
        clock: Callable[[], int],
        *,
        know: Callable[[Member], Awaitable[object]],
        healed: Callable[[], None],
    ) -> None:
        self.told_since_ms: int | None = None
        """Since when the wire is away, as the sockets know it."""
        self._db = db
        self._rooms = rooms
        self._metrics = metrics
        self._clock = clock
        self._know = know
        """Brings a member's rights, wallet and orders up to date."""
        self._healed = healed
        """Called when the wire is back: what waits for it can be published."""
        self._since_ms: int | None = None
        self._due: dict[RoomId, None] = {}
        """Rooms to read, longest first."""
        self._gaps: dict[RoomId, Gap] = {}
        self._behind: set[RoomId] = set()
        """Rooms whose publications have waited for too long."""
        self._marks_ms: dict[RoomId, int] = {}
        """Up to when the changes of rights are known, by room, where publications did not tell them."""
        self._woken = asyncio.Event()

    @property
    def is_cut_off(self) -> bool:
        """Whether publications of others may be missing now."""
        return self._since_ms is not None

    # ---- pubsub.link.LinkListener --------------------------------------------------------------------

    def degraded(self, since_ms: int | None) -> None:
        """The wire is away since then, or back."""
        self._since_ms = since_ms
        self._rooms.is_cut_off = since_ms is not None
        self._metrics.wire_degraded.set(since_ms is not None)
        for room in self._rooms:
            self._due[room.id] = None
            room.guests.is_behind = since_ms is not None
            if since_ms is not None:
                self._marks_ms.setdefault(room.id, since_ms)
        if since_ms is None:
            log.info("wire.healed")
            self._healed()
        else:
            log.warning("wire.degraded", since_ms=since_ms)
        self._woken.set()

    def gap(self, channel: str, gap: Gap) -> None:
        """Publications of a room are missing."""
        is_whole = gap.short_complete and gap.long_complete
        self._metrics.gaps.labels(str(is_whole).lower()).inc()
        room = self._rooms.known(channel)
        if room is None:
            return  # it is being opened, and reads everything afterwards
        log.warning("room.gap", room=channel, danmaku=gap.short_complete, gifts=gap.long_complete)
        room.miss(gap)
        self._mend(room.id, gap)
        self._woken.set()

    def parted(self, room: LiveRoom) -> None:
        """Up to here, danmaku of a room were heard at another gateway alone."""
        self.gap(room.id, Gap(room.position, room.position, short_complete=False, long_complete=True))

    # ---- mending -------------------------------------------------------------------------------------

    def committed(self, rooms: Iterable[RoomId]) -> None:
        """This process has changed these rooms; while their publications do not come they are read instead."""
        if self.is_cut_off:
            self._due.update((room, None) for room in rooms if self._rooms.known(room) is not None)
            self._woken.set()

    def waited_for(self, rooms: Iterable[RoomId]) -> None:
        """Publications of these rooms were committed and do not come: whoever was to relay them may be gone."""
        self._behind = {room for room in rooms if self._rooms.known(room) is not None}
        if self._behind and not self.is_cut_off:
            self._due.update(dict.fromkeys(self._behind))
            self._woken.set()

    async def run(self) -> None:
        """Until cancelled."""
        loop = asyncio.get_running_loop()
        next_look = loop.time() + CUT_OFF_SECONDS
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(LOOK_SECONDS):
                    await self._woken.wait()
            self._woken.clear()
            self._tell()
            if self.is_cut_off and loop.time() >= next_look:
                next_look = loop.time() + CUT_OFF_SECONDS
                self._due.update((room.id, None) for room in self._rooms)
            if not await self._read_due():
                await asyncio.sleep(RETRY_SECONDS)

    def _tell(self) -> None:
        """Let the sockets know how the wire is, if that has changed and has lasted."""
        since_ms = self._since_ms
        if since_ms is not None and self._clock() - since_ms < PATIENCE_MS:
            return
        if (since_ms is None) is not (self.told_since_ms is None):
            self.told_since_ms = since_ms
            for room in self._rooms:
                room.tell_degraded(since_ms)

    async def _read_due(self) -> bool:
        """Read what is due; whether all could be read."""
        for name in list(self._due):
            room = self._rooms.known(name)
            del self._due[name]
            if room is None:
                continue
            try:
                await self._read(room)
            except Exception as error:  # noqa: BLE001 - whatever a driver raises: the truth cannot be asked now
                log.warning("resync.failed", room=room.id, error=repr(error))
                self._due[name] = None
                return False
        return True

    def _mend(self, room: RoomId, gap: Gap) -> None:
        """Have a room read after a gap, and after those before it that are not mended yet."""
        known = self._gaps.get(room, gap)
        self._gaps[room] = Gap(
            known.after,
            gap.until,
            short_complete=known.short_complete and gap.short_complete,
            long_complete=known.long_complete and gap.long_complete,
        )
        self._due[room] = None

    async def read_now(self, room: LiveRoom) -> None:
        """Bring a room to what SQL has, for SQL is ahead of what has come of its publications."""
        await self._read_after(room, None)
        self._metrics.refreshes.labels("late").inc()

    async def _read(self, room: LiveRoom) -> None:
        gap = self._gaps.pop(room.id, None)
        is_behind = room.id in self._behind and not self.is_cut_off
        try:
            await self._read_after(room, gap)
        except BaseException:
            if gap is not None:
                self._mend(room.id, gap)
            raise
        reason = "gap" if gap is not None else "behind" if is_behind else "cut_off"
        self._metrics.refreshes.labels(reason).inc()

    async def _read_after(self, room: LiveRoom, gap: Gap | None) -> None:
        show = room.replica.show
        asked_ms = self._clock()
        mark_ms = self._marks_ms.get(room.id, asked_ms)
        async with self._db.read() as connection:
            reading = await read_room(connection, room.id, self._rooms.loads)
            rights = await entitlements_sql.changes_since(connection, show, mark_ms - MARGIN_MS)
        if gap is not None:
            async with self._db.survey() as connection:
                await load_guests(room.guests, connection, show)
        if self.is_cut_off:
            self._marks_ms[room.id] = asked_ms
        else:
            self._marks_ms.pop(room.id, None)
        for event in room.replica.differences(reading):
            room.happen(event, asked_ms)
        room.replica.reached(reading)
        room.guests.note_staff(UserId(user) for user in room.replica.each(RoleChanged))
        for at_ms, changed in rights:
            room.happen(changed, at_ms)
        if gap is not None:
            room.guests.is_behind = self.is_cut_off
            await self._welcome_anew(room, gap)

    async def _welcome_anew(self, room: LiveRoom, gap: Gap) -> None:
        for number, member in enumerate(room.members(), 1):
            if member.is_open:
                await self._know(member)
                greet_anew(room, member, recovered=gap.long_complete, danmaku_truncated=not gap.short_complete)
            if not number % SLICE:
                await asyncio.sleep(0)
