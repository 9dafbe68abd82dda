import msgspec
import pytest

from auth.identity import ShowId, Tier, UserId
from presale import events
from presale.books.events import RevenueChanged, WalletChanged
from presale.catalogue.events import ProductCount, SalesChanged
from presale.catalogue.shows import ProductId
from presale.entitlements.entitlements import EntitlementReason
from presale.entitlements.events import EntitlementChanged
from presale.orders.events import OrderChanged
from presale.orders.orders import OrderId, OrderItem, OrderState
from presale.refunds.events import MoneyReturning, RefundFailed, RefundsOpened
from presale.refunds.refunds import RefundId

FAN, SHOW = UserId("fan"), ShowId("show")
EVENTS: list[tuple[str, events.PresaleEvent]] = [
    ("presale.entitlement", EntitlementChanged(FAN, SHOW, Tier.MAIN, 1, EntitlementReason.PURCHASE)),
    (
        "presale.order",
        OrderChanged(FAN, SHOW, OrderId("o"), OrderState.PAID, 1, "CNY", [OrderItem(ProductId("p"))], 2, 3, None),
    ),
    ("presale.sales", SalesChanged(SHOW, [ProductCount(ProductId("p"), 1, 2, 3)], 4)),
    ("presale.wallet", WalletChanged(FAN, SHOW, 1, 2)),
    ("presale.revenue", RevenueChanged(SHOW, "CNY", 1, 2, 3, 4)),
    ("presale.money_returning", MoneyReturning(FAN, SHOW, RefundId("r"), OrderId("o"), 1)),
    ("presale.refunds_opened", RefundsOpened(SHOW, 1, None)),
    ("presale.refund_failed", RefundFailed(FAN, SHOW, RefundId("r"), OrderId("o"))),
]


@pytest.mark.parametrize(("tag", "event"), EVENTS)
def test_events_come_back_as_they_were_sent_under_their_tag(tag: str, event: events.PresaleEvent) -> None:
    body = events.encode(event)
    assert msgspec.json.decode(body)["t"] == tag
    assert events.decode(body) == event


def test_something_else_is_no_event() -> None:
    with pytest.raises(msgspec.ValidationError):
        events.decode(b'{"t":"room.phase"}')
