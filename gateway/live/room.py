"""A room on this gateway: its replica, its sockets, and what each publication means to each of them."""

from collections.abc import Callable
from functools import singledispatchmethod
from typing import Any

import structlog

from auth.denials import Code
from auth.door import Surface, expelled_by
from auth.grants import Grant
from auth.identity import Role, Tier, UserId
from auth.permissions import Permission, Permissions
from gateway.contract import events, shapes
from gateway.contract.cursor import to_cursor
from gateway.contract.rows import Payload, ServerEvent
from gateway.live.attendance import Attendance
from gateway.live.member import Member
from gateway.live.rates import heard
from gateway.live.surroundings import Surroundings
from gateway.replica import welcome
from gateway.replica.guests import GuestList
from gateway.replica.history import Recent
from gateway.replica.replica import BY_PUBLICATION, Event, Replica, audit_shape, countdown_shape, decode
from gateway.replica.rights import STREAMS, keeps_stage, rights_in
from gateway.sockets.codec import Prepared
from presale import events as presale
from pubsub.broker import Delivery, Position
from pubsub.link import Gap
from rooms import events as rooms
from rooms.budget import Budget
from rooms.countdowns import changed as changed_countdowns
from rooms.names import Names
from rooms.persons import Persons
from rooms.room import RoomRecord
from rooms.stage import StageState

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
        self.recent = Recent(position, limits.history_ms, limits.history_bytes)
        self.unstored_danmaku: list[rooms.DanmakuSaid] = []
        self.uncounted_likes = 0
        self.budget = Budget(limits.danmaku_per_second)
        self.persons = Persons(limits.rates)
        self._position_due_ms = dict.fromkeys((True, False), around.clock() + limits.position_ms)
        """When those inside, and those outside, have heard of no place for long."""
        self.welcome_parts = welcome.Parts()
        self.names = Names(lambda: replica.names, around.blocked_words)
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
        return [member.user for member in self.replica.stage.members if self.is_here(member.user)]

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

    def publishing_grant(self, user: UserId) -> Grant:
        """A fresh right to come on stage here."""
        return self.around.grants.publish(user, self.id, self.around.clock())

    # ---- what commands leave for the next batch ------------------------------------------------------

    def said(self, event: rooms.DanmakuSaid) -> None:
        """A danmaku was accepted: it is stored with the next batch."""
        self.unstored_danmaku.append(event)

    def liked(self, count: int) -> None:
        """So many likes were accepted: they are counted with the next batch."""
        self.uncounted_likes += count

    @property
    def likes(self) -> int:
        """All likes of the room, those that wait for the next batch included."""
        return self.replica.likes + self.uncounted_likes

    # ---- publications --------------------------------------------------------------------------------

    def deliver(self, delivery: Delivery) -> None:
        """Take the next publication of this room's channel."""
        self.stand(delivery.position)
        self._place = None if delivery.degraded else delivery.position.offset
        try:
            event = decode(delivery.publication.body)
            self.around.metrics.published(type(event).__name__)
            self.recent.add(delivery, event, now_ms := self.around.clock())
            heard(self.persons, event, min(delivery.publication.at_ms, now_ms))
            if delivery.degraded and isinstance(event, rooms.DanmakuSaid):
                self.around.isolation.said(self.id)
            self.happen(event, delivery.publication.at_ms)
        except Exception:  # one unreadable publication must not deafen the room
            log.exception("room.publication_failed", room=self.id, publication=delivery.publication.id)
        self.settle_arrived()

    def happen(self, event: Event, at_ms: int) -> None:
        """Take in what was committed at a time, and tell whoever it concerns if it is news."""
        before = self.replica.room
        is_news = self.guests.apply(event, at_ms)
        if self.replica.apply(event) and is_news:
            self._handler_of(type(event))(self, event, before)

    def committed(self, event: Event, at_ms: int) -> None:
        """Obey what this process has committed, before its publication comes around as a repetition."""
        if not isinstance(event, BY_PUBLICATION):
            self.is_committing = True
            try:
                self.happen(event, at_ms)
            finally:
                self.is_committing = False

    def miss(self, gap: Gap) -> None:
        """Go on after a gap in the publications; what of it is kept is delivered next, the rest has to be read."""
        self.stand(gap.until)
        self.recent.restart(gap.until)

    @singledispatchmethod
    def _happened(self, _event: Event, _before: RoomRecord) -> None:
        """Tell whoever an event concerns; the replica has taken it in, and was `before` as a room."""

    @_happened.register
    def _(self, event: rooms.DanmakuSaid, _before: RoomRecord) -> None:
        self._history(events.DANMAKU, shapes.Danmaku([welcome.danmaku_item(event)], self.cursor()))

    @_happened.register
    def _(self, event: rooms.GiftSent, _before: RoomRecord) -> None:
        self._history(events.GIFT, shapes.Gift([welcome.gift_item(event)], self.cursor()))
        self._soon(events.REVENUE, self._tell_revenue)

    @_happened.register
    def _(self, event: rooms.Retracted, _before: RoomRecord) -> None:
        self._history(events.RETRACT, shapes.Retract([shapes.RetractItem(event.id)], self.cursor()))

    @_happened.register
    def _(self, event: rooms.RoomState, before: RoomRecord) -> None:
        self._everybody(events.ROOM, self.replica.room_shape())
        for countdown in changed_countdowns(before, self.replica.room):
            self._everybody(events.COUNTDOWN, countdown_shape(countdown, self.around.clock()))
        self._rights_follow("phase" if isinstance(event, rooms.PhaseChanged) else "switches")
        if before.switches.sales_left is not self.replica.room.switches.sales_left:
            self._soon(events.SALES, self._tell_sales)

    @_happened.register
    def _(self, event: rooms.CountdownChanged, _before: RoomRecord) -> None:
        self._everybody(events.COUNTDOWN, countdown_shape(event, self.around.clock()))

    @_happened.register
    def _(self, _event: rooms.StageChanged, _before: RoomRecord) -> None:
        self._everybody(events.STAGE, self.replica.stage_shape())

    @_happened.register
    def _(self, _event: rooms.QueueChanged, _before: RoomRecord) -> None:
        self.tell_consoles(events.COHOST_QUEUE, self.replica.queue_shape())

    @_happened.register
    def _(self, _event: rooms.PinsChanged, _before: RoomRecord) -> None:
        self._tell_pins()

    @_happened.register
    def _(self, _event: rooms.NamesChanged, _before: RoomRecord) -> None:
        self.tell_consoles(events.NAMES, self.replica.names_shape())

    @_happened.register
    def _(self, _event: rooms.LeaderboardChanged, _before: RoomRecord) -> None:
        self._soon(events.LEADERBOARD, lambda: self._everybody(events.LEADERBOARD, self.replica.leaderboard_shape()))

    @_happened.register
    def _(self, _event: rooms.LikesCounted, _before: RoomRecord) -> None:
        self._soon(events.LIKE, lambda: self._everybody(events.LIKE, shapes.Like(self.replica.likes)))

    @_happened.register
    def _(self, event: rooms.AuditRecorded, _before: RoomRecord) -> None:
        self.tell_consoles(events.AUDIT, audit_shape([event]))

    @_happened.register
    def _(self, event: rooms.CohostChanged, _before: RoomRecord) -> None:
        for member in self.of_user(event.user):
            if member.is_waiting and event.state is StageState.ON_STAGE:
                self.around.queue.call_in(member)
            member.tell(events.COHOST, welcome.cohost_changed(self, event))

    @_happened.register
    def _(self, event: rooms.Muted, _before: RoomRecord) -> None:
        self._inbox(event.user, "muted", event.until_ms)

    @_happened.register
    def _(self, event: rooms.Unmuted, _before: RoomRecord) -> None:
        self._inbox(event.user, "unmuted")

    @_happened.register
    def _(self, event: rooms.Banned | rooms.Kicked, _before: RoomRecord) -> None:
        for member in self.of_user(event.user):
            member.bye(Code.BANNED if isinstance(event, rooms.Banned) else Code.KICKED)

    @_happened.register
    def _(self, event: rooms.RoleChanged, _before: RoomRecord) -> None:
        for member in self.of_user(event.user):
            before = member.permissions
            if not member.take_role(event.role, event.version):
                continue
            if member.is_waiting and event.role.is_staff:
                self.around.queue.call_in(member)
            if member.is_console and not event.role.is_staff:
                member.bye(Code.KICKED)
            elif member.refresh_permissions():
                self._tell_rights(member, before, "role")
        self.around.devices.settle(self, event.user)

    @_happened.register
    def _(self, event: rooms.SeatsTaken, _before: RoomRecord) -> None:
        self.around.devices.lost(self.id, event.holders)

    @_happened.register
    def _(self, event: rooms.Sought, _before: RoomRecord) -> None:
        self.around.whereabouts.sought(self, event)

    @_happened.register
    def _(self, event: rooms.Present, _before: RoomRecord) -> None:
        self.around.whereabouts.present(event)

    @_happened.register
    def _(self, event: rooms.SaidApart, _before: RoomRecord) -> None:
        self.around.isolation.heard(self, event)

    @_happened.register
    def _(self, event: presale.EntitlementChanged, _before: RoomRecord) -> None:
        for member in self.of_user(event.user):
            before = member.permissions
            if member.take_tier(event.tier, event.version):
                self._tell_rights(member, before, event.reason.value)
        if not keeps_stage(self.replica.room, Role.VIEWER, event.tier):
            self.around.errands.rights_ended(self.id, event.user)
        self.around.devices.settle(self, event.user)

    @_happened.register
    def _(self, event: presale.OrderChanged, _before: RoomRecord) -> None:
        order = welcome.order_shape(event)
        self.tell_user(event.user, events.ORDER, order)
        self.tell_user(event.user, events.COUNTDOWN, welcome.order_countdown(order, self.around.clock()))

    @_happened.register
    def _(self, event: presale.WalletChanged, _before: RoomRecord) -> None:
        self.tell_user(event.user, events.WALLET, shapes.Wallet(event.credits, event.version))

    @_happened.register
    def _(self, event: presale.RefundFailed | presale.MoneyReturning, _before: RoomRecord) -> None:
        self.tell_user(event.user, events.INBOX, welcome.money_notice(event, self.around.clock()))

    @_happened.register
    def _(self, event: presale.RefundsOpened, _before: RoomRecord) -> None:
        self.tell_holders(events.INBOX, welcome.refunds_notice(event))

    @_happened.register
    def _(self, event: presale.SalesChanged, _before: RoomRecord) -> None:
        self._soon(events.SALES, self._tell_sales)
        if {count.id for count in event.products} != {product.id for product in self.replica.products}:
            self.around.errands.products_changed(self.id)

    @_happened.register
    def _(self, _event: presale.RevenueChanged, _before: RoomRecord) -> None:
        self._soon(events.REVENUE, self._tell_revenue)

    _handler_of = staticmethod(_happened.dispatcher.dispatch)
    """What `singledispatchmethod` looks up, without the two functions that it makes per call."""

    # ---- the door ------------------------------------------------------------------------------------

    def admit(self, member: Member) -> None:
        """It was waiting, and is like everybody inside from now on: history and pins begin here."""
        before, member.is_waiting = member.permissions, False
        member.refresh_permissions()
        member.tell(events.ADMISSION, shapes.Admission(0, 0))
        self._tell_rights(member, before, "admitted")
        self.tell_own_position(member)
        self.around.devices.settle(self, member.user)

    # ---- telling -------------------------------------------------------------------------------------

    def _rights_follow(self, reason: shapes.TierReason) -> None:
        """After the room has changed: who must leave leaves, who may do other things now is told."""
        ends = {surface: expelled_by(self.replica.room.phase, surface) for surface in Surface}
        for member in self.members():
            before, end = member.permissions, ends[member.surface]
            if end is not None:
                member.bye(end)
            elif member.refresh_permissions():
                self._tell_rights(member, before, reason)

    def _tell_rights(self, member: Member, before: Permissions, reason: shapes.TierReason) -> None:
        """What it may do now; and the pins as they are on this side, where it went in or out."""
        member.tell(events.TIER, welcome.tier_shape(member, self.grants_of(member), reason))
        inside = member.may(Permission.CHAT_READ)
        if inside is not (Permission.CHAT_READ in before):
            member.tell(events.PINS, self.replica.pins_shape(inside=inside))

    def cursor(self) -> str:
        """Where the room stands, for any number of clients; it says of none of them that they were inside."""
        return to_cursor(self.position)

    def tell_own_position(self, member: Member) -> None:
        """Give somebody a cursor of their own, by which another gateway sees that they were inside.

        Nobody is told whose welcome has told them of a later place.
        """
        if member.told_until <= self.position.offset:
            member.tell(events.POSITION, shapes.RoomPosition(to_cursor(self.position, self.around.queue.stamp(member))))

    def tell_position(self, by_ms: int) -> None:
        """Let those know where the room stands who by then will not have heard of it for long.

        Nobody is told whose welcome has told them of a later place.
        """
        for inside, due_ms in self._position_due_ms.items():
            if by_ms >= due_ms:
                self._position_due_ms[inside] = by_ms + self.around.limits.position_ms
                prepared = Prepared(events.POSITION, shapes.RoomPosition(self.cursor()))
                self.tell(prepared, reads=inside, offset=self.position.offset)

    def tell_degraded(self, since_ms: int | None) -> None:
        """Tell everybody that this gateway is cut off from the others, or not any more."""
        self._everybody(events.DEGRADED, shapes.Degraded(since_ms))

    def tell_consoles(self, event: ServerEvent[Payload], payload: Payload) -> None:
        """Tell the consoles something, if there are any."""
        if self.has_consoles:
            self.tell(Prepared(event, payload), surface=Surface.CONSOLE)

    def _soon(self, event: ServerEvent[Any], tell: Callable[[], None]) -> None:
        self.around.clockwork.conflate(self.id, event.name, tell)

    def _history(self, event: ServerEvent[Payload], payload: Payload) -> None:
        self._position_due_ms[True] = self.around.clock() + self.around.limits.position_ms
        self.tell(Prepared(event, payload), reads=True, offset=self._place)

    def _everybody(self, event: ServerEvent[Payload], payload: Payload) -> None:
        self.tell(Prepared(event, payload))

    def _tell_pins(self) -> None:
        for inside in (True, False):
            self.tell(Prepared(events.PINS, self.replica.pins_shape(inside=inside)), reads=inside)

    def _tell_sales(self) -> None:
        for surface in Surface:
            for_staff = surface is Surface.CONSOLE
            self.tell(Prepared(events.SALES, self.replica.sales_shape(for_staff=for_staff)), surface=surface)

    def _tell_revenue(self) -> None:
        self.tell_consoles(events.REVENUE, self.replica.revenue_shape())

    def _inbox(self, user: UserId, kind: shapes.InboxKind, until_ms: int | None = None) -> None:
        self.tell_user(user, events.INBOX, shapes.Inbox(self.around.new_id(), kind, self.around.clock(), until_ms))
