"""Routes of quotes, orders and refunds."""

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Depends, Header

from auth.denials import Code, Denied
from auth.identity import Identity, Role, ShowId
from gateway.api.callers import ApiDependencies, caller_of
from gateway.api.refusals import Refused, granted
from gateway.api.routing import needs
from gateway.features.orders.bodies import (
    NewOrder,
    NewQuote,
    NewRefund,
    OrderBody,
    OrderItemBody,
    OrderList,
    QuoteBody,
    QuoteLineBody,
    RefundBody,
)
from presale.catalogue import shows_sql
from presale.catalogue.shows import SALES_OPEN, ProductId
from presale.orders import orders_sql
from presale.orders.orders import Order, OrderId, OrderItem, OrderState, Quote
from presale.refunds import refunds_sql
from presale.refunds.refunds import Refund, RefundId
from rooms.course import rooms_sql
from rooms.roles import roles_sql

MAX_KEY_CHARS = 64


def order_routes(deps: ApiDependencies) -> APIRouter:
    """What a fan buys and returns. Others' orders do not exist, except for the show's host and operators."""
    router = APIRouter(tags=["orders"])
    caller = caller_of(deps)

    @router.post("/v1/quotes", **needs("viewer"))
    async def quote(body: NewQuote, _who: Annotated[Identity, Depends(caller)]) -> QuoteBody:
        """What a cart costs now; nothing is reserved."""
        return _quote_body(granted(await deps.box_office.quote(ShowId(body.show), _items(body.items))))

    @router.post("/v1/orders", status_code=201, **needs("viewer"))
    async def place_order(
        body: NewOrder,
        who: Annotated[Identity, Depends(caller)],
        key: Annotated[str, Depends(_idempotency_key)],
    ) -> OrderBody:
        """Hold seats and open a payment; the same key answers the same order again.

        What the caller holds already is answered 409 ALREADY_HELD with the fields of the first order: `order`, `state`,
        `amount_minor`, `currency`, `expires_ms`, and a `pay_url` that works now while it is unpaid.
        """
        await _refuse_in_vain(deps, who, key, ShowId(body.show))
        items = _items(body.items)
        placed = await deps.box_office.place_order(
            who.user, key, ShowId(body.show), items, body.provider, again=body.again
        )
        return _order_body(granted(placed))

    @router.get("/v1/orders", **needs("viewer"))
    async def own_orders(show: str, who: Annotated[Identity, Depends(caller)]) -> OrderList:
        """The caller's orders for a show."""
        async with deps.db.read() as connection:
            if await shows_sql.load_show(connection, ShowId(show)) is None:
                raise Refused(Denied(Code.NOT_FOUND))
        own = await deps.box_office.orders(who.user, ShowId(show))
        return OrderList(orders=[_order_body(order) for order in own])

    @router.get("/v1/orders/{order}", **needs("viewer"))
    async def get_order(order: str, who: Annotated[Identity, Depends(caller)]) -> OrderBody:
        """An order as it stands, its provider asked if it is unpaid; others' orders are for the show's staff."""
        role = await _role_at(deps, who, OrderId(order))
        return _order_body(granted(await deps.box_office.order(who.user, OrderId(order), role=role)))

    @router.post("/v1/orders/{order}/cancel", **needs("viewer", "operator"))
    async def cancel_order(order: str, who: Annotated[Identity, Depends(caller)]) -> OrderBody:
        """Give an unpaid order up: its provider takes no money for it any more, then its seats are free.

        Answers the order as it stands then: `closed`, or `paid` if the money came first. Repeating it is safe.
        """
        role = await _role_at(deps, who, OrderId(order))
        return _order_body(granted(await deps.box_office.cancel_order(who.user, OrderId(order), role=role)))

    @router.post("/v1/orders/{order}/refunds", status_code=202, **needs("viewer", "operator"))
    async def request_refund(order: str, body: NewRefund, who: Annotated[Identity, Depends(caller)]) -> RefundBody:
        """Return an order: its rights end now, the money follows when the provider has confirmed it."""
        role = await _role_at(deps, who, OrderId(order))
        return _refund_body(granted(await deps.box_office.request_refund(who.user, role, OrderId(order), body.reason)))

    @router.get("/v1/refunds/{refund}", **needs("viewer"))
    async def get_refund(refund: str, who: Annotated[Identity, Depends(caller)]) -> RefundBody:
        """A refund as it stands."""
        async with deps.db.read() as connection:
            known = await refunds_sql.load(connection, RefundId(refund))
        if known is None:
            raise Refused(Denied(Code.NOT_FOUND))
        role = await _role_at(deps, who, known.order)
        return _refund_body(granted(await deps.box_office.refund(who.user, known.id, role=role)))

    return router


def _idempotency_key(idempotency_key: Annotated[str, Header()] = "") -> str:
    """The client's key: 1 to 64 printable ASCII characters."""
    key = idempotency_key
    if not (1 <= len(key) <= MAX_KEY_CHARS and key.isascii() and key.isprintable()):
        raise Refused(Denied(Code.BAD_REQUEST, detail={"field": "Idempotency-Key"}))
    return key


async def _refuse_in_vain(deps: ApiDependencies, who: Identity, key: str, show: ShowId) -> None:
    """Refuse an order for no show, or for one that sells nothing now, before a write transaction is opened for it."""
    async with deps.db.read() as connection:
        if await shows_sql.load_show(connection, show) is None:
            raise Refused(Denied(Code.NOT_FOUND))
        if await rooms_sql.phase_of(connection, show) in SALES_OPEN:
            return
        if await orders_sql.load_by_key(connection, who.user, key) is None:
            raise Refused(Denied(Code.SALES_CLOSED))


async def _role_at(deps: ApiDependencies, who: Identity, order: OrderId) -> Role:
    """The caller's role in the show of an order; 404 if there is no such order, or none for the caller to know of."""
    async with deps.db.read() as connection:
        found = await orders_sql.load(connection, order)
        if found is None:
            raise Refused(Denied(Code.NOT_FOUND))
        role = await roles_sql.acting_role(connection, who.user, found.show)
    if found.user != who.user and role not in {Role.HOST, Role.OPERATOR}:
        raise Refused(Denied(Code.NOT_FOUND))
    return role


def _items(items: Sequence[OrderItemBody]) -> list[OrderItem]:
    return [OrderItem(ProductId(item.product), item.quantity) for item in items]


def _quote_body(quote: Quote) -> QuoteBody:
    return QuoteBody(
        show=quote.show,
        amount_minor=quote.amount_minor,
        currency=quote.currency,
        lines=[
            QuoteLineBody(
                product=line.product,
                name=line.name,
                tier=line.tier,
                quantity=line.quantity,
                price_minor=line.price_minor,
                credits=line.credits,
            )
            for line in quote.lines
        ],
    )


def _order_body(order: Order) -> OrderBody:
    return OrderBody(
        order=order.id,
        show=order.show,
        state=order.state.value,
        amount_minor=order.amount_minor,
        currency=order.currency,
        items=[OrderItemBody(product=item.product, quantity=item.quantity) for item in order.items],
        provider=order.provider,
        pay_url=order.pay_url if order.state is OrderState.PENDING else None,
        expires_ms=order.expires_ms,
        created_ms=order.created_ms,
        paid_ms=order.paid_ms,
        version=order.version,
    )


def _refund_body(refund: Refund) -> RefundBody:
    return RefundBody(
        refund=refund.id,
        order=refund.order,
        state=refund.state.value,
        amount_minor=refund.amount_minor,
        currency=refund.currency,
    )
