"""Checks that nobody received what the ticket did not cover at that time: tiers, permissions, streams, chat. No I/O."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from auth.identity import Role, Tier
from auth.permissions import Permission, permissions, reading_floor
from auth.situation import Access, Phase, Switches
from gateway.features.audit.bodies import RightAudit
from gateway.rehearsal.evening import Check, Evening, none_of
from gateway.rehearsal.journal import HISTORY, Entry, Journal, in_welcome

FOREVER_MS = 2**53
_STREAMS = {Permission.STREAM_MAIN: "main", Permission.STREAM_VIP: "vip"}


class Span(NamedTuple):
    """A time inside, by the server's clock: a ticket that covers the chat."""

    from_ms: int
    until_ms: int


def checks(evening: Evening) -> Iterator[Check]:
    """Every claim about rights."""
    yield _tiers(evening)
    yield _permissions(evening)
    yield _streams(evening)
    yield _playback(evening)
    yield _history(evening)
    yield _stage(evening)
    yield _mutes(evening)


def spans(rights: Sequence[RightAudit]) -> list[Span]:
    """When somebody's tickets covered the chat, from their changes, oldest first."""
    found: list[Span] = []
    inside_since: int | None = None
    for right in rights:
        if right.tier >= Tier.MAIN and inside_since is None:
            inside_since = right.at_ms
        elif right.tier < Tier.MAIN and inside_since is not None:
            found.append(Span(inside_since, right.at_ms))
            inside_since = None
    if inside_since is not None:
        found.append(Span(inside_since, FOREVER_MS))
    return found


def by_user(evening: Evening) -> dict[str, list[RightAudit]]:
    """Every fan's changes, oldest first."""
    found: dict[str, list[RightAudit]] = {}
    for right in evening.truth.rights:
        found.setdefault(right.user, []).append(right)
    return found


class _Situation:
    """What a socket knows of its room and of itself, as events come in."""

    def __init__(self) -> None:
        self.room: Mapping[str, Any] = {"version": -1}
        self.tier = Tier.NONE

    def take(self, entry: Entry) -> Mapping[str, Any] | None:
        """Take an event in; the value of `tier` where it brought one."""
        if entry.event == "welcome":
            self.room = entry.payload["room"]
            told = in_welcome(entry.payload, "tier")
        elif entry.event == "room":
            if entry.payload["version"] > self.room["version"]:
                self.room = entry.payload
            return None
        elif entry.event == "tier":
            told = entry.payload
        else:
            return None
        self.tier = Tier(told["tier"])
        return dict(told)

    @property
    def phase(self) -> Phase:
        return Phase(self.room["phase"])

    @property
    def access(self) -> Access:
        return Access(self.room["access"])

    def due(self) -> frozenset[Permission]:
        """What the table gives this tier here and now."""
        switches = msgspec.convert(self.room["switches"], Switches)
        return permissions(Role.VIEWER, self.tier, self.access, self.phase, switches)


def _walk(journal: Journal) -> Iterator[tuple[Entry, _Situation, Mapping[str, Any] | None]]:
    situation = _Situation()
    for entry in journal.entries:
        yield entry, situation, situation.take(entry)


def _tiers(evening: Evening) -> Check:
    record = {(right.user, right.version): right.tier for right in evening.truth.rights}
    latest = {user: rights[-1].tier for user, rights in by_user(evening).items()}
    faults: list[str] = []
    told_in_all = 0
    for journal in evening.fans:
        for _, _, told in _walk(journal):
            if told is None:
                continue
            told_in_all += 1
            due = record.get((journal.user, told["version"]), Tier.NONE if told["version"] == 0 else None)
            if due is None or due is not Tier(told["tier"]):
                faults.append(f"{journal.user}: told {told['tier']} as version {told['version']}, SQL has {due}")
        if journal.was_online_at_the_end and journal.tier is not latest.get(journal.user, Tier.NONE):
            faults.append(f"{journal.user}: shows {journal.tier} at the end, SQL has {latest.get(journal.user)}")
    return none_of("rights.tiers", "every tier told is the one SQL has under its version", faults, told_in_all)


def _permissions(evening: Evening) -> Check:
    faults: list[str] = []
    told_in_all = 0
    for journal, situation, told in _told(evening):
        told_in_all += 1
        due = sorted(situation.due())
        if sorted(told["permissions"]) != due:
            faults.append(f"{journal.user} ({told['tier']}, {situation.phase}): {told['permissions']}, due {due}")
    says = "permissions told are those of the ticket in the phase"
    return none_of("rights.permissions", says, faults, told_in_all)


def _streams(evening: Evening) -> Check:
    faults: list[str] = []
    told_in_all = 0
    for journal, situation, told in _told(evening):
        told_in_all += 1
        granted = sorted(grant["stream"] for grant in told["streams"])
        due = sorted(_STREAMS[permission] for permission in situation.due() if permission in _STREAMS)
        if granted != due:
            faults.append(f"{journal.user} ({told['tier']}, {situation.phase}): {granted}, due {due}")
    says = "streams granted are those of the ticket in the phase"
    return none_of("rights.streams", says, faults, told_in_all)


def _told(evening: Evening) -> Iterator[tuple[Journal, _Situation, Mapping[str, Any]]]:
    """Every time a fan was told its rights, in the situation of that moment: it moves on with the next."""
    for journal in evening.fans:
        for _, situation, told in _walk(journal):
            if told is not None:
                yield journal, situation, told


def _playback(evening: Evening) -> Check:
    tried = [(journal.user, one) for journal in evening.fans for one in journal.playbacks]
    faults = [
        f"{user}: stream {one.stream} answered {one.status}, {'covered' if one.owed else 'no longer covered'}"
        for user, one in tried
        if (one.status == 200) is not one.owed
    ]
    returned = sum(not one.owed for _, one in tried)
    says = f"the media check lets grants play, and not after a refund ({returned} tried)"
    return none_of("rights.playback", says, faults, len(tried))


def _history(evening: Evening) -> Check:
    """By what the socket was told before, exactly; and by what SQL says of the time of publication, with grace."""
    rights = by_user(evening)
    faults: list[str] = []
    received = 0
    for journal in evening.fans:
        inside = spans(rights.get(journal.user, ()))
        for entry, situation, _ in _walk(journal):
            floor = reading_floor(situation.access, situation.phase) if entry.event in HISTORY else Tier.NONE
            if floor is None or situation.tier < floor:
                faults.append(f"{journal.user}: {entry.event} as {situation.tier} in {situation.phase}")
        for item in journal.items():
            received += 1
            if item.at_ms is not None and not _covers(inside, item.at_ms, evening.rights_within_ms):
                faults.append(f"{journal.user}: {item.key[0]} {item.key[1]} of a time without a ticket")
    says = "danmaku, gifts and retractions reached only whom their ticket let in then"
    return none_of("rights.history", says, faults, received)


def _covers(inside: Sequence[Span], at_ms: int, grace_ms: int) -> bool:
    return any(span.from_ms - grace_ms <= at_ms <= span.until_ms + grace_ms for span in inside)


def _stage(evening: Evening) -> Check:
    faults = [
        f"{journal.user}: {len(entry.payload['members'])} on a stage of {entry.payload['capacity']}"
        for journal in evening.everybody()
        for entry in journal.entries
        if entry.event == "stage" and len(entry.payload["members"]) > entry.payload["capacity"]
    ]
    for journal in evening.fans:
        for entry, situation, _ in _walk(journal):
            publishes = entry.event == "cohost" and "grant" in entry.payload
            if publishes and situation.tier < Tier.MAIN:
                faults.append(f"{journal.user}: may publish as {situation.tier}")
    says = "on stage are no more than it holds, and nobody without a ticket"
    return none_of("rights.stage", says, faults, evening.deeds.staged)


def _mutes(evening: Evening) -> Check:
    """The `inbox` event tells by the server's clock from when on a fan is silent."""
    silent: dict[str, int] = {}
    faults: list[str] = []
    for journal in evening.fans:
        told = [entry.payload["at_ms"] for entry in journal.entries if entry.event == "inbox"]
        welcomes = [entry.payload for entry in journal.entries if entry.event == "welcome"]
        told += [one["server_ms"] for one in welcomes if one["you"]["muted_until_ms"] is not None]
        if told:
            silent[journal.user] = min(told)
        if journal.user in evening.deeds.muted and not told and journal.was_online_at_the_end:
            faults.append(f"{journal.user} was muted and not told")
    said = (item for item in evening.console.items() if item.key[0] == "danmaku")
    faults += [
        f"{item.payload['user']} was heard after the mute: {item.key[1]}"
        for item in said
        if item.payload["at_ms"] > silent.get(item.payload["user"], FOREVER_MS)
    ]
    return none_of("rights.mutes", "nobody muted was heard again", faults, len(evening.deeds.muted))
