"""What the box office announces on a show's room, as bytes for the outbox.

Every event carries the whole new value and its version, so that the latest wins. The retention of all is
`none`: whoever was away reads SQL again.
"""

import msgspec
from msgspec import Struct

from auth.identity import ShowId, Tier, UserId
from presale.catalogue.shows import ProductId
from presale.entitlements.entitlements import EntitlementReason
from presale.orders.orders import OrderId, OrderItem, OrderState
from presale.refunds.refunds import RefundId

RETENTION = "none"


class EntitlementChanged(Struct, frozen=True, tag_field="t", tag="presale.entitlement"):
    """A user's tier changed."""

    user: UserId
    show: ShowId
    tier: Tier
    version: int
    reason: EntitlementReason


class OrderChanged(Struct, frozen=True, tag_field="t", tag="presale.order"):
    """An order as it stands now. Personal: for `user` only."""

    user: UserId
    show: ShowId
    order: OrderId
    state: OrderState
    amount_minor: int
    currency: str
    items: list[OrderItem]
    expires_ms: int
    version: int
    pay_url: str | None
    """Present while the order can be paid."""


class ProductCount(Struct, frozen=True):
    """How a product sells."""

    id: ProductId
    sold: int
    held: int
    capacity: int


class SalesChanged(Struct, frozen=True, tag_field="t", tag="presale.sales"):
    """How all products of a show sell."""

    show: ShowId
    products: list[ProductCount]
    version: int


class WalletChanged(Struct, frozen=True, tag_field="t", tag="presale.wallet"):
    """A user's gift credits. Personal."""

    user: UserId
    show: ShowId
    credits: int
    version: int


class RevenueChanged(Struct, frozen=True, tag_field="t", tag="presale.revenue"):
    """The money of a show so far. For the console only."""

    show: ShowId
    currency: str
    gross_minor: int
    refunded_minor: int
    orders_paid: int
    """Orders whose money is here: paid, or refunding and not settled yet."""
    version: int


class RefundFailed(Struct, frozen=True, tag_field="t", tag="presale.refund_failed"):
    """The provider would not give the money back. Personal; the order's state tells what is left."""

    user: UserId
    show: ShowId
    refund: RefundId
    order: OrderId


class MoneyReturning(Struct, frozen=True, tag_field="t", tag="presale.money_returning"):
    """Money came that buys nothing any more, and goes back by itself. Personal."""

    user: UserId
    show: ShowId
    refund: RefundId
    order: OrderId
    at_ms: int


class RefundsOpened(Struct, frozen=True, tag_field="t", tag="presale.refunds_opened"):
    """Tickets that could not be returned any more can be again. For everybody who holds one."""

    show: ShowId
    at_ms: int
    until_ms: int | None
    """None: no time ends it."""


PresaleEvent = (
    EntitlementChanged
    | OrderChanged
    | SalesChanged
    | WalletChanged
    | RevenueChanged
    | RefundFailed
    | MoneyReturning
    | RefundsOpened
)


def encode(event: PresaleEvent) -> bytes:
    """The wire form, JSON with the tag in `t`."""
    return msgspec.json.encode(event)


def decode(body: bytes) -> PresaleEvent:
    """Back from `encode`; raises `msgspec.ValidationError` for anything else."""
    return _decoder.decode(body)


_decoder: msgspec.json.Decoder[PresaleEvent] = msgspec.json.Decoder(PresaleEvent)
