"""How often somebody may do something."""

from typing import NamedTuple


class Rate(NamedTuple):
    """So many per second on average, and so many at once after a rest."""

    per_s: float
    burst: int


class Bucket:
    """A token bucket: in any span of `t` seconds it gives at most `burst + t * rate_per_s` tokens."""

    __slots__ = ("_due_us", "_interval_us", "_latest_us", "_tolerance_us")

    def __init__(self, rate_per_s: float, burst: int) -> None:
        # Kept as the time at which the bucket will be full again: one integer, no rounding that adds up.
        self._interval_us = max(1, round(1_000_000 / rate_per_s))
        self._tolerance_us = self._interval_us * (burst - 1)
        self._due_us = 0
        self._latest_us = 0

    def take(self, now_ms: int) -> int:
        """0: a token was taken. Else none was, and this is the least wait in ms after which one is there.

        A clock that steps back counts as standing still.
        """
        wait_ms = self.wait_ms(now_ms)
        if not wait_ms:
            self._due_us = max(self._due_us, self._latest_us) + self._interval_us
        return wait_ms

    def wait_ms(self, now_ms: int) -> int:
        """The least wait after which a token is there; 0 where one is. None is taken."""
        self._latest_us = max(self._latest_us, now_ms * 1000)
        early_us = self._due_us - self._latest_us - self._tolerance_us
        return -(-early_us // 1000) if early_us > 0 else 0

    def charge(self, at_ms: int) -> None:
        """A token was taken at a time, whether there was one or not: what is owed is waited for before the next."""
        self._due_us = max(self._due_us, at_ms * 1000) + self._interval_us

    def is_full(self, now_ms: int) -> bool:
        """Whether all tokens are there."""
        return self._due_us <= max(self._latest_us, now_ms * 1000)


def slow_wait(last_ms: int | None, now_ms: int, slow_ms: int) -> int:
    """How long the author of a danmaku at `last_ms` still has to wait in slow mode; 0 is not at all."""
    if last_ms is None:
        return 0
    return max(0, last_ms + slow_ms - now_ms)
