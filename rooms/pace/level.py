"""What is left of a budget that fills up with time, and more slowly while the process is late. Pure."""

from typing import Final

EASY_LAG_MS: Final = 100
"""An event loop that is later than this fills its budgets more slowly, in proportion."""


class Level:
    """`per_second` flow in, up to `capacity`; full at first. A clock that steps back counts as standing still."""

    __slots__ = ("_at_ms", "_left", "_per_second", "capacity", "refill")

    def __init__(self, per_second: float, capacity: float) -> None:
        self.capacity = capacity
        self.refill = per_second
        """What flows in a second at the moment."""
        self._per_second = per_second
        self._left = capacity
        self._at_ms = 0

    def left(self, now_ms: int) -> float:
        """What there is by now."""
        if now_ms > self._at_ms:
            self._left = min(self.capacity, self._left + (now_ms - self._at_ms) / 1000 * self.refill)
            self._at_ms = now_ms
        return self._left

    def take(self, cost: float, now_ms: int, keep: float | None = 0.0) -> bool:
        """Take so much if at least `keep` is left then; None: take it in any case, down to nothing."""
        if now_ms > self._at_ms:  # as in `left`, without a call: it is asked for each danmaku
            self._left = min(self.capacity, self._left + (now_ms - self._at_ms) / 1000 * self.refill)
            self._at_ms = now_ms
        left = self._left - cost
        if keep is not None and left < keep:
            return False
        self._left = max(0.0, left)
        return True

    def slow_down(self, lag_ms: int) -> None:
        """Take in how late the event loop ran: `lag_ms` of 1,000 leaves a tenth of the inflow."""
        self.refill = self._per_second * min(1.0, EASY_LAG_MS / max(1, lag_ms))
