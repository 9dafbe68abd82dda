"""The most generous fans of a room."""

from collections.abc import Iterable

from msgspec import Struct

from auth.identity import UserId

SIZE = 10


class LeaderboardItem(Struct, frozen=True):
    """A fan and the credits of all their gifts in this room."""

    user: UserId
    name: str
    credits: int


class LeaderboardRecord(Struct, frozen=True):
    """At most `SIZE` fans, first is most."""

    items: tuple[LeaderboardItem, ...]
    version: int


def top(items: Iterable[LeaderboardItem]) -> tuple[LeaderboardItem, ...]:
    """The `SIZE` fans with the most credits; equal ones by user id, so that the order is the same everywhere."""
    return tuple(sorted(items, key=lambda item: (-item.credits, item.user))[:SIZE])
