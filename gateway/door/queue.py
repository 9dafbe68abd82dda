"""The queue at the door of this gateway: viewers beyond the budget are in their room, but without rights as yet.

`rooms.queue.waiting_room` decides; here its decisions meet sockets. Nobody who waits costs SQL: what they are told
comes from the guest list and the replica, and where they stand from memory. Positions beyond 100 are told to two
digits, and only when they changed, so that a queue of thousands is told of in a few hundred different frames.
"""

import asyncio
import itertools
import random
from collections.abc import Callable
from dataclasses import dataclass, field

from auth.denials import Code, Denied
from auth.identity import RoomId, UserId
from auth.permissions import Permission
from gateway.contract.cursor import Stamps
from gateway.contract.link import ADMISSION, Admission
from gateway.live.clockwork import Chore
from gateway.live.member import Member
from gateway.replica.reading import is_on_stage
from gateway.setup.metrics import Metrics
from gateway.sockets.codec import Prepared
from rooms.queue.waiting_room import AdmissionBudget, Entry, Key, Standing, WaitingRoom

TURN_SECONDS = 0.05
"""How often those whose turn it is are let in."""
TELL_SECONDS = 2.0
"""How often those who wait are told where they stand."""
SLICE = 128
"""Viewers let in or told before others have their turn on the event loop."""
MAX_WENT = 100_000
"""Users who went and are remembered; beyond it those longest gone have to show a cursor of their own."""
NOTABLE_MS = 5_000
"""An eta that is off by less than this, or less than a quarter, is not worth telling."""
EXACT = 100
WHILE_WAITING = frozenset({"clock", "token:refresh", "streams:refresh"})
"""What somebody who waits may send; everything else is BUSY until it is their turn."""


@dataclass(slots=True)
class _Party:
    """The sockets of a user who waits, and what they were told."""

    members: list[Member] = field(default_factory=list)
    told: Admission | None = None
    told_ms: int = 0


class Waiting:
    """All who wait at this gateway."""

    def __init__(
        self,
        stamps: Stamps,
        clock: Callable[[], int],
        metrics: Metrics,
        *,
        per_second: float,
        burst: int,
        places: int,
        grace_ms: int,
        position_ms: int,
    ) -> None:
        self._stamps = stamps
        self._clock = clock
        self._metrics = metrics
        self._grace_ms = grace_ms
        self._fresh_ms = grace_ms + position_ms
        """How old the stamp of one who dropped out a grace ago may be: a quiet room renews it with its position."""
        budget, returns = (AdmissionBudget(per_second, burst) for _ in range(2))
        self._queue = WaitingRoom(budget, returns, places=places, grace_ms=grace_ms)
        self._parties: dict[Key, _Party] = {}
        self._went_ms: dict[Key, int] = {}
        """When those inside who are gone went, the one longest gone first."""

    def __len__(self) -> int:
        """How many users wait."""
        return len(self._queue)

    def stamp(self, member: Member) -> str:
        """What a cursor carries that is told to this member alone; nothing where it is not inside."""
        if Permission.CHAT_READ not in member.permissions:
            return ""
        return self._stamps.stamp(member.room.id, member.user)

    def was_inside(self, cursor: str, room: RoomId, user: UserId) -> bool:
        """Whether a user who shows this cursor was inside a moment ago: here, or at another gateway that said so."""
        now_ms = self._clock()
        since_ms = self._went_ms.get(Key(room, user)) if self._went_ms else None
        if since_ms is not None and now_ms - since_ms <= self._grace_ms:
            return True
        since_ms = self._stamps.inside_ms(cursor, room, user) if cursor else None
        return since_ms is not None and now_ms - since_ms <= self._fresh_ms

    def went(self, member: Member) -> None:
        """Somebody who was inside is gone, perhaps for a moment."""
        if member.is_waiting or Permission.CHAT_READ not in member.permissions or not self._grace_ms:
            return
        key = _key(member)
        self._went_ms.pop(key, None)
        self._went_ms[key] = now_ms = self._clock()
        for old, since_ms in list(itertools.islice(self._went_ms.items(), 2)):
            if now_ms - since_ms > self._grace_ms or len(self._went_ms) > MAX_WENT:
                del self._went_ms[old]

    def is_crowded(self) -> bool:
        """Whether whoever comes now and was not inside would have to wait."""
        return not self._queue.is_open(self._clock())

    # ---- coming and going ----------------------------------------------------------------------------

    def meet(self, member: Member) -> Denied | None:
        """Somebody whom the door lets in: now, or in a while (`is_waiting`); refused where too many wait already."""
        if _never_waits(member):
            return None
        key = _key(member)
        entry = self._queue.come(key, member.tier, self._clock(), returning=member.was_inside)
        if entry is Entry.REFUSED:
            return Denied(Code.BUSY, retry_after_ms=self._queue.retry_ms(random.random()))  # noqa: S311 - jitter
        if entry is Entry.ADMITTED:
            self._count("returning" if member.was_inside else "at_once")
            return None
        self._parties.setdefault(key, _Party()).members.append(member)
        member.is_waiting = True
        member.refresh_permissions()
        return None

    def left(self, member: Member) -> None:
        """A socket is gone; with the last of its user's their place waits for a while."""
        key = _key(member)
        party = self._parties.get(key)
        if party is None or member not in party.members:
            return
        party.members.remove(member)
        if not party.members:
            del self._parties[key]
            self._queue.drop_out(key, self._clock())

    def retier(self, member: Member) -> None:
        """The ticket of somebody who waits is worth something else now."""
        self._queue.retier(_key(member), member.tier)

    def call_in(self, member: Member) -> None:
        """Somebody need not wait any more, and goes in past everybody."""
        key = _key(member)
        self._queue.forget(key)
        self._let_in(key)

    # ---- where somebody stands -------------------------------------------------------------------------

    def standing(self, member: Member) -> Admission:
        """What a socket that waits is told of it now."""
        key = _key(member)
        told = _told(self._queue.standing(key) or Standing(1, 1))
        party = self._parties.get(key)
        if party is not None:
            party.told, party.told_ms = told, self._clock()
        return told

    def refuses(self, member: Member, command: str) -> Denied | None:
        """Why somebody may not do something while they wait."""
        if not member.is_waiting or command in WHILE_WAITING:
            return None
        standing = self._queue.standing(_key(member))
        return Denied(Code.BUSY, retry_after_ms=standing.eta_ms if standing is not None else 1)

    # ---- by the clock ----------------------------------------------------------------------------------

    def chores(self) -> tuple[Chore, ...]:
        """What is to be done again and again."""
        return (Chore("admissions", TURN_SECONDS, self.turn), Chore("queue", TELL_SECONDS, self.tell))

    async def turn(self) -> None:
        """Let in whose turn it is, as many as the budget gives."""
        admitted = 0
        while (key := self._queue.next(self._clock())) is not None:
            self._let_in(key)
            admitted += 1
            if not admitted % SLICE:
                await asyncio.sleep(0)
        for tier, count in self._queue.waiting().items():
            self._metrics.waiting.labels(tier.value).set(count)

    async def tell(self) -> None:
        """Tell those who wait where they stand, where that has changed."""
        frames: dict[Admission, Prepared] = {}
        for number, key in enumerate(list(self._parties), 1):
            self._tell(key, frames)
            if not number % SLICE:
                await asyncio.sleep(0)

    def slow_down(self, lag_ms: int) -> None:
        """Take in how late the event loop ran."""
        self._queue.slow_down(lag_ms)

    def _tell(self, key: Key, frames: dict[Admission, Prepared]) -> None:
        standing, party, now_ms = self._queue.standing(key), self._parties.get(key), self._clock()
        if standing is None or party is None:  # let in or gone while others had their turn
            return
        told = _told(standing)
        if party.told is not None and not _is_notable(party.told, now_ms - party.told_ms, told):
            return
        party.told, party.told_ms = told, now_ms
        prepared = frames.get(told)
        if prepared is None:
            prepared = frames[told] = Prepared(ADMISSION, told)
        for member in party.members:
            member.send(prepared)
        self._metrics.delivered("admission", len(party.members))

    def _let_in(self, key: Key) -> None:
        party = self._parties.pop(key, None)
        if party is not None:
            for member in party.members:
                member.room.admit(member)
            self._count("waited")

    def _count(self, way: str) -> None:
        self._metrics.admissions.labels(way).inc()


def _never_waits(member: Member) -> bool:
    """The staff, who stands on the stage, and whoever is inside already with another socket."""
    if member.is_console or member.role.is_staff:
        return True
    if is_on_stage(member.room.replica, member.user):
        return True
    return any(other.is_inside for other in member.room.of_user(member.user))


def _key(member: Member) -> Key:
    return Key(member.room.id, member.user)


def _told(standing: Standing) -> Admission:
    seconds = -(-standing.eta_ms // 1000)
    return Admission(_two_digits(standing.position), _two_digits(seconds) * 1000)


def _two_digits(number: int) -> int:
    """Exact below 100, beyond it rounded up to two significant digits."""
    if number < EXACT:
        return number
    step: int = 10 ** (len(str(number)) - 2)
    return -(-number // step) * step


def _is_notable(told: Admission, elapsed_ms: int, now: Admission) -> bool:
    """Whether what somebody was told, and has been counting down since, is wrong by more than a little."""
    if told.position != now.position:
        return True
    expected_ms = max(0, told.eta_ms - elapsed_ms)
    return abs(now.eta_ms - expected_ms) > max(NOTABLE_MS, expected_ms // 4)
