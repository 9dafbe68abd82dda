"""Rooms in SQL: phase, switches and schedule move by compare-and-set on the room's version; likes add up beside."""

from collections.abc import Sequence
from typing import Any, TypeVar

import msgspec
from msgspec import structs
from sqlalchemy import Row, Select, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from auth.denials import Code, Denied
from auth.identity import RoomId, ShowId, UserId
from auth.situation import Access, Course, Phase, Switches
from pubsub.broker import Retention
from rooms import turns_sql
from rooms.audit import audit_sql
from rooms.chat import pins_sql
from rooms.course import countdowns, phases
from rooms.course import switches as switching
from rooms.course.events import PhaseChanged, RoomState, ScheduleChanged, SwitchesChanged
from rooms.course.room import RoomRecord, Standing
from rooms.course.switches import SwitchChanges
from rooms.encoding import encode
from rooms.gifts.events import LikesCounted
from rooms.gifts.gifts import GiftKind
from rooms.gifts.tables_sql import room_totals
from rooms.stage import stage_sql
from rooms.stage.stage import DEFAULT_CAPACITY, StageRecord
from rooms.stage.tables_sql import stages
from rooms.tables_sql import room_news, rooms
from store.database_sql import Database, UnitOfWork

_STANDING = (
    "SELECT rooms.version, stages.version, room_news.version FROM rooms "
    "JOIN stages ON stages.room_id = rooms.id JOIN room_news ON room_news.room_id = rooms.id WHERE rooms.id = ?"
)
"""As `standings` asks; spelled out, for it is asked once for everybody who comes."""
_Changed = TypeVar("_Changed", PhaseChanged, SwitchesChanged, ScheduleChanged)


async def create_room(
    uow: UnitOfWork, room: RoomRecord, *, capacity: int = DEFAULT_CAPACITY, by: UserId | None = None
) -> RoomRecord | Denied:
    """Open the room of a show, with `capacity` places on stage; CONFLICT where the id or the show has one."""
    await turns_sql.take(uow, room.id)
    taken = select(rooms.c.id).where((rooms.c.id == room.id) | (rooms.c.show_id == room.show))
    if (await uow.connection.execute(taken)).first() is not None:
        return Denied(Code.CONFLICT)
    await uow.connection.execute(
        insert(rooms).values(
            id=room.id,
            show_id=room.show,
            title=room.title,
            access=room.access,
            phase=room.phase,
            switches=_text(room.switches),
            doors_ms=room.doors_ms,
            start_ms=room.start_ms,
            gifts=_text(room.gifts),
            version=room.version,
        )
    )
    await uow.connection.execute(
        insert(room_totals).values(room_id=room.id, likes=room.like_total, gifts=0, gift_credits=0)
    )
    await turns_sql.create_counter(uow, room.id)
    await stage_sql.create_stage(uow, room.id, StageRecord(capacity=capacity))
    await pins_sql.create_pinboard(uow, room.id)
    await audit_sql.record(uow, room.id, by, "room:create", room.show)
    return room


async def load_room(connection: AsyncConnection, room: RoomId) -> RoomRecord | None:
    """A room by its id."""
    return await _one(connection, _rooms().where(rooms.c.id == room))


async def load_room_of(connection: AsyncConnection, show: ShowId) -> RoomRecord | None:
    """The room of a show."""
    return await _one(connection, _rooms().where(rooms.c.show_id == show))


async def list_rooms(connection: AsyncConnection) -> list[RoomRecord]:
    """All rooms, by planned start."""
    rows = await connection.execute(_rooms().order_by(rooms.c.start_ms, rooms.c.id))
    return [_record(row) for row in rows]


async def standings(connection: AsyncConnection, ids: Sequence[RoomId]) -> dict[RoomId, Standing]:
    """How far some rooms are; by their keys, so that it may be asked often."""
    chosen = (
        select(rooms.c.id, rooms.c.version, stages.c.version.label("stage"), room_news.c.version.label("news"))
        .join(stages, stages.c.room_id == rooms.c.id)
        .join(room_news, room_news.c.room_id == rooms.c.id)
        .where(rooms.c.id.in_(ids))
    )
    rows = await connection.execute(chosen)
    return {RoomId(row.id): Standing(row.version, row.stage, row.news) for row in rows}


def standing_at_once(db: Database, room: RoomId) -> Standing | None:
    """How far a room is, where that is to be had without waiting."""
    rows = db.glance(_STANDING, room)
    return Standing(*rows[0]) if rows else None


async def phase_of(connection: AsyncConnection, show: ShowId) -> Phase | None:
    """Where a show stands; None where it has no room."""
    phase = await connection.execute(select(rooms.c.phase).where(rooms.c.show_id == show))
    found = phase.scalar_one_or_none()
    return None if found is None else Phase(found)


async def course_of(connection: AsyncConnection, show: ShowId) -> Course | None:
    """Where a show stands and when it is; None where it has no room."""
    chosen = select(rooms.c.title, rooms.c.phase, rooms.c.doors_ms, rooms.c.start_ms).where(rooms.c.show_id == show)
    row = (await connection.execute(chosen)).one_or_none()
    return None if row is None else Course(row.title, Phase(row.phase), row.doors_ms, row.start_ms)


async def change_phase(
    uow: UnitOfWork, room: RoomId, target: Phase, by: UserId | None, *, seen: int | None = None
) -> RoomRecord | Denied:
    """Move the show on. When it is over, everybody is taken off the stage in the same transaction.

    `seen`, here and below, is the version that the decision was made on; CONFLICT where it is not that any more.
    """
    before = await _seen(uow, room, seen)
    if isinstance(before, Denied):
        return before
    allowed = phases.change_phase(before.phase, target)
    if isinstance(allowed, Denied):
        return allowed
    after = structs.replace(before, phase=allowed, version=before.version + 1)
    changed = await _change(uow, before, after, PhaseChanged, by, "show:phase", target.value)
    if not isinstance(changed, Denied) and target in phases.OVER:
        await stage_sql.clear_stage(uow, room)
    return changed


async def change_switches(
    uow: UnitOfWork, room: RoomId, changes: SwitchChanges, by: UserId | None, *, seen: int | None = None
) -> RoomRecord | Denied:
    """Flip the named switches."""
    before = await _seen(uow, room, seen)
    if isinstance(before, Denied):
        return before
    named = {name: value for name, value in structs.asdict(changes).items() if value is not msgspec.UNSET}
    target = " ".join(f"{name}={value}" for name, value in named.items())
    switches = switching.flip(before.switches, changes)
    after = structs.replace(before, switches=switches, version=before.version + 1)
    return await _change(uow, before, after, SwitchesChanged, by, "room:switches", target)


async def panic(uow: UnitOfWork, room: RoomId, by: UserId | None) -> RoomRecord | Denied:
    """Narrow all switches at once: slow mode, tickets only, links off."""
    before = await _seen(uow, room, None)
    if isinstance(before, Denied):
        return before
    after = structs.replace(before, switches=switching.panic(before.switches), version=before.version + 1)
    return await _change(uow, before, after, SwitchesChanged, by, "panic", "")


async def update_schedule(
    uow: UnitOfWork, room: RoomId, doors_ms: int, start_ms: int, by: UserId | None, *, seen: int | None = None
) -> RoomRecord | Denied:
    """Move doors and start."""
    before = await _seen(uow, room, seen)
    if isinstance(before, Denied):
        return before
    after = countdowns.reschedule(before, doors_ms, start_ms)
    if isinstance(after, Denied):
        return after
    target = f"doors_ms={doors_ms} start_ms={start_ms}"
    return await _change(uow, before, after, ScheduleChanged, by, "show:schedule", target)


async def add_likes(uow: UnitOfWork, room: RoomId, n: int) -> int | Denied:
    """Count a batch of likes; answers the total."""
    added = (
        update(room_totals)
        .where(room_totals.c.room_id == room)
        .values(likes=room_totals.c.likes + n)
        .returning(room_totals.c.likes)
    )
    total = (await uow.connection.execute(added)).scalar_one_or_none()
    if total is None:
        return Denied(Code.ROOM_NOT_FOUND)
    await uow.emit(room, encode(LikesCounted(total)), Retention.NONE)
    return int(total)


async def _seen(uow: UnitOfWork, room: RoomId, version: int | None) -> RoomRecord | Denied:
    await turns_sql.take(uow, room)
    record = await load_room(uow.connection, room)
    if record is None:
        return Denied(Code.ROOM_NOT_FOUND)
    if version is not None and version != record.version:
        return Denied(Code.CONFLICT)
    return record


async def _change(
    uow: UnitOfWork,
    before: RoomRecord,
    after: RoomRecord,
    event: type[_Changed],
    by: UserId | None,
    action: str,
    target: str,
) -> RoomRecord | Denied:
    """Compare, set, tell, write down."""
    result = await uow.connection.execute(
        update(rooms)
        .where(rooms.c.id == before.id, rooms.c.version == before.version)
        .values(
            phase=after.phase,
            switches=_text(after.switches),
            doors_ms=after.doors_ms,
            start_ms=after.start_ms,
            version=after.version,
        )
    )
    if result.rowcount != 1:
        return Denied(Code.CONFLICT)
    state: RoomState = event(after.phase, after.switches, after.doors_ms, after.start_ms, after.version)
    await uow.emit(after.id, msgspec.json.encode(state), Retention.NONE)
    await audit_sql.record(uow, after.id, by, action, target)
    return after


def _rooms() -> Select[Any]:
    return select(rooms, room_totals.c.likes).join(room_totals, room_totals.c.room_id == rooms.c.id)


async def _one(connection: AsyncConnection, query: Select[Any]) -> RoomRecord | None:
    row = (await connection.execute(query)).one_or_none()
    return None if row is None else _record(row)


def _record(row: Row[Any]) -> RoomRecord:
    return RoomRecord(
        id=RoomId(row.id),
        show=ShowId(row.show_id),
        title=row.title,
        access=Access(row.access),
        phase=Phase(row.phase),
        doors_ms=row.doors_ms,
        start_ms=row.start_ms,
        switches=msgspec.json.decode(row.switches, type=Switches),
        gifts=msgspec.json.decode(row.gifts, type=tuple[GiftKind, ...]),
        version=row.version,
        like_total=row.likes,
    )


def _text(value: object) -> str:
    return msgspec.json.encode(value).decode()
