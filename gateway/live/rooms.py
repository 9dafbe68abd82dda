"""The rooms this gateway holds: opened on first need from SQL, then kept in step by the broker."""

import asyncio
from collections.abc import Callable, Iterable, Iterator, Sequence

import structlog

from auth.identity import RoomId
from gateway.live.loading import load_guests, read_room
from gateway.live.room import LiveRoom
from gateway.replica.feature import Load
from gateway.replica.guests import GuestList
from gateway.replica.news import AnyEvent, Book
from gateway.replica.replica import Replica
from pubsub.broker import Broker, Delivery, Position, Subscription
from rooms.chat import danmaku_sql
from rooms.chat.events import DanmakuSaid
from rooms.course import rooms_sql
from rooms.pace.persons import MAX_PERSONS
from store import outbox_sql
from store.database_sql import Database

MakeRoom = Callable[[Replica, GuestList, Position], LiveRoom]
TellOfRooms = Callable[[Iterable[RoomId]], None]

log = structlog.get_logger(__name__)

MAX_ROOM_ID_CHARS = 64
OPENED_AT_ONCE = 2
"""Rooms that are read from SQL at a time: others have to read there too."""
BEHIND_MS = 1_000
"""A publication that has waited for so long since its commit means that the room's news lag behind."""
BEHIND_SECONDS = 0.5
"""How often such rooms are looked for."""


class LiveRooms:
    """Finds and opens rooms. A room stays open until the gateway stops."""

    def __init__(
        self,
        db: Database,
        broker: Broker,
        clock: Callable[[], int],
        make_room: MakeRoom,
        book: Book,
        loads: Sequence[Load],
    ) -> None:
        """`book` says what news mean to a room, `loads` read its state from SQL."""
        self.is_cut_off = False
        """Whether publications of others may be missing now; `Resync` hears of it."""
        self.on_committed: list[TellOfRooms] = []
        """Told which rooms this process has changed."""
        self.on_behind: list[TellOfRooms] = []
        """Told, at every look, of which rooms publications were committed and do not come."""
        self._db = db
        self._broker = broker
        self._clock = clock
        self._make_room = make_room
        self._book = book
        self.loads = loads
        self._rooms: dict[RoomId, LiveRoom] = {}
        self._subscriptions: list[Subscription] = []
        self._guest_lists: dict[RoomId, GuestList] = {}
        """Of the rooms that are open or being opened."""
        self._committed: dict[RoomId, list[tuple[AnyEvent, int]]] = {}
        """Of the rooms that are being opened: what this process has committed meanwhile, and when."""
        self._opening: dict[RoomId, asyncio.Task[LiveRoom | None]] = {}
        self._turns = asyncio.Semaphore(OPENED_AT_ONCE)

    def __iter__(self) -> Iterator[LiveRoom]:
        return iter(list(self._rooms.values()))

    def known(self, room_id: str) -> LiveRoom | None:
        """The room if it is open already."""
        return self._rooms.get(RoomId(room_id))

    async def get(self, room_id: str) -> LiveRoom | None:
        """The room, opened if need be; None where there is none of that name."""
        known = self._rooms.get(RoomId(room_id))
        if known is not None or len(room_id) > MAX_ROOM_ID_CHARS:
            return known
        opening = self._opening.get(RoomId(room_id))
        if opening is None:
            opening = self._opening[RoomId(room_id)] = asyncio.create_task(self._open_in_turn(RoomId(room_id)))
        # whoever asks may lose patience: it is opened all the same, for those who ask next
        return await asyncio.shield(opening)

    async def close(self) -> None:
        """Stop listening, after storing what was said."""
        opening = list(self._opening.values())
        for task in opening:
            task.cancel()
        await asyncio.gather(*opening, return_exceptions=True)
        await self.store()
        for subscription in self._subscriptions:
            await subscription.close()

    async def store(self) -> None:
        """Write what never waited for SQL, of all rooms in one transaction: danmaku said and likes counted since."""
        said: dict[RoomId, list[DanmakuSaid]] = {}
        liked: dict[RoomId, int] = {}
        for room in self:
            if room.unstored_danmaku:
                said[room.id], room.unstored_danmaku = room.unstored_danmaku, []
            if room.uncounted_likes:
                liked[room.id], room.uncounted_likes = room.uncounted_likes, 0
        if not said and not liked:
            return
        async with self._db.write() as uow:
            await danmaku_sql.store_batch(uow, said)
            for room_id, count in liked.items():
                await rooms_sql.add_likes(uow, room_id, count)

    async def _open_in_turn(self, room_id: RoomId) -> LiveRoom | None:
        try:
            async with self._turns:
                return await self._open(room_id)
        finally:
            del self._opening[room_id]

    async def _open(self, room_id: RoomId) -> LiveRoom | None:
        async with self._db.read() as connection:
            if await rooms_sql.load_room(connection, room_id) is None:
                return None
        # listen first, read then: whatever is published while we read is applied on top, by its version
        early: list[Delivery] = []
        room: LiveRoom | None = None

        def receive(delivery: Delivery) -> None:
            if room is None:
                early.append(delivery)
            else:
                room.deliver(delivery)

        committed = self._committed[room_id] = []
        subscription = await self._broker.subscribe(room_id, receive)
        try:
            position = await self._broker.position(room_id)
            async with self._db.read() as connection:
                replica = Replica(self._book, await read_room(connection, room_id, self.loads))
            room = self._make_room(replica, await self._guests(replica), position)
            await self._remember_speakers(room)
        except BaseException:
            self._guest_lists.pop(room_id, None)
            await subscription.close()
            raise
        finally:
            del self._committed[room_id]
        for event, at_ms in committed:
            room.committed(event, at_ms)
        for delivery in early:
            room.deliver(delivery)
        self._subscriptions.append(subscription)
        self._rooms[room_id] = room
        return room

    async def _guests(self, replica: Replica) -> GuestList:
        guests = self._guest_lists[replica.id] = GuestList()
        guests.is_behind = self.is_cut_off
        async with self._db.survey() as connection:
            await load_guests(guests, connection, replica.show)
        return guests

    async def _remember_speakers(self, room: LiveRoom) -> None:
        """Slow mode holds back who spoke before this gateway opened the room, as far as it is stored."""
        slow_ms = room.replica.room.switches.slow_ms
        if slow_ms:
            async with self._db.survey() as connection:
                since_ms = self._clock() - slow_ms
                for user, at_ms in await danmaku_sql.last_said(connection, room.id, since_ms, MAX_PERSONS):
                    room.persons.said(user, at_ms)

    def committed(self, emitted: Sequence[tuple[str, bytes]], at_ms: int) -> None:
        """This process has committed news: its own rooms obey at once, and need not wait for the publication.

        Where writers do not queue, two transactions of a room may tell in the other order than they committed in: by
        the versions the later one stands all the same.
        """
        for name, body in emitted:
            room, waiting = self._rooms.get(RoomId(name)), self._committed.get(RoomId(name))
            if room is None and waiting is None:
                continue
            try:
                event = self._book.decode(body)
                if room is not None:
                    room.committed(event, at_ms)
                elif waiting is not None:
                    waiting.append((event, at_ms))
            except Exception:  # what is wrong with it shows when it is published; the commit stands
                log.exception("room.news_unreadable", room=name)
        rooms = [RoomId(room) for room, _ in emitted]
        for tell in self.on_committed:
            tell(rooms)

    async def look_behind(self) -> None:
        """Find the rooms whose publications have waited for too long: meanwhile SQL counts and not what is known."""
        async with self._db.read() as connection:
            behind = await outbox_sql.rooms_behind(connection, self._clock() - BEHIND_MS)
        for room, guests in self._guest_lists.items():
            guests.is_behind = room in behind or self.is_cut_off
        rooms = [RoomId(room) for room in behind]
        for tell in self.on_behind:
            tell(rooms)
