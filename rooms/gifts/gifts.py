"""What may be given, and what it costs."""

from collections.abc import Sequence

from msgspec import Struct

from auth.composed import composed_key
from auth.denials import Code, Denied
from auth.identity import RoomId, Tier, UserId

MAX_COUNT = 999


class GiftKind(Struct, frozen=True):
    """A gift that may be sent, and the price of one in credits."""

    id: str
    name: str
    credits: int


DEFAULT_CATALOGUE: tuple[GiftKind, ...] = (
    GiftKind("rose", "Rose", 1),
    GiftKind("cheer", "Cheer", 5),
    GiftKind("star", "Star", 20),
    GiftKind("rocket", "Rocket", 100),
    GiftKind("castle", "Castle", 500),
)


class GiftRecord(Struct, frozen=True):
    """A committed gift. `credits` is the cost of all `count` together."""

    id: str
    room: RoomId
    user: UserId
    name: str
    gift: str
    count: int
    credits: int
    key: str
    """The sender's own; unique per room and user."""
    at_ms: int
    floor: Tier
    """The least tier that may see it."""


class GiftTotals(Struct, frozen=True):
    """All gifts of a room so far."""

    credits: int
    gifts: int
    """How many were sent; it grows with every one, so it serves as a version."""


def spending_key(room: RoomId, key: str) -> str:
    """What the credits of a gift are spent for, among all that its sender spends in the show."""
    return composed_key("gift", room, key)


def price(catalogue: Sequence[GiftKind], gift: str, count: int) -> int | Denied:
    """Credits for `count` of a gift."""
    if not 1 <= count <= MAX_COUNT:
        return Denied(Code.BAD_REQUEST, detail={"field": "count"})
    for kind in catalogue:
        if kind.id == gift:
            return kind.credits * count
    return Denied(Code.GIFT_UNKNOWN)
