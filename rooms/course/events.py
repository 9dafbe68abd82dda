"""What is published when the evening moves on."""

from msgspec import Struct

from auth.situation import Phase, Switches
from rooms.course.countdowns import CountdownKind


class RoomState(Struct, frozen=True):
    """All of a room that its version counts, so that none of the three events below can be missed for another."""

    phase: Phase
    switches: Switches
    doors_ms: int
    start_ms: int
    version: int


class PhaseChanged(RoomState, frozen=True, tag_field="t", tag="room.phase"):
    """The show moved on."""


class SwitchesChanged(RoomState, frozen=True, tag_field="t", tag="room.switches"):
    """Somebody flipped switches."""


class ScheduleChanged(RoomState, frozen=True, tag_field="t", tag="room.schedule"):
    """Doors or start were moved."""


class CountdownChanged(Struct, frozen=True, tag_field="t", tag="room.countdown"):
    """A countdown of the room; without a target it leaves the screens."""

    id: str
    kind: CountdownKind
    target_ms: int | None
    label: str
    version: int
