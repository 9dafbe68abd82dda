"""Polls, as a room follows them."""

from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncConnection

from auth.door import Surface
from gateway.features.polls import wire
from gateway.replica.news import AnyEvent, Knowledge, Moment, Pace, State
from gateway.replica.orders import CONSOLES, FANS, View
from rooms.course.room import RoomRecord
from rooms.polls import polls_sql
from rooms.polls.events import PollsChanged

FANS_SEE = 2
"""The open poll and the one before it."""


def _polls(event: PollsChanged, _known: Knowledge, view: View, _moment: Moment) -> wire.Polls:
    items = event.items if view.surface is Surface.CONSOLE else event.items[-FANS_SEE:]
    return wire.Polls(items, event.version)


async def load(connection: AsyncConnection, room: RoomRecord, counted: int) -> Sequence[AnyEvent]:
    """The newest polls."""
    return [await polls_sql.load(connection, room.id)]


NEWS = (State(PollsChanged, wire.POLLS, _polls, views=(FANS, CONSOLES), pace=Pace.CONFLATED, hello="polls"),)
