"""Payloads and events of how the evening goes."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from auth.situation import Access, Phase, Switches
from gateway.contract.rows import state
from gateway.contract.scalars import Count, Id, Millis
from rooms.gifts.gifts import GiftKind


class Schedule(Struct, frozen=True):
    """When the show is planned to open and to start."""

    doors_ms: Millis
    start_ms: Millis


class Room(Struct, frozen=True):
    """The live place of a show."""

    id: str
    show: str
    title: str
    access: Access
    phase: Phase
    switches: Switches
    schedule: Schedule
    gifts: tuple[GiftKind, ...]
    """The catalogue of what may be given."""
    version: Count


class ChangePhase(Struct, frozen=True):
    """Move the show on."""

    phase: Phase


class SetCountdown(Struct, frozen=True):
    """Show a countdown to everybody. `doors` and `show` move the schedule's own."""

    target_ms: Millis
    kind: Literal["doors", "show", "custom"] = "custom"
    label: Annotated[str, Meta(max_length=1920)] = ""
    """At most 80 graphemes after cleaning."""
    id: Id | None = None
    """For `custom`: which to replace; a new one without it."""


class ClearCountdown(Struct, frozen=True):
    """Take a countdown off the screens."""

    id: Id


ROOM = state("room", Room)
