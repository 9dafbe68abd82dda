"""Events about what this transaction changed, read back from it and emitted on the show's room."""

from auth.identity import UserId
from presale import events
from presale.books import ledger, ledger_sql
from presale.books.revenue_sql import revenue
from presale.catalogue import shows_sql
from presale.catalogue.shows import Show
from presale.orders.orders import Order, OrderState
from store.database_sql import UnitOfWork


async def emit(uow: UnitOfWork, show: Show, event: events.PresaleEvent) -> None:
    """Announce an event in the room of a show."""
    await uow.emit(show.room, events.encode(event), events.RETENTION)


def told(order: Order) -> events.OrderChanged:
    """An order as its buyer is told of it."""
    return events.OrderChanged(
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


async def order_changed(uow: UnitOfWork, show: Show, order: Order) -> None:
    """Tell the buyer how the order stands."""
    await emit(uow, show, told(order))


async def sales_changed(uow: UnitOfWork, show: Show) -> None:
    """Tell everybody how the products sell."""
    products = await shows_sql.list_products(uow.connection, show.id)
    counts = [events.ProductCount(product.id, product.sold, product.held, product.capacity) for product in products]
    await emit(uow, show, events.SalesChanged(show.id, counts, sum(product.version for product in products)))


async def revenue_changed(uow: UnitOfWork, show: Show) -> None:
    """Tell the console what came in."""
    now = await revenue(uow.connection, show)
    await emit(
        uow,
        show,
        events.RevenueChanged(show.id, now.currency, now.gross_minor, now.refunded_minor, now.orders_paid, now.version),
    )


async def wallet_changed(uow: UnitOfWork, show: Show, user: UserId) -> None:
    """Tell a user their credits."""
    account, unit = ledger.wallet(show.id, user), ledger.credit_unit(show.id)
    balance, version = await ledger_sql.balance(uow.connection, account, unit)
    await emit(uow, show, events.WalletChanged(user, show.id, balance, version))
