"""Payloads and events of what is said."""

from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType

from auth.identity import Role, Tier
from gateway.contract.rows import history, state
from gateway.contract.scalars import Count, Id, Millis, ShortText
from rooms.chat.danmaku import DanmakuStyle
from rooms.chat.pins import Pin


class DanmakuItem(Struct, frozen=True, omit_defaults=True):
    """One bullet comment. `text` is plain text; pages write it with `textContent` only."""

    id: str
    user: str
    """Who said it."""
    name: str
    """The name to show."""
    text: str
    tier: Tier
    """The ticket of its author when it was said."""
    at_ms: Millis
    role: Role = Role.VIEWER
    style: DanmakuStyle | UnsetType = UNSET


class Danmaku(Struct, frozen=True):
    """New danmaku, oldest first."""

    items: list[DanmakuItem]
    cursor: str


class RetractItem(Struct, frozen=True):
    """Take the danmaku with this id off every screen."""

    id: str


class Retract(Struct, frozen=True):
    """Danmaku taken back by a moderator."""

    items: list[RetractItem]
    cursor: str


class Pins(Struct, frozen=True):
    """What stays on top, newest last."""

    items: tuple[Pin, ...]
    version: Count


class MissedDanmaku(Struct, frozen=True, tag_field="event", tag="danmaku"):
    """What was said while you were away."""

    data: Danmaku


class MissedRetract(Struct, frozen=True, tag_field="event", tag="retract"):
    """What was taken back while you were away."""

    data: Retract


class SendDanmaku(Struct, frozen=True):
    """Say something."""

    text: ShortText
    style: DanmakuStyle | None = None


class ItemTarget(Struct, frozen=True):
    """A danmaku or a pin."""

    id: Id


class Announce(Struct, frozen=True):
    """Pin a text of the host."""

    text: Annotated[str, Meta(min_length=1, max_length=7200)]
    """At most 300 graphemes after cleaning."""


class DanmakuAck(Struct, frozen=True, omit_defaults=True):
    """Accepted, best effort. `shed`: so full a room that not everybody will see it."""

    id: str
    shed: bool = False


DANMAKU = history("danmaku", Danmaku, may_be_shed=True)

RETRACT = history("retract", Retract)

PINS = state("pins", Pins)
