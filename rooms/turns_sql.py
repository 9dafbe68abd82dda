"""Who decides about a room does so in turn, from what the one before has left."""

from auth.composed import composed_key
from auth.identity import RoomId, UserId
from store.database_sql import UnitOfWork


async def take(uow: UnitOfWork, room: RoomId) -> None:
    """Have the phase, switches, stage, pins, countdowns and sanctions of a room to oneself. Not gifts and likes."""
    await uow.take_turn(composed_key("room", room))


async def take_gifts(uow: UnitOfWork, room: RoomId, user: UserId) -> None:
    """Have somebody's gifts in a room to oneself: the same key may come from two devices at once."""
    await uow.take_turn(composed_key("gifts", room, user))


async def take_roles(uow: UnitOfWork, user: UserId) -> None:
    """Have somebody's roles to oneself: which is the strongest depends on all of them."""
    await uow.take_turn(composed_key("roles", user))
