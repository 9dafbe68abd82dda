"""Many moments, one task: calls back at given times of the wall clock."""

import asyncio
import heapq
import itertools
from collections.abc import Callable

import structlog

log = structlog.get_logger(__name__)

MAX_SLEEP_SECONDS = 1.0
"""Also bounds how late a deadline fires after the wall clock was set."""


class Deadline:
    """A moment that may be called off."""

    __slots__ = ("call", "due_ms")

    def __init__(self, due_ms: int, call: Callable[[], None]) -> None:
        self.due_ms = due_ms
        self.call: Callable[[], None] | None = call

    def cancel(self) -> None:
        """Never call. Idempotent; frees what the call held."""
        self.call = None


class Deadlines:
    """A heap of deadlines. `run` belongs in the server's task group."""

    def __init__(self, clock: Callable[[], int]) -> None:
        self._clock = clock
        self._heap: list[tuple[int, int, Deadline]] = []
        self._order = itertools.count()
        self._nearer = asyncio.Event()

    def at(self, due_ms: int, call: Callable[[], None]) -> Deadline:
        """Call once `due_ms` has passed; the call must not block."""
        deadline = Deadline(due_ms, call)
        heapq.heappush(self._heap, (due_ms, next(self._order), deadline))
        if self._heap[0][2] is deadline:
            self._nearer.set()
        return deadline

    def fire_due(self) -> None:
        """Call everything that is due now, earliest first."""
        now = self._clock()
        while self._heap and self._heap[0][0] <= now:
            deadline = heapq.heappop(self._heap)[2]
            call, deadline.call = deadline.call, None
            if call is not None:
                try:
                    call()
                except Exception:
                    log.exception("deadline.failed")

    async def run(self) -> None:
        """Fire until cancelled."""
        while True:
            self.fire_due()
            self._nearer.clear()
            wait = MAX_SLEEP_SECONDS
            if self._heap:
                wait = min(wait, max(0.0, (self._heap[0][0] - self._clock()) / 1000))
            try:
                async with asyncio.timeout(wait):
                    await self._nearer.wait()
            except TimeoutError:
                pass
