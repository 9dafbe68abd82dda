"""What a transaction changed, announced in the room of its show, and how its products sell, read back from it."""

import msgspec
from msgspec import Struct

from presale.catalogue import shows_sql
from presale.catalogue.events import ProductCount, SalesChanged
from presale.catalogue.shows import Show
from store.database_sql import UnitOfWork

RETENTION = "none"
"""No event of the box office is kept: a gateway that was away reads SQL again."""


async def emit(uow: UnitOfWork, show: Show, event: Struct) -> None:
    """Announce an event in the room of a show."""
    await uow.emit(show.room, msgspec.json.encode(event), RETENTION)


async def sales_changed(uow: UnitOfWork, show: Show) -> None:
    """Tell everybody how the products sell."""
    products = await shows_sql.list_products(uow.connection, show.id)
    counts = [ProductCount(product.id, product.sold, product.held, product.capacity) for product in products]
    await emit(uow, show, SalesChanged(show.id, counts, sum(product.version for product in products)))
