"""Counts what happened within a sliding window of time. Pure."""

from collections import deque


class Recent:
    """Counts up to a limit; entries older than the window are forgotten. Seconds of any monotonic clock."""

    __slots__ = ("_limit", "_seconds", "_times")

    def __init__(self, limit: int, seconds: float) -> None:
        self._limit = limit
        self._seconds = seconds
        self._times: deque[float] | None = None

    def add(self, now: float) -> None:
        """Count one now."""
        if self._times is None:  # to most it never does
            self._times = deque(maxlen=self._limit)
        self._times.append(now)

    def count(self, now: float) -> int:
        """The number within the window, at most the limit."""
        times = self._times
        while times and now - times[0] > self._seconds:
            times.popleft()
        return len(times) if times else 0
