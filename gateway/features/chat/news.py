"""What is said and what stays on top, as a room follows it."""

from collections.abc import Sequence

from msgspec import UNSET
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.contract import events, shapes
from gateway.replica.news import AnyEvent, History, Knowledge, Moment, State
from gateway.replica.orders import INSIDE, OUTSIDE, View
from rooms import pins_sql
from rooms.events import DanmakuSaid, PinsChanged, Retracted
from rooms.pins import PinKind
from rooms.room import RoomRecord


def danmaku_item(event: DanmakuSaid) -> shapes.DanmakuItem:
    """A danmaku as clients see it."""
    return shapes.DanmakuItem(
        event.id, event.user, event.name, event.text, event.tier, event.at_ms, event.role, event.style or UNSET
    )


def _pins(event: PinsChanged, _known: Knowledge, view: View, _moment: Moment) -> shapes.Pins:
    """A foyer sees announcements only, for a danmaku belongs to those inside."""
    inside = view.reads is not False
    items = tuple(pin for pin in event.items if inside or pin.kind is PinKind.ANNOUNCEMENT)
    return shapes.Pins(items, event.version)


async def load(connection: AsyncConnection, room: RoomRecord, counted: int) -> Sequence[AnyEvent]:
    """The pins."""
    pins = await pins_sql.load_pins(connection, room.id)
    return [PinsChanged(pins.items, pins.version)]


NEWS = (
    History(DanmakuSaid, events.DANMAKU, danmaku_item, shapes.MissedDanmaku),
    History(Retracted, events.RETRACT, lambda event: shapes.RetractItem(event.id), shapes.MissedRetract),
    State(PinsChanged, events.PINS, _pins, views=(INSIDE, OUTSIDE), hello="pins"),
)
