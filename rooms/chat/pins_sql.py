"""The pins of a room in SQL: one list, compared and set as a whole."""

import msgspec
from sqlalchemy import insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from auth.denials import Code, Denied
from auth.identity import RoomId, UserId
from pubsub.broker import Retention
from rooms import turns_sql
from rooms.audit import audit_sql
from rooms.chat import pins
from rooms.chat.events import DanmakuSaid, PinsChanged
from rooms.chat.pins import Pin, PinKind, PinsRecord
from rooms.chat.tables_sql import pinboards
from rooms.encoding import encode
from store.database_sql import RacedError, UnitOfWork


async def create_pinboard(uow: UnitOfWork, room: RoomId) -> None:
    """Hang up the pinboard of a new room; `rooms_sql.create_room` does."""
    await uow.connection.execute(insert(pinboards).values(room_id=room, items="[]", version=1))


async def load_pins(connection: AsyncConnection, room: RoomId) -> PinsRecord:
    """What is pinned; the room exists."""
    row = (await connection.execute(select(pinboards).where(pinboards.c.room_id == room))).one()
    return PinsRecord(msgspec.json.decode(row.items, type=tuple[Pin, ...]), row.version)


async def pin_danmaku(uow: UnitOfWork, room: RoomId, said: DanmakuSaid, by: UserId) -> PinsRecord | Denied:
    """Keep a danmaku on top; `danmaku_sql.find` has made sure that it stands."""
    new = Pin(said.id, PinKind.DANMAKU, said.text, said.name, uow.now_ms)
    before = await _load_in_turn(uow, room)
    return await _change(uow, room, before, pins.pin(before, new), by, "pin", said.id)


async def announce(uow: UnitOfWork, room: RoomId, text: str, name: str, by: UserId) -> PinsRecord | Denied:
    """Pin a text of the staff, cleaned before; `name` is how its author is shown."""
    new = Pin(uow.new_id(), PinKind.ANNOUNCEMENT, text, name, uow.now_ms)
    before = await _load_in_turn(uow, room)
    return await _change(uow, room, before, pins.pin(before, new), by, "announce", new.id)


async def unpin(uow: UnitOfWork, room: RoomId, pin_id: str, by: UserId) -> PinsRecord | Denied:
    """Take a pin off; NOT_FOUND where it is not on top."""
    before = await _load_in_turn(uow, room)
    after = pins.unpin(before, pin_id)
    if isinstance(after, Denied):
        return after
    return await _change(uow, room, before, after, by, "unpin", pin_id)


async def drop_pin(uow: UnitOfWork, room: RoomId, pin_id: str) -> None:
    """Take a danmaku's pin off with the danmaku, if there is one. Raises RacedError where the compare-and-set loses."""
    before = await _load_in_turn(uow, room)
    after = pins.unpin(before, pin_id)
    if isinstance(after, Denied):
        return
    if isinstance(await _change(uow, room, before, after, None, "", ""), Denied):
        raise RacedError(f"pins of {room}")


async def _load_in_turn(uow: UnitOfWork, room: RoomId) -> PinsRecord:
    await turns_sql.take(uow, room)
    return await load_pins(uow.connection, room)


async def _change(
    uow: UnitOfWork, room: RoomId, before: PinsRecord, after: PinsRecord, by: UserId | None, action: str, target: str
) -> PinsRecord | Denied:
    items = msgspec.json.encode(after.items).decode()
    seen = (pinboards.c.room_id == room) & (pinboards.c.version == before.version)
    result = await uow.connection.execute(update(pinboards).where(seen).values(items=items, version=after.version))
    if result.rowcount != 1:
        return Denied(Code.CONFLICT)
    await uow.emit(room, encode(PinsChanged(after.items, after.version)), Retention.NONE)
    await audit_sql.record(uow, room, by, action, target)
    return after
