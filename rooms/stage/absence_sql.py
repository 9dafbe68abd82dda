"""Who on a stage is here, in SQL: gateways write it down, workers take off who is not, and the audit holds both.

Every gateway writes down, every few seconds, until when it will look again after those on stage whose sockets it
holds. So it is known of the sockets of a gateway that died, too, and whether Redis is there makes no difference.
"""

from collections.abc import Collection, Mapping, Sequence

import msgspec
from msgspec import Struct
from sqlalchemy import delete, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from auth.identity import RoomId, UserId
from rooms import turns_sql
from rooms.stage import stage_sql
from rooms.stage.stage import StageReason, StageRecord, Terms, lapsed, without
from rooms.stage.tables_sql import stage_presence, stages
from store.database_sql import RacedError, UnitOfWork
from store.dialect_sql import insert_or_ignore


class Absent(Struct, frozen=True):
    """Somebody on stage without a socket."""

    room: RoomId
    user: UserId
    since_ms: int


async def see(uow: UnitOfWork, here: Mapping[RoomId, Collection[UserId]], until_ms: int) -> None:
    """Write down that these are in their rooms until a time, when their gateway looks again.

    Several gateways may hold sockets of one user: the latest time counts.
    """
    for room in sorted(here):
        for user in sorted(here[room]):  # in one order, so that no two gateways wait for each other
            row = {"room_id": room, "user_id": user, "here_until_ms": until_ms}
            if not await insert_or_ignore(uow.connection, stage_presence, ("room_id", "user_id"), row):
                seen = (stage_presence.c.room_id == room) & (stage_presence.c.user_id == user)
                later = stage_presence.c.here_until_ms < until_ms
                await uow.connection.execute(update(stage_presence).where(seen, later).values(here_until_ms=until_ms))


async def overdue(connection: AsyncConnection, now_ms: int, terms: Terms) -> list[RoomId]:
    """The rooms in which somebody is to be taken off the stage or out of its queue."""
    rows = (await connection.execute(select(stages.c.room_id, stages.c.state).where(stages.c.busy.is_(True)))).all()
    if not rows:
        return []
    here = await _here(connection, [row.room_id for row in rows])
    return [
        RoomId(row.room_id)
        for row in rows
        if lapsed(msgspec.json.decode(row.state, type=StageRecord), here.get(row.room_id, {}), now_ms, terms)
    ]


async def lapse(uow: UnitOfWork, room: RoomId, terms: Terms) -> Mapping[UserId, StageReason]:
    """Take off whose time is over, and tell everybody; answers who and why. Idempotent.

    It is decided again in here: who came back in the meantime stays. Raises RacedError where the compare-and-set loses.
    """
    await turns_sql.take(uow, room)
    before = await stage_sql.load_stage(uow.connection, room)
    here = (await _here(uow.connection, [room])).get(room, {})
    over = lapsed(before, here, uow.now_ms, terms)
    if over and not await stage_sql.replace(uow, room, before, without(before, over), over):
        raise RacedError(f"stage of {room}")
    return over


async def forget(uow: UnitOfWork, before_ms: int) -> None:
    """Forget who was seen last before a time; who is still on stage has been so for longer."""
    await uow.connection.execute(delete(stage_presence).where(stage_presence.c.here_until_ms < before_ms))


async def absent(connection: AsyncConnection, before_ms: int) -> list[Absent]:
    """Everybody on any stage who has not been here since a time or longer, by room and name."""
    rows = (await connection.execute(select(stages.c.room_id, stages.c.state).order_by(stages.c.room_id))).all()
    on_stage = [
        (RoomId(row.room_id), member)
        for row in rows
        for member in msgspec.json.decode(row.state, type=StageRecord).members
    ]
    here = await _here(connection, sorted({room for room, _ in on_stage}))
    found = [
        Absent(room, member.user, max(member.since_ms, here.get(room, {}).get(member.user, 0)))
        for room, member in on_stage
    ]
    return [one for one in found if one.since_ms <= before_ms]


async def _here(connection: AsyncConnection, rooms: Sequence[str]) -> dict[str, dict[UserId, int]]:
    """Until when everybody was seen, by room."""
    here: dict[str, dict[UserId, int]] = {}
    if rooms:
        for row in await connection.execute(select(stage_presence).where(stage_presence.c.room_id.in_(rooms))):
            here.setdefault(row.room_id, {})[UserId(row.user_id)] = row.here_until_ms
    return here
