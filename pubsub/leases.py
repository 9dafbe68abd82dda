"""The lease port: which sockets use a seat of a room, over all gateways; so many devices each, and the newest win.

A seat is whatever is bounded like that: a ticket, by its devices, or a user without one, by their sockets.

Guarantees of every adapter, held by `tests/contracts/leases_suite.py`:

* A lease that `hold` grants stands for `LEASE_MS`, and is renewed by holding it again. Leases of a seat are granted
  one after another, whichever nodes ask: never do more devices stand than there is room for.
* Fences grow: a lease granted later has a greater fence than all leases granted before it, also after the store has
  lost everything. Where a seat has too many devices, those with the smallest fences lose.
* A device counts once: the newer of its leases ousts the older, and nobody else.
* Who was ousted, or has no room among newer ones, is told so whenever it holds again. Who was merely forgotten
  (the store lost everything, or the lease ran out) stands again with the fence it had.
* Holding is idempotent: a lease that stands keeps its fence, whatever the holder believes it to be.
* Nothing raises. While the store is away everything is granted, with fences by this node's clock; `era` is None then
  and another afterwards, which asks for holding again: that settles it, the newest win.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NewType, Protocol

from auth.identity import RoomId

LEASE_MS = 45_000
"""How long a lease stands; nodes renew theirs three times as often."""

SeatId = NewType("SeatId", str)
"""Within a room: whose ticket, or whose sockets."""
HolderId = NewType("HolderId", str)
"""One socket, unique among all nodes and times."""


@dataclass(frozen=True, slots=True)
class Lease:
    """What is asked for, or had."""

    seat: SeatId
    device: str
    holder: HolderId
    devices: int = 1
    """How many devices may use the seat; of leases of one seat that differ in it, the one that is granted counts."""
    fence: int = 0
    """As it was granted; 0: not yet."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of a lease."""

    fence: int
    holds: bool
    """False: newer ones have its place. It is never granted again."""
    ousted: tuple[HolderId, ...] = ()
    """Who lost its place to it just now."""


class Leases(Protocol):
    """The port."""

    async def hold(self, room: RoomId, leases: Sequence[Lease]) -> list[Verdict]:
        """Claim, renew or restore many at once, in order; a verdict for each."""
        ...

    async def release(self, room: RoomId, leases: Sequence[Lease]) -> None:
        """Give up; best effort, since what is not renewed ends by itself."""
        ...

    async def others(self, room: RoomId, seat: SeatId, device: str) -> int:
        """How many other devices use the seat now; 0 while the store is away."""
        ...

    async def era(self, room: RoomId) -> str | None:
        """Another value than before means: leases may have been forgotten, hold all again. None: not to be had now."""
        ...
