"""Brings orders and refunds in line with what their provider says, by query, close and refund.

No call to a provider happens inside a transaction. Whatever a provider says is applied by one idempotent
transaction, whether it came by callback, by query or as the answer to a close.
"""

from collections.abc import Mapping

import structlog

from auth.denials import Code, Denied
from auth.identity import ShowId
from presale.catalogue import shows_sql
from presale.orders import orders_sql
from presale.orders.orders import Order, OrderEvent, OrderId, OrderState, PaymentProgress
from presale.payments import payments_sql
from presale.payments.payments import (
    AlreadyPaid,
    Paid,
    PaymentPaid,
    PaymentProvider,
    RefundRequest,
    RefundSettled,
    RefundState,
    RefundStatus,
    Unavailable,
)
from presale.payments.receipts import Receipt, is_expected
from presale.refunds import refunds_sql
from presale.refunds.refunds import Refund, RefundId, RefundProgress
from presale.use_cases import deciding
from presale.use_cases.sale import Sale
from store.database_sql import Database, UnitOfWork
from store.jobs import Again

CLOSE_MARGIN_MS = 600_000
"""This long after its expiry an order is closed even if the provider cannot close it, once a query says unpaid."""
REFUND_QUERY_MS = 30_000
"""First wait before a pending refund is asked for."""
END_AT_A_TIME = 100
"""Orders of an ended sale that one transaction hands out to be closed."""

_log = structlog.get_logger(__name__)


class Settlement:
    """What providers say, applied. Every method may run any number of times, at any time, side by side."""

    def __init__(self, db: Database, providers: Mapping[str, PaymentProvider], sale: Sale) -> None:
        self._db = db
        self._providers = providers
        self._sale = sale

    async def paid(self, provider: str, paid: PaymentPaid) -> Order | Denied:
        """Apply a callback about money that came in."""
        return await self._receive(
            Receipt(
                provider=provider,
                payment=paid.payment,
                transaction=paid.transaction,
                amount_minor=paid.amount_minor,
                currency=paid.currency,
            )
        )

    async def refund_settled(self, provider: str, settled: RefundSettled) -> Refund | Denied:
        """Apply a callback about a refund. BAD_REQUEST if it speaks of other money than ours."""
        found = await self._refund_and_order(RefundId(settled.refund))
        if found is None or found[1].provider != provider or found[0].payment_of(found[1]) != settled.payment:
            return Denied(Code.NOT_FOUND)
        refund, _ = found
        is_success = settled.status is RefundStatus.SUCCEEDED
        if is_success and (settled.amount_minor, settled.currency) != (refund.amount_minor, refund.currency):
            return Denied(Code.BAD_REQUEST, detail={"field": "amount"})
        if not is_success and settled.status is not RefundStatus.FAILED:
            return refund
        return await self._settle_refund(refund.id, succeeded=is_success)

    async def query_order(self, order_id: OrderId) -> Again | None:
        """Ask the provider what became of an unpaid order, and apply it if the money is there."""
        order = await self._order(order_id)
        if order is None or order.state not in {OrderState.PENDING, OrderState.CLOSED}:
            return None
        provider = self._providers.get(order.provider)
        if provider is None:
            return Again("provider not configured")
        answer = await provider.query(order.payment)
        if isinstance(answer, Unavailable):
            return Again(answer.reason)
        if isinstance(answer, Paid):
            await self._paid_by_query(order, order.payment, answer)
        return None

    async def expire_order(self, order_id: OrderId) -> Again | None:
        """Query, close at the provider, then free the seats of an order whose time is over."""
        order = await self._order(order_id)
        if order is None or order.state is not OrderState.PENDING:
            return None
        now_ms = self._db.now_ms()
        provider = self._providers.get(order.provider)
        if provider is None or now_ms < order.expires_ms:
            return Again("provider not configured" if provider is None else "not expired yet")
        answer = await provider.query(order.payment)
        if isinstance(answer, Unavailable):
            return Again(answer.reason)
        if isinstance(answer, Paid):
            await self._paid_at_the_end(order, answer, OrderEvent.EXPIRE)
            return None
        closed = await provider.close(order.payment)
        if isinstance(closed, AlreadyPaid):
            await self._paid_at_the_end(order, closed.paid, OrderEvent.EXPIRE)
            return None
        if isinstance(closed, Unavailable) and now_ms < order.expires_ms + CLOSE_MARGIN_MS:
            return Again(closed.reason)
        return await self.close_order(order, OrderEvent.EXPIRE)

    async def end_order(self, order_id: OrderId) -> Again | None:
        """Close a pending order before its time: at the provider first, then free its seats. Money found is booked."""
        order = await self._order(order_id)
        if order is None or order.state is not OrderState.PENDING:
            return None
        provider = self._providers.get(order.provider)
        if provider is None:
            return Again("provider not configured")
        closed = await provider.close(order.payment)
        if isinstance(closed, Unavailable):
            return Again(closed.reason)
        if isinstance(closed, AlreadyPaid):
            await self._paid_at_the_end(order, closed.paid, OrderEvent.CANCEL)
            return None
        return await self.close_order(order, OrderEvent.CANCEL)

    async def end_all_orders(self, show: ShowId) -> Again | None:
        """Have every pending order of a show whose sale has ended closed, each by a job of its own."""
        last = OrderId("")
        while True:
            async with self._db.read() as connection:
                page = await orders_sql.list_pending(connection, show, last, END_AT_A_TIME)
            if not page:
                return None
            await self._hand_out(page)
            last = page[-1]

    async def close_payment(self, payment: str) -> Again | None:
        """Close an attempt at the provider that its order needs no more; money it brought all the same is booked."""
        async with self._db.read() as connection:
            attempt = await payments_sql.load(connection, payment)
            order = await payments_sql.load_order(connection, payment)
        provider = None if attempt is None else self._providers.get(attempt.provider)
        if order is None or provider is None:
            return Again("provider not configured")
        closed = await provider.close(payment)
        if isinstance(closed, AlreadyPaid):
            await self._paid_by_query(order, payment, closed.paid)
        return Again(closed.reason) if isinstance(closed, Unavailable) else None

    async def close_order(
        self, order: Order, event: OrderEvent, progress: PaymentProgress = PaymentProgress.CLOSED
    ) -> Again | None:
        """Free the seats of an order if it is still pending, and still on the attempt that the provider has closed."""

        async def close(uow: UnitOfWork) -> Again | None:
            current = await orders_sql.load(uow.connection, order.id)
            show = await shows_sql.load_show(uow.connection, order.show)
            if current is None or show is None or current.state is not OrderState.PENDING:
                return None
            if current.payment != order.payment:
                return Again("another attempt to pay has begun meanwhile")
            await orders_sql.close(uow, show, current, event, progress)
            return None

        return await self._db.transact(close)

    async def submit_refund(self, refund_id: RefundId) -> Again | None:
        """Ask the provider to give the money of a refund back, and apply its answer."""
        found = await self._refund_and_order(refund_id)
        if found is None or found[0].state is not RefundProgress.REQUESTED:
            return None
        refund, order = found
        if refund.amount_minor == 0:
            await self._settle_refund(refund.id, succeeded=True)
            return None
        provider = self._providers.get(order.provider)
        if provider is None:
            return Again("provider not configured")
        answer = await provider.refund(
            RefundRequest(
                refund=refund.id,
                payment=refund.payment_of(order),
                amount_minor=refund.amount_minor,
                total_minor=order.amount_minor,
                currency=refund.currency,
                reason=refund.reason,
            )
        )
        if isinstance(answer, Unavailable) and not answer.retryable:
            answer = RefundState(RefundStatus.FAILED, reason=answer.reason)
        return await self._apply_refund_state(refund, answer)

    async def query_refund(self, refund_id: RefundId) -> Again | None:
        """Ask the provider what became of a refund it was still working on."""
        found = await self._refund_and_order(refund_id)
        if found is None or found[0].state is not RefundProgress.REQUESTED:
            return None
        refund, order = found
        provider = self._providers.get(order.provider)
        if provider is None:
            return Again("provider not configured")
        answer = await provider.query_refund(refund.id)
        if isinstance(answer, RefundState) and answer.status is RefundStatus.UNKNOWN:
            return await self.submit_refund(refund_id)
        outcome = await self._apply_refund_state(refund, answer)
        is_pending = isinstance(answer, RefundState) and answer.status is RefundStatus.PENDING
        return Again("still pending") if is_pending else outcome

    async def _hand_out(self, page: list[OrderId]) -> None:
        async def hand_out(uow: UnitOfWork) -> None:
            for order in page:
                await orders_sql.end_soon(uow, order)

        await self._db.transact(hand_out)

    async def _apply_refund_state(self, refund: Refund, answer: RefundState | Unavailable) -> Again | None:
        if isinstance(answer, Unavailable):
            return Again(answer.reason)
        if answer.status is RefundStatus.PENDING:

            async def ask_later(uow: UnitOfWork) -> None:
                await refunds_sql.ask_later(uow, refund, uow.now_ms + REFUND_QUERY_MS)

            await self._db.transact(ask_later)
            return None
        if answer.status is RefundStatus.UNKNOWN:
            return Again("refund unknown to the provider")
        is_success = answer.status is RefundStatus.SUCCEEDED
        if is_success and answer.amount_minor != refund.amount_minor:
            _log.error("refund.amount_differs", refund=refund.id, amount_minor=answer.amount_minor)
            return Again("the provider gave back another amount")
        await self._settle_refund(refund.id, succeeded=is_success)
        return None

    async def _settle_refund(self, refund_id: RefundId, *, succeeded: bool) -> Refund | Denied:
        async def settle(uow: UnitOfWork) -> Refund | Denied:
            return await deciding.settle(uow, refund_id, succeeded=succeeded, refuse=self._sale.refuse)

        return await self._db.transact(settle)

    async def _paid_at_the_end(self, order: Order, paid: Paid, event: OrderEvent) -> None:
        if not is_expected(order, paid.amount_minor, paid.currency):
            await self.close_order(order, event, PaymentProgress.MISMATCHED)
        await self._paid_by_query(order, order.payment, paid)

    async def _paid_by_query(self, order: Order, payment: str, paid: Paid) -> None:
        result = await self._receive(
            Receipt(
                provider=order.provider,
                payment=payment,
                transaction=paid.transaction,
                amount_minor=paid.amount_minor,
                currency=paid.currency,
            )
        )
        if isinstance(result, Denied):
            _log.error("payment.refused", order=order.id, payment=payment, **result.detail)

    async def _receive(self, receipt: Receipt) -> Order | Denied:
        async def receive(uow: UnitOfWork) -> Order | Denied:
            return await deciding.receive(uow, receipt, self._sale.refuse)

        return await self._db.transact(receive)

    async def _order(self, order_id: OrderId) -> Order | None:
        async with self._db.read() as connection:
            return await orders_sql.load(connection, order_id)

    async def _refund_and_order(self, refund_id: RefundId) -> tuple[Refund, Order] | None:
        async with self._db.read() as connection:
            refund = await refunds_sql.load(connection, refund_id)
            order = None if refund is None else await orders_sql.load(connection, refund.order)
        return None if refund is None or order is None else (refund, order)
