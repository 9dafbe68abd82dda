"""Leases within one process."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from auth.identity import RoomId
from pubsub.leases import LEASE_MS, HolderId, Lease, SeatId, Verdict

SLICE = 64
"""How many leases are processed before other tasks get the event loop."""
SWEPT = 2
"""How many seats are checked for expiry per used seat: more than one, so that the table shrinks."""


@dataclass(slots=True)
class _Standing:
    device: str
    holder: HolderId
    fence: int
    ends_ms: int


@dataclass(slots=True)
class _Seat:
    standing: list[_Standing] = field(default_factory=list)
    """The current leases, smallest fence first."""
    floor: int = 0
    """The greatest fence that found no room; no lease up to it is restored."""
    ends_ms: int = 0


class MemoryLeases:
    """Keeps the promises of `pubsub.leases.Leases` for the gateways of one process."""

    def __init__(
        self,
        *,
        lease_ms: int = LEASE_MS,
        monotonic_ms: Callable[[], int] = lambda: time.monotonic_ns() // 1_000_000,
        clock_us: Callable[[], int] = lambda: time.time_ns() // 1_000,
    ) -> None:
        self._lease_ms = lease_ms
        self._monotonic_ms = monotonic_ms
        self._clock_us = clock_us
        self._last = 0
        self._seats: OrderedDict[tuple[RoomId, SeatId], _Seat] = OrderedDict()
        """In the order of their last use. An OrderedDict: finding the first key of a dict takes time proportional to
        the keys deleted before it.
        """

    async def hold(self, room: RoomId, leases: Sequence[Lease]) -> list[Verdict]:
        """Claim, renew or restore; of many at once some, and then others have their turn on the event loop."""
        verdicts = []
        for number, lease in enumerate(leases, 1):
            now = self._monotonic_ms()
            verdicts.append(self._hold(self._open((room, lease.seat), now), lease, now + self._lease_ms))
            if not number % SLICE:
                await asyncio.sleep(0)
        return verdicts

    async def release(self, room: RoomId, leases: Sequence[Lease]) -> None:
        """Give up."""
        for lease in leases:
            seat = self._open((room, lease.seat), self._monotonic_ms())
            seat.standing = [one for one in seat.standing if one.holder != lease.holder]
            if not seat.standing and not seat.floor:
                del self._seats[room, lease.seat]

    async def others(self, room: RoomId, seat: SeatId, device: str) -> int:
        """How many other devices use the seat now."""
        found = self._seats.get((room, seat), _Seat())
        now = self._monotonic_ms()
        return len({one.device for one in found.standing if one.ends_ms > now} - {device})

    async def era(self, room: RoomId) -> str | None:  # noqa: ARG002 - nothing is ever forgotten
        """Always the same."""
        return "memory"

    def _open(self, key: tuple[RoomId, SeatId], now: int) -> _Seat:
        """The entry of a seat, moved to the end of the order of use."""
        self._sweep(now)
        seat = self._seats.get(key)
        if seat is None:
            seat = self._seats[key] = _Seat()
        else:
            self._seats.move_to_end(key)
            seat.standing = [one for one in seat.standing if one.ends_ms > now]
        seat.ends_ms = now + self._lease_ms
        return seat

    def _sweep(self, now: int) -> None:
        for _ in range(SWEPT):
            first = next(iter(self._seats), None)
            if first is None or self._seats[first].ends_ms > now:
                return
            del self._seats[first]

    def _hold(self, seat: _Seat, lease: Lease, ends_ms: int) -> Verdict:
        for one in seat.standing:
            if one.holder == lease.holder:
                one.ends_ms = ends_ms
                return Verdict(one.fence, holds=True)
        fence = lease.fence or max(self._clock_us(), self._last + 1)
        self._last = max(self._last, fence)
        same = [one for one in seat.standing if one.device == lease.device]
        if fence <= seat.floor or any(one.fence > fence for one in same):
            return Verdict(fence, holds=False)
        mine = _Standing(lease.device, lease.holder, fence, ends_ms)
        standing = sorted((*(one for one in seat.standing if one not in same), mine), key=lambda one: one.fence)
        lost, seat.standing = standing[: -lease.devices], standing[-lease.devices :]
        seat.floor = max([seat.floor, *(one.fence for one in lost)])
        ousted = tuple(one.holder for one in (*same, *lost) if one is not mine)
        return Verdict(fence, mine in seat.standing, ousted)
