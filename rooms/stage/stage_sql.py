"""The stage of a room in SQL: one value, compared and set as a whole."""

from collections.abc import Mapping

import msgspec
from sqlalchemy import insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from auth.denials import Code, Denied
from auth.identity import RoomId, UserId
from auth.situation import Phase
from pubsub.broker import Retention
from rooms import turns_sql
from rooms.audit import audit_sql
from rooms.encoding import encode
from rooms.stage.events import CohostChanged, QueueChanged, StageChanged
from rooms.stage.stage import (
    STAFF_ACTIONS,
    StageAction,
    StageCommand,
    StageReason,
    StageRecord,
    StageState,
    decide,
    without,
)
from rooms.stage.tables_sql import stages
from rooms.tables_sql import rooms
from store.database_sql import RacedError, UnitOfWork


async def create_stage(uow: UnitOfWork, room: RoomId, stage: StageRecord) -> None:
    """Build the stage of a new room; `rooms_sql.create_room` does."""
    row = {"room_id": room, "state": _encode(stage), "version": stage.version, "busy": _is_busy(stage)}
    await uow.connection.execute(insert(stages).values(**row))


async def load_stage(connection: AsyncConnection, room: RoomId) -> StageRecord:
    """The stage as it stands; the room exists."""
    row = (await connection.execute(select(stages.c.state).where(stages.c.room_id == room))).one()
    return msgspec.json.decode(row.state, type=StageRecord)


async def act(uow: UnitOfWork, room: RoomId, command: StageCommand, by: UserId | None = None) -> StageRecord | Denied:
    """Do what `stage.decide` allows and tell the room. `by` is the member of the staff behind a staff action.

    Whether the viewer or `by` may do it at all is the caller's to know.
    """
    await turns_sql.take(uow, room)
    phase = (await uow.connection.execute(select(rooms.c.phase).where(rooms.c.id == room))).scalar_one_or_none()
    if phase is None:
        return Denied(Code.ROOM_NOT_FOUND)
    before = await load_stage(uow.connection, room)
    after = decide(before, command, Phase(phase), uow.now_ms)
    if isinstance(after, Denied):
        return after
    if not await replace(uow, room, before, after, {command.user: command.outcome}):
        return Denied(Code.CONFLICT)
    if command.action in STAFF_ACTIONS:
        await audit_sql.record(uow, room, by, f"cohost:{command.action.value}", command.user)
    return after


async def foresee(connection: AsyncConnection, room: RoomId, command: StageCommand, now_ms: int) -> Denied | None:
    """Why `act` would refuse an action if it came now; only reads."""
    phase = (await connection.execute(select(rooms.c.phase).where(rooms.c.id == room))).scalar_one_or_none()
    if phase is None:
        return Denied(Code.ROOM_NOT_FOUND)
    outcome = decide(await load_stage(connection, room), command, Phase(phase), now_ms)
    return outcome if isinstance(outcome, Denied) else None


async def remove_from_stage(
    uow: UnitOfWork, room: RoomId, user: UserId, reason: StageReason = StageReason.RIGHTS_ENDED
) -> StageRecord:
    """Take somebody whose right ended off the stage and out of the queue, in any phase.

    Does nothing where they are in neither. Raises RacedError where the compare-and-set loses, for the change
    that ended the right stands in the same transaction.
    """
    await turns_sql.take(uow, room)
    before = await load_stage(uow.connection, room)
    if before.state_of(user) is StageState.IDLE:
        return before
    outcome = await act(uow, room, StageCommand(StageAction.END, user, reason=reason))
    if isinstance(outcome, Denied):
        raise RacedError(f"stage of {room}")
    return outcome


async def clear_stage(uow: UnitOfWork, room: RoomId, reason: StageReason = StageReason.RIGHTS_ENDED) -> StageRecord:
    """Take everybody off and empty the queue, as at the end of a show. Raises RacedError as above."""
    await turns_sql.take(uow, room)
    before = await load_stage(uow.connection, room)
    users = [member.user for member in before.members] + [item.user for item in before.queue]
    if not users:
        return before
    after = without(before, users)
    if not await replace(uow, room, before, after, dict.fromkeys(users, reason)):
        raise RacedError(f"stage of {room}")
    return after


async def replace(
    uow: UnitOfWork,
    room: RoomId,
    before: StageRecord,
    after: StageRecord,
    changed: Mapping[UserId, StageReason | None],
) -> bool:
    """Set a stage that is still as it was before, and tell the room and those whose place has changed; else False."""
    if not await _set(uow, room, before, after):
        return False
    await _tell(uow, room, before, after)
    for user, reason in changed.items():
        await _tell_user(uow, room, after, user, reason)
    return True


async def _set(uow: UnitOfWork, room: RoomId, before: StageRecord, after: StageRecord) -> bool:
    seen = (stages.c.room_id == room) & (stages.c.version == before.version)
    result = await uow.connection.execute(
        update(stages).where(seen).values(state=_encode(after), version=after.version, busy=_is_busy(after))
    )
    return result.rowcount == 1


async def _tell(uow: UnitOfWork, room: RoomId, before: StageRecord, after: StageRecord) -> None:
    if after.members != before.members:
        changed = StageChanged(after.members, after.capacity, after.version)
        await uow.emit(room, encode(changed), Retention.NONE)
    if after.queue != before.queue:
        await uow.emit(room, encode(QueueChanged(after.queue, after.version)), Retention.NONE)


async def _tell_user(
    uow: UnitOfWork, room: RoomId, stage: StageRecord, user: UserId, reason: StageReason | None
) -> None:
    changed = CohostChanged(user, stage.state_of(user), reason, stage.version)
    await uow.emit(room, encode(changed), Retention.NONE)


def _is_busy(stage: StageRecord) -> bool:
    return bool(stage.members or stage.queue)


def _encode(stage: StageRecord) -> str:
    return msgspec.json.encode(stage).decode()
