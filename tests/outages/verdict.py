"""What fans met in an outage, from their journals and from what was acknowledged. No I/O."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from gateway.rehearsal.journal import Entry, Journal, in_welcome
from tests.outages.show import Done, Fan

COUNTERS = ("sales", "leaderboard", "presence")


@dataclass(frozen=True, slots=True)
class Hearing:
    """Of one fan: what reached the screen, and what did not."""

    missing: int
    untold: tuple[str, ...]
    """Ids of what is missing without a word of it."""
    doubled: int


@dataclass(frozen=True, slots=True)
class Span:
    """Of an outage, by the fans' clock."""

    began_ms: int
    back_ms: int
    """When Redis answered again."""


def hearing(fan: Fan, said: Iterable[Done], given: Iterable[Done]) -> Hearing:
    """What is missing must be told by a welcome that came after it, and says so."""
    keys = [item.key for item in fan.notes.items()]
    heard = set(keys)
    lost_words = [one for one in said if ("danmaku", one.id) not in heard]
    lost_gifts = [one for one in given if ("gift", one.id) not in heard]
    welcomes = [entry for entry in fan.notes.entries if entry.event == "welcome"]
    cut_ms = [at.at_ms for at in welcomes if not at.payload["recovered"] or at.payload["danmaku_truncated"]]
    lost_ms = [at.at_ms for at in welcomes if not at.payload["recovered"]]
    untold = [one.id for one in lost_words if not any(at_ms >= one.at_ms for at_ms in cut_ms)]
    untold += [one.id for one in lost_gifts if not any(at_ms >= one.at_ms for at_ms in lost_ms)]
    return Hearing(len(lost_words) + len(lost_gifts), tuple(untold), len(keys) - len(heard))


def told_of_it_ms(fan: Fan, span: Span) -> int | None:
    """When a fan's app learned that the wire is out."""
    return next(
        (at.at_ms for at in fan.notes.entries if at.event == "degraded" and at.payload["since_ms"] is not None
         and at.at_ms >= span.began_ms),
        None,
    )  # fmt: skip


def back_ms(fans: Iterable[Fan], said: list[Done], span: Span) -> int:
    """From Redis to the first danmaku since when everything said at one gateway is heard at the other, by the last fan.

    And to the word that the wire is back, where fans were told that it was out.
    """
    return max((_back_ms(fan, said, span) for fan in fans), default=0) - span.back_ms


def _back_ms(fan: Fan, said: list[Done], span: Span) -> int:
    heard = {item.key[1]: item.heard_ms for item in fan.notes.items() if not item.missed}
    first_ms = span.back_ms
    for one in reversed([one for one in said if one.gateway != fan.gateway]):
        if one.at_ms < span.back_ms or one.id not in heard:
            break
        first_ms = heard[one.id]
    healed = [at.at_ms for at in fan.notes.entries if at.event == "degraded" and at.payload["since_ms"] is None]
    return max([first_ms, *(at_ms for at_ms in healed if at_ms >= span.back_ms)])


def heard_share(fans: Iterable[Fan], said: Iterable[Done], span: Span, *, own: bool) -> float:
    """Of the danmaku of the outage, which part fans heard at the gateway (or not) of who said them."""
    during = [one for one in said if span.began_ms <= one.at_ms < span.back_ms]
    owed = reached = 0
    for fan in fans:
        heard = {item.key[1] for item in fan.notes.items()}
        theirs = [one for one in during if (one.gateway == fan.gateway) is own]
        owed += len(theirs)
        reached += sum(one.id in heard for one in theirs)
    return reached / owed if owed else 1.0


def right_since_ms(notes: Journal, names: Iterable[str], is_right: Callable[[str, Any], bool]) -> int | None:
    """Since when all of these values on a screen are right, for good; None: they are not."""
    views: dict[str, bool] = {}
    since_ms: int | None = None
    wanted = set(names)
    for entry in notes.entries:
        for name, value in _values(entry, wanted):
            views[name] = is_right(name, value)
        was_right, since_ms_now = since_ms is not None, entry.at_ms
        now_right = views.keys() == wanted and all(views.values())
        if now_right and not was_right:
            since_ms = since_ms_now
        elif not now_right:
            since_ms = None
    return since_ms


def _values(entry: Entry, names: set[str]) -> Iterator[tuple[str, Any]]:
    if entry.event in names:
        yield entry.event, entry.payload
    elif entry.event == "welcome":
        for name in names:
            value = entry.payload["presence"] if name == "presence" else in_welcome(entry.payload, name)
            if value is not None:
                yield name, value
