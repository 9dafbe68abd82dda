"""What is said over HTTP of quotes, orders, refunds and notices."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from auth.identity import Tier
from gateway.api.shapes import MAX_REASON_GRAPHEMES, Id, Shape, _within
from presale.orders.orders import MAX_LINES


class OrderItemBody(Shape):
    """A line to buy."""

    product: Id
    quantity: Annotated[int, Field(ge=1, le=100)] = 1


class NewQuote(Shape):
    """A cart to price."""

    show: Id
    items: Annotated[list[OrderItemBody], Field(min_length=1, max_length=MAX_LINES)]


class NewOrder(NewQuote):
    """A cart to buy."""

    provider: Id
    again: bool = False
    """Buy `repeatable` products once more, though the caller holds them; else it is ALREADY_HELD."""


class NewRefund(Shape):
    """Why a ticket goes back."""

    reason: Annotated[str, StringConstraints(min_length=1, max_length=12_000), _within(MAX_REASON_GRAPHEMES)]


class QuoteLineBody(Shape):
    """A priced line; `price_minor` is for one."""

    product: str
    name: str
    tier: Tier
    quantity: int
    price_minor: int
    credits: int


class QuoteBody(Shape):
    """What a cart costs now. It reserves nothing."""

    show: str
    amount_minor: int
    currency: str
    lines: list[QuoteLineBody]


class OrderBody(Shape):
    """An order as it stands. `pay_url` is null when it cannot be paid (any more)."""

    order: str
    show: str
    state: Literal["pending", "paid", "closed", "refunding", "refunded"]
    amount_minor: int
    currency: str
    items: list[OrderItemBody]
    provider: str
    pay_url: str | None
    expires_ms: int
    created_ms: int
    paid_ms: int | None
    version: int


class OrderList(Shape):
    """Orders, oldest first."""

    orders: list[OrderBody]


class RefundBody(Shape):
    """A refund as it stands."""

    refund: str
    order: str
    state: Literal["requested", "succeeded", "failed"]
    amount_minor: int
    currency: str


class NoticeBody(Shape):
    """Something about the caller's money; `id` is that of the `inbox` event too.

    `money_returning` came when it could buy nothing any more and goes back by itself, `refund_failed` could not be
    given back; both name order and amount. `refunds_open`: whatever was paid for the show may be returned again, until
    `until_ms` where a time ends that.
    """

    id: str
    kind: Literal["money_returning", "refund_failed", "refunds_open"]
    show: str
    order: str | None
    amount_minor: int | None
    currency: str
    at_ms: int
    until_ms: int | None


class InboxBody(Shape):
    """The newest notices, newest first."""

    notices: list[NoticeBody]
