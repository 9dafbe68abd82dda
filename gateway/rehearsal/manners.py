"""Checks how the server treats its clients: codes, acks, `bye`, latency. No I/O."""

from collections import Counter
from collections.abc import Iterator, Sequence

from auth.denials import Code
from gateway.contract.rows import FAREWELLS, REFUSALS
from gateway.features.registry import CONSOLE_COMMANDS, VIEWER_COMMANDS
from gateway.rehearsal.evening import Check, Evening, none_of
from gateway.rehearsal.journal import End, Place, Refusal
from gateway.rehearsal.plan import Do

_ERRORS = {command.name: command.errors for command in (*VIEWER_COMMANDS, *CONSOLE_COMMANDS)}
_CODES = frozenset(code.value for code in Code)


def checks(evening: Evening) -> Iterator[Check]:
    """Every claim about manners."""
    yield _codes(evening)
    yield _acks(evening)
    yield _farewells(evening)
    yield _last_farewell(evening)
    yield _troubles(evening)
    promoted = [ms for journal in evening.fans for ms in journal.promoted_ms]
    demoted = [ms for journal in evening.fans for ms in journal.demoted_ms]
    yield _within("rights.promotion", "from payment to rights", promoted, evening.rights_within_ms)
    yield _within("rights.demotion", "from refund to their end", demoted, evening.rights_within_ms)
    yield _played(evening)


def refusals(evening: Evening) -> Counter[str]:
    """How often each code was met."""
    return Counter(refusal.code for journal in evening.everybody() for refusal in journal.refusals)


def percentile(values: Sequence[int], percent: int) -> int:
    """The least value that so many percent of all do not exceed; 0 of none."""
    ordered = sorted(values)
    return ordered[max(0, -(-len(ordered) * percent // 100) - 1)] if ordered else 0


def _codes(evening: Evening) -> Check:
    met = [(journal.user, refusal) for journal in evening.everybody() for refusal in journal.refusals]
    faults = [
        f"{user}: {one.place.value} {one.what} refused with {one.code}" for user, one in met if not _is_known(one)
    ]
    return none_of("refusals.codes", "every refusal has a code its place may answer with", faults, len(met))


def _is_known(refusal: Refusal) -> bool:
    match refusal.place:
        case Place.CONNECT:
            return refusal.code in REFUSALS
        case Place.EVENT:
            return refusal.code in _ERRORS.get(refusal.what, frozenset())
        case Place.HTTP:
            return refusal.code in _CODES


def _acks(evening: Evening) -> Check:
    faults: list[str] = []
    asked = 0
    for journal in evening.everybody():
        asked += journal.asked
        answered = journal.answered + journal.unanswered_in_drop
        if answered != journal.asked:
            faults.append(f"{journal.user}: {journal.asked} asked, {answered} answered or ended by a drop")
    return none_of("acks.all", "every event was answered, unless its socket was dropped first", faults, asked)


def _farewells(evening: Evening) -> Check:
    faults: list[str] = []
    ended = 0
    for journal in evening.everybody():
        for log in journal.sockets:
            ended += log.end is not None
            if log.end is End.SILENT:
                faults.append(f"{journal.user}: a socket ended without a word; {log.why}")
            elif log.end is End.BYE and log.bye not in FAREWELLS:
                faults.append(f"{journal.user}: bye {log.bye}")
    return none_of("sockets.farewell", "no socket ended without our doing or a bye", faults, ended)


def _last_farewell(evening: Evening) -> Check:
    inside = [journal for journal in evening.fans if journal.was_online_at_the_end]
    faults = [
        f"{journal.user}: {journal.sockets[-1].end} {journal.sockets[-1].bye}"
        for journal in inside
        if journal.sockets[-1].bye != Code.ROOM_ENDED
    ]
    return none_of("sockets.ended", "the end of the show said ROOM_ENDED to everybody", faults, len(inside))


def _troubles(evening: Evening) -> Check:
    faults = [f"{journal.user}: {trouble}" for journal in evening.everybody() for trouble in journal.troubles]
    return none_of(
        "crowd.troubles", "nobody met a silence, a fault or bytes without meaning", faults, len(evening.fans)
    )


def _within(name: str, says: str, took_ms: Sequence[int], bound_ms: int) -> Check:
    p50, p99, most = percentile(took_ms, 50), percentile(took_ms, 99), max(took_ms, default=0)
    return Check(
        name,
        f"{says}, at the socket, {len(took_ms)} times",
        f"p99 <= {bound_ms} ms",
        f"p50 {p50}, p99 {p99}, max {most} ms",
        bool(took_ms) and p99 <= bound_ms,
    )


def _played(evening: Evening) -> Check:
    """A rehearsal in which nothing happened proves nothing."""
    fans = evening.fans
    met = refusals(evening)
    happened = {
        "orders paid": sum(len(journal.paid_minor) for journal in fans),
        "orders left unpaid": sum(journal.unpaid for journal in fans),
        "refunds": sum(len(journal.returned_minor) for journal in fans),
        "promotions": sum(len(journal.promoted_ms) for journal in fans),
        "demotions": sum(len(journal.demoted_ms) for journal in fans),
        "returns": sum(log.resumed for journal in fans for log in journal.sockets),
        "danmaku": sum(len(journal.accepted_danmaku) for journal in fans),
        "gifts": sum(len(journal.gifts) for journal in fans),
        Do.GIVE_TWICE.value: sum(len(one.answers) > 1 for journal in fans for one in journal.gifts.values()),
        "guests on stage": evening.deeds.staged,
        "mutes": len(evening.deeds.muted),
        "retractions": len(evening.deeds.retracted),
        **{code.value: met[code.value] for code in (Code.TICKET_REQUIRED, Code.RATE_LIMITED, Code.MUTED)},
    }
    faults = [what for what, count in happened.items() if not count]
    told = ", ".join(f"{count} {what}" for what, count in happened.items())
    return none_of("crowd.played", f"everything was tried: {told}", faults, len(happened))
