"""Payloads and events of orders."""

from msgspec import UNSET, Struct, UnsetType

from gateway.contract.rows import personal
from gateway.contract.scalars import Count, Millis
from presale.orders.orders import OrderItem, OrderState


class Order(Struct, frozen=True, omit_defaults=True):
    """An order of yours as it stands."""

    order: str
    state: OrderState
    amount_minor: Count
    """In minor units of the currency."""
    currency: str
    items: list[OrderItem]
    expires_ms: Millis
    """Until then the seats are held."""
    version: Count
    pay_url: str | UnsetType = UNSET
    """Present while the order can be paid."""


ORDER = personal("order", Order)
