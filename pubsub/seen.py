"""Detects replayed publications by the stamps of their publishers. Pure, and bounded."""

from typing import NamedTuple

WINDOW = 1_024
"""How many numbers below a publisher's greatest are tracked singly; a number further back counts as seen."""
MAX_PUBLISHERS = 1_024
"""How many publishers of a channel are tracked; the longest silent one is forgotten first."""
_MASK = (1 << WINDOW) - 1


class Stamp(NamedTuple):
    """The publisher's own signed count of a publication."""

    publisher: str
    """Names one process, from its start to its end."""
    number: int
    """The publisher's count of what it has sealed, this one included."""
    at_ms: int
    """When it was sealed, by the publisher's clock."""


class Seen:
    """The stamps that were seen in a channel.

    A publisher whose last stamp is older than `horizon_ms` may be forgotten: all its publications are refused by age.
    """

    def __init__(self, horizon_ms: int) -> None:
        self._horizon_ms = horizon_ms
        self._publishers: dict[str, tuple[int, int, int]] = {}
        """Of each publisher: its greatest number, a bit for each number below that, and when it was last heard."""

    def has(self, stamp: Stamp) -> bool:
        """Whether the stamp was seen, or lies too far back to tell."""
        known = self._publishers.get(stamp.publisher)
        if known is None:
            return False
        behind = known[0] - stamp.number
        return behind >= 0 and (behind >= WINDOW or bool(known[1] >> behind & 1))

    def take(self, stamp: Stamp) -> bool:
        """Record a stamp; answers whether it was new."""
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
