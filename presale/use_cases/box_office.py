"""The box office's use cases: what fans, staff, providers and timers may ask of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncConnection

from auth.denials import Code, Denied
from auth.identity import Role, RoomId, ShowId, UserId
from presale.catalogue import shows_sql
from presale.catalogue.shows import SALES_OPEN
from presale.orders import jobs as orders_jobs
from presale.orders import orders_sql
from presale.orders.holding import HoldLimits, no_cart
from presale.orders.orders import Order, OrderId, OrderItem, OrderState, Quote, QuoteLine, amount_minor, price
from presale.payments.payments import Other, PaymentPaid, PaymentProvider, RefundSettled
from presale.refunds import jobs as refunds_jobs
from presale.refunds import notices_sql, refunds, refunds_sql
from presale.refunds.notices_sql import Notice
from presale.refunds.refunds import Refund, RefundId
from presale.use_cases import deciding
from presale.use_cases.asking import Asked, Asking
from presale.use_cases.bounded_provider import Aside, holding_nothing
from presale.use_cases.checkout import Checkout
from presale.use_cases.sale import CourseOf, IsBanned, Sale
from presale.use_cases.settlement import Settlement
from store.database_sql import Database, UnitOfWork
from store.jobs import Again, Handler
from store.jobs_sql import Job

MAX_NOTICES = 50
"""Of an inbox, the newest."""


@dataclass(frozen=True, slots=True)
class AskLimits:
    """How much the payment providers are asked, and waited for."""

    provider_seconds: float = 5.0
    """The longest call to a provider."""
    every_ms: int = 2_000
    """Between two questions about one order."""
    patience_seconds: float = 3.0
    """How long a reader of an order, or somebody about to be refused at the door, waits for the answer."""
    at_once: int = 32
    """Orders asked about at a time; a provider that hangs holds up no more readers than that."""


async def nobody_is_banned(_connection: AsyncConnection, _room: RoomId, _user: UserId) -> bool:
    """For a box office without rooms."""
    return False


KINDS = (
    orders_jobs.EXPIRE_JOB,
    orders_jobs.QUERY_JOB,
    orders_jobs.END_JOB,
    orders_jobs.END_ALL_JOB,
    orders_jobs.CLOSE_PAYMENT_JOB,
    refunds_jobs.SUBMIT_JOB,
    refunds_jobs.QUERY_JOB,
    refunds_jobs.SUBMIT_DOUBLED_JOB,
    refunds_jobs.QUERY_DOUBLED_JOB,
)
"""The kinds of jobs that `BoxOffice.run_job` does."""


class BoxOffice:
    """Everything that sells and returns tickets. Calls may repeat: no money or seat moves twice."""

    def __init__(
        self,
        db: Database,
        providers: Mapping[str, PaymentProvider],
        course_of: CourseOf,
        *,
        is_banned: IsBanned = nobody_is_banned,
        holds: HoldLimits = HoldLimits(),  # noqa: B008 - frozen
        asks: AskLimits = AskLimits(),
        return_url: str | None = None,
        aside: Aside = holding_nothing,
    ) -> None:
        """`return_url` is where cashiers link back to, followed by `/` and the order's number.

        The providers bound their calls by themselves: see `BoundedProvider`. `aside` is for those who wait for one.
        """
        self._db = db
        self._providers = providers
        self._course_of = course_of
        self._holds = holds
        self._sale = Sale(course_of, is_banned)
        self._settlement = Settlement(db, self._providers, self._sale)
        self._checkout = Checkout(db, self._providers, self._sale, self._settlement, holds, return_url)
        self._asking = Asking(
            self._ask_provider,
            db.now_ms,
            every_ms=asks.every_ms,
            patience_seconds=asks.patience_seconds,
            at_once=asks.at_once,
            aside=aside,
        )
        self._refreshing = Asking(
            self._checkout.refresh,
            db.now_ms,
            every_ms=asks.every_ms,
            patience_seconds=2 * asks.provider_seconds,  # a question, and a new address
            at_once=asks.at_once,
            aside=aside,
        )

    @property
    def handlers(self) -> Mapping[str, Handler]:
        """The job kinds that belong to the box office, for a `JobWorker`."""
        return dict.fromkeys(KINDS, self.run_job)

    async def aclose(self) -> None:
        """Give up what is being asked beside. Idempotent."""
        await self._asking.aclose()
        await self._refreshing.aclose()

    async def quote(self, show: ShowId, items: Sequence[OrderItem]) -> Quote | Denied:
        """What an order would cost now, for whoever holds nothing yet: a cart that nobody could order is BAD_REQUEST.

        It reserves nothing.
        """
        async with self._db.read() as connection:
            found = await shows_sql.load_show(connection, show)
            if found is None:
                return Denied(Code.NOT_FOUND)
            course = await self._course_of(connection, show)
            if course is None or course.phase not in SALES_OPEN:
                return Denied(Code.SALES_CLOSED)
            products = {product.id: product for product in await shows_sql.list_products(connection, show)}
        lines = price(items, products)
        if isinstance(lines, Denied):
            return lines
        repeatable = {product.id for product in products.values() if product.repeatable}
        refused = no_cart(lines, repeatable, self._holds)
        if refused is not None:
            return refused
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
        self,
        user: UserId,
        key: str,
        show: ShowId,
        items: Sequence[OrderItem],
        provider: str,
        *,
        again: bool = False,
    ) -> Order | Denied:
        """Hold the seats, then open the cashier.

        The same key and body answer the order as it stands now, its provider asked, and finish what a crash or an
        unreachable provider left undone, whatever has ended since: sales, or the provider. Where it must not be paid
        any more it comes without a `pay_url`. PROVIDER_UNAVAILABLE leaves the order pending, unless the provider has
        refused it for good. ALREADY_HELD, with the first order and a way to pay it, where it holds a product of this
        one or no less of a tier, or while the refund of such an order is open; `again` buys once more what is made for
        it. RATE_LIMITED while the buyer holds too much unpaid, or has just let the same product expire. SALES_CLOSED
        and BANNED as they say.
        """
        return await self._checkout.place(
            user, key, show, items, provider, again=again, asking=self._asking, refreshing=self._refreshing
        )

    async def cancel_order(self, user: UserId, order_id: OrderId, *, role: Role) -> Order | Denied:
        """Give an unpaid order up, for its buyer or an operator; answers it as it stands, `paid` if that came first.

        Repeating it changes nothing. PROVIDER_UNAVAILABLE while the provider cannot promise to take no money for it.
        """
        async with self._db.read() as connection:
            order = await orders_sql.load(connection, order_id)
        if order is None or not _may_see(user, role, order):
            return Denied(Code.NOT_FOUND)
        if order.user != user and role is not Role.OPERATOR:
            return Denied(Code.FORBIDDEN)
        return await self._checkout.cancel(order_id)

    async def order(self, user: UserId, order_id: OrderId, *, role: Role) -> Order | Denied:
        """An order as it stands, for its buyer, the show's host or an operator; NOT_FOUND for everybody else.

        While it waits for money its provider is asked first, as often and as patiently as `AskLimits` say.
        """
        async with self._db.read() as connection:
            order = await orders_sql.load(connection, order_id)
        if order is None or not _may_see(user, role, order):
            return Denied(Code.NOT_FOUND)
        if order.state is not OrderState.PENDING:
            return order
        await self._pending_settled([order])
        async with self._db.read() as connection:
            return await self._sale.payable(connection, await orders_sql.load(connection, order_id) or order)

    async def orders(self, user: UserId, show: ShowId) -> list[Order]:
        """The user's own orders of a show, oldest first; asked for as in `order`."""
        async with self._db.read() as connection:
            own = await orders_sql.list_own(connection, show, user)
        if all(order.state is not OrderState.PENDING for order in own):
            return own
        await self._pending_settled(own)
        async with self._db.read() as connection:
            own = await orders_sql.list_own(connection, show, user)
            return [await self._sale.payable(connection, order) for order in own]

    async def money_settled(self, user: UserId, show: ShowId) -> None:
        """Have the providers asked about what the user left unpaid in a show, before what hangs on it is read.

        As often and as patiently as `AskLimits` say.
        """
        async with self._db.read() as connection:
            unpaid = await orders_sql.list_open(connection, show, user)
        await self._pending_settled(unpaid)

    async def inbox(self, user: UserId) -> list[Notice]:
        """What the user is told about their money, newest first."""
        async with self._db.read() as connection:
            return await notices_sql.list_notices(connection, user, MAX_NOTICES)

    async def came_back(self, order_id: OrderId) -> None:
        """A cashier sent its fan back, which proves nothing: the provider is asked."""
        async with self._db.read() as connection:
            order = await orders_sql.load(connection, order_id)
        if order is not None:
            await self._pending_settled([order])

    def ask_soon(self, order_id: OrderId) -> None:
        """Have the provider asked about an order beside; what comes of it is told by the usual events."""
        self._asking.soon(order_id)

    async def ask(self, *orders: OrderId) -> Asked:
        """Ask about pending orders, when they are due, and wait a moment for the answers.

        For whoever would be refused otherwise, and not be there to hear of the answer.
        """
        return await self._asking.ask(*orders, until_due=True)

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
        async with self._db.read() as connection:
            unpaid = await orders_sql.load(connection, order_id)
        if unpaid is not None and _may_see(actor, role, unpaid):
            await self._pending_settled([unpaid])  # its callback may be lost

        async def request(uow: UnitOfWork) -> Refund | Denied:
            order = await orders_sql.load(uow.connection, order_id)
            show = None if order is None else await shows_sql.load_show(uow.connection, order.show)
            if order is None or show is None or not _may_see(actor, role, order):
                return Denied(Code.NOT_FOUND)
            if role is not Role.OPERATOR and order.user != actor:
                return Denied(Code.FORBIDDEN)
            if order.state is OrderState.PAID and role is not Role.OPERATOR:
                course = await self._course_of(uow.connection, show.id)
                refusal = refunds.permit(show, None if course is None else course.phase, uow.now_ms)
                if refusal is not None:
                    return refusal
            return await deciding.request_refund(uow, show, order, by=actor, reason=reason)

        return await self._db.transact(request)

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
            case orders_jobs.EXPIRE_JOB:
                return await self._settlement.expire_order(OrderId(subject))
            case orders_jobs.QUERY_JOB:
                return await self._settlement.query_order(OrderId(subject))
            case orders_jobs.END_JOB:
                return await self._settlement.end_order(OrderId(subject))
            case orders_jobs.END_ALL_JOB:
                return await self._settlement.end_all_orders(ShowId(subject))
            case orders_jobs.CLOSE_PAYMENT_JOB:
                return await self._settlement.close_payment(subject)
            case refunds_jobs.SUBMIT_JOB | refunds_jobs.SUBMIT_DOUBLED_JOB:
                return await self._settlement.submit_refund(RefundId(subject))
            case refunds_jobs.QUERY_JOB | refunds_jobs.QUERY_DOUBLED_JOB:
                return await self._settlement.query_refund(RefundId(subject))
            case _:
                raise LookupError(job.kind)

    async def _ask_provider(self, order_id: OrderId) -> None:
        await self.settle(order_id)

    async def _pending_settled(self, orders: Sequence[Order]) -> None:
        """Ask about those that wait for money."""
        pending = [order.id for order in orders if order.state is OrderState.PENDING]
        if pending:
            await self._asking.ask(*pending)


def _may_see(user: UserId, role: Role, order: Order) -> bool:
    return order.user == user or role in {Role.HOST, Role.OPERATOR}
