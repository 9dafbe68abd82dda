"""Attempts to pay in SQL."""

from typing import Any

from sqlalchemy import Row, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from presale.orders import orders_sql
from presale.orders.orders import Order, OrderId, Payment, PaymentProgress
from presale.payments.receipts import Receipt
from presale.tables_sql import payments
from store.database_sql import RacedError, UnitOfWork


async def load(connection: AsyncConnection, payment: str) -> Payment | None:
    """An attempt by its id."""
    row = (await connection.execute(select(payments).where(payments.c.id == payment))).one_or_none()
    return None if row is None else _payment(row)


async def load_order(connection: AsyncConnection, payment: str) -> Order | None:
    """The order an attempt is for."""
    found = await load(connection, payment)
    return None if found is None else await orders_sql.load(connection, found.order)


async def is_elsewhere(connection: AsyncConnection, receipt: Receipt) -> bool:
    """Whether a transaction of the provider stands on an attempt already."""
    same = (payments.c.provider == receipt.provider) & (payments.c.transaction_id == receipt.transaction)
    return (await connection.execute(select(payments.c.id).where(same))).first() is not None


async def mark(uow: UnitOfWork, payment: Payment, progress: PaymentProgress, transaction: str) -> None:
    """Write what became of an attempt. RacedError where it has brought money meanwhile."""
    marked = update(payments).where(payments.c.id == payment.id, payments.c.progress != PaymentProgress.PAID)
    result = await uow.connection.execute(marked.values(progress=progress, transaction_id=transaction))
    if result.rowcount != 1:
        raise RacedError(payment.id)


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
