"""What is said and what stays on top, as a room follows it."""

from collections.abc import Sequence

from msgspec import UNSET
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.features.chat import wire
from gateway.replica.news import AnyEvent, History, Knowledge, Moment, State
from gateway.replica.orders import INSIDE, OUTSIDE, View
from rooms.chat import pins_sql
from rooms.chat.events import DanmakuSaid, PinsChanged, Retracted
from rooms.chat.pins import PinKind
from rooms.course.room import RoomRecord


def danmaku_item(event: DanmakuSaid) -> wire.DanmakuItem:
    """A danmaku as clients see it."""
    return wire.DanmakuItem(
        event.id, event.user, event.name, event.text, event.tier, event.at_ms, event.role, event.style or UNSET
    )


def _pins(event: PinsChanged, _known: Knowledge, view: View, _moment: Moment) -> wire.Pins:
    """A foyer sees announcements only, for a danmaku belongs to those inside."""
    inside = view.reads is not False
    items = tuple(pin for pin in event.items if inside or pin.kind is PinKind.ANNOUNCEMENT)
    return wire.Pins(items, event.version)


async def load(connection: AsyncConnection, room: RoomRecord, counted: int) -> Sequence[AnyEvent]:
    """The pins."""
    pins = await pins_sql.load_pins(connection, room.id)
    return [PinsChanged(pins.items, pins.version)]


NEWS = (
    History(DanmakuSaid, wire.DANMAKU, danmaku_item, wire.MissedDanmaku),
    History(Retracted, wire.RETRACT, lambda event: wire.RetractItem(event.id), wire.MissedRetract),
    State(PinsChanged, wire.PINS, _pins, views=(INSIDE, OUTSIDE), hello="pins"),
)
