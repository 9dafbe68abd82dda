"""The money of a show, read from the ledger."""

from msgspec import Struct
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from presale.books import ledger, ledger_sql
from presale.books.events import RevenueChanged
from presale.catalogue import announcements_sql
from presale.catalogue.shows import Show
from presale.orders.orders import OrderState
from presale.tables_sql import orders
from store.database_sql import UnitOfWork


class Revenue(Struct, frozen=True):
    """What a show has earned so far, in its currency."""

    currency: str
    gross_minor: int
    """All payments received, before refunds."""
    refunded_minor: int
    orders_paid: int
    """Orders whose money is here: paid, or refunding and not settled yet."""
    version: int
    """Grows with every payment and every refund."""


async def revenue(connection: AsyncConnection, show: Show) -> Revenue:
    """The money of a show so far."""
    sales, sales_version = await ledger_sql.balance(connection, ledger.sales(show.id), show.currency)
    refunded, refunds_version = await ledger_sql.balance(connection, ledger.refunds(show.id), show.currency)
    counted = (
        select(func.count())
        .select_from(orders)
        .where(orders.c.show_id == show.id, orders.c.state.in_((OrderState.PAID, OrderState.REFUNDING)))
    )
    orders_paid = (await connection.execute(counted)).scalar_one()
    return Revenue(show.currency, -sales, refunded, orders_paid, sales_version + refunds_version)


async def revenue_changed(uow: UnitOfWork, show: Show) -> None:
    """Tell the console what came in."""
    now = await revenue(uow.connection, show)
    told = RevenueChanged(show.id, now.currency, now.gross_minor, now.refunded_minor, now.orders_paid, now.version)
    await announcements_sql.emit(uow, show, told)
