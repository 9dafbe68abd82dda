"""Keeps all deadlines of all sockets on one timer of the event loop."""

import asyncio
from collections.abc import Callable
from math import ceil

from structlog import get_logger

log = get_logger(__name__)

GRANULARITY_SECONDS = 0.05
"""Alarms ring at most this late, and never early."""


def _nothing() -> None:
    pass


class Alarm:
    """One deadline that can be moved and cancelled in constant time."""

    __slots__ = ("_ring", "_slot", "_wheel")

    def __init__(self, wheel: "Wheel", ring: Callable[[], None]) -> None:
        self._wheel = wheel
        self._ring = ring
        self._slot = 0

    def set(self, due: float) -> None:
        """Ring at this time of the wheel's clock, instead of at any time set before."""
        slot = self._wheel.slot_of(due)
        if slot != self._slot:
            self.cancel()
            self._slot = slot
            self._wheel.enter(self, slot)

    def cancel(self) -> None:
        """Do not ring. Idempotent."""
        if self._slot:
            self._wheel.leave(self, self._slot)
            self._slot = 0

    def discard(self) -> None:
        """Cancel for good, and drop the reference to the callback."""
        self.cancel()
        self._ring = _nothing

    def ring(self, slot: int) -> None:
        """Called by the wheel when a slot is due; does nothing if the alarm was moved to another slot."""
        if slot == self._slot:
            self._slot = 0
            self._ring()


class Wheel:
    """Slots of equal width; the loop has one timer for the next tick, none while no alarm is set."""

    __slots__ = ("_clock", "_granularity", "_loop", "_next", "_slots", "_timer")

    def __init__(self, clock: Callable[[], float], granularity: float = GRANULARITY_SECONDS) -> None:
        self._clock = clock
        self._granularity = granularity
        self._slots: dict[int, set[Alarm]] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._next = 0
        """The slot that the next tick checks, while there is a timer."""

    def alarm(self, ring: Callable[[], None]) -> Alarm:
        """A deadline that is not set yet."""
        return Alarm(self, ring)

    def after(self, seconds: float, ring: Callable[[], None]) -> Alarm:
        """A deadline so many seconds from now."""
        alarm = Alarm(self, ring)
        alarm.set(self._clock() + seconds)
        return alarm

    def close(self) -> None:
        """Cancel all alarms."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._slots.clear()

    def slot_of(self, due: float) -> int:
        """For alarms: the slot of a time, never before the one that the next tick checks."""
        slot = ceil(due / self._granularity)
        return max(slot, self._next) if self._timer is not None else max(slot, self._now_slot() + 1)

    def enter(self, alarm: Alarm, slot: int) -> None:
        """For alarms: put an alarm into a slot."""
        self._slots.setdefault(slot, set()).add(alarm)
        if self._timer is None:
            self._next = self._now_slot() + 1
            self._wait()

    def leave(self, alarm: Alarm, slot: int) -> None:
        """For alarms: take an alarm out of a slot."""
        there = self._slots.get(slot)
        if there is not None:
            there.discard(alarm)
            if not there:
                del self._slots[slot]

    def _now_slot(self) -> int:
        return int(self._clock() / self._granularity)

    def _wait(self) -> None:
        delay = max(0.0, self._next * self._granularity - self._clock())
        self._timer = asyncio.get_running_loop().call_later(delay, self._turn)

    def _turn(self) -> None:
        until = max(self._now_slot(), self._next)
        due = [slot for slot in range(self._next, until + 1) if slot in self._slots]
        self._next = until + 1
        for slot in due:
            for alarm in self._slots.pop(slot):
                try:
                    alarm.ring(slot)
                except Exception:  # one alarm that fails must not silence the others
                    log.exception("wheel.alarm_failed")
        self._timer = None
        if self._slots:
            self._wait()
