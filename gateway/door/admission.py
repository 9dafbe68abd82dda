"""The door: from a CONNECT packet to a member of a room, or to a refusal with a code."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

from auth import door
from auth.denials import Code, Denied
from auth.identity import Identity
from auth.revocations import Revocations
from auth.tokens import UNSIGNED, TokenVerifier, Unsigned
from gateway.contract.cursor import from_cursor
from gateway.door.address_limits import AddressLimits, Limit
from gateway.door.devices import Seats
from gateway.door.holdings import Records
from gateway.door.queue import Waiting
from gateway.door.recovery import recover
from gateway.door.throttle import Throttle, Turns
from gateway.door.truth import Truth
from gateway.live.member import Member
from gateway.live.room import LiveRoom
from gateway.live.rooms import LiveRooms
from gateway.live.visit import Visit
from gateway.replica.reading import is_banned
from gateway.replica.rights import with_offer
from gateway.setup.metrics import Metrics
from gateway.sockets.connection import Opening
from presale.orders.orders import OrderId, OrderState
from presale.use_cases.asking import Asked
from presale.use_cases.box_office import BoxOffice
from pubsub.broker import Broker, Position

Decision = Visit | Denied
BUSY_MS = 1_000
RIGHTS = frozenset({Code.TICKET_REQUIRED, Code.BALANCE_DUE, Code.FORBIDDEN})
"""Refusals that a ticket or a role would turn."""
NOT_SURE = Denied(Code.BUSY, retry_after_ms=1000)
"""Instead of a refusal for good while SQL cannot be asked."""
MAX_AUTH_CHARS = 512
"""Of `room`, `cursor` and `device`."""
TAKEOVER = frozenset({"", "yes", "ask"})
"""Whether a connection takes the seat of another device, or would rather be told that it is taken."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DoorLimits:
    """How many handshakes a minute are looked at before others wait; in a playground no address is held back."""

    handshakes_per_minute: int
    failed_handshakes_per_minute: int
    holds_addresses_back: bool


class Admission:
    """Decides for each opening socket.

    A token is looked at before the address it came from: a good one is let in whatever its neighbours send, and counts
    per user. Only what no key has signed counts against an address; one with too many of those has its tokens looked
    at by turns, which bounds what their signatures cost.
    """

    def __init__(
        self,
        limits: DoorLimits,
        *,
        clock: Callable[[], int],
        metrics: Metrics,
        verifier: TokenVerifier,
        revoked: Revocations,
        broker: Broker,
        rooms: LiveRooms,
        records: Records,
        truth: Truth,
        seats: Seats,
        waiting: Waiting,
        box_office: BoxOffice,
        address_limits: AddressLimits,
        visit: Callable[[LiveRoom, Member], Visit],
    ) -> None:
        """`visit` makes the receiver of a socket that is let in."""
        self._limits = limits
        self._clock = clock
        self._metrics = metrics
        self._verifier = verifier
        self._revoked = revoked
        self._broker = broker
        self._rooms = rooms
        self._records = records
        self._truth = truth
        self._seats = seats
        self._waiting = waiting
        self._box_office = box_office
        self._address_limits = address_limits
        self._visit = visit
        self._failures = Throttle(limits.failed_handshakes_per_minute)
        self._turns = Turns()
        self._arrivals = Throttle(limits.handshakes_per_minute)
        self._closed: Denied | None = None

    def close(self) -> None:
        """Let nobody in any more, whoever comes and whoever is being looked at: this gateway is about to stop."""
        self._closed = Denied(Code.BUSY, retry_after_ms=BUSY_MS)

    def __call__(self, opening: Opening) -> Decision | Awaitable[Decision]:
        """Let in, or say why not; at once where the guest list is enough, and SQL has nothing newer."""
        began = time.perf_counter()
        answer = self._decide(opening)
        return self._told(answer, began) if isinstance(answer, Visit | Denied) else self._told_later(answer, began)

    def _decide(self, opening: Opening) -> Decision | Awaitable[Decision]:
        if self._closed is not None:
            return self._closed
        if self._failures.wait_ms(opening.address, self._clock()) and self._limits.holds_addresses_back:
            return self._decide_late(opening)
        return self._look_at(opening)

    async def _decide_late(self, opening: Opening) -> Decision:
        """Too many bad tokens came from its address: when it is its turn."""
        self._address_limits.bound(Limit.BAD_TOKENS, opening.address)
        await asyncio.sleep(self._turns.wait_ms(self._clock()) / 1000)
        answer = self._look_at(opening)
        return answer if isinstance(answer, Visit | Denied) else await answer

    def _look_at(self, opening: Opening) -> Decision | Awaitable[Decision]:
        identity = self._identify(opening)
        if isinstance(identity, Denied):
            return identity
        cursor = opening.auth.get("cursor", "")
        after = from_cursor(cursor) if cursor else None
        if cursor and after is None:
            return Denied(Code.BAD_REQUEST, detail={"field": "cursor"})
        room = self._rooms.known(opening.auth["room"])
        if room is None:
            return self._open_room(opening, identity, after)
        member = self._enter(room, opening, identity)
        try:
            is_welcome = after is None and self._is_known_and_welcome(member)
        except BaseException:
            room.leave(member)
            raise
        if not is_welcome:
            return self._look_closer(room, member, after)
        return self._let_in_or_queue(room, member) if self._truth.is_told(room) else self._look_again(room, member)

    async def _look_again(self, room: LiveRoom, member: Member) -> Decision:
        """Bans, roles and phase are SQL's to tell, not the list's; here it is asked once for all who come in a moment.

        Where SQL cannot be asked nobody is banned either: the list is enough.
        """
        try:
            await self._truth.of(room.id)
            is_welcome = self._is_known_and_welcome(member) and self._closed is None
        except BaseException:
            room.leave(member)
            raise
        return self._let_in_or_queue(room, member) if is_welcome else await self._look_closer(room, member, None)

    async def _open_room(self, opening: Opening, identity: Identity, after: Position | None) -> Decision:
        room = await self._rooms.get(opening.auth["room"])
        if room is None:
            return Denied(Code.ROOM_NOT_FOUND)
        if self._revoked.refuses(identity):  # it was in no room yet when others were sent away for that
            return Denied(Code.TOKEN_INVALID)
        return await self._look_closer(room, self._enter(room, opening, identity), after)

    async def _look_closer(self, room: LiveRoom, member: Member, after: Position | None) -> Decision:
        try:
            denied = await self._admit(room, member, after) or self._closed
        except BaseException:
            room.leave(member)
            raise
        if denied is not None:
            room.leave(member)
            return with_offer(denied, room.replica)
        return self._let_in(room, member)

    def _enter(self, room: LiveRoom, opening: Opening, identity: Identity) -> Member:
        member = Member(room, opening, identity)
        member.was_inside = self._waiting.was_inside(opening.auth.get("cursor", ""), room.id, identity.user)
        room.enter(member)  # before its rights are read, so that no change of them slips between
        return member

    def _let_in_or_queue(self, room: LiveRoom, member: Member) -> Decision:
        if member.luggage.orders:
            self._ask_beside(member)
        denied = self._waiting.meet(member)
        if denied is not None:
            room.leave(member)
            return denied
        return self._let_in(room, member)

    def _let_in(self, room: LiveRoom, member: Member) -> Visit:
        visit = self._visit(room, member)
        visit.begin()
        return visit

    def _told(self, answer: Decision, began: float) -> Decision:
        self._metrics.connect_seconds.observe(time.perf_counter() - began)
        if isinstance(answer, Denied):
            self._metrics.refusals.labels(answer.code).inc()
        return answer

    async def _told_later(self, answer: Awaitable[Decision], began: float) -> Decision:
        return self._told(await answer, began)

    def _identify(self, opening: Opening) -> Identity | Denied:
        now = self._clock()
        for name in ("room", "cursor", "device"):
            if len(opening.auth.get(name, "")) > MAX_AUTH_CHARS:
                return Denied(Code.BAD_REQUEST, detail={"field": name})
        if opening.auth.get("takeover", "") not in TAKEOVER:
            return Denied(Code.BAD_REQUEST, detail={"field": "takeover"})
        token = opening.auth.get("token", "")
        identity = self._verifier.verify(token, now) if token else UNSIGNED
        if isinstance(identity, Denied):
            if isinstance(identity, Unsigned):
                self._failures.hit(opening.address, now)
            return identity
        opening.vouch()
        if not opening.auth.get("room"):
            return Denied(Code.BAD_REQUEST, detail={"field": "room"})
        arrivals, user, namespace = opening.arrivals, identity.user, opening.namespace
        if not arrivals.is_shared(user, namespace):
            if wait_ms := self._arrivals.hit(user, now):
                return Denied(Code.BUSY, retry_after_ms=wait_ms)
            arrivals.counted(user, namespace)
        return identity

    async def _admit(self, room: LiveRoom, member: Member, after: Position | None) -> Denied | None:
        replica = room.replica
        is_sure = await self._truth.of(room.id)  # its own ticket is read where it would be refused
        if is_banned(replica, member.user):
            return Denied(Code.BANNED) if is_sure else NOT_SURE
        is_from_list = await self._records.know(member)
        self._ask_beside(member)
        denied = self._at_the_door(member)
        if denied is not None and denied.code in RIGHTS and is_from_list:
            await self._records.read(member)  # nobody is turned away by a list that may be a moment old
            denied = self._at_the_door(member)
        if denied is not None and denied.code in (Code.TICKET_REQUIRED, Code.BALANCE_DUE):
            asked = await self._box_office.ask(*_unpaid(member))
            if asked is Asked.FAILED:
                return Denied(Code.BUSY, retry_after_ms=BUSY_MS)  # whether they have paid is not known
            if asked is Asked.WAITED:
                await self._records.read(member)
            denied = self._at_the_door(member)
        if denied is None:
            if after is not None and not member.was_inside and self._waiting.is_crowded():
                member.was_inside = await self._seats.holds(member)  # at a gateway that is gone, or cut off
            denied = await self._seats.taken(member) or self._at_the_door(member)
        if denied is None:
            denied = self._waiting.meet(member)
        if denied is None and after is not None and not member.is_waiting:  # else its history begins when it is let in
            await self._recover(room, member, after)
            denied = self._at_the_door(member)  # the phase may have moved while we asked
        return denied

    def _is_known_and_welcome(self, member: Member) -> bool:
        """Whether the guest list alone lets it in; else the truth is asked."""
        if is_banned(member.room.replica, member.user) or not self._records.look_up(member):
            return False
        return self._at_the_door(member) is None and not (member.asks_first and member.is_seated)

    def _at_the_door(self, member: Member) -> Denied | None:
        room = member.room.replica.room
        return door.enter(member.role, member.tier, room.access, room.phase, member.surface)

    def _ask_beside(self, member: Member) -> None:
        """Have the provider asked about unpaid orders, for a callback may be lost: nobody waits for it who gets in.

        What comes of it reaches the socket as an order paid at any other time does.
        """
        for order in _unpaid(member):
            self._box_office.ask_soon(order)

    async def _recover(self, room: LiveRoom, member: Member, after: Position) -> None:
        """Add what the member missed to its luggage, if the room still knows all of it."""
        recovered = await recover(room.id, room.recent, after, room.position, self._broker, self._clock())
        outcome = "failed" if not recovered.long_complete else "complete" if recovered.short_complete else "truncated"
        self._metrics.recoveries.labels(outcome).inc()
        if not recovered.long_complete:
            return
        history = await self._records.history_since(member, recovered.began_ms) if recovered.past else []
        missed = recovered.missed_by(history, is_staff=member.role.is_staff)
        member.luggage = replace(
            member.luggage,
            missed=missed,
            recovered=True,
            danmaku_truncated=not recovered.short_complete,
            told_until=recovered.position,
        )


def _unpaid(member: Member) -> list[OrderId]:
    """The viewer's orders that wait for money."""
    return [OrderId(order.order) for order in member.luggage.orders if order.state is OrderState.PENDING]
