"""What a gateway knows of a room: a copy of SQL, kept in step by the room's publications. No sockets, no I/O."""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import singledispatchmethod

import msgspec
from msgspec import UNSET, structs

from auth.identity import RoomId, ShowId, Tier, UserId
from auth.permissions import reading_floor
from gateway.contract import shapes
from presale.events import (
    MoneyReturning,
    PresaleEvent,
    ProductCount,
    RefundFailed,
    RefundsOpened,
    RevenueChanged,
    SalesChanged,
)
from presale.shows import Product
from rooms import countdowns
from rooms.countdowns import Countdown
from rooms.events import (
    AuditRecorded,
    Banned,
    CohostChanged,
    CountdownChanged,
    CountedEvent,
    DanmakuSaid,
    GiftSent,
    Kicked,
    LeaderboardChanged,
    LikesCounted,
    Muted,
    NamesChanged,
    PinsChanged,
    QueueChanged,
    Retracted,
    RoleChanged,
    RoomEvent,
    RoomState,
    SaidApart,
    SeatsTaken,
    StageChanged,
    Unbanned,
    Unmuted,
)
from rooms.leaderboard import LeaderboardRecord
from rooms.moderation import Mute
from rooms.names import NamesRecord
from rooms.newest import Counted, Newest
from rooms.pins import PinKind, PinsRecord
from rooms.room import RoomRecord, Standing
from rooms.stage import StageRecord

Event = RoomEvent | PresaleEvent
_decoder: msgspec.json.Decoder[Event] = msgspec.json.Decoder(Event)

AUDIT_TAIL = 50


def decode(body: bytes) -> Event:
    """A publication's body; raises `msgspec.MsgspecError` for what no process of ours wrote."""
    return _decoder.decode(body)


BY_PUBLICATION = (
    DanmakuSaid,
    GiftSent,
    Retracted,
    AuditRecorded,
    SeatsTaken,
    SaidApart,
    RefundFailed,
    MoneyReturning,
    RefundsOpened,
)
"""News that only a publication brings: those with a place in the history, and those without a version, which would
happen twice."""


def thing_of(event: CountedEvent) -> tuple[str, str]:
    """What an event is about: of two events of one thing, the one with the greater version counts."""
    match event:
        case CountdownChanged():
            return "countdown", event.id
        case Muted() | Unmuted():
            return "mute", event.user
        case Banned() | Unbanned():
            return "ban", event.user
        case Kicked():
            return "kick", event.user
        case RoleChanged():
            return "role", event.user


@dataclass(slots=True)
class Replica:
    """One room as of `position`. State comes with versions: an older one is never taken for news."""

    room: RoomRecord
    products: tuple[Product, ...]
    """What is sold; the counts are in `sales`."""
    sales: SalesChanged
    revenue: RevenueChanged
    gift_credits: int
    stage: StageRecord
    queue_version: int
    """The stage's version as of its queue, which travels apart from its members."""
    pins: PinsRecord
    custom_countdowns: dict[str, Countdown]
    leaderboard: LeaderboardRecord
    mutes: dict[UserId, Mute]
    bans: set[UserId]
    likes: int
    news: Counted = field(default_factory=Counted)
    """Of sanctions, roles and countdowns: which of those counted in SQL have come."""
    cohosts: Newest = field(default_factory=Newest)
    """Of where each user stands with the stage."""
    names: NamesRecord = field(default_factory=NamesRecord)
    audit: deque[AuditRecorded] = field(default_factory=lambda: deque(maxlen=AUDIT_TAIL))

    @property
    def id(self) -> RoomId:
        """The room's id."""
        return self.room.id

    @property
    def show(self) -> ShowId:
        """The show this room belongs to."""
        return self.room.show

    @property
    def floor(self) -> Tier | None:
        """The least tier that may read the chat now; None: nobody but staff."""
        return reading_floor(self.room.access, self.room.phase)

    def is_behind(self, standing: Standing) -> bool:
        """Whether SQL knows of a room, a stage or rights that this has not heard of."""
        return (
            standing.room > self.room.version
            or standing.stage > max(self.stage.version, self.queue_version)
            or standing.news > self.news.floor
        )

    def apply(self, event: Event) -> bool:
        """Take an event in; False where it brought nothing new."""
        taken: bool = self._taking(type(event))(self, event)
        return taken

    @singledispatchmethod
    def _take(self, _event: Event) -> bool:
        return True

    @_take.register
    def _(self, event: RoomState) -> bool:
        if event.version <= self.room.version:
            return False
        self.room = structs.replace(
            self.room,
            phase=event.phase,
            switches=event.switches,
            doors_ms=event.doors_ms,
            start_ms=event.start_ms,
            version=event.version,
        )
        return True

    @_take.register
    def _(self, event: SalesChanged) -> bool:
        if event.version <= self.sales.version:
            return False
        self.sales = event
        return True

    @_take.register
    def _(self, event: RevenueChanged) -> bool:
        if event.version <= self.revenue.version:
            return False
        self.revenue = event
        return True

    @_take.register
    def _(self, event: StageChanged) -> bool:
        if event.version <= self.stage.version:
            return False
        self.stage = structs.replace(self.stage, members=event.members, capacity=event.capacity, version=event.version)
        return True

    @_take.register
    def _(self, event: QueueChanged) -> bool:
        if event.version <= self.queue_version:
            return False
        self.queue_version = event.version
        self.stage = structs.replace(self.stage, queue=event.items)
        return True

    @_take.register
    def _(self, event: PinsChanged) -> bool:
        if event.version <= self.pins.version:
            return False
        self.pins = PinsRecord(event.items, event.version)
        return True

    @_take.register
    def _(self, event: NamesChanged) -> bool:
        if event.version <= self.names.version:
            return False
        self.names = NamesRecord(event.official, event.hosts, event.version)
        return True

    @_take.register
    def _(self, event: LeaderboardChanged) -> bool:
        if event.version <= self.leaderboard.version:
            return False
        self.leaderboard = LeaderboardRecord(event.items, event.version)
        return True

    @_take.register
    def _(self, event: CountdownChanged) -> bool:
        if not self.news.takes(thing_of(event), event.version):
            return False
        if event.target_ms is None:
            return self.custom_countdowns.pop(event.id, None) is not None
        self.custom_countdowns[event.id] = Countdown(event.id, event.kind, event.target_ms, event.label, event.version)
        return True

    @_take.register
    def _(self, event: LikesCounted) -> bool:
        if event.total <= self.likes:
            return False
        self.likes = event.total
        return True

    @_take.register
    def _(self, event: GiftSent) -> bool:
        self.gift_credits = max(self.gift_credits, event.room_credits)
        return True

    @_take.register
    def _(self, event: Muted) -> bool:
        if not self.news.takes(thing_of(event), event.version):
            return False
        self.mutes[event.user] = Mute(event.user, event.until_ms)
        return True

    @_take.register
    def _(self, event: Unmuted) -> bool:
        is_news = self.news.takes(thing_of(event), event.version)
        return is_news and self.mutes.pop(event.user, None) is not None

    @_take.register
    def _(self, event: Banned) -> bool:
        if not self.news.takes(thing_of(event), event.version) or event.user in self.bans:
            return False
        self.bans.add(event.user)
        return True

    @_take.register
    def _(self, event: Unbanned) -> bool:
        if not self.news.takes(thing_of(event), event.version) or event.user not in self.bans:
            return False
        self.bans.remove(event.user)
        return True

    @_take.register
    def _(self, event: Kicked) -> bool:
        return self.news.takes(thing_of(event), event.version)

    @_take.register
    def _(self, event: RoleChanged) -> bool:
        return self.news.takes(thing_of(event), event.version)

    @_take.register
    def _(self, event: CohostChanged) -> bool:
        return self.cohosts.takes(event.user, event.version)

    @_take.register
    def _(self, event: AuditRecorded) -> bool:
        if any(event.id == known.id for known in self.audit):
            return False
        self.audit.append(event)
        return True

    _taking = staticmethod(_take.dispatcher.dispatch)
    """What `singledispatchmethod` looks up, without the two functions that it makes per call."""

    # ---- as clients see it -----------------------------------------------------------------------

    def room_shape(self, room: RoomRecord | None = None) -> shapes.Room:
        """The `room` event, of this replica or of a newer record."""
        room = room or self.room
        return shapes.Room(
            room.id,
            room.show,
            room.title,
            room.access,
            room.phase,
            room.switches,
            shapes.Schedule(room.doors_ms, room.start_ms),
            room.gifts,
            room.version,
        )

    def sales_shape(self, *, for_staff: bool = False) -> shapes.Sales:
        """The `sales` event; staff always sees what is left."""
        show_left = for_staff or self.room.switches.sales_left
        return shapes.Sales(
            [_product_sales(count, show_left=show_left) for count in self.sales.products], self.sales.version
        )

    def revenue_shape(self) -> shapes.Revenue:
        """The `revenue` event."""
        money = self.revenue
        return shapes.Revenue(
            money.currency,
            money.gross_minor,
            money.refunded_minor,
            money.orders_paid,
            self.gift_credits,
            money.version + self.gift_credits,
        )

    def stage_shape(self) -> shapes.Stage:
        """The `stage` event."""
        return shapes.Stage(self.stage.members, self.stage.capacity, self.stage.version)

    def queue_shape(self) -> shapes.CohostQueue:
        """The `cohost:queue` event."""
        return shapes.CohostQueue(self.stage.queue, self.queue_version)

    def pins_shape(self, *, inside: bool) -> shapes.Pins:
        """The `pins` event; a foyer sees announcements only, for a danmaku belongs to those inside."""
        items = tuple(pin for pin in self.pins.items if inside or pin.kind is PinKind.ANNOUNCEMENT)
        return shapes.Pins(items, self.pins.version)

    def names_shape(self) -> shapes.Names:
        """The `names` event."""
        return shapes.Names(self.names.official, self.names.version)

    def leaderboard_shape(self) -> shapes.Leaderboard:
        """The `leaderboard` event."""
        return shapes.Leaderboard(self.leaderboard.items, self.leaderboard.version)

    def countdown_shapes(self, now_ms: int) -> list[shapes.Countdown]:
        """All countdowns of the room that run."""
        all_of_them = (*countdowns.of_schedule(self.room), *self.custom_countdowns.values())
        return [countdown_shape(one, now_ms) for one in all_of_them if one.target_ms is not None]

    def audit_shape(self) -> shapes.Audit:
        """The latest entries for a console that has just come."""
        return audit_shape(self.audit)


def countdown_shape(countdown: Countdown | CountdownChanged, now_ms: int) -> shapes.Countdown:
    """A countdown of the room as the `countdown` event."""
    return shapes.Countdown(
        countdown.id,
        "room",
        countdown.kind.value,
        countdown.target_ms,
        now_ms,
        countdown.version,
        countdown.label or UNSET,
    )


def audit_shape(entries: Iterable[AuditRecorded]) -> shapes.Audit:
    """The `audit` event."""
    return shapes.Audit([shapes.AuditItem(one.id, one.by, one.action, one.target, one.at_ms) for one in entries])


def _product_sales(count: ProductCount, *, show_left: bool) -> shapes.ProductSales:
    left = count.capacity - count.sold - count.held if show_left else UNSET
    return shapes.ProductSales(count.id, count.sold, count.held, left)
