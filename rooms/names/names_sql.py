"""The names of a show in SQL: one record per room, changed in the room's turn."""

from collections.abc import Sequence

import msgspec
from msgspec import structs
from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from auth.denials import Denied
from auth.identity import RoomId, UserId
from pubsub.broker import Retention
from rooms import turns_sql
from rooms.audit import audit_sql
from rooms.encoding import encode
from rooms.names import names
from rooms.names.events import NamesChanged
from rooms.names.names import NamesRecord
from rooms.names.tables_sql import room_names
from store.database_sql import UnitOfWork
from store.dialect_sql import insert_or_ignore


async def load(connection: AsyncConnection, room: RoomId) -> NamesRecord:
    """The names that a room keeps; none where nobody has set or borne one."""
    row = (await connection.execute(select(room_names).where(room_names.c.room_id == room))).one_or_none()
    if row is None:
        return NamesRecord()
    return NamesRecord(
        msgspec.json.decode(row.official, type=tuple[str, ...]),
        msgspec.json.decode(row.hosts, type=dict[UserId, str]),
        row.version,
    )


async def set_official(uow: UnitOfWork, room: RoomId, wanted: Sequence[str], by: UserId) -> NamesRecord | Denied:
    """Keep these names, and no others, for the staff of the show."""
    official = names.official(wanted)
    if isinstance(official, Denied):
        return official
    before = await _in_turn(uow, room)
    await audit_sql.record(uow, room, by, "names:set", ", ".join(official))
    return await _change(uow, room, structs.replace(before, official=official))


async def host_named(uow: UnitOfWork, room: RoomId, user: UserId, name: str | None = None) -> None:
    """Keep the name that a host was seen with; without one their user id, until they are seen."""
    before = await _in_turn(uow, room)
    known = before.hosts.get(user)
    if known is None or (name is not None and known != name):
        await _change(uow, room, structs.replace(before, hosts={**before.hosts, user: name or user}))


async def host_gone(uow: UnitOfWork, room: RoomId, user: UserId) -> None:
    """Let the name of somebody go who is host no more."""
    before = await _in_turn(uow, room)
    if user in before.hosts:
        left = {host: name for host, name in before.hosts.items() if host != user}
        await _change(uow, room, structs.replace(before, hosts=left))


async def _in_turn(uow: UnitOfWork, room: RoomId) -> NamesRecord:
    await turns_sql.take(uow, room)
    return await load(uow.connection, room)


async def _change(uow: UnitOfWork, room: RoomId, after: NamesRecord) -> NamesRecord:
    after = structs.replace(after, version=after.version + 1)
    row = {
        "official": msgspec.json.encode(after.official).decode(),
        "hosts": msgspec.json.encode(after.hosts).decode(),
        "version": after.version,
    }
    if not await insert_or_ignore(uow.connection, room_names, ("room_id",), {"room_id": room, **row}):
        await uow.connection.execute(update(room_names).where(room_names.c.room_id == room).values(**row))
    changed = NamesChanged(after.official, dict(after.hosts), after.version)
    await uow.emit(room, encode(changed), Retention.NONE)
    return after
