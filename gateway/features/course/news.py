"""How the evening goes, as a room follows it: its record, and its countdowns."""

from collections.abc import Iterable, Sequence

from msgspec import UNSET, structs
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.contract import shared
from gateway.features.course import wire
from gateway.replica.news import AnyEvent, Effect, Keyed, Knowledge, Moment
from gateway.replica.orders import Order, RightsFollow, Tell
from gateway.replica.replica import ROOM_NEWS
from gateway.replica.welcome import Luggage, Part, Viewer
from rooms.course import countdowns, countdowns_sql
from rooms.course.countdowns import Countdown
from rooms.course.events import CountdownChanged, PhaseChanged, RoomState
from rooms.course.room import RoomRecord


def room_shape(room: RoomRecord) -> wire.Room:
    """The `room` event."""
    return wire.Room(
        room.id,
        room.show,
        room.title,
        room.access,
        room.phase,
        room.switches,
        wire.Schedule(room.doors_ms, room.start_ms),
        room.gifts,
        room.version,
    )


def countdown_shape(countdown: Countdown | CountdownChanged, now_ms: int) -> shared.Countdown:
    """A countdown of the room as the `countdown` event."""
    return shared.Countdown(
        countdown.id,
        "room",
        countdown.kind.value,
        countdown.target_ms,
        now_ms,
        countdown.version,
        countdown.label or UNSET,
    )


def _room_moved(event: RoomState, before: RoomRecord, known: Knowledge, moment: Moment) -> Iterable[Order]:
    yield Tell(wire.ROOM, room_shape(known.room))
    for countdown in countdowns.changed(before, known.room):
        yield Tell(shared.COUNTDOWN, countdown_shape(countdown, moment.now_ms()))
    yield RightsFollow("phase" if isinstance(event, PhaseChanged) else "switches")


def _countdown_moved(
    event: CountdownChanged, _before: RoomRecord, _known: Knowledge, moment: Moment
) -> Iterable[Order]:
    yield Tell(shared.COUNTDOWN, countdown_shape(event, moment.now_ms()))


def _running(known: Knowledge, _viewer: Viewer, _luggage: Luggage, moment: Moment) -> list[shared.Countdown]:
    now_ms = moment.now_ms()
    running = [countdown_shape(one, now_ms) for one in countdowns.of_schedule(known.room)]
    running += (countdown_shape(one, now_ms) for one in known.each(CountdownChanged).values())
    return [one for one in running if one.target_ms is not None]


async def load(connection: AsyncConnection, room: RoomRecord, counted: int) -> Sequence[AnyEvent]:
    """The countdowns that the staff has made."""
    return [
        CountdownChanged(one.id, one.kind, one.target_ms, one.label, one.version)
        for one in await countdowns_sql.load_custom(connection, room.id)
    ]


NEWS = (
    Effect(ROOM_NEWS, _room_moved),
    Keyed(
        "countdown",
        CountdownChanged,
        (CountdownChanged,),
        end=lambda event, version: structs.replace(event, target_ms=None, version=version),
        key=lambda event: str(event.id),
        is_over=lambda event: event.target_ms is None,
    ),
    Effect((CountdownChanged,), _countdown_moved),
)
PARTS = (
    Part("room", lambda known, *_: room_shape(known.room), source=lambda known: known.room),
    Part("countdowns", _running, extends=True),
)
