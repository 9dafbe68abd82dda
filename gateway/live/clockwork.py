"""What is done by the clock: chores at their periods, counters once per tick, errands one after another."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass

import structlog

from auth.identity import RoomId

Work = Callable[[], Awaitable[None]]

log = structlog.get_logger(__name__)

MAX_ERRANDS = 10_000


@dataclass(frozen=True, slots=True)
class Chore:
    """Work that is done again and again; a failure is logged, and the next turn tries again."""

    name: str
    every_seconds: float
    work: Work


class Lag:
    """How late the event loop ran its timers at worst, since somebody took it last."""

    __slots__ = ("_seconds",)

    def __init__(self) -> None:
        self._seconds = 0.0

    def saw(self, seconds: float) -> None:
        """A timer was so late."""
        self._seconds = max(self._seconds, seconds)

    def take(self) -> float:
        """The worst, in seconds; begins anew."""
        taken, self._seconds = self._seconds, 0.0
        return taken


class Clockwork:
    """Runs the chores that it is given, and what others leave with it for a moment later."""

    def __init__(self, conflate_seconds: float) -> None:
        self._conflate_seconds = conflate_seconds
        self._errands: asyncio.Queue[Work] = asyncio.Queue(MAX_ERRANDS)
        self._counters: dict[tuple[RoomId, str], Callable[[], None]] = {}
        """What tells the latest value of each counter that changed since they were told last."""
        self._lags: list[Lag] = []

    def lag(self) -> Lag:
        """A meter of its own for whoever wants to know how late the loop runs."""
        lag = Lag()
        self._lags.append(lag)
        return lag

    def conflate(self, room: RoomId, event: str, tell: Callable[[], None]) -> None:
        """A counter of a room has changed: however often in one tick, its latest value is told once."""
        self._counters[room, event] = tell

    def soon(self, errand: Work) -> None:
        """Do something once, shortly, after the errands that came before."""
        try:
            self._errands.put_nowait(errand)
        except asyncio.QueueFull:
            log.exception("housekeeping.chores_overflow", waiting=MAX_ERRANDS)

    async def run(self, chores: Iterable[Chore]) -> None:
        """Until cancelled."""
        async with asyncio.TaskGroup() as group:
            for chore in (Chore("flush", self._conflate_seconds, self._flush), *chores):
                group.create_task(self._every(chore))
            group.create_task(self._errands_in_turn())

    async def _every(self, chore: Chore) -> None:
        while True:
            asked = time.monotonic()
            await asyncio.sleep(chore.every_seconds)
            late_seconds = time.monotonic() - asked - chore.every_seconds
            for lag in self._lags:
                lag.saw(late_seconds)
            try:
                await chore.work()
            except Exception:
                log.exception("housekeeping.failed", work=chore.name)

    async def _flush(self) -> None:
        counters, self._counters = self._counters, {}
        for (room, event), tell in counters.items():
            try:
                tell()
            except Exception:  # the other counters go out all the same
                log.exception("housekeeping.counter_failed", room=room, counter=event)

    async def _errands_in_turn(self) -> None:
        while True:
            errand = await self._errands.get()
            try:
                await errand()
            except Exception:
                log.exception("housekeeping.chore_failed")
