"""From a cart to a cashier that takes money now: placing, the way to pay an order again, and giving it up.

No call to a provider happens inside a transaction.
"""

from collections.abc import Mapping, Sequence

from sqlalchemy.ext.asyncio import AsyncConnection

from auth.denials import Code, Denied
from auth.identity import ShowId, UserId
from presale.catalogue import shows_sql
from presale.catalogue.shows import ProductId, Show
from presale.orders import orders_sql
from presale.orders.holding import HAVING, Held, HoldLimits
from presale.orders.orders import Order, OrderEvent, OrderId, OrderItem, OrderState
from presale.orders.placement import Cart
from presale.payments.payments import Closed, Paid, PaymentProvider, PaymentRequest, Unavailable
from presale.use_cases import deciding
from presale.use_cases.asking import Asking
from presale.use_cases.sale import Sale
from presale.use_cases.settlement import REFUND_QUERY_MS, Settlement
from store.database_sql import Database, UnitOfWork

DESCRIPTION_LENGTH = 120
"""Characters of the show's title that the cashier gets to see; vendors take no more than 127."""


class Checkout:
    """Orders on their way to the cashier. Calls may repeat: no money or seat moves twice."""

    def __init__(
        self,
        db: Database,
        providers: Mapping[str, PaymentProvider],
        sale: Sale,
        settlement: Settlement,
        limits: HoldLimits,
        return_url: str | None,
    ) -> None:
        self._db = db
        self._providers = providers
        self._sale = sale
        self._settlement = settlement
        self._limits = limits
        self._return_url = return_url

    async def place(
        self,
        user: UserId,
        key: str,
        show: ShowId,
        items: Sequence[OrderItem],
        provider: str,
        *,
        again: bool,
        asking: Asking,
        refreshing: Asking,
    ) -> Order | Denied:
        """See `BoxOffice.place_order`."""
        cart = Cart(user=user, key=key, items=items, provider=provider, again=again)

        async def refuse(connection: AsyncConnection, found: Show, buyer: UserId) -> Denied | None:
            if provider not in self._providers:
                return Denied(Code.PROVIDER_UNKNOWN)
            return await self._sale.refuse(connection, found, buyer)

        async def place(uow: UnitOfWork) -> Order | Held | Denied:
            found = await shows_sql.load_show(uow.connection, show)
            if found is None:
                return Denied(Code.NOT_FOUND)
            return await deciding.place(uow, found, cart, self._limits, refuse)

        placed = await self._db.transact(place)
        if isinstance(placed, Held):
            first = await self._bring_up_to_date(placed.order, refreshing)
            if first.state in HAVING or first.state is OrderState.REFUNDING:
                return self._say_held(first, placed.product)
            placed = await self._db.transact(place)  # what was in the way has just ended
        if isinstance(placed, Held):
            return self._say_held(placed.order, placed.product)
        if isinstance(placed, Denied) or placed.state is not OrderState.PENDING:
            return placed
        if placed.pay_url is None:
            return await self.open_cashier(placed)
        await asking.ask(placed.id)  # an order of before: its callback may be lost
        async with self._db.read() as connection:
            return await self._sale.payable(connection, await orders_sql.load(connection, placed.id) or placed)

    async def cancel(self, order_id: OrderId) -> Order | Denied:
        """Close an order at its provider, then free its seats. Answers it as it stands then: paid, if that came first.

        PROVIDER_UNAVAILABLE, and no change, while the provider does not say that it takes no money any more.
        """
        outcome = await self._settlement.end_order(order_id)
        async with self._db.read() as connection:
            order = await orders_sql.load(connection, order_id)
        if order is None:
            return Denied(Code.NOT_FOUND)
        if outcome is not None and order.state is OrderState.PENDING:
            return Denied(Code.PROVIDER_UNAVAILABLE, detail={"order": order.id})
        return order

    async def refresh(self, order_id: OrderId) -> None:
        """Have a pending order payable now: ask its provider, book money that came, else open the cashier again.

        Where the provider has closed the attempt, another one begins.
        """
        order = await self._order(order_id)
        provider = None if order is None else self._providers.get(order.provider)
        if order is None or provider is None or order.state is not OrderState.PENDING:
            return
        state = await provider.query(order.payment)
        if isinstance(state, Unavailable):
            return
        if isinstance(state, Paid):
            await self._settlement.query_order(order_id)
            return
        if isinstance(state, Closed):
            order = await self._renew(order)
        await self.open_cashier(order)

    async def open_cashier(self, order: Order) -> Order | Denied:
        """Ask the provider where a pending order is paid; it answers the same attempt, and maybe a fresh address.

        An order that must not be paid any more stays as it is. PROVIDER_UNAVAILABLE leaves it pending, unless the
        provider has refused for good and there never was a way to pay.
        """
        async with self._db.read() as connection:
            show = await shows_sql.load_show(connection, order.show)
            sells = None if show is None else await self._sale.sells(connection, show, order.user)
        provider = self._providers.get(order.provider)
        if show is None or sells is None or provider is None:
            return Denied(Code.NOT_FOUND if show is None else Code.PROVIDER_UNKNOWN)
        if isinstance(sells, Denied) or order.state is not OrderState.PENDING:
            return order
        created = await provider.create(
            PaymentRequest(
                payment=order.payment,
                order=order.id,
                amount_minor=order.amount_minor,
                currency=order.currency,
                description=sells.title[:DESCRIPTION_LENGTH],
                expires_ms=order.expires_ms,
                return_url=None if self._return_url is None else f"{self._return_url}/{order.id}",
            )
        )
        if isinstance(created, Unavailable):
            if not created.retryable and order.pay_url is None:
                await self._settlement.close_order(order, OrderEvent.CANCEL)
            return Denied(Code.PROVIDER_UNAVAILABLE, detail={"order": order.id})

        async def attach(uow: UnitOfWork) -> Order:
            return await orders_sql.attach_cashier(uow, show, order, created.pay_url, created.provider_ref)

        attached = await self._db.transact(attach)
        if attached.state is OrderState.CLOSED:
            # it was ended while the provider had not heard of it yet, and so could close nothing
            await provider.close(order.payment)
        return attached

    async def _renew(self, order: Order) -> Order:
        async def renew(uow: UnitOfWork) -> Order:
            show = await shows_sql.load_show(uow.connection, order.show)
            assert show is not None, "an order is of a show"
            return await orders_sql.renew_payment(uow, show, order)

        return await self._db.transact(renew)

    async def _bring_up_to_date(self, order: Order, refreshing: Asking) -> Order:
        """An order as its provider sees it, payable now if it waits for money; ended if its time is over."""
        if order.state is not OrderState.PENDING:
            return order
        if self._is_over(order):
            await self._settlement.expire_order(order.id)  # the job that does it is still to come
        else:
            await refreshing.ask(order.id)
        return await self._order(order.id) or order

    def _say_held(self, order: Order, product: ProductId) -> Denied:
        """ALREADY_HELD with the order; PROVIDER_UNAVAILABLE while it can neither be paid nor be ended."""
        if order.state is OrderState.PENDING and (order.pay_url is None or self._is_over(order)):
            return Denied(Code.PROVIDER_UNAVAILABLE, detail={"order": order.id})
        wait_ms = REFUND_QUERY_MS if order.state is OrderState.REFUNDING else None
        return Denied(Code.ALREADY_HELD, retry_after_ms=wait_ms, detail=told(order, product))

    async def _order(self, order_id: OrderId) -> Order | None:
        async with self._db.read() as connection:
            return await orders_sql.load(connection, order_id)

    def _is_over(self, order: Order) -> bool:
        return self._db.now_ms() >= order.expires_ms


def told(order: Order, product: ProductId) -> dict[str, object]:
    """What ALREADY_HELD says: the fields of an answered order, and the product that it holds already."""
    return {
        "product": product,
        "order": order.id,
        "state": order.state.value,
        "amount_minor": order.amount_minor,
        "currency": order.currency,
        "expires_ms": order.expires_ms,
        "pay_url": order.pay_url if order.state is OrderState.PENDING else None,
    }
