"""A room on this gateway: its replica, its sockets, and what each publication means to each of them."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, ClassVar

import structlog

from auth.denials import Code
from auth.door import Surface, expelled_by
from auth.grants import Grant
from auth.identity import Role, Tier, UserId
from auth.permissions import Permission, Permissions
from gateway.contract.cursor import to_cursor
from gateway.contract.link import ADMISSION, DEGRADED, POSITION, TIER, Admission, Degraded, RoomPosition, TierReason
from gateway.contract.rows import Payload, ServerEvent
from gateway.live.attendance import Attendance
from gateway.live.member import Member
from gateway.live.rates import heard
from gateway.live.surroundings import Surroundings
from gateway.replica import welcome
from gateway.replica.guests import GuestList
from gateway.replica.history import Recent
from gateway.replica.news import AnyEvent, Pace, State
from gateway.replica.orders import (
    CONSOLES,
    INSIDE,
    OUTSIDE,
    CallIn,
    NewRole,
    NewTier,
    Order,
    ReadAgain,
    RightsFollow,
    Say,
    SendOut,
    TakeOffStage,
    Tell,
    TellHolders,
    TellState,
    TellUser,
)
from gateway.replica.replica import Replica
from gateway.replica.rights import STREAMS, rights_in
from gateway.sockets.codec import Prepared
from pubsub.broker import Delivery, Position
from pubsub.link import Gap
from rooms.chat.budget import Budget
from rooms.chat.events import DanmakuSaid
from rooms.gifts.events import LikesCounted
from rooms.names.events import NamesChanged
from rooms.names.names import Names
from rooms.pace.persons import Persons
from rooms.stage.events import StageChanged

log = structlog.get_logger(__name__)


class LiveRoom(Attendance):
    """Applies publications in order and tells the sockets. Everything here is synchronous: order comes free."""

    def __init__(
        self, around: "Surroundings[LiveRoom]", replica: Replica, guests: GuestList, position: Position
    ) -> None:
        limits, count = around.limits, around.metrics.delivered
        super().__init__(position, limits.fanout_seconds, delivered=count, left_queue=around.queue.left)
        self.around = around
        self.id = replica.id
        """The room's id, its channel at the broker too."""
        self.replica = replica
        self.guests = guests
        self.is_committing = False
        """Whether what happens was committed by this process a moment ago, and may not be acked yet."""
        self._place: int | None = None
        """The offset of what is being delivered; None: it has no place, for the wire is away."""
        self.recent = Recent(replica.book, position, limits.history_ms, limits.history_bytes)
        self.unstored_danmaku: list[DanmakuSaid] = []
        self.uncounted_likes = 0
        self.budget = Budget(limits.danmaku_per_second)
        self.persons = Persons(limits.rates)
        self._position_due_ms = dict.fromkeys((True, False), around.clock() + limits.position_ms)
        """When those inside, and those outside, have heard of no place for long."""
        self.encoded = welcome.Encoded()
        """What the welcomes of this room have in common."""
        self.names = Names(lambda: replica.newest(NamesChanged), around.blocked_words)
        self._rights_of = replica.room
        self._rights: dict[tuple[Role, Tier], Permissions] = {}

    # ---- who is here -------------------------------------------------------------------------------

    def permissions_of(self, role: Role, tier: Tier) -> Permissions:
        """What somebody may do here now; worked out once for all who are alike."""
        room = self.replica.room
        if self._rights_of is not room:
            self._rights_of, self._rights = room, {}
        rights = self._rights.get((role, tier))
        if rights is None:
            rights = self._rights[role, tier] = rights_in(room, role, tier)
        return rights

    def on_stage_here(self) -> list[UserId]:
        """Those on stage who have a socket here."""
        return [member.user for member in self.replica.newest(StageChanged).members if self.is_here(member.user)]

    def went(self, member: Member) -> None:
        """A socket is gone, and leaves nothing behind."""
        self.around.devices.leave(member)
        self.around.queue.went(member)
        self.leave(member)

    def retiered(self, member: Member) -> None:
        """The ticket of somebody who waits is worth something else now."""
        self.around.queue.retier(member)

    def grants_of(self, member: Member) -> list[Grant]:
        """Fresh grants of every stream somebody may watch, in a stable order."""
        grants, now_ms = self.around.grants, self.around.clock()
        return [
            grants.play(member.user, self.id, stream, now_ms)
            for permission, stream in STREAMS.items()
            if permission in member.permissions
        ]

    # ---- gateway.replica.news.Moment -------------------------------------------------------------------

    def now_ms(self) -> int:
        """The time."""
        return self.around.clock()

    def new_id(self) -> str:
        """A new id."""
        return self.around.new_id()

    def publishing_grant(self, user: UserId) -> Grant:
        """A fresh right to come on stage here."""
        return self.around.grants.publish(user, self.id, self.around.clock())

    # ---- what commands leave for the next batch ------------------------------------------------------

    def said(self, event: DanmakuSaid) -> None:
        """A danmaku was accepted: it is stored with the next batch."""
        self.unstored_danmaku.append(event)

    def liked(self, count: int) -> None:
        """So many likes were accepted: they are counted with the next batch."""
        self.uncounted_likes += count

    @property
    def likes(self) -> int:
        """All likes of the room, those that wait for the next batch included."""
        return self.replica.newest(LikesCounted).total + self.uncounted_likes

    # ---- publications --------------------------------------------------------------------------------

    def deliver(self, delivery: Delivery) -> None:
        """Take the next publication of this room's channel."""
        self.stand(delivery.position)
        self._place = None if delivery.degraded else delivery.position.offset
        try:
            event = self.replica.book.decode(delivery.publication.body)
            self.around.metrics.published(type(event).__name__)
            self.recent.add(delivery, event, now_ms := self.around.clock())
            heard(self.persons, event, min(delivery.publication.at_ms, now_ms))
            if delivery.degraded and isinstance(event, DanmakuSaid):
                self.around.isolation.said(self.id)
            self.happen(event, delivery.publication.at_ms)
            if (listen := self.around.between_gateways.get(type(event))) is not None:
                listen(self, event)
        except Exception:  # one unreadable publication must not deafen the room
            log.exception("room.publication_failed", room=self.id, publication=delivery.publication.id)
        self.settle_arrived()

    def happen(self, event: AnyEvent, at_ms: int) -> None:
        """Take in what was committed at a time, and tell whoever it concerns if it is news."""
        is_news = self.guests.apply(event, at_ms)
        orders = self.replica.take(event, self)
        if is_news:
            for order in orders:
                self._carry_out(order)

    def committed(self, event: AnyEvent, at_ms: int) -> None:
        """Obey what this process has committed, before its publication comes around as a repetition."""
        if not self.replica.book.needs_place(event):
            self.is_committing = True
            try:
                self.happen(event, at_ms)
            finally:
                self.is_committing = False

    def miss(self, gap: Gap) -> None:
        """Go on after a gap in the publications; what of it is kept is delivered next, the rest has to be read."""
        self.stand(gap.until)
        self.recent.restart(gap.until)

    # ---- carrying orders out -------------------------------------------------------------------------

    def _carry_out(self, order: Order) -> None:
        self._CARRY_OUT[type(order)](self, order)

    def _send_out(self, order: SendOut) -> None:
        for member in self.of_user(order.user):
            member.bye(order.code)

    def _call_in(self, order: CallIn) -> None:
        for member in self.of_user(order.user):
            if member.is_waiting:
                self.around.queue.call_in(member)

    def _take_tier(self, order: NewTier) -> None:
        for member in self.of_user(order.user):
            before = member.permissions
            if member.take_tier(order.tier, order.version):
                self._tell_rights(member, before, order.reason)
        self.around.devices.settle(self, order.user)

    def _take_role(self, order: NewRole) -> None:
        for member in self.of_user(order.user):
            before = member.permissions
            if not member.take_role(order.role, order.version):
                continue
            if member.is_waiting and order.role.is_staff:
                self.around.queue.call_in(member)
            if member.is_console and not order.role.is_staff:
                member.bye(Code.KICKED)
            elif member.refresh_permissions():
                self._tell_rights(member, before, "role")
        self.around.devices.settle(self, order.user)

    # ---- the door ------------------------------------------------------------------------------------

    def admit(self, member: Member) -> None:
        """It was waiting, and is like everybody inside from now on: history and pins begin here."""
        before, member.is_waiting = member.permissions, False
        member.refresh_permissions()
        member.tell(ADMISSION, Admission(0, 0))
        self._tell_rights(member, before, "admitted")
        self.tell_own_position(member)
        self.around.devices.settle(self, member.user)

    # ---- telling -------------------------------------------------------------------------------------

    def _rights_follow(self, order: RightsFollow) -> None:
        """After the room has changed: who must leave leaves, who may do other things now is told."""
        ends = {surface: expelled_by(self.replica.room.phase, surface) for surface in Surface}
        for member in self.members():
            before, end = member.permissions, ends[member.surface]
            if end is not None:
                member.bye(end)
            elif member.refresh_permissions():
                self._tell_rights(member, before, order.reason)

    def _tell_rights(self, member: Member, before: Permissions, reason: TierReason) -> None:
        """What it may do now; and where it went in or out, what those on this side see otherwise."""
        member.tell(TIER, welcome.tier_shape(member, self.grants_of(member), reason))
        reads = member.may(Permission.CHAT_READ)
        if reads is (Permission.CHAT_READ in before):
            return
        for state in self.replica.book.by_reading:
            view = next(view for view in state.views if view.fits(member.surface, reads=reads))
            member.tell(state.event, self.replica.shown(state.news, view, self))

    def cursor(self) -> str:
        """Where the room stands, for any number of clients; it says of none of them that they were inside."""
        return to_cursor(self.position)

    def tell_own_position(self, member: Member) -> None:
        """Give somebody a cursor of their own, by which another gateway sees that they were inside.

        Nobody is told whose welcome has told them of a later place.
        """
        if member.told_until <= self.position.offset:
            member.tell(POSITION, RoomPosition(to_cursor(self.position, self.around.queue.stamp(member))))

    def tell_position(self, by_ms: int) -> None:
        """Let those know where the room stands who by then will not have heard of it for long.

        Nobody is told whose welcome has told them of a later place.
        """
        for inside, due_ms in self._position_due_ms.items():
            if by_ms >= due_ms:
                self._position_due_ms[inside] = by_ms + self.around.limits.position_ms
                prepared = Prepared(POSITION, RoomPosition(self.cursor()))
                self.tell(prepared, view=INSIDE if inside else OUTSIDE, offset=self.position.offset)

    def tell_degraded(self, since_ms: int | None) -> None:
        """Tell everybody that this gateway is cut off from the others, or not any more."""
        self.tell(Prepared(DEGRADED, Degraded(since_ms)))

    def tell_consoles(self, event: ServerEvent[Payload], payload: Payload) -> None:
        """Tell the consoles something, if there are any."""
        if self.has_consoles:
            self.tell(Prepared(event, payload), view=CONSOLES)

    def _say(self, order: Say) -> None:
        self._position_due_ms[True] = self.around.clock() + self.around.limits.position_ms
        payload = order.event.payload([order.item], self.cursor())
        self.tell(Prepared(order.event, payload), view=INSIDE, offset=self._place)

    def _tell_state_in_time(self, order: TellState) -> None:
        state = self.replica.book.by_news[order.news]
        if state.pace is Pace.AT_ONCE:
            self._tell_state(state)
        else:
            self.around.clockwork.conflate(self.id, state.event.name, partial(self._tell_state, state))

    def _tell_state(self, state: State[Any]) -> None:
        """Tell the value of now, each part of the room its own view of it."""
        for view in state.views:
            if view.surface is not Surface.CONSOLE or self.has_consoles:
                self.tell(Prepared(state.event, self.replica.shown(state.news, view, self)), view=view)

    _CARRY_OUT: ClassVar[Mapping[type, Callable[["LiveRoom", Any], None]]] = {
        Say: _say,
        Tell: lambda room, order: room.tell(Prepared(order.event, order.payload), view=order.view),
        TellState: _tell_state_in_time,
        TellUser: lambda room, order: room.tell_user(order.user, order.event, order.payload),
        TellHolders: lambda room, order: room.tell_holders(order.event, order.payload),
        SendOut: _send_out,
        RightsFollow: _rights_follow,
        NewTier: _take_tier,
        NewRole: _take_role,
        CallIn: _call_in,
        TakeOffStage: lambda room, order: room.around.errands.rights_ended(room.id, order.user),
        ReadAgain: lambda room, _: room.around.errands.read_again(room.id),
    }
    """How each order is carried out; synchronously, so that what one socket hears is in order."""
