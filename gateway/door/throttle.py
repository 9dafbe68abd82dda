"""How often an address or a user may knock, for any number of them in bounded memory; and turns for the suspect."""

from collections import OrderedDict

from rooms.pace.rates import Bucket

MAX_KEYS = 100_000
SUSPECTS_PER_SECOND = 200
"""Tokens of suspect addresses that a process looks at: with the slowest algorithm some 2 % of a core."""
LATEST_MS = 2_000
"""A good token of such an address waits no longer, however many others do: it is late, never refused."""


class Throttle:
    """A token bucket per key. The keys longest unused are forgotten first, which only ever lets them in."""

    def __init__(self, per_minute: int, max_keys: int = MAX_KEYS) -> None:
        self._per_minute = per_minute
        self._max_keys = max_keys
        self._buckets: OrderedDict[str, Bucket] = OrderedDict()
        self._blocked_until_ms: dict[str, int] = {}

    def hit(self, key: str, now_ms: int) -> int:
        """Count one; 0, or the wait in ms until the next one is welcome."""
        bucket = self._buckets.pop(key, None) or Bucket(self._per_minute / 60, self._per_minute)
        self._buckets[key] = bucket
        if len(self._buckets) > self._max_keys:
            forgotten, _ = self._buckets.popitem(last=False)
            self._blocked_until_ms.pop(forgotten, None)
        wait_ms = bucket.take(now_ms)
        if wait_ms:
            self._blocked_until_ms[key] = now_ms + wait_ms
        return wait_ms

    def wait_ms(self, key: str, now_ms: int) -> int:
        """Whether the last hit went over the limit, and for how long still; counts nothing."""
        until_ms = self._blocked_until_ms.get(key, 0)
        if until_ms <= now_ms:
            self._blocked_until_ms.pop(key, None)
            return 0
        return until_ms - now_ms


class Turns:
    """Spreads what many ask for at once: one after another, and nobody later than `LATEST_MS`."""

    def __init__(self) -> None:
        self._next_ms = 0.0

    def wait_ms(self, now_ms: int) -> int:
        """Take the next turn; how long it is until then."""
        turn_ms = min(max(self._next_ms, now_ms), now_ms + LATEST_MS)
        self._next_ms = turn_ms + 1000 / SUSPECTS_PER_SECOND
        return round(turn_ms - now_ms)
