"""The box office's use cases: what fans, staff, providers and timers may ask of it."""

from collections.abc import Mapping, Sequence

from auth.denials import Code, Denied
from auth.identity import Role, ShowId, UserId
from gateway.settlement import PhaseOf, Settlement
from gateway.worker import Again, Handler
from presale import orders_sql, refunds, refunds_sql, shows_sql
from presale.orders import (
    Order,
    OrderEvent,
    OrderId,
    OrderItem,
    OrderState,
    Quote,
    QuoteLine,
    amount_minor,
    price,
)
from presale.payments import Other, PaymentPaid, PaymentProvider, PaymentRequest, RefundSettled, Unavailable
from presale.refunds import Refund, RefundId
from presale.shows import SALES_OPEN
from store.database_sql import Database, UnitOfWork
from store.jobs_sql import Job

ORDER_TTL_MS = 15 * 60_000
"""How long seats are held for the money."""
MAX_OPEN_ORDERS = 3
"""Orders of one user and show that may hold seats unpaid at a time."""
DESCRIPTION_LENGTH = 120
"""Characters of the show's title that the cashier gets to see; vendors take no more than 127."""


class BoxOffice:
    """Everything that sells and returns tickets. Calls may repeat: no money or seat moves twice."""

    def __init__(
        self,
        db: Database,
        providers: Mapping[str, PaymentProvider],
        phase_of: PhaseOf,
        *,
        order_ttl_ms: int = ORDER_TTL_MS,
        max_open_orders: int = MAX_OPEN_ORDERS,
        return_url: str | None = None,
    ) -> None:
        self._db = db
        self._providers = providers
        self._phase_of = phase_of
        self._order_ttl_ms = order_ttl_ms
        self._max_open_orders = max_open_orders
        self._return_url = return_url
        self._settlement = Settlement(db, providers, phase_of)

    @property
    def handlers(self) -> Mapping[str, Handler]:
        """The job kinds that belong to the box office, for a `JobWorker`."""
        kinds = (orders_sql.EXPIRE_JOB, orders_sql.QUERY_JOB, refunds_sql.SUBMIT_JOB, refunds_sql.QUERY_JOB)
        return dict.fromkeys(kinds, self.run_job)

    async def quote(self, show: ShowId, items: Sequence[OrderItem]) -> Quote | Denied:
        """What an order would cost now. It reserves nothing."""
        async with self._db.read() as connection:
            found = await shows_sql.load_show(connection, show)
            if found is None:
                return Denied(Code.NOT_FOUND)
            if await self._phase_of(connection, show) not in SALES_OPEN:
                return Denied(Code.SALES_CLOSED)
            products = {product.id: product for product in await shows_sql.list_products(connection, show)}
        lines = price(items, products)
        if isinstance(lines, Denied):
            return lines
        quoted = []
        for line in lines:
            product = products[line.product]
            if product.left < line.quantity:
                return Denied(Code.SOLD_OUT, detail={"product": product.id})
            quoted.append(
                QuoteLine(
                    product.id,
                    product.name,
                    line.tier,
                    line.quantity,
                    line.price_minor,
                    line.credits * line.quantity,
                    product.left,
                )
            )
        return Quote(found.id, found.currency, amount_minor(lines), quoted)

    async def place_order(
        self, user: UserId, key: str, show: ShowId, items: Sequence[OrderItem], provider: str
    ) -> Order | Denied:
        """Hold the seats, then open the cashier.

        The same key and body answer the order as it stands now and finish what a crash or an unreachable provider
        left undone, whatever has ended since: sales, or the provider. PROVIDER_UNAVAILABLE leaves the order pending,
        unless the provider has refused it for good.
        """

        async def place(uow: UnitOfWork) -> Order | Denied:
            return await self._place(uow, user, key, show, items, provider)

        order = await self._settlement.transact(place)
        if isinstance(order, Denied) or order.state is not OrderState.PENDING or order.pay_url is not None:
            return order
        return await self._open_cashier(order)

    async def order(self, user: UserId, order_id: OrderId, *, role: Role) -> Order | Denied:
        """An order as it stands, for its buyer, the show's host or an operator; NOT_FOUND for everybody else."""
        async with self._db.read() as connection:
            order = await orders_sql.load(connection, order_id)
        return Denied(Code.NOT_FOUND) if order is None or not _may_see(user, role, order) else order

    async def orders(self, user: UserId, show: ShowId) -> list[Order]:
        """The user's own orders of a show, oldest first."""
        async with self._db.read() as connection:
            return await orders_sql.list_own(connection, show, user)

    async def refund(self, user: UserId, refund_id: RefundId, *, role: Role) -> Refund | Denied:
        """A refund as it stands, for those who may see its order."""
        async with self._db.read() as connection:
            refund = await refunds_sql.load(connection, refund_id)
            order = None if refund is None else await orders_sql.load(connection, refund.order)
        if refund is None or order is None or not _may_see(user, role, order):
            return Denied(Code.NOT_FOUND)
        return refund

    async def show_of(self, order_id: OrderId) -> ShowId | None:
        """The show of an order, to find out which role somebody has there."""
        async with self._db.read() as connection:
            order = await orders_sql.load(connection, order_id)
        return None if order is None else order.show

    async def request_refund(self, actor: UserId, role: Role, order_id: OrderId, reason: str) -> Refund | Denied:
        """End the rights of an order now and have its money returned: its buyer within policy, an operator always.

        While a refund of the order is open, that one is the answer, and so it is once it has succeeded: whoever missed
        the answer asks again. ORDER_STATE if there is no money to return,
        REFUND_POLICY if only an operator may, NOT_FOUND for strangers.
        """

        async def request(uow: UnitOfWork) -> Refund | Denied:
            order = await orders_sql.load(uow.connection, order_id)
            show = None if order is None else await shows_sql.load_show(uow.connection, order.show)
            if order is None or show is None or not _may_see(actor, role, order):
                return Denied(Code.NOT_FOUND)
            if role is not Role.OPERATOR and order.user != actor:
                return Denied(Code.FORBIDDEN)
            if order.state is OrderState.PAID and role is not Role.OPERATOR:
                refusal = refunds.permit(show, await self._phase_of(uow.connection, show.id), uow.now_ms)
                if refusal is not None:
                    return refusal
            return await refunds_sql.request(uow, show, order, by=actor, reason=reason)

        return await self._settlement.transact(request)

    async def receive_callback(self, provider: str, headers: Mapping[str, str], body: bytes) -> Denied | None:
        """Apply a provider's callback; None only after its effect is committed, so that it need not come again."""
        adapter = self._providers.get(provider)
        if adapter is None:
            return Denied(Code.PROVIDER_UNKNOWN)
        event = adapter.verify(headers, body, self._db.now_ms())
        result: object = None
        match event:
            case Denied():
                return event
            case PaymentPaid():
                result = await self._settlement.paid(provider, event)
            case RefundSettled():
                result = await self._settlement.refund_settled(provider, event)
            case Other():
                pass
        return result if isinstance(result, Denied) else None

    async def settle(self, order_id: OrderId) -> Order | Denied:
        """Ask the provider about a pending order and apply the answer. The caller limits how often."""
        outcome = await self._settlement.query_order(order_id)
        if outcome is not None:
            return Denied(Code.PROVIDER_UNAVAILABLE)
        async with self._db.read() as connection:
            order = await orders_sql.load(connection, order_id)
        return Denied(Code.NOT_FOUND) if order is None else order

    async def run_job(self, job: Job) -> Again | None:
        """Do a job of one of the kinds in `handlers`."""
        subject = job.payload.decode()
        match job.kind:
            case orders_sql.EXPIRE_JOB:
                return await self._settlement.expire_order(OrderId(subject))
            case orders_sql.QUERY_JOB:
                return await self._settlement.query_order(OrderId(subject))
            case refunds_sql.SUBMIT_JOB:
                return await self._settlement.submit_refund(RefundId(subject))
            case refunds_sql.QUERY_JOB:
                return await self._settlement.query_refund(RefundId(subject))
            case _:
                raise LookupError(job.kind)

    async def _place(
        self, uow: UnitOfWork, user: UserId, key: str, show: ShowId, items: Sequence[OrderItem], provider: str
    ) -> Order | Denied:
        found = await shows_sql.load_show(uow.connection, show)
        if found is None:
            return Denied(Code.NOT_FOUND)
        await shows_sql.take_turn(uow, show)
        if await orders_sql.load_by_key(uow.connection, user, key) is None:
            if provider not in self._providers:
                return Denied(Code.PROVIDER_UNKNOWN)
            if await self._phase_of(uow.connection, show) not in SALES_OPEN:
                return Denied(Code.SALES_CLOSED)
            waiting = await orders_sql.list_open(uow.connection, show, user)
            if len(waiting) >= self._max_open_orders:
                wait_ms = max(1_000, min(order.expires_ms for order in waiting) - uow.now_ms)
                return Denied(Code.RATE_LIMITED, retry_after_ms=wait_ms)
        return await orders_sql.place(
            uow, show=found, user=user, key=key, items=items, provider=provider, ttl_ms=self._order_ttl_ms
        )

    async def _open_cashier(self, order: Order) -> Order | Denied:
        adapter = self._providers.get(order.provider)
        if adapter is None:
            return Denied(Code.PROVIDER_UNKNOWN)
        async with self._db.read() as connection:
            show = await shows_sql.load_show(connection, order.show)
        if show is None:
            return Denied(Code.NOT_FOUND)
        created = await adapter.create(
            PaymentRequest(
                payment=order.payment,
                order=order.id,
                amount_minor=order.amount_minor,
                currency=order.currency,
                description=show.title[:DESCRIPTION_LENGTH],
                expires_ms=order.expires_ms,
                return_url=self._return_url,
            )
        )
        if isinstance(created, Unavailable):
            if not created.retryable:
                await self._settlement.close_order(order.id, OrderEvent.CANCEL)
            return Denied(Code.PROVIDER_UNAVAILABLE, detail={"order": order.id})

        async def attach(uow: UnitOfWork) -> Order:
            return await orders_sql.attach_cashier(uow, show, order.id, created.pay_url, created.provider_ref)

        return await self._settlement.transact(attach)


def _may_see(user: UserId, role: Role, order: Order) -> bool:
    return order.user == user or role in {Role.HOST, Role.OPERATOR}
