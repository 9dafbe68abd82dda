"""The trail of what the staff did."""

from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from auth.identity import RoomId, UserId
from pubsub.broker import Retention
from rooms.audit.events import AuditRecorded
from rooms.audit.tables_sql import audit
from rooms.encoding import encode
from store.database_sql import UnitOfWork

EVERYWHERE = RoomId("")
"""Stands for the room of an act that concerns no single one; nobody listens there."""


async def record(uow: UnitOfWork, room: RoomId, by: UserId | None, action: str, target: str) -> None:
    """Write an act down, in its own transaction, and tell the room's consoles.

    `action` is the name of the console event, or `noun:verb` where there is none. `by` None means that no
    member of the staff acted: nothing is written.
    """
    if by is None:
        return
    entry = AuditRecorded(uow.new_id(), by, action, target, uow.now_ms)
    await uow.connection.execute(
        insert(audit).values(id=entry.id, room_id=room, by_id=by, action=action, target=target, at_ms=entry.at_ms)
    )
    if room != EVERYWHERE:
        await uow.emit(room, encode(entry), Retention.NONE)


async def recent(connection: AsyncConnection, room: RoomId, limit: int) -> list[AuditRecorded]:
    """The latest entries of a room, oldest first."""
    latest = select(audit).where(audit.c.room_id == room).order_by(audit.c.at_ms.desc(), audit.c.id.desc()).limit(limit)
    rows = (await connection.execute(latest)).all()
    return [AuditRecorded(row.id, UserId(row.by_id), row.action, row.target, row.at_ms) for row in reversed(rows)]
