"""Under which name somebody is shown in a room: their own, unless it is blocked or somebody else's. Pure."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from hashlib import sha256
from typing import Final, Protocol

from msgspec import Struct

from auth import text
from auth.denials import Code, Denied
from auth.identity import UserId
from auth.tokens import MAX_NAME_GRAPHEMES
from rooms.chat import folding
from rooms.chat.blocked_words import BlockedWords
from rooms.chat.folding import Letter

MAX_OFFICIAL: Final = 50
"""Names that a show may keep for itself."""
SHORT_LETTERS: Final = 2
"""Names of so many letters are compared exactly: there is too little of them to see a disguise in."""
MAX_REMEMBERED: Final = 10_000
"""Answers remembered per room; there are more in a room only where names change."""


_Kept = tuple[UserId | None, str]
"""A name, and the host whose it is."""


class NamesRecord(Struct, frozen=True):
    """The names that viewers of a show may not take; `version` grows with each change."""

    official: tuple[str, ...] = ()
    hosts: Mapping[UserId, str] = {}
    """The name that each host was last seen with; their user id before they came."""
    version: int = 0


class Kept(Protocol):
    """What says which names are kept; another object once it says something else."""

    @property
    def official(self) -> Sequence[str]: ...
    @property
    def hosts(self) -> Mapping[UserId, str]: ...


class Names:
    """Judges names by the record of the moment, as the filters of texts see them: `Аurora★` is `aurora`."""

    def __init__(self, record: Callable[[], Kept], blocked: BlockedWords) -> None:
        self._record_now = record
        self._blocked = blocked
        self._take(record())

    def _take(self, record: Kept) -> None:
        self._record = record
        self._official = _by_folded((None, name) for name in record.official)
        self._hosts = _by_folded(record.hosts.items())
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
        kept = (*self._official.get(folded, ()), *self._hosts.get(folded, ()))
        return any(owner != user and _reads_as(name, theirs) for owner, theirs in kept)


def alias(user: UserId) -> str:
    """A name that says nothing, the same for a user for ever: `#` and eight digits."""
    return f"#{int.from_bytes(sha256(user.encode()).digest()[:8]) % 10**8:08d}"


def official(names: Sequence[str]) -> tuple[str, ...] | Denied:
    """The list of a show, cleaned and each name once; BAD_REQUEST where one is none or they are too many."""
    cleaned = [text.clean(name) for name in names]
    if len(cleaned) > MAX_OFFICIAL or not all(name and text.fits(name, MAX_NAME_GRAPHEMES) for name in cleaned):
        detail: dict[str, object] = {"field": "names", "max": MAX_OFFICIAL, "max_graphemes": MAX_NAME_GRAPHEMES}
        return Denied(Code.BAD_REQUEST, detail=detail)
    return tuple({tuple(letter.meant for letter in _letters(name)) or name: name for name in cleaned}.values())


def _by_folded(names: Iterable[_Kept]) -> dict[str, list[_Kept]]:
    kept: dict[str, list[_Kept]] = {}
    for owner, name in names:
        kept.setdefault(_folded(name), []).append((owner, name))
    return kept


def _folded(name: str) -> str:
    """What names are found by: their letters as filters find them; one of symbols alone as it is."""
    return folding.sought(folding.normal(name)) or name


def _reads_as(name: str, kept: str) -> bool:
    """Whether a reader takes a name for a kept one that is found as it is.

    A digit or a capital I is read as another letter only among letters (`Aur0ra`, `AIice`; not `101` for `LOL`), and a
    very short name is itself only: `11` is not `LI`.
    """
    pairs = list(zip(_letters(name), _letters(kept), strict=True))
    if len(pairs) <= SHORT_LETTERS:
        return all(one.meant == other.meant for one, other in pairs)
    plain = 0
    for one, other in pairs:
        if one.meant != other.meant and not _readings(one) & _readings(other):
            return False
        plain += one.meant == other.meant or not (_is_doubtful(one) or _is_doubtful(other))
    return 2 * plain >= len(pairs)


def _readings(letter: Letter) -> set[str]:
    return {letter.meant, letter.looks, letter.passes} - {""}


def _is_doubtful(letter: Letter) -> bool:
    return letter.meant.isdigit() or letter.meant == "i"


def _letters(name: str) -> list[Letter]:
    return [letter for character in folding.normal(name) for letter in folding.letters_of(character)]
