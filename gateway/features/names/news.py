"""The names that viewers may not take, as a room follows them."""

from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.features.names import wire
from gateway.replica.news import AnyEvent, State
from gateway.replica.orders import CONSOLES
from rooms.course.room import RoomRecord
from rooms.names import names_sql
from rooms.names.events import NamesChanged


async def load(connection: AsyncConnection, room: RoomRecord, counted: int) -> Sequence[AnyEvent]:
    """The official names and those of the hosts."""
    names = await names_sql.load(connection, room.id)
    return [NamesChanged(names.official, dict(names.hosts), names.version)]


NEWS = (
    State(
        NamesChanged,
        wire.NAMES,
        lambda event, *_: wire.Names(event.official, event.version),
        views=(CONSOLES,),
    ),
)
