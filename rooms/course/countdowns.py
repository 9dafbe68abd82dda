"""What a room waits for."""

from enum import StrEnum

from msgspec import Struct, structs

from auth.denials import Code, Denied
from auth.situation import Phase
from rooms.course.room import RoomRecord

MAX_CUSTOM = 8
"""Countdowns a host may show at once beside the schedule's own."""


MAX_LABEL_GRAPHEMES = 80


class CountdownKind(StrEnum):
    """`doors` and `show` are the schedule's own, with their kind for an id."""

    DOORS = "doors"
    SHOW = "show"
    CUSTOM = "custom"


class Countdown(Struct, frozen=True):
    """`target_ms: None` takes it off the screens."""

    id: str
    kind: CountdownKind
    target_ms: int | None
    label: str
    version: int


def of_schedule(room: RoomRecord) -> tuple[Countdown, Countdown]:
    """The doors' and the show's countdown; without a target once what they wait for has come."""
    before_doors = room.phase in {Phase.DRAFT, Phase.PRESALE}
    before_show = before_doors or room.phase is Phase.DOORS
    return (
        Countdown("doors", CountdownKind.DOORS, room.doors_ms if before_doors else None, "", room.version),
        Countdown("show", CountdownKind.SHOW, room.start_ms if before_show else None, "", room.version),
    )


def changed(before: RoomRecord, after: RoomRecord) -> tuple[Countdown, ...]:
    """The schedule's countdowns whose target a change of the room moved."""
    pairs = zip(of_schedule(before), of_schedule(after), strict=True)
    return tuple(new for old, new in pairs if old.target_ms != new.target_ms)


def reschedule(room: RoomRecord, doors_ms: int, start_ms: int) -> RoomRecord | Denied:
    """The room with its schedule moved; doors never open after the show starts."""
    if doors_ms > start_ms:
        return Denied(Code.BAD_REQUEST, detail={"field": "doors_ms"})
    return structs.replace(room, doors_ms=doors_ms, start_ms=start_ms, version=room.version + 1)
