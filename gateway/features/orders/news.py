"""A fan's orders, tickets and money, as their sockets hear of them."""

from collections.abc import Iterable

from msgspec import UNSET

from gateway.contract import shared
from gateway.features.orders import wire
from gateway.replica.news import Effect, Knowledge, Moment, Notice, Personal
from gateway.replica.orders import NewTier, Order, TellHolders, TellUser
from gateway.replica.welcome import Luggage, Part, Viewer
from presale.entitlements.events import EntitlementChanged
from presale.orders.events import OrderChanged
from presale.orders.orders import OrderState
from presale.refunds.events import MoneyReturning, RefundFailed, RefundsOpened
from presale.refunds.notices_sql import NoticeKind, notice_id, opening_id
from rooms.course.room import RoomRecord


def order_shape(order: OrderChanged) -> wire.Order:
    """The `order` event; where to pay is told while the order can be paid."""
    pay_url = order.pay_url if order.state is OrderState.PENDING else None
    return wire.Order(
        order=order.order,
        state=order.state,
        amount_minor=order.amount_minor,
        currency=order.currency,
        items=list(order.items),
        expires_ms=order.expires_ms,
        version=order.version,
        pay_url=pay_url or UNSET,
    )


def order_countdown(order: OrderChanged, now_ms: int) -> shared.Countdown:
    """The personal countdown to an order's expiry; without a target once it does not wait for money any more."""
    target = order.expires_ms if order.state is OrderState.PENDING else None
    return shared.Countdown(f"order:{order.order}", "me", "order", target, now_ms, order.version)


def money_notice(event: RefundFailed | MoneyReturning, now_ms: int) -> shared.Inbox:
    """The `inbox` event about somebody's money, under the id that the kept notice has."""
    if isinstance(event, MoneyReturning):
        told = notice_id(event.refund, NoticeKind.MONEY_RETURNING)
        return shared.Inbox(told, "money_returning", event.at_ms, order=event.order)
    return shared.Inbox(notice_id(event.refund, NoticeKind.REFUND_FAILED), "refund_failed", now_ms, order=event.order)


def _order_moved(event: OrderChanged, _known: Knowledge, moment: Moment) -> Iterable[Order]:
    yield TellUser(event.user, wire.ORDER, order_shape(event))
    yield TellUser(event.user, shared.COUNTDOWN, order_countdown(event, moment.now_ms()))


def _about_money(event: RefundFailed | MoneyReturning, _known: Knowledge, moment: Moment) -> Iterable[Order]:
    yield TellUser(event.user, shared.INBOX, money_notice(event, moment.now_ms()))


def _refunds_opened(event: RefundsOpened, _known: Knowledge, _moment: Moment) -> Iterable[Order]:
    """Under the id that the kept notice has."""
    notice = shared.Inbox(opening_id(event.show, event.at_ms), "refunds_open", event.at_ms, event.until_ms)
    yield TellHolders(shared.INBOX, notice)


def _tier_moved(event: EntitlementChanged, _before: RoomRecord, _known: Knowledge, _moment: Moment) -> Iterable[Order]:
    yield NewTier(event.user, event.tier, event.version, event.reason.value)


def _orders(_known: Knowledge, _viewer: Viewer, luggage: Luggage, _moment: Moment) -> list[wire.Order]:
    return [order_shape(order) for order in luggage.orders]


def _countdowns(_known: Knowledge, _viewer: Viewer, luggage: Luggage, moment: Moment) -> list[shared.Countdown]:
    now_ms = moment.now_ms()
    return [order_countdown(order, now_ms) for order in luggage.orders]


NEWS = (
    Personal(OrderChanged, _order_moved),
    Notice(RefundFailed, _about_money),
    Notice(MoneyReturning, _about_money),
    Notice(RefundsOpened, _refunds_opened),
    Effect((EntitlementChanged,), _tier_moved),
)
PARTS = (Part("orders", _orders, of_you=True), Part("countdowns", _countdowns, extends=True))
