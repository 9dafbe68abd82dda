"""Mutes, bans, kicks and retractions in SQL.

Whether `by` stands above the user (`roles.outranks`) is the caller's to know.
"""

from collections.abc import Mapping

from sqlalchemy import ColumnElement, Table, delete, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from auth.denials import Code, Denied
from auth.identity import RoomId, Tier, UserId
from pubsub.broker import Retention
from rooms import turns_sql
from rooms.audit import audit_sql
from rooms.chat import pins_sql
from rooms.chat.events import Retracted
from rooms.chat.tables_sql import danmaku, retractions
from rooms.encoding import encode
from rooms.moderation.events import Banned, Kicked, Muted, Unbanned, Unmuted
from rooms.moderation.sanctions import Mute, Sanctions
from rooms.moderation.tables_sql import bans, mutes
from rooms.stage import stage_sql
from rooms.tables_sql import rooms
from store.database_sql import UnitOfWork
from store.dialect_sql import insert_or_ignore


async def load_sanctions(connection: AsyncConnection, room: RoomId) -> Sanctions:
    """All mutes and bans of a room."""
    muted = await connection.execute(select(mutes).where(mutes.c.room_id == room))
    banned = await connection.execute(select(bans.c.user_id).where(bans.c.room_id == room))
    return Sanctions(
        {UserId(row.user_id): Mute(UserId(row.user_id), row.until_ms) for row in muted},
        frozenset(UserId(row.user_id) for row in banned),
    )


async def is_banned(connection: AsyncConnection, room: RoomId, user: UserId) -> bool:
    """Whether somebody is out of the room."""
    return (await connection.execute(select(bans.c.user_id).where(_one(bans, room, user)))).first() is not None


async def mute(uow: UnitOfWork, room: RoomId, user: UserId, until_ms: int | None, by: UserId) -> Mute | Denied:
    """Silence somebody until a time, or until unmuted; a second mute replaces the first."""
    if not await _exists(uow, room):
        return Denied(Code.ROOM_NOT_FOUND)
    await _put(uow, mutes, room, user, {"until_ms": until_ms, "by_id": by, "at_ms": uow.now_ms})
    await uow.emit(room, encode(Muted(user, until_ms, await turns_sql.count(uow, room))), Retention.NONE)
    await audit_sql.record(uow, room, by, "mute", user)
    return Mute(user, until_ms)


async def unmute(uow: UnitOfWork, room: RoomId, user: UserId, by: UserId) -> Denied | None:
    """Let somebody speak again; NOT_FOUND where they are not muted."""
    if not await _take(uow, mutes, room, user):
        return Denied(Code.NOT_FOUND)
    await uow.emit(room, encode(Unmuted(user, await turns_sql.count(uow, room))), Retention.NONE)
    await audit_sql.record(uow, room, by, "unmute", user)
    return None


async def ban(uow: UnitOfWork, room: RoomId, user: UserId, by: UserId) -> Denied | None:
    """Put somebody out for good, and off the stage."""
    if not await _exists(uow, room):
        return Denied(Code.ROOM_NOT_FOUND)
    await _put(uow, bans, room, user, {"by_id": by, "at_ms": uow.now_ms})
    await stage_sql.remove_from_stage(uow, room, user)
    await uow.emit(room, encode(Banned(user, await turns_sql.count(uow, room))), Retention.NONE)
    await audit_sql.record(uow, room, by, "ban", user)
    return None


async def unban(uow: UnitOfWork, room: RoomId, user: UserId, by: UserId) -> Denied | None:
    """Let somebody come back; NOT_FOUND where they are not banned."""
    if not await _take(uow, bans, room, user):
        return Denied(Code.NOT_FOUND)
    await uow.emit(room, encode(Unbanned(user, await turns_sql.count(uow, room))), Retention.NONE)
    await audit_sql.record(uow, room, by, "unban", user)
    return None


async def kick(uow: UnitOfWork, room: RoomId, user: UserId, by: UserId) -> Denied | None:
    """Close somebody's sockets once."""
    if not await _exists(uow, room):
        return Denied(Code.ROOM_NOT_FOUND)
    await uow.emit(room, encode(Kicked(user, await turns_sql.count(uow, room))), Retention.NONE)
    await audit_sql.record(uow, room, by, "kick", user)
    return None


async def retract(
    uow: UnitOfWork, room: RoomId, danmaku_id: str, by: UserId, *, floor: Tier | None = None
) -> Retracted | Denied:
    """Take a danmaku back, and its pin with it. Idempotent: a second time changes and tells nothing.

    NOT_FOUND where it is not stored, unless its `floor` is given by a gateway that has it in its memory: the
    batch that stores it may still be on its way, and will be marked all the same.
    """
    await turns_sql.take(uow, room)
    said = select(danmaku.c.floor).where(danmaku.c.room_id == room, danmaku.c.id == danmaku_id)
    stored = (await uow.connection.execute(said)).scalar_one_or_none()
    floor = floor if stored is None else Tier(stored)
    if floor is None:
        return Denied(Code.NOT_FOUND)
    retracted = Retracted(danmaku_id, floor)
    row = {"room_id": room, "danmaku_id": danmaku_id, "by_id": by, "at_ms": uow.now_ms}
    if not await insert_or_ignore(uow.connection, retractions, ("room_id", "danmaku_id"), row):
        return retracted
    await uow.emit(room, encode(retracted), Retention.LONG)
    await pins_sql.drop_pin(uow, room, danmaku_id)
    await audit_sql.record(uow, room, by, "retract", danmaku_id)
    return retracted


async def _exists(uow: UnitOfWork, room: RoomId) -> bool:
    await turns_sql.take(uow, room)
    return (await uow.connection.execute(select(rooms.c.id).where(rooms.c.id == room))).first() is not None


async def _put(uow: UnitOfWork, table: Table, room: RoomId, user: UserId, values: Mapping[str, object]) -> None:
    row = {"room_id": room, "user_id": user, **values}
    if not await insert_or_ignore(uow.connection, table, ("room_id", "user_id"), row):
        await uow.connection.execute(update(table).where(_one(table, room, user)).values(**values))


async def _take(uow: UnitOfWork, table: Table, room: RoomId, user: UserId) -> bool:
    await turns_sql.take(uow, room)
    return (await uow.connection.execute(delete(table).where(_one(table, room, user)))).rowcount == 1


def _one(table: Table, room: RoomId, user: UserId) -> ColumnElement[bool]:
    return (table.c.room_id == room) & (table.c.user_id == user)
