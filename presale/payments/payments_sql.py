"""Payments in SQL: what the money of one attempt does to its order, whenever it comes and however often."""

from typing import Any

from msgspec import Struct
from sqlalchemy import Row, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from auth.denials import Code, Denied
from presale.books import ledger, ledger_sql, revenue_sql, wallet_sql
from presale.catalogue import announcements_sql, shows_sql, stock_sql
from presale.catalogue.shows import Show
from presale.entitlements import entitlements_sql
from presale.entitlements.entitlements import EntitlementReason
from presale.orders import orders_sql
from presale.orders.orders import Order, OrderEvent, OrderId, OrderState, Payment, PaymentProgress
from presale.refunds import refunds_sql
from presale.tables_sql import payments
from store.database_sql import RacedError, UnitOfWork

_TAKES_MONEY = frozenset({OrderState.PENDING, OrderState.CLOSED})


class Receipt(Struct, frozen=True, kw_only=True):
    """A provider's word that it holds money for an attempt."""

    provider: str
    payment: str
    transaction: str
    amount_minor: int
    currency: str


async def load(connection: AsyncConnection, payment: str) -> Payment | None:
    """An attempt by its id."""
    row = (await connection.execute(select(payments).where(payments.c.id == payment))).one_or_none()
    return None if row is None else _payment(row)


async def load_order(connection: AsyncConnection, payment: str) -> Order | None:
    """The order an attempt is for."""
    found = await load(connection, payment)
    return None if found is None else await orders_sql.load(connection, found.order)


async def receive(uow: UnitOfWork, receipt: Receipt, *, admits: bool) -> Order | Denied:
    """Book the money of an attempt once, and give its order what it is worth.

    A pending order is paid, for a closed one free seats are sold again. The money goes back by itself where there are
    none, where not `admits` (the sale is over, or the buyer is banned), and where the buyer's paid orders make this
    one pointless. A repeated receipt answers the order as it is. NOT_FOUND for an attempt that is not this provider's,
    BAD_REQUEST for money that is not what was asked or a transaction seen elsewhere; they change nothing. Money of a
    second attempt for an order that another one has paid goes back by itself, and the order stays as it is; where it is
    other money than was asked for, it is marked for the staff: see `PaymentProgress.MISMATCHED`.
    """
    concerned = await load_order(uow.connection, receipt.payment)
    if concerned is None:
        return Denied(Code.NOT_FOUND)
    await shows_sql.take_turn(uow, concerned.show)  # only what is read from here on stays as it is
    payment = await load(uow.connection, receipt.payment)
    order = await orders_sql.load(uow.connection, concerned.id)
    show = await shows_sql.load_show(uow.connection, concerned.show)
    if payment is None or order is None or show is None or payment.provider != receipt.provider:
        return Denied(Code.NOT_FOUND)
    if payment.progress is PaymentProgress.PAID and payment.transaction == receipt.transaction:
        return order
    if payment.id != order.payment and order.state not in _TAKES_MONEY:
        return await _receive_doubled(uow, show, order, payment, receipt)
    refusal = await _refuse(uow.connection, payment, order, receipt)
    if refusal is not None:
        return refusal
    await _book(uow, show, payment, receipt)
    if payment.id != order.payment:  # the provider had closed it, and the order got another attempt
        await uow.enqueue(orders_sql.CLOSE_PAYMENT_JOB, order.payment, order.payment.encode(), uow.now_ms)
        order = await orders_sql.paid_by(uow, order, payment.id)
    admits = admits and not await orders_sql.is_superseded(uow.connection, order)
    if order.state is OrderState.PENDING and admits:
        await stock_sql.sell_held(uow, order.lines)
        return await _admit(uow, show, order, OrderEvent.PAY)
    if order.state is OrderState.PENDING:
        await stock_sql.release(uow, order.lines)
        await announcements_sql.sales_changed(uow, show)
    elif admits and await stock_sql.sell_free(uow, order.lines) is None:
        return await _admit(uow, show, order, OrderEvent.PAY_LATE)
    return await refunds_sql.return_unwanted(uow, show, order)


async def _receive_doubled(
    uow: UnitOfWork, show: Show, order: Order, payment: Payment, receipt: Receipt
) -> Order | Denied:
    if payment.progress is PaymentProgress.MISMATCHED:
        return order  # the staff knows of it, and may have settled it
    if not is_expected(order, receipt.amount_minor, receipt.currency):
        await _mark(uow, payment, PaymentProgress.MISMATCHED, receipt.transaction)
        return order
    refusal = await _refuse(uow.connection, payment, order, receipt)
    if refusal is None:
        await _book(uow, show, payment, receipt)
        await refunds_sql.return_doubled(uow, show, order, payment.id)
    return refusal or order


async def _book(uow: UnitOfWork, show: Show, payment: Payment, receipt: Receipt) -> None:
    await _mark(uow, payment, PaymentProgress.PAID, receipt.transaction)
    await ledger_sql.post(
        uow, ledger.money_received(payment.id, show.id, payment.provider, payment.currency, payment.amount_minor)
    )


def is_expected(order: Order, amount_minor: int, currency: str) -> bool:
    """Whether money is exactly what the order costs."""
    return order.amount_minor == amount_minor and order.currency == currency


async def _refuse(connection: AsyncConnection, payment: Payment, order: Order, receipt: Receipt) -> Denied | None:
    if (receipt.amount_minor, receipt.currency) != (payment.amount_minor, payment.currency):
        return Denied(Code.BAD_REQUEST, detail={"field": "amount"})
    is_late = payment.id == order.payment and order.state not in _TAKES_MONEY
    if payment.progress is PaymentProgress.PAID or is_late:
        return Denied(Code.BAD_REQUEST, detail={"field": "transaction"})
    elsewhere = select(payments.c.id).where(
        payments.c.provider == receipt.provider, payments.c.transaction_id == receipt.transaction
    )
    if (await connection.execute(elsewhere)).first() is not None:
        return Denied(Code.BAD_REQUEST, detail={"field": "transaction"})
    return None


async def _mark(uow: UnitOfWork, payment: Payment, progress: PaymentProgress, transaction: str) -> None:
    marked = update(payments).where(payments.c.id == payment.id, payments.c.progress != PaymentProgress.PAID)
    result = await uow.connection.execute(marked.values(progress=progress, transaction_id=transaction))
    if result.rowcount != 1:
        raise RacedError(payment.id)


async def _admit(uow: UnitOfWork, show: Show, order: Order, event: OrderEvent) -> Order | Denied:
    paid = await orders_sql.advance(uow, order, event, paid_ms=uow.now_ms)
    if isinstance(paid, Denied):
        raise AssertionError(f"a payment on an order that takes none: {paid}")  # noqa: TRY004
    if order.credits:
        await ledger_sql.post(uow, ledger.credits_granted(order.id, show.id, order.user, order.credits))
        await wallet_sql.wallet_changed(uow, show, order.user)
    await entitlements_sql.recalculate(uow, show, order.user, EntitlementReason.PURCHASE)
    for pointless in await orders_sql.list_open(uow.connection, show.id, order.user):
        if await orders_sql.is_superseded(uow.connection, pointless):
            await orders_sql.end_soon(uow, pointless.id)
    await orders_sql.order_changed(uow, show, paid)
    await announcements_sql.sales_changed(uow, show)
    await revenue_sql.revenue_changed(uow, show)
    return paid


def _payment(row: Row[Any]) -> Payment:
    return Payment(
        id=row.id,
        order=OrderId(row.order_id),
        provider=row.provider,
        provider_ref=row.provider_ref,
        amount_minor=row.amount_minor,
        currency=row.currency,
        progress=PaymentProgress(row.progress),
        transaction=row.transaction_id,
    )
