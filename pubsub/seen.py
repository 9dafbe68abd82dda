"""Who has sealed what, and which of it a channel has had: what is played back is known by it. Pure, and bounded."""

from typing import NamedTuple

WINDOW = 1_024
"""Counts of a publisher that are told apart, up to its greatest; what lies further back has passed."""
MAX_PUBLISHERS = 1_024
"""Of a channel; those that were quiet longest are forgotten first."""
_MASK = (1 << WINDOW) - 1


class Stamp(NamedTuple):
    """What a seal says of itself."""

    publisher: str
    """A process, from its start to its end."""
    number: int
    """How many it has sealed, with this one."""
    at_ms: int
    """When, by its clock."""


class Seen:
    """The stamps that a channel has had.

    A publisher whose last is older than `horizon_ms` may be forgotten: all of its are refused for their age.
    """

    def __init__(self, horizon_ms: int) -> None:
        self._horizon_ms = horizon_ms
        self._publishers: dict[str, tuple[int, int, int]] = {}
        """Of each the greatest count, a bit for each count down from it, and when it was heard last."""

    def has(self, stamp: Stamp) -> bool:
        """Whether it has come before, or may have."""
        known = self._publishers.get(stamp.publisher)
        if known is None:
            return False
        behind = known[0] - stamp.number
        return behind >= 0 and (behind >= WINDOW or bool(known[1] >> behind & 1))

    def take(self, stamp: Stamp) -> bool:
        """Whether this is its first time; it has come from now on."""
        known = self._publishers.get(stamp.publisher)
        if known is None:
            self._make_room(stamp.at_ms)
            self._publishers[stamp.publisher] = stamp.number, 1, stamp.at_ms
            return True
        greatest, bits, at_ms = known
        ahead = stamp.number - greatest
        if ahead > 0:
            bits = (bits << ahead | 1) & _MASK if ahead < WINDOW else 1
            self._publishers[stamp.publisher] = stamp.number, bits, max(at_ms, stamp.at_ms)
            return True
        if self.has(stamp):
            return False
        self._publishers[stamp.publisher] = greatest, bits | 1 << -ahead, at_ms
        return True

    def _make_room(self, now_ms: int) -> None:
        if len(self._publishers) >= MAX_PUBLISHERS:
            since_ms = now_ms - self._horizon_ms
            self._publishers = {name: known for name, known in self._publishers.items() if known[2] >= since_ms}
        if len(self._publishers) >= MAX_PUBLISHERS:
            del self._publishers[min(self._publishers, key=lambda name: self._publishers[name][2])]
