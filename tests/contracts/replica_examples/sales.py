from auth.identity import Role, Tier
from presale.catalogue import announcements_sql, shows_sql
from presale.catalogue.shows import Product, ProductId
from presale.orders.orders import OrderId
from tests.contracts.replica_suite import HOST, OTHER, Evening


async def _return(now: Evening) -> None:
    order = await now.ticket(Tier.MAIN)
    refund = await now.box.request_refund(HOST, Role.OPERATOR, OrderId(order.id), "changed my mind")
    assert not hasattr(refund, "code"), refund
    await now.house.worker.drain()


async def _add_a_product(now: Evening) -> None:
    async with now.house.db.write() as uow:
        show = await shows_sql.load_show(uow.connection, now.show)
        assert show is not None
        late = Product(
            id=ProductId("late"), show=now.show, name="Late entry", tier=Tier.MAIN, price_minor=100, capacity=5
        )
        await shows_sql.add_product(uow, late)
        await announcements_sql.sales_changed(uow, show)


EXAMPLES = {
    "an order": lambda now: now.order(Tier.MAIN),
    "a product": _add_a_product,
    "a ticket": lambda now: now.ticket(Tier.MAIN, OTHER),
    "a ticket that is returned": _return,
}
