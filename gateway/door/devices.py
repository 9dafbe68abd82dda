"""The seats of a room: so many devices per ticket, the newest win, on this gateway at once and everywhere soon.

Sockets that use no ticket (of strangers, of those who wait, of the staff) take seats too: a user has so many of them
per room, beside those of a ticket.

Within the gateway `settle` decides without waiting for anybody. Among gateways a lease per socket decides
(`pubsub.leases`): claimed with the next batch, renewed in batches, given up on leaving. Whoever loses its seat is told
`bye SEAT_TAKEN` wherever it is: at once by a publication, at the latest when its gateway renews. While the store is
away everybody keeps their seat; that is settled within seconds after it is back.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import replace
from hashlib import blake2b
from typing import Protocol

import structlog

from auth.denials import Code, Denied
from auth.identity import RoomId, UserId
from pubsub.broker import Broker, Publication, Retention
from pubsub.leases import HolderId, Lease, Leases, SeatId
from rooms.encoding import encode
from rooms.gateways import SeatsTaken

log = structlog.get_logger(__name__)

GATHER_SECONDS = 0.005
"""How long the first claim waits for others to go with it."""
LOOK_SECONDS = 1.0
"""How often the store is asked whether it still knows the leases."""
BATCH = 500
"""Leases held in one call; claims go in between."""


class Line(Protocol):
    """The connection of a socket, as far as its seat goes."""

    @property
    def leaving(self) -> bool:
        """Whether it is on its way out."""
        ...


class Occupant(Protocol):
    """A socket, as far as its seat goes."""

    @property
    def room(self) -> "Occupants": ...
    @property
    def user(self) -> UserId: ...
    @property
    def device(self) -> str:
        """How its client names the device; empty where it does not."""
        ...

    @property
    def asks_first(self) -> bool:
        """Whether it would rather be refused than take another device's seat."""
        ...

    @property
    def is_seated(self) -> bool:
        """Whether it uses a ticket."""
        ...

    @property
    def connection(self) -> Line | None:
        """None before its welcome, and once it is gone."""
        ...

    def bye(self, code: Code) -> None:
        """End it."""
        ...


class Occupants(Protocol):
    """A room, as far as its seats go."""

    @property
    def id(self) -> RoomId: ...

    def of_user(self, user: UserId) -> Sequence[Occupant]:
        """A user's sockets, oldest first, in a list of the caller's own."""
        ...


class Seats:
    """All seats that this gateway's sockets use."""

    def __init__(
        self,
        leases: Leases,
        broker: Broker,
        *,
        devices: int,
        sockets: int,
        renew_seconds: float,
        new_id: Callable[[], str],
        clock: Callable[[], int],
    ) -> None:
        self._leases = leases
        self._broker = broker
        self._devices = devices
        self._sockets = sockets
        self._renew_seconds = renew_seconds
        self._new_id = new_id
        self._clock = clock
        self._name = new_id()
        self._count = 0
        self._rooms: dict[RoomId, _Seating] = {}
        self._asked = asyncio.Event()
        self._asking: dict[RoomId, None] = {}
        """Rooms in which something is to be claimed or given up, in order."""

    def settle(self, room: Occupants, user: UserId) -> None:
        """Let the newest of a user's devices keep their seats; whenever one was opened or its rights have changed.

        And the newest of their sockets that use no ticket stay. Too many end for good, as without a seat: one that
        came back by itself would put out the next.
        """
        seats, places = self._devices, self._sockets
        devices: set[str] = set()
        staying: list[Occupant] = []
        for member in reversed(room.of_user(user)):
            if not _is_here(member):
                self.leave(member)
            elif not member.is_seated and places:
                places -= 1
                staying.append(member)
            elif not member.is_seated or not seats or (member.device and member.device in devices):
                member.bye(Code.SEAT_TAKEN)
            else:
                devices.add(member.device)
                seats -= 1
                staying.append(member)
        for member in reversed(staying):  # of leases that are claimed together the later ones win
            self._claim(member)

    def leave(self, member: Occupant) -> None:
        """Its seat is free. Idempotent."""
        seating = self._rooms.get(member.room.id)
        if seating is not None and (lease := seating.forget(member)) is not None:
            seating.released.append(lease)
            self._ask_for(member.room.id)

    def lost(self, room: RoomId, holders: Iterable[str]) -> None:
        """Newer devices took these seats; those of them that are used here end."""
        seating = self._rooms.get(room)
        if seating is not None:
            for holder in holders:
                member = seating.by_holder.get(HolderId(holder))
                if member is not None:
                    _end(seating, member)

    async def taken(self, member: Occupant) -> Denied | None:
        """Refuse one that asks first, where its coming would cost another device of its user the seat."""
        if not member.asks_first or not member.is_seated:
            return None
        mine = member.room.of_user(member.user)
        here = {one.device or str(id(one)) for one in mine if _is_seated(one)} - {member.device}
        there = await self._leases.others(member.room.id, SeatId(member.user), _device(member.device))
        count = max(len(here), there)
        return Denied(Code.SEAT_TAKEN, detail={"devices": count}) if count >= self._devices else None

    async def holds(self, member: Occupant) -> bool:
        """Whether its user has a seat at any gateway now: it was inside a moment ago, whatever became of its socket."""
        return member.is_seated and await self._leases.others(member.room.id, SeatId(member.user), "") > 0

    async def run(self) -> None:
        """Claim, release and renew until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._in_turn(self._ask))
            group.create_task(self._in_turn(self._look))

    async def close(self) -> None:
        """Give up what was left behind."""
        for room, seating in self._rooms.items():
            await self._release(room, seating)

    # ---- among gateways --------------------------------------------------------------------------------

    def _claim(self, member: Occupant) -> None:
        room = member.room.id
        seating = self._rooms.get(room)
        if seating is None:
            seating = self._rooms[room] = _Seating()
        seat = SeatId(member.user) if member.is_seated else _sockets_of(member.user)
        lease = seating.held.get(member)
        if lease is not None and lease.seat == seat:
            return
        self.leave(member)  # it has got a ticket, or has lost it
        self._count += 1
        holder = HolderId(f"{self._name}.{self._count:x}")
        if member.is_seated:
            lease = Lease(seat, _device(member.device) or holder, holder, self._devices)
        else:
            lease = Lease(seat, holder, holder, self._sockets)
        seating.held[member] = lease
        seating.by_holder[holder] = member
        seating.claims[member] = None
        self._ask_for(room)

    def _ask_for(self, room: RoomId) -> None:
        self._asking[room] = None
        self._asked.set()

    async def _in_turn(self, work: Callable[[], Awaitable[None]]) -> None:
        while True:
            try:
                await work()
            except Exception:  # seats fail open: the next turn settles what this one did not
                log.exception("seats.failed")
                await asyncio.sleep(LOOK_SECONDS)

    async def _ask(self) -> None:
        await self._asked.wait()
        await asyncio.sleep(GATHER_SECONDS)
        for room in list(self._asking):
            del self._asking[room]
            seating = self._rooms[room]
            await self._release(room, seating)  # first, or who has left here would be ousted everywhere
            while seating.claims:
                await self._hold(room, seating, seating.take_claims())
        if not self._asking:  # nor where one room failed and others are left
            self._asked.clear()

    async def _look(self) -> None:
        """Renew what is due, and everything where the store may have forgotten."""
        await asyncio.sleep(LOOK_SECONDS)
        for room, seating in list(self._rooms.items()):
            if not seating.held:
                continue
            era, now = await self._leases.era(room), time.monotonic()
            if era is not None and (era != seating.era or now >= seating.renew_at):
                seating.renew_at = now + self._renew_seconds
                members = list(seating.held)
                for start in range(0, len(members), BATCH):
                    await self._hold(room, seating, members[start : start + BATCH])
            seating.era = era

    async def _hold(self, room: RoomId, seating: "_Seating", members: Sequence[Occupant]) -> None:
        """Claim, renew or restore the leases of those who are still here, and act on what becomes of them."""
        async with seating.turn:
            asked = [(member, lease) for member in members if (lease := seating.held.get(member)) is not None]
            verdicts = await self._leases.hold(room, [lease for _, lease in asked])
            elsewhere: list[str] = []
            for (member, lease), verdict in zip(asked, verdicts, strict=True):
                if seating.held.get(member) is lease:
                    if verdict.fence != lease.fence:
                        seating.held[member] = replace(lease, fence=verdict.fence)
                    if not verdict.holds:
                        _end(seating, member)
                elsewhere += (holder for holder in verdict.ousted if holder not in seating.by_holder)
                self.lost(room, verdict.ousted)
        if elsewhere:
            body = encode(SeatsTaken(tuple(elsewhere)))
            self._broker.post(room, Publication(self._new_id(), body, Retention.NONE, self._clock()))

    async def _release(self, room: RoomId, seating: "_Seating") -> None:
        async with seating.turn:
            released, seating.released = seating.released, []
            if released:
                await self._leases.release(room, released)


class _Seating:
    """The seats of a room that are used here."""

    __slots__ = ("by_holder", "claims", "era", "held", "released", "renew_at", "turn")

    def __init__(self) -> None:
        self.held: dict[Occupant, Lease] = {}
        self.by_holder: dict[HolderId, Occupant] = {}
        self.claims: dict[Occupant, None] = {}
        """Those of them that are still to be claimed, in order."""
        self.released: list[Lease] = []
        self.era: str | None = None
        self.renew_at = 0.0
        self.turn = asyncio.Lock()
        """One call at a time, so that nothing is renewed that was released."""

    def forget(self, member: Occupant) -> Lease | None:
        """Its lease, which is held no more."""
        lease = self.held.pop(member, None)
        if lease is not None:
            del self.by_holder[lease.holder]
            self.claims.pop(member, None)
        return lease

    def take_claims(self) -> list[Occupant]:
        """The next batch of those that are to be claimed."""
        members = list(self.claims)[:BATCH]
        for member in members:
            del self.claims[member]
        return members


def _end(seating: _Seating, member: Occupant) -> None:
    """A newer device has its seat: there is nothing to give up."""
    seating.forget(member)
    if member.connection is not None and not member.connection.leaving:
        member.bye(Code.SEAT_TAKEN)


def _is_seated(member: Occupant) -> bool:
    return member.is_seated and _is_here(member)


def _is_here(member: Occupant) -> bool:
    return member.connection is not None and not member.connection.leaving


def _sockets_of(user: UserId) -> SeatId:
    """Where a user's sockets without a ticket are counted. No user id holds a NUL, so it is nobody's ticket."""
    return SeatId(f"\0{user}")


def _device(name: str) -> str:
    """A device as the store knows it: short, whatever clients call it. Empty for one without a name."""
    return blake2b(name.encode(), digest_size=12).hexdigest() if name else ""
