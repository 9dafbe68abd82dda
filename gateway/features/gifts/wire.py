"""Payloads and events of gifts, likes and credits."""

from typing import Annotated

from msgspec import Meta, Struct

from gateway.contract.rows import history, personal, state
from gateway.contract.scalars import VISIBLE, Count, Id, Millis
from rooms.gifts.leaderboard import LeaderboardItem


class GiftItem(Struct, frozen=True):
    """One committed gift. `credits` is the cost of all `count` together."""

    id: str
    user: str
    """Who gave."""
    name: str
    gift: str
    """The id in the room's catalogue."""
    count: Count
    credits: Count
    at_ms: Millis


class Gift(Struct, frozen=True):
    """New gifts, oldest first."""

    items: list[GiftItem]
    cursor: str


class Leaderboard(Struct, frozen=True):
    """The ten most generous fans, first is most."""

    items: tuple[LeaderboardItem, ...]
    version: Count


class Like(Struct, frozen=True):
    """All likes of the room so far; best effort."""

    total: Count


class Wallet(Struct, frozen=True):
    """Your gift credits in this show."""

    credits: Count
    version: Count


class MissedGift(Struct, frozen=True, tag_field="event", tag="gift"):
    """What was given while you were away."""

    data: Gift


class SendGift(Struct, frozen=True):
    """Send a gift; the same key never spends twice."""

    gift: Id
    key: Annotated[str, Meta(min_length=8, max_length=64, pattern=VISIBLE)]
    """Of the client, unique per gift; a UUID will do."""
    count: Annotated[int, Meta(ge=1, le=999)] = 1


class SendLike(Struct, frozen=True):
    """Like, some times at once."""

    count: Annotated[int, Meta(ge=1, le=100)] = 1


class GiftAck(Struct, frozen=True):
    """Committed. The same key answers the same id again, also when the right to gifts has ended since.

    `wallet` is as it is now.
    """

    id: str
    wallet: Wallet


GIFT = history("gift", Gift)

LEADERBOARD = state("leaderboard", Leaderboard)

LIKE = state("like", Like)

WALLET = personal("wallet", Wallet)
