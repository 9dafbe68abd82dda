"""What stays on top of a room."""

from enum import StrEnum

from msgspec import Struct

from auth.denials import Code, Denied

MAX_PINS = 5
"""Pins at once; one more takes the oldest off."""


MAX_ANNOUNCEMENT_GRAPHEMES = 300


class PinKind(StrEnum):
    """Where a pin's text comes from."""

    DANMAKU = "danmaku"
    ANNOUNCEMENT = "announcement"


class Pin(Struct, frozen=True):
    """A pinned danmaku (with its id) or an announcement of the staff."""

    id: str
    kind: PinKind
    text: str
    name: str
    at_ms: int
    """When it was pinned."""


class PinsRecord(Struct, frozen=True):
    """Newest last."""

    items: tuple[Pin, ...]
    version: int


def pin(pins: PinsRecord, new: Pin) -> PinsRecord:
    """Put one on top; one with its id moves up."""
    others = tuple(item for item in pins.items if item.id != new.id)
    return PinsRecord((*others, new)[-MAX_PINS:], pins.version + 1)


def unpin(pins: PinsRecord, pin_id: str) -> PinsRecord | Denied:
    """Take one off."""
    others = tuple(item for item in pins.items if item.id != pin_id)
    if len(others) == len(pins.items):
        return Denied(Code.NOT_FOUND)
    return PinsRecord(others, pins.version + 1)
