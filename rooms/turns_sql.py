"""Who decides about a room does so in turn, from what the one before has left."""

from collections.abc import Sequence

from sqlalchemy import insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from auth.composed import composed_key
from auth.identity import RoomId, UserId
from rooms.tables_sql import room_news
from store.database_sql import UnitOfWork


async def take(uow: UnitOfWork, room: RoomId) -> None:
    """Have the phase, switches, stage, pins, countdowns and sanctions of a room to oneself. Not gifts and likes."""
    await uow.take_turn(_turn(room))


async def create_counter(uow: UnitOfWork, room: RoomId) -> None:
    """Begin to count the news of a new room; `rooms_sql.create_room` does."""
    await uow.connection.execute(insert(room_news).values(room_id=room, version=0))


async def count(uow: UnitOfWork, room: RoomId) -> int:
    """The version of the next event that changes rights or a countdown: one more than of the one before it.

    Every version that is taken travels in exactly one event of the room, so that gateways see by it what they miss.
    """
    return (await count_in(uow, [room]))[room]


async def count_in(uow: UnitOfWork, rooms: Sequence[RoomId]) -> dict[RoomId, int]:
    """The same in several rooms at once, in the turns of all of them."""
    await uow.take_turn(*(_turn(room) for room in rooms))
    counted = (
        update(room_news)
        .where(room_news.c.room_id.in_(rooms))
        .values(version=room_news.c.version + 1)
        .returning(room_news.c.room_id, room_news.c.version)
    )
    return {RoomId(row.room_id): row.version for row in await uow.connection.execute(counted)}


async def counted(connection: AsyncConnection, room: RoomId) -> int:
    """How far the news of a room are counted."""
    found = await connection.execute(select(room_news.c.version).where(room_news.c.room_id == room))
    return int(found.scalar_one())


async def take_gifts(uow: UnitOfWork, room: RoomId, user: UserId) -> None:
    """Have somebody's gifts in a room to oneself: the same key may come from two devices at once."""
    await uow.take_turn(composed_key("gifts", room, user))


async def take_roles(uow: UnitOfWork, user: UserId) -> None:
    """Have somebody's roles to oneself: which is the strongest depends on all of them."""
    await uow.take_turn(composed_key("roles", user))


def _turn(room: RoomId) -> str:
    return composed_key("room", room)
