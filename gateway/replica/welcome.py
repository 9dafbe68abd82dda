"""What a socket is told first, and the personal events as clients see them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Protocol

from msgspec import UNSET, Raw, Struct, UnsetType, json, msgpack

from auth.grants import Grant
from auth.identity import Role, Tier, UserId
from auth.permissions import Permissions
from gateway.contract import shapes
from gateway.contract.codec import Codec
from gateway.contract.cursor import to_cursor
from gateway.contract.events import AUDIT, COHOST_QUEUE, NAMES, REVENUE
from gateway.contract.rows import CONTRACT_VERSION, ServerEvent
from gateway.replica.replica import Replica
from presale.events import MoneyReturning, OrderChanged, RefundFailed, RefundsOpened
from presale.notices_sql import NoticeKind, notice_id, opening_id
from presale.orders import Order, OrderState
from presale.wallet import Wallet
from pubsub.broker import Position
from rooms import events as rooms
from rooms.moderation import Mute, muted
from rooms.stage import StageReason, StageRecord, StageState

EMPTY_WALLET = Wallet()


@dataclass(frozen=True, slots=True)
class Luggage:
    """What a welcome takes from the guest list (or SQL) and from history; the rest comes from the replica."""

    wallet: Wallet = EMPTY_WALLET
    orders: Sequence[shapes.Order] = ()
    """Those that stand, by number."""
    missed: Sequence[shapes.MissedEvent] = ()
    recovered: bool = False
    danmaku_truncated: bool = False
    told_until: Position | None = None
    """Where the recovery ended; None without a cursor that could be honoured."""


NO_LUGGAGE = Luggage()


class Parts:
    """What the welcomes of a room have in common, encoded once per codec for as long as it stays the same.

    A welcome is sent in one codec only, so a part may stand in it as its bytes (`msgspec.Raw`).
    """

    __slots__ = ("_encoded",)

    def __init__(self) -> None:
        self._encoded: dict[tuple[str, Codec, bool], tuple[object, Raw]] = {}

    def part(
        self, name: str, codec: Codec, source: object, make: Callable[[], Struct], *, variant: bool = False
    ) -> Any:
        """`make()` in this codec; made again when `source` is another object than the last time."""
        key = (name, codec, variant)
        known = self._encoded.get(key)
        if known is None or known[0] is not source:
            encode = msgpack.encode if codec is Codec.MSGPACK else json.encode
            known = self._encoded[key] = (source, Raw(encode(make())))
        return known[1]


class Viewer(Protocol):
    """Whom a welcome is for: what a socket is now."""

    @property
    def user(self) -> UserId: ...
    @property
    def name(self) -> str: ...
    @property
    def role(self) -> Role: ...
    @property
    def tier(self) -> Tier: ...
    @property
    def tier_version(self) -> int: ...
    @property
    def permissions(self) -> Permissions: ...
    @property
    def is_console(self) -> bool: ...
    @property
    def is_waiting(self) -> bool: ...


class Publishing(Protocol):
    """Who gives the right to come on stage in a room."""

    def publishing_grant(self, user: UserId) -> Grant:
        """A fresh one."""
        ...


def build(
    replica: Replica,
    viewer: Viewer,
    luggage: Luggage,
    now_ms: int,
    stamp: str,
    *,
    codec: Codec,
    parts: Parts,
    here: Position,
    online: int,
    grants: list[Grant],
    cohost: shapes.Cohost,
    admission: shapes.Admission | UnsetType,
) -> tuple[int, shapes.Welcome]:
    """The welcome of a socket as of now, and the offset up to which it tells the history; to be sent in `codec`.

    `here` is where the room stands; `stamp` goes into the cursor. `cohost` is the viewer's own place on stage,
    `admission` their place in the queue if they wait.
    """
    position = luggage.told_until or here
    part = parts.part
    show_left = viewer.is_console or replica.room.switches.sales_left
    inside = (
        replica.floor is not None and (viewer.role.is_staff or viewer.tier >= replica.floor) and not viewer.is_waiting
    )
    countdowns = [*replica.countdown_shapes(now_ms), *(order_countdown(order, now_ms) for order in luggage.orders)]
    is_here = position.epoch == here.epoch  # else all that the room tells comes after it
    return position.offset if is_here else 0, shapes.Welcome(
        contract=CONTRACT_VERSION,
        server_ms=now_ms,
        room=part("room", codec, replica.room, replica.room_shape),
        you=_you(replica, viewer, luggage, cohost, now_ms),
        streams=grants,
        countdowns=countdowns,
        sales=part("sales", codec, replica.sales, lambda: replica.sales_shape(for_staff=show_left), variant=show_left),
        stage=part("stage", codec, replica.stage, replica.stage_shape),
        pins=part("pins", codec, replica.pins, lambda: replica.pins_shape(inside=inside), variant=inside),
        leaderboard=part("leaderboard", codec, replica.leaderboard, replica.leaderboard_shape),
        presence=shapes.Presence(max(0, online)),
        like=shapes.Like(replica.likes),
        cursor=to_cursor(position, stamp),
        recovered=luggage.recovered,
        danmaku_truncated=luggage.danmaku_truncated,
        missed=list(luggage.missed),
        admission=admission,
    )


def console_state(replica: Replica) -> list[tuple[ServerEvent[Any], Struct]]:
    """What a console is told right after its welcome."""
    return [
        (AUDIT, replica.audit_shape()),
        (REVENUE, replica.revenue_shape()),
        (COHOST_QUEUE, replica.queue_shape()),
        (NAMES, replica.names_shape()),
    ]


def _you(replica: Replica, viewer: Viewer, luggage: Luggage, cohost: shapes.Cohost, now_ms: int) -> shapes.You:
    mute = replica.mutes.get(viewer.user)
    return shapes.You(
        user=viewer.user,
        name=viewer.name,
        role=viewer.role,
        tier=viewer.tier,
        version=max(0, viewer.tier_version),
        permissions=permission_names(viewer.permissions),
        wallet=shapes.Wallet(luggage.wallet.credits, luggage.wallet.version),
        orders=list(luggage.orders),
        cohost=cohost,
        muted_until_ms=_until(mute, now_ms),
    )


def _until(mute: Mute | None, now_ms: int) -> int | None:
    """The end of a mute that still holds."""
    if mute is None or muted(mute, now_ms) is None:
        return None
    return mute.until_ms or shapes.FOREVER_MS


@lru_cache(maxsize=64)
def permission_names(permissions: Permissions) -> list[str]:
    """Rights as clients see them, in a stable order. One list for all who hold them: not to be changed."""
    return sorted(permissions)


def tier_shape(viewer: Viewer, grants: list[Grant], reason: shapes.TierReason) -> shapes.TierChange:
    """The `tier` event of a socket whose rights changed."""
    permissions = permission_names(viewer.permissions)
    return shapes.TierChange(viewer.tier, max(0, viewer.tier_version), permissions, grants, reason)


def order_shape(order: Order | OrderChanged) -> shapes.Order:
    """The `order` event; where to pay is told while the order can be paid."""
    number = order.order if isinstance(order, OrderChanged) else order.id
    pay_url = order.pay_url if order.state is OrderState.PENDING else None
    return shapes.Order(
        order=number,
        state=order.state,
        amount_minor=order.amount_minor,
        currency=order.currency,
        items=list(order.items),
        expires_ms=order.expires_ms,
        version=order.version,
        pay_url=pay_url or UNSET,
    )


def order_countdown(order: shapes.Order, now_ms: int) -> shapes.Countdown:
    """The personal countdown to an order's expiry; without a target once it does not wait for money any more."""
    target = order.expires_ms if order.state is OrderState.PENDING else None
    return shapes.Countdown(f"order:{order.order}", "me", "order", target, now_ms, order.version)


def money_notice(event: RefundFailed | MoneyReturning, now_ms: int) -> shapes.Inbox:
    """The `inbox` event about somebody's money, under the id that the kept notice has."""
    if isinstance(event, MoneyReturning):
        told = notice_id(event.refund, NoticeKind.MONEY_RETURNING)
        return shapes.Inbox(told, "money_returning", event.at_ms, order=event.order)
    return shapes.Inbox(notice_id(event.refund, NoticeKind.REFUND_FAILED), "refund_failed", now_ms, order=event.order)


def refunds_notice(event: RefundsOpened) -> shapes.Inbox:
    """The `inbox` event about tickets that may be returned again, under the id that the kept notice has."""
    return shapes.Inbox(opening_id(event.show, event.at_ms), "refunds_open", event.at_ms, event.until_ms)


def cohost_changed(room: Publishing, event: rooms.CohostChanged) -> shapes.Cohost:
    """The `cohost` event after something happened to somebody's place on stage."""
    return _cohost(room, event.user, event.state, event.version, event.reason)


def cohost_in(room: Publishing, user: UserId, stage: StageRecord) -> shapes.Cohost:
    """The `cohost` event of somebody as a stage has them."""
    return _cohost(room, user, stage.state_of(user), stage.version, None)


def _cohost(
    room: Publishing, user: UserId, state: StageState, version: int, reason: StageReason | None
) -> shapes.Cohost:
    """Whoever is on stage gets the right to publish with it."""
    grant = room.publishing_grant(user) if state is StageState.ON_STAGE else UNSET
    return shapes.Cohost(state, version, reason or UNSET, grant)


def danmaku_item(event: rooms.DanmakuSaid) -> shapes.DanmakuItem:
    """A danmaku as clients see it."""
    return shapes.DanmakuItem(
        event.id, event.user, event.name, event.text, event.tier, event.at_ms, event.role, event.style or UNSET
    )


def gift_item(event: rooms.GiftSent) -> shapes.GiftItem:
    """A gift as clients see it."""
    return shapes.GiftItem(event.id, event.user, event.name, event.gift, event.count, event.credits, event.at_ms)
