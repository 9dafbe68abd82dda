"""The state of a room as far as rights depend on it: phase, access and switches."""

from enum import StrEnum
from typing import Annotated, NamedTuple

from msgspec import Meta, Struct


class Phase(StrEnum):
    """Where a show stands. `rooms/course/phases.py` holds the only transitions between them."""

    DRAFT = "draft"
    PRESALE = "presale"
    DOORS = "doors"
    LIVE = "live"
    PAUSED = "paused"
    ENDED = "ended"
    REPLAY = "replay"
    CANCELLED = "cancelled"


class Access(StrEnum):
    """Whether watching the main stream takes a ticket."""

    TICKETED = "ticketed"
    OPEN = "open"


class Scale(StrEnum):
    """Who, among those inside, a switch lets interact."""

    OFF = "off"
    VIP = "vip"
    TICKET = "ticket"
    EVERYONE = "everyone"


class Course(NamedTuple):
    """Where a show stands, and when it is. Its room has it; the box office is handed it."""

    title: str
    phase: Phase
    doors_ms: int
    start_ms: int


MAX_SLOW_MS = 600_000


class Switches(Struct, frozen=True):
    """The settings of a room that its host flips during the show."""

    chat: Scale = Scale.TICKET
    gifts: Scale = Scale.TICKET
    cohost: Scale = Scale.TICKET
    likes: Scale = Scale.EVERYONE
    polls: Scale = Scale.EVERYONE
    slow_ms: Annotated[int, Meta(ge=0, le=MAX_SLOW_MS)] = 0
    """Least time between two danmaku of one viewer; 0 is off. Staff are exempt."""
    links: bool = True
    """Whether a danmaku may hold a link."""
    emoji_only: bool = False
    sales_left: bool = True
    """Whether the public sales counter tells how many tickets are left."""
