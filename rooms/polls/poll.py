"""Polls: what may be asked, what a vote changes, and when it is too late. Pure."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct

from auth import text
from auth.denials import Code, Denied
from auth.identity import UserId
from rooms.chat.blocked_words import BlockedWords

MAX_QUESTION_GRAPHEMES = 120
MAX_OPTION_GRAPHEMES = 40
LEAST_OPTIONS, MOST_OPTIONS = 2, 6
SHOWN = 5
"""Polls of a room that consoles see, the newest; SQL keeps all."""


class PollOption(Struct, frozen=True):
    """A possible answer."""

    text: str
    votes: int
    """Of people: everybody has one, and it counts where it was put last."""


class Poll(Struct, frozen=True):
    """A question. `ended_ms` is null while it can be voted on."""

    id: str
    question: str
    options: tuple[PollOption, ...]
    """In the order in which they were asked; a vote names one by its place, from 0."""
    asked_ms: int
    ended_ms: int | None = None

    @property
    def is_open(self) -> bool:
        """Whether it can be voted on."""
        return self.ended_ms is None


class Vote(Struct, frozen=True):
    """What one person answers."""

    user: UserId
    poll: str
    option: int


class Asked(Struct, frozen=True):
    """A question and its options, cleaned."""

    question: str
    options: tuple[str, ...]


def ask(question: str, options: Sequence[str], blocked: BlockedWords) -> Asked | Denied:
    """What may be asked: texts as everybody may see them, 2 to 6 options of which no two read the same."""
    if not LEAST_OPTIONS <= len(options) <= MOST_OPTIONS:
        return Denied(Code.BAD_REQUEST, detail={"field": "options", "max_items": MOST_OPTIONS})
    said = text.within(question, MAX_QUESTION_GRAPHEMES)
    if isinstance(said, Denied):
        return _of(said, "question")
    cleaned: list[str] = []
    for option in options:
        one = text.within(option, MAX_OPTION_GRAPHEMES)
        if isinstance(one, Denied):
            return _of(one, "options")
        cleaned.append(one)
    if len({option.casefold() for option in cleaned}) != len(cleaned):
        return Denied(Code.BAD_REQUEST, detail={"field": "options"})
    if any(blocked.found_in(one) for one in (said, *cleaned)):
        return Denied(Code.TEXT_BLOCKED)
    return Asked(said, tuple(cleaned))


def judge(poll: Poll | None, option: int) -> Denied | None:
    """Why a vote does not count; None where it does."""
    if poll is None:
        return Denied(Code.NOT_FOUND)
    if not poll.is_open:
        return Denied(Code.POLL_ENDED)
    if not 0 <= option < len(poll.options):
        return Denied(Code.BAD_REQUEST, detail={"field": "option"})
    return None


def moved(votes: Iterable[Vote], before: Mapping[UserId, int]) -> Counter[int]:
    """What votes on one poll change of its counts, by option; `before` are the options that these people had."""
    changes: Counter[int] = Counter()
    standing = dict(before)
    for vote in votes:
        had = standing.get(vote.user)
        if had is not None:
            changes[had] -= 1
        changes[vote.option] += 1
        standing[vote.user] = vote.option
    return changes


def _of(denied: Denied, field: str) -> Denied:
    return Denied(denied.code, denied.retry_after_ms, {**denied.detail, "field": field})
