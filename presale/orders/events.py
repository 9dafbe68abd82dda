"""What is published of an order."""

from msgspec import Struct

from auth.identity import ShowId, UserId
from presale.orders.orders import Order, OrderId, OrderItem, OrderState


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


def told(order: Order) -> OrderChanged:
    """An order as its buyer is told of it."""
    return OrderChanged(
        user=order.user,
        show=order.show,
        order=order.id,
        state=order.state,
        amount_minor=order.amount_minor,
        currency=order.currency,
        items=order.items,
        expires_ms=order.expires_ms,
        version=order.version,
        pay_url=order.pay_url if order.state is OrderState.PENDING else None,
    )
