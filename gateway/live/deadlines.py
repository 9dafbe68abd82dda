"""Many moments, one task: calls back at given times of the wall clock."""

import asyncio
import heapq
import itertools
from collections.abc import Callable

import structlog

log = structlog.get_logger(__name__)

MAX_SLEEP_SECONDS = 1.0
"""Also bounds how late a deadline fires after the wall clock was set."""
SWEEP_AT_LEAST = 64
"""Deadlines called off that are not worth a sweep."""


class Deadline:
    """A moment that may be called off."""

    __slots__ = ("_book", "call")

    def __init__(self, book: "Deadlines", call: Callable[[], None]) -> None:
        self._book = book
        self.call: Callable[[], None] | None = call

    def cancel(self) -> None:
        """Never call. Idempotent; frees what the call held."""
        if self.call is not None:
            self.call = None
            self._book.called_off()


class Deadlines:
    """A heap of deadlines, of any number at a few hundred bytes each. `run` belongs in the server's task group.

    What was called off is swept out once it is the greater part, so that those who come and go leave nothing
    behind until their time: setting and calling off cost O(log n) on average.
    """

    def __init__(self, clock: Callable[[], int]) -> None:
        self._clock = clock
        self._heap: list[tuple[int, int, Deadline]] = []
        self._order = itertools.count()
        self._called_off = 0
        self._nearer = asyncio.Event()

    def at(self, due_ms: int, call: Callable[[], None]) -> Deadline:
        """Call once `due_ms` has passed; the call must not block."""
        deadline = Deadline(self, call)
        heapq.heappush(self._heap, (due_ms, next(self._order), deadline))
        if self._heap[0][2] is deadline:
            self._nearer.set()
        return deadline

    def called_off(self) -> None:
        """One of the heap will not be called."""
        self._called_off += 1
        if self._called_off > SWEEP_AT_LEAST and self._called_off * 2 > len(self._heap):
            self._heap = [entry for entry in self._heap if entry[2].call is not None]
            heapq.heapify(self._heap)
            self._called_off = 0

    def fire_due(self) -> None:
        """Call everything that is due now, earliest first."""
        now = self._clock()
        while self._heap and self._heap[0][0] <= now:
            deadline = heapq.heappop(self._heap)[2]
            call, deadline.call = deadline.call, None
            if call is None:
                self._called_off -= 1
            else:
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
