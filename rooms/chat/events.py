"""What is published of what is said."""

from msgspec import Struct

from auth.identity import Role, Tier, UserId
from rooms.chat.danmaku import DanmakuStyle
from rooms.chat.pins import Pin


class PinsChanged(Struct, frozen=True, tag_field="t", tag="room.pins"):
    """What stays on top, newest last."""

    items: tuple[Pin, ...]
    version: int


class DanmakuSaid(Struct, frozen=True, tag_field="t", tag="room.danmaku"):
    """One bullet comment, cleaned and checked."""

    id: str
    user: UserId
    name: str
    text: str
    tier: Tier
    role: Role
    style: DanmakuStyle | None
    at_ms: int
    floor: Tier


class Retracted(Struct, frozen=True, tag_field="t", tag="room.retract"):
    """Take the danmaku with this id off every screen."""

    id: str
    floor: Tier
