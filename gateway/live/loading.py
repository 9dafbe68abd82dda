"""Reads a room and its guest list from SQL."""

import asyncio
from collections.abc import Callable, Sequence
from typing import TypeVar

from sqlalchemy.ext.asyncio import AsyncConnection

from auth.identity import RoomId, ShowId, UserId
from gateway.replica.feature import Load
from gateway.replica.guests import GuestList
from gateway.replica.replica import Reading
from presale.books import wallet_sql
from presale.entitlements import entitlements_sql
from presale.orders import orders_sql
from presale.orders.events import told
from presale.orders.orders import OrderId
from rooms import turns_sql
from rooms.course import rooms_sql
from rooms.roles import roles_sql

SLICE = 500
"""Guests taken in before others have their turn on the event loop."""

Row = TypeVar("Row")


async def read_room(connection: AsyncConnection, room_id: RoomId, loads: Sequence[Load]) -> Reading:
    """All of a room as SQL has it in the snapshot of this connection; the room exists."""
    room = await rooms_sql.load_room(connection, room_id)
    assert room is not None, "asked for a room that exists"
    counted = await turns_sql.counted(connection, room_id)
    return Reading(room, counted, [event for load in loads for event in await load(connection, room, counted)])


async def load_guests(guests: GuestList, connection: AsyncConnection, show: ShowId) -> None:
    """Read everybody, in a few queries over the whole show, into what was taken in meanwhile."""
    guests.note_staff(await roles_sql.list_staff(connection, show))
    for number, version in await orders_sql.list_ended(connection, show, guests.remembered):
        guests.note_ended(number, version)
    await _in_slices(guests.change, await entitlements_sql.list_changes(connection, show))
    await _in_slices(guests.fill, await wallet_sql.list_all(connection, show))
    last = OrderId("")
    while page := await orders_sql.list_standing(connection, show, last, SLICE):
        last = page[-1].id
        for order in page:
            guests.order(told(order))
    guests.loaded()


async def _in_slices(take: Callable[[UserId, Row], object], rows: list[tuple[UserId, Row]]) -> None:
    for number, row in enumerate(rows, 1):
        take(*row)
        if not number % SLICE:
            await asyncio.sleep(0)
