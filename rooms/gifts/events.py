"""What is published of gifts and likes."""

from msgspec import Struct

from auth.identity import Tier, UserId
from rooms.gifts.leaderboard import LeaderboardItem


class GiftSent(Struct, frozen=True, tag_field="t", tag="room.gift"):
    """One committed gift; `credits` for all `count` together."""

    id: str
    user: UserId
    name: str
    gift: str
    count: int
    credits: int
    at_ms: int
    floor: Tier
    room_credits: int
    """The credits of all gifts of the room with this one: whoever counts takes the greatest, and never adds."""


class LikesCounted(Struct, frozen=True, tag_field="t", tag="room.likes"):
    """All likes of the room so far."""

    total: int


class LeaderboardChanged(Struct, frozen=True, tag_field="t", tag="room.leaderboard"):
    """The most generous fans, first is most."""

    items: tuple[LeaderboardItem, ...]
    version: int
