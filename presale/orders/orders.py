"""An order from the cart to its end: the state machine as one table, prices, and the idempotency of asking twice."""

import hashlib
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any, NewType

import msgspec
from msgspec import Struct, structs

from auth.denials import Code, Denied
from auth.identity import ShowId, Tier, UserId
from presale.catalogue.shows import Product, ProductId

OrderId = NewType("OrderId", str)

MAX_LINES = 4
"""Lines of one order: as many as one user may hold unpaid, unless an operator sets that lower."""


class OrderState(StrEnum):
    """Where an order stands. Only `paid` gives rights."""

    PENDING = "pending"
    """Seats held, waiting for the money. A declined payment stays here: the fan may try again until expiry."""
    PAID = "paid"
    CLOSED = "closed"
    """Seats released unpaid."""
    REFUNDING = "refunding"
    """Rights are gone, the provider has not settled yet."""
    REFUNDED = "refunded"


STANDING = frozenset({OrderState.PENDING, OrderState.PAID, OrderState.REFUNDING})
"""Orders a fan can still do something with."""
HOLDING_MONEY = frozenset({OrderState.PAID, OrderState.REFUNDING, OrderState.REFUNDED})
"""Orders whose money came; of the last it went again."""


class OrderEvent(StrEnum):
    """What can happen to an order."""

    PAY = "pay"
    EXPIRE = "expire"
    CANCEL = "cancel"
    PAY_LATE = "pay_late"
    """Money for seats already released, and there are seats left."""
    PAY_UNWANTED = "pay_unwanted"
    """Money that buys nothing any more (no seats, no sale, a ban, a ticket held already): it goes back by itself."""
    REQUEST_REFUND = "request_refund"
    REFUND_SUCCEEDED = "refund_succeeded"
    REFUND_FAILED = "refund_failed"


TRANSITIONS: Mapping[tuple[OrderState, OrderEvent], OrderState] = {
    (OrderState.PENDING, OrderEvent.PAY): OrderState.PAID,
    (OrderState.PENDING, OrderEvent.EXPIRE): OrderState.CLOSED,
    (OrderState.PENDING, OrderEvent.CANCEL): OrderState.CLOSED,
    (OrderState.CLOSED, OrderEvent.PAY_LATE): OrderState.PAID,
    (OrderState.PENDING, OrderEvent.PAY_UNWANTED): OrderState.REFUNDING,
    (OrderState.CLOSED, OrderEvent.PAY_UNWANTED): OrderState.REFUNDING,
    (OrderState.PAID, OrderEvent.REQUEST_REFUND): OrderState.REFUNDING,
    (OrderState.REFUNDING, OrderEvent.REFUND_SUCCEEDED): OrderState.REFUNDED,
    (OrderState.REFUNDING, OrderEvent.REFUND_FAILED): OrderState.PAID,
}
"""Every lawful step; the diagram in docs/ is drawn from it."""


def step(state: OrderState, event: OrderEvent) -> OrderState | Denied:
    """The state after an event, or ORDER_STATE where the table knows no such step."""
    after = TRANSITIONS.get((state, event))
    return after if after is not None else Denied(Code.ORDER_STATE, detail={"state": state.value})


class OrderItem(Struct, frozen=True):
    """A product somebody asks for."""

    product: ProductId
    quantity: int = 1


class OrderLine(Struct, frozen=True):
    """A product as it was sold: later changes of the product do not reach it."""

    product: ProductId
    quantity: int
    price_minor: int
    """Of one."""
    tier: Tier
    credits: int
    """Included with one."""


class Order(Struct, frozen=True, kw_only=True):
    """One purchase. The id is also the number people read to each other."""

    id: OrderId
    show: ShowId
    user: UserId
    state: OrderState
    amount_minor: int
    currency: str
    lines: tuple[OrderLine, ...]
    expires_ms: int
    """Until then the seats are held and the cashier takes money."""
    key: str
    """The client's idempotency key, unique per user."""
    body_hash: str
    provider: str
    payment: str
    """The attempt at the provider."""
    pay_url: str | None
    """Where to pay; None until the provider answered."""
    version: int
    created_ms: int
    paid_ms: int | None = None
    closed_ms: int | None = None
    """When its seats were released unpaid; kept if money comes afterwards."""

    @property
    def items(self) -> list[OrderItem]:
        """What was asked for."""
        return [OrderItem(line.product, line.quantity) for line in self.lines]

    @property
    def credits(self) -> int:
        """Gift credits included in all."""
        return sum(line.credits * line.quantity for line in self.lines)


class PaymentProgress(StrEnum):
    """Where one attempt to pay stands."""

    OPEN = "open"
    PAID = "paid"
    CLOSED = "closed"
    MISMATCHED = "mismatched"
    """The provider holds money that is not what was asked for; the audit tells until somebody has settled it."""


class Payment(Struct, frozen=True, kw_only=True):
    """One attempt to have an order paid. Payment and provider transaction are unique per provider."""

    id: str
    order: OrderId
    provider: str
    provider_ref: str | None
    amount_minor: int
    currency: str
    progress: PaymentProgress
    transaction: str | None


class QuoteLine(Struct, frozen=True):
    """A priced line."""

    product: ProductId
    name: str
    tier: Tier
    quantity: int
    price_minor: int
    credits: int
    left: int


class Quote(Struct, frozen=True):
    """What an order would cost now. It reserves nothing."""

    show: ShowId
    currency: str
    amount_minor: int
    lines: list[QuoteLine]


def price(items: Sequence[OrderItem], products: Mapping[ProductId, Product]) -> tuple[OrderLine, ...] | Denied:
    """The lines of an order for these items, in the order of product ids.

    BAD_REQUEST for no or too many lines, a product twice or a quantity other than one (products that can be
    given away will allow more); NOT_FOUND for a product the show does not sell.
    """
    if len(items) > MAX_LINES:
        return Denied(Code.BAD_REQUEST, detail={"field": "items", "max_items": MAX_LINES})
    if not items or len({item.product for item in items}) != len(items):
        return Denied(Code.BAD_REQUEST, detail={"field": "items"})
    if any(item.quantity != 1 for item in items):
        return Denied(Code.BAD_REQUEST, detail={"field": "quantity"})
    lines = []
    for item in sorted(items, key=lambda item: item.product):
        product = products.get(item.product)
        if product is None:
            return Denied(Code.NOT_FOUND, detail={"product": item.product})
        lines.append(OrderLine(product.id, item.quantity, product.price_minor, product.tier, product.credits))
    return tuple(lines)


def amount_minor(lines: Sequence[OrderLine]) -> int:
    """What the lines cost together."""
    return sum(line.price_minor * line.quantity for line in lines)


def body_hash(show: ShowId, items: Sequence[OrderItem], provider: str, *, again: bool = False) -> str:
    """Equal for requests that ask the same; the order of the items says nothing."""
    asked = sorted((item.product, item.quantity) for item in items)
    # without `again` as before there was any: orders of that time are still asked for with their keys
    body = (show, asked, provider, "again") if again else (show, asked, provider)
    return hashlib.sha256(msgspec.json.encode(body)).hexdigest()


def advance(order: Order, event: OrderEvent, **changes: Any) -> Order | Denied:
    """The order after one step of the state machine; `changes` are fields that go with it. ORDER_STATE as in `step`."""
    state = step(order.state, event)
    if isinstance(state, Denied):
        return state
    return structs.replace(order, state=state, version=order.version + 1, **changes)


def lawful(order: Order | Denied) -> Order:
    """The order after a step that the decision before it has made sure of."""
    if isinstance(order, Denied):
        raise AssertionError(f"a step that the order's state does not know: {order}")  # noqa: TRY004
    return order
