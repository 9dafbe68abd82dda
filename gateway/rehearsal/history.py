"""Checks danmaku, gifts and retractions: all saw the same, without gaps or duplicates, across reconnects. No I/O."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from gateway.features.audit.bodies import RightAudit
from gateway.rehearsal.evening import Check, Evening, equal, none_of
from gateway.rehearsal.journal import Item, Journal, SocketLog
from gateway.rehearsal.rights import Span, by_user, spans

Key = tuple[str, str]


class Published(NamedTuple):
    """One item of the reference."""

    key: Key
    at_ms: int
    """When the server published it; a retraction carries the time of the latest item before it."""
    heard_ms: int
    """When the console received it, by the server's clock."""


@dataclass(frozen=True, slots=True)
class Reference:
    """What the console saw, each item once, in order."""

    items: Sequence[Published]
    places: dict[Key, int]
    payloads: dict[Key, object]


@dataclass(frozen=True, slots=True)
class Presence:
    """A stretch of sockets, each of which took up where the one before was torn off."""

    span: Span
    sockets: Collection[int]
    gaps: Sequence[Span]
    """Absences for which the server reported missing danmaku."""


def checks(evening: Evening) -> Iterator[Check]:
    """Every claim about history."""
    reference = _reference(evening.console)
    yield _stored(evening, reference)
    yield _witnesses(evening, reference)
    yield _accepted(evening, reference)
    yield _same(evening, reference)
    yield _twice(evening)
    yield _order(evening, reference)
    yield _missed(evening, reference)
    yield _recovered(evening)


def _reference(console: Journal) -> Reference:
    items: list[Published] = []
    payloads: dict[Key, object] = {}
    latest_ms = 0
    skews_ms = [log.server_ms - log.opened_ms for log in console.sockets]
    for item in console.items():
        latest_ms = max(latest_ms, item.at_ms or 0)
        if item.key not in payloads:
            items.append(Published(item.key, latest_ms, item.heard_ms + skews_ms[item.socket]))
            payloads[item.key] = item.payload
    return Reference(items, {one.key: place for place, one in enumerate(items)}, payloads)


def _stored(evening: Evening, reference: Reference) -> Check:
    room = evening.truth.room
    counted = {kind: sum(one.key[0] == kind for one in reference.items) for kind in ("danmaku", "gift", "retract")}
    return equal(
        "history.stored",
        "the console saw what SQL has on record",
        {"danmaku": room.danmaku, "gift": room.gifts, "retract": room.retractions},
        counted,
    )


def _witnesses(evening: Evening, reference: Reference) -> Check:
    whole = [one.key for one in reference.items]
    faults: list[str] = []
    for tier, journal in evening.witnesses.items():
        seen = [item.key for item in journal.items()]
        if seen != whole:
            lost = [key for key in whole if key not in seen]
            faults.append(f"{tier}: {len(seen)} of {len(whole)}, lost {lost[:3]}")
        if len(journal.sockets) != 1:
            faults.append(f"{tier}: the witness needed {len(journal.sockets)} sockets")
    says = "a never-dropped witness of each tier saw all of it, in this order"
    return none_of("history.witnesses", says, faults, len(evening.witnesses))


def _accepted(evening: Evening, reference: Reference) -> Check:
    accepted: list[Key] = []
    for journal in evening.fans:
        accepted += [("danmaku", one) for one in journal.accepted_danmaku]
        accepted += [("gift", one) for tried in journal.gifts.values() for one in tried.answers[:1]]
    accepted += [("retract", one) for one in evening.deeds.retracted]
    lost = [
        f"{kind} {one} was accepted and never shown" for kind, one in accepted if (kind, one) not in reference.places
    ]
    return none_of("history.accepted", "what was acked as accepted was shown", lost, len(accepted))


def _same(evening: Evening, reference: Reference) -> Check:
    faults: list[str] = []
    received = 0
    for journal in evening.fans:
        for item in journal.items():
            received += 1
            if reference.payloads.get(item.key) != item.payload:
                faults.append(f"{journal.user}: {item.key[0]} {item.key[1]} is not what the console saw")
    return none_of("history.same", "every item is the same on every screen", faults, received)


def _twice(evening: Evening) -> Check:
    faults: list[str] = []
    received = 0
    for journal in evening.everybody():
        seen: set[Key] = set()
        for item in journal.items():
            received += 1
            if item.key in seen:
                faults.append(f"{journal.user}: {item.key[0]} {item.key[1]}{' in a welcome' if item.missed else ''}")
            seen.add(item.key)
    return none_of("history.twice", "nothing came twice to a screen", faults, received)


def _order(evening: Evening, reference: Reference) -> Check:
    faults: list[str] = []
    for journal in evening.fans:
        latest = -1
        for item in journal.items():
            place = reference.places.get(item.key, latest)
            if place < latest:
                faults.append(f"{journal.user}: {item.key[0]} {item.key[1]} came after a later one")
            latest = max(latest, place)
    return none_of("history.order", "the order is the same for everybody", faults, len(evening.fans))


def _missed(evening: Evening, reference: Reference) -> Check:
    rights = by_user(evening)
    faults: list[str] = []
    resumed = excused = 0
    for journal in evening.fans:
        resumed += sum(log.resumed and log.recovered for log in journal.sockets)
        lost, told = _lost(journal, rights.get(journal.user, ()), reference, evening)
        excused += told
        faults += [f"{journal.user} missed {reference.items[place].key}" for place in lost]
    says = f"nothing was missed, {resumed} returns included ({excused} danmaku fell out and were said to)"
    return none_of("history.missed", says, faults, len(reference.items) * len(evening.fans))


def _lost(
    journal: Journal, rights: Sequence[RightAudit], reference: Reference, evening: Evening
) -> tuple[list[int], int]:
    """The places of the reference that should have reached a screen and did not, and how many are excused."""
    lost: set[int] = set()
    excused = 0
    grace_ms = evening.rights_within_ms
    items = list(journal.items())
    for presence in presences(journal.sockets, evening.truth.server_ms):
        for inside in spans(rights):
            window = Span(max(presence.span.from_ms, inside.from_ms), min(presence.span.until_ms, inside.until_ms))
            if window.from_ms >= window.until_ms:
                continue
            for place in _absent(items, presence, window, reference, grace_ms):
                if _is_excused(reference.items[place], presence.gaps, grace_ms):
                    excused += 1
                else:
                    lost.add(place)
    return sorted(lost), excused


def _absent(items: Sequence[Item], presence: Presence, window: Span, reference: Reference, grace_ms: int) -> list[int]:
    """Places between the first and the last seen, and well inside of the window, that were not seen."""
    heard = (reference.places.get(item.key) for item in items if item.socket in presence.sockets)
    seen = {place for place in heard if place is not None}
    wide = range(window.from_ms - grace_ms, window.until_ms + grace_ms)
    here = [place for place in seen if reference.items[place].at_ms in wide]
    certain = range(window.from_ms + grace_ms, window.until_ms - grace_ms)
    due = {place for place, one in enumerate(reference.items) if one.at_ms in certain and one.heard_ms in certain}
    if here:
        due |= set(range(min(here), max(here)))
    return sorted(due - seen)


def _is_excused(one: Published, gaps: Sequence[Span], grace_ms: int) -> bool:
    return one.key[0] == "danmaku" and any(
        gap.from_ms - grace_ms <= one.at_ms <= gap.until_ms + grace_ms for gap in gaps
    )


def presences(sockets: Sequence[SocketLog], now_ms: int) -> list[Presence]:
    """The stretches of somebody's sockets; a socket that took up the one before lengthens its stretch."""
    found: list[Presence] = []
    for number, log in enumerate(sockets):
        skew_ms = log.server_ms - log.opened_ms
        until_ms = now_ms if log.ended_ms is None else min(now_ms, log.ended_ms + skew_ms)
        before = found.pop() if found and log.recovered else None
        if before is None:
            found.append(Presence(Span(log.server_ms, until_ms), [number], []))
            continue
        gap = [Span(before.span.until_ms, log.server_ms)] if log.truncated else []
        span = Span(before.span.from_ms, until_ms)
        found.append(Presence(span, [*before.sockets, number], [*before.gaps, *gap]))
    return found


def _recovered(evening: Evening) -> Check:
    resumed = [(journal.user, log) for journal in evening.fans for log in journal.sockets if log.resumed]
    faults = [f"{user}: a fresh snapshot after an absence" for user, log in resumed if not log.recovered]
    truncated = sum(log.truncated for _, log in resumed)
    says = f"who came back with a cursor was taken up again ({truncated} told that danmaku are missing)"
    return none_of("resume.recovered", says, faults, len(resumed))
