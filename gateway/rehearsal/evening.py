"""Everything known after a rehearsal, and the form of a check's result. No I/O."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from msgspec import Struct

from auth.identity import Tier
from gateway.features.audit.bodies import ShowAudit
from gateway.rehearsal.journal import Journal

MAX_EXAMPLES = 5
"""How many examples a failed check reports."""


class Check(Struct, frozen=True):
    """One claim, and how it stood."""

    name: str
    says: str
    expected: str
    observed: str
    holds: bool
    examples: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Deeds:
    """What the host has done."""

    muted: Sequence[str]
    retracted: Sequence[str]
    staged: int


@dataclass(frozen=True, slots=True)
class Evening:
    """The console's journal, the fans', and the truth from SQL."""

    console: Journal
    fans: Sequence[Journal]
    witnesses: Mapping[Tier, Journal]
    """One fan per tier who never disconnected."""
    truth: ShowAudit
    deeds: Deeds
    rights_within_ms: int
    """The longest time from the commit of a change of rights to its effect on a socket."""

    def everybody(self) -> Iterator[Journal]:
        """The fans and the host."""
        yield self.console
        yield from self.fans

    def screens(self) -> Iterator[Journal]:
        """Whoever was connected when the truth was read."""
        return (journal for journal in self.everybody() if journal.was_online_at_the_end)


def equal(name: str, says: str, expected: object, observed: object) -> Check:
    """Two numbers, texts or maps of numbers that must be one."""
    return Check(name, says, spoken(expected), spoken(observed), expected == observed)


def none_of(name: str, says: str, faults: Iterable[str], among: int) -> Check:
    """A list that must be empty, of so many that were looked at."""
    met = list(faults)
    return Check(name, says, f"0 wrong of {among}", f"{len(met)} wrong of {among}", not met, tuple(met[:MAX_EXAMPLES]))


def spoken(value: object) -> str:
    """As a person reads it: `3 main, 1 vip` of a map."""
    return ", ".join(f"{count} {name}" for name, count in value.items()) if isinstance(value, Mapping) else str(value)
