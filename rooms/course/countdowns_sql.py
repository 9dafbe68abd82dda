"""The countdowns a host sets, in SQL. The schedule's own follow from the room and are not stored."""

from sqlalchemy import ColumnElement, delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from auth.denials import Code, Denied
from auth.identity import RoomId, UserId
from pubsub.broker import Retention
from rooms import turns_sql
from rooms.audit import audit_sql
from rooms.course import rooms_sql
from rooms.course.countdowns import MAX_CUSTOM, Countdown, CountdownKind, of_schedule
from rooms.course.events import CountdownChanged
from rooms.course.tables_sql import countdowns
from rooms.encoding import encode
from rooms.tables_sql import rooms
from store.database_sql import UnitOfWork


async def load_custom(connection: AsyncConnection, room: RoomId) -> list[Countdown]:
    """The host's own countdowns, next first."""
    rows = await connection.execute(
        select(countdowns).where(countdowns.c.room_id == room).order_by(countdowns.c.target_ms, countdowns.c.id)
    )
    return [Countdown(row.id, CountdownKind.CUSTOM, row.target_ms, row.label, row.version) for row in rows]


async def set_countdown(
    uow: UnitOfWork, room: RoomId, kind: str, target_ms: int, label: str, countdown_id: str | None, by: UserId
) -> Countdown | Denied:
    """Show a countdown; `doors` and `show` move the schedule instead (see `rooms_sql.update_schedule`).

    With an id the one of that id is replaced, NOT_FOUND where there is none; without, a new one is made, at most
    `MAX_CUSTOM` of them.
    """
    await turns_sql.take(uow, room)
    if CountdownKind(kind) is not CountdownKind.CUSTOM:
        return await _reschedule(uow, room, CountdownKind(kind), target_ms, by)
    denied = await (_no_place(uow, room) if countdown_id is None else _not_here(uow, room, countdown_id))
    if denied is not None:
        return denied
    version = await turns_sql.count(uow, room)
    made = Countdown(countdown_id or uow.new_id(), CountdownKind.CUSTOM, target_ms, label, version)
    await (_add if countdown_id is None else _replace)(uow, room, made)
    await _tell(uow, room, made)
    await audit_sql.record(uow, room, by, "countdown:set", made.id)
    return made


async def clear_countdown(uow: UnitOfWork, room: RoomId, countdown_id: str, by: UserId) -> Countdown | Denied:
    """Take one of the host's countdowns off the screens; the schedule's own end by themselves."""
    await turns_sql.take(uow, room)
    cleared = await uow.connection.execute(delete(countdowns).where(_one(room, countdown_id)).returning(countdowns))
    row = cleared.one_or_none()
    if row is None:
        return Denied(Code.NOT_FOUND)
    gone = Countdown(row.id, CountdownKind.CUSTOM, None, row.label, await turns_sql.count(uow, room))
    await _tell(uow, room, gone)
    await audit_sql.record(uow, room, by, "countdown:clear", gone.id)
    return gone


async def _reschedule(
    uow: UnitOfWork, room: RoomId, kind: CountdownKind, target_ms: int, by: UserId
) -> Countdown | Denied:
    before = await rooms_sql.load_room(uow.connection, room)
    if before is None:
        return Denied(Code.ROOM_NOT_FOUND)
    is_doors = kind is CountdownKind.DOORS
    doors_ms, start_ms = (target_ms, before.start_ms) if is_doors else (before.doors_ms, target_ms)
    after = await rooms_sql.update_schedule(uow, room, doors_ms, start_ms, by)
    if isinstance(after, Denied):
        return after
    return next(countdown for countdown in of_schedule(after) if countdown.kind is kind)


async def _no_place(uow: UnitOfWork, room: RoomId) -> Denied | None:
    if (await uow.connection.execute(select(rooms.c.id).where(rooms.c.id == room))).first() is None:
        return Denied(Code.ROOM_NOT_FOUND)
    shown = select(func.count()).select_from(countdowns).where(countdowns.c.room_id == room)
    if (await uow.connection.execute(shown)).scalar_one() >= MAX_CUSTOM:
        return Denied(Code.BAD_REQUEST, detail={"field": "id", "max": MAX_CUSTOM})
    return None


async def _not_here(uow: UnitOfWork, room: RoomId, countdown_id: str) -> Denied | None:
    known = select(countdowns.c.id).where(_one(room, countdown_id))
    return Denied(Code.NOT_FOUND) if (await uow.connection.execute(known)).first() is None else None


async def _add(uow: UnitOfWork, room: RoomId, made: Countdown) -> None:
    await uow.connection.execute(
        insert(countdowns).values(
            room_id=room, id=made.id, label=made.label, target_ms=made.target_ms, version=made.version
        )
    )


async def _replace(uow: UnitOfWork, room: RoomId, made: Countdown) -> None:
    await uow.connection.execute(
        update(countdowns)
        .where(_one(room, made.id))
        .values(label=made.label, target_ms=made.target_ms, version=made.version)
    )


def _one(room: RoomId, countdown_id: str) -> ColumnElement[bool]:
    return (countdowns.c.room_id == room) & (countdowns.c.id == countdown_id)


async def _tell(uow: UnitOfWork, room: RoomId, now: Countdown) -> None:
    changed = CountdownChanged(now.id, now.kind, now.target_ms, now.label, now.version)
    await uow.emit(room, encode(changed), Retention.NONE)
