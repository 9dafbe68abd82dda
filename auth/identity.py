"""The people of a show: ids, roles and tiers."""

from collections.abc import Mapping
from enum import StrEnum
from typing import NewType

from msgspec import Struct

UserId = NewType("UserId", str)
ShowId = NewType("ShowId", str)
RoomId = NewType("RoomId", str)


class Role(StrEnum):
    """What somebody may do beyond their ticket. Given in SQL per show, never by a token."""

    VIEWER = "viewer"
    MODERATOR = "moderator"
    HOST = "host"
    OPERATOR = "operator"

    @property
    def is_staff(self) -> bool:
        """Staff pass every door of the show and may open a console."""
        return self is not Role.VIEWER


class Tier(StrEnum):
    """What a ticket is worth, ordered `none < lobby < main < vip`; `max()` gives the best of several."""

    NONE = "none"
    LOBBY = "lobby"
    MAIN = "main"
    VIP = "vip"

    def __lt__(self, other: str) -> bool:
        return _TIER_RANKS[self] < _TIER_RANKS[other]

    def __le__(self, other: str) -> bool:
        return _TIER_RANKS[self] <= _TIER_RANKS[other]

    def __gt__(self, other: str) -> bool:
        return _TIER_RANKS[self] > _TIER_RANKS[other]

    def __ge__(self, other: str) -> bool:
        return _TIER_RANKS[self] >= _TIER_RANKS[other]


_TIER_RANKS: Mapping[str, int] = {"none": 0, "lobby": 1, "main": 2, "vip": 3}


class Identity(Struct, frozen=True):
    """A verified token's bearer, as the platform that embeds the gateway knows them."""

    user: UserId
    name: str
    """Display name; the user id where the token gives none."""
    token_id: str
    expires_ms: int
    issued_ms: int = 0
    """As the token's `iat` says, which most platforms round down to a second."""
