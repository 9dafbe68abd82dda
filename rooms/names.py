"""Under which name somebody is shown in a room: their own, unless it is blocked or somebody else's. Pure."""

from collections.abc import Callable, Mapping, Sequence
from hashlib import sha256
from typing import Final

from msgspec import Struct

from auth import text
from auth.denials import Code, Denied
from auth.identity import UserId
from auth.tokens import MAX_NAME_GRAPHEMES
from rooms import folding
from rooms.blocked_words import BlockedWords

MAX_OFFICIAL: Final = 50
"""Names that a show may keep for itself."""
MAX_REMEMBERED: Final = 10_000
"""Answers remembered per room; there are more in a room only where names change."""


class NamesRecord(Struct, frozen=True):
    """The names that viewers of a show may not take; `version` grows with each change."""

    official: tuple[str, ...] = ()
    hosts: Mapping[UserId, str] = {}
    """The name that each host was last seen with; their user id before they came."""
    version: int = 0


class Names:
    """Judges names by the record of the moment, as the filters of texts see them: `Аurora★` is `aurora`."""

    def __init__(self, record: Callable[[], NamesRecord], blocked: BlockedWords) -> None:
        self._record_now = record
        self._blocked = blocked
        self._take(record())

    def _take(self, record: NamesRecord) -> None:
        self._record = record
        self._official = frozenset(map(_folded, record.official))
        self._hosts = {user: _folded(name) for user, name in record.hosts.items()}
        self._shown: dict[tuple[UserId, str, bool], str] = {}

    def shown(self, user: UserId, name: str, *, is_staff: bool) -> str:
        """The name itself, or one made of the user id where it holds a blocked word or a viewer took it of the show."""
        record = self._record_now()
        if record is not self._record:
            self._take(record)
        key = (user, name, is_staff)
        known = self._shown.get(key)
        if known is None:
            if len(self._shown) >= MAX_REMEMBERED:
                self._shown.clear()
            is_free = not self._blocked.found_in(name) and (is_staff or not self._is_taken(user, name))
            known = self._shown[key] = name if is_free else alias(user)
        return known

    def _is_taken(self, user: UserId, name: str) -> bool:
        folded = _folded(name)
        return folded in self._official or any(folded == hosts and host != user for host, hosts in self._hosts.items())


def alias(user: UserId) -> str:
    """A name that says nothing, the same for a user for ever: `#` and eight digits."""
    return f"#{int.from_bytes(sha256(user.encode()).digest()[:8]) % 10**8:08d}"


def official(names: Sequence[str]) -> tuple[str, ...] | Denied:
    """The list of a show, cleaned and each name once; BAD_REQUEST where one is none or they are too many."""
    cleaned = [text.clean(name) for name in names]
    if len(cleaned) > MAX_OFFICIAL or not all(name and text.fits(name, MAX_NAME_GRAPHEMES) for name in cleaned):
        detail: dict[str, object] = {"field": "names", "max": MAX_OFFICIAL, "max_graphemes": MAX_NAME_GRAPHEMES}
        return Denied(Code.BAD_REQUEST, detail=detail)
    return tuple({_folded(name): name for name in cleaned}.values())


def _folded(name: str) -> str:
    """What a name is compared by: its letters as filters find them; one of symbols alone as it is."""
    return folding.sought(folding.normal(name)) or name
