"""Shows and products in SQL."""

from typing import Any

from msgspec import structs
from sqlalchemy import Row, Select, insert, select
from sqlalchemy import update as update_row
from sqlalchemy.ext.asyncio import AsyncConnection

from auth.composed import composed_key
from auth.identity import RoomId, ShowId, Tier
from presale.catalogue.shows import Product, ProductId, Show
from presale.tables_sql import products, shows
from store.database_sql import RacedError, UnitOfWork


async def take_turn(uow: UnitOfWork, show: ShowId) -> None:
    """Have the seats, orders, rights and revenue of a show to oneself until the commit. Not the wallets: gifts go on.

    A tier follows from all orders of a fan, the sales from all products: two transactions side by side would each
    leave out what the other did.
    """
    await uow.take_turn(composed_key("show", show))


async def create_show(uow: UnitOfWork, show: Show) -> None:
    """Put a show on the books. Its id and room must be new."""
    await uow.connection.execute(
        insert(shows).values(
            id=show.id,
            room_id=show.room,
            currency=show.currency,
            refund_until_ms=show.refund_until_ms,
            credit_minor=show.credit_minor,
            version=show.version,
        )
    )


async def add_product(uow: UnitOfWork, product: Product) -> None:
    """Offer a product. Its id must be new, its price above zero."""
    await uow.connection.execute(
        insert(products).values(
            id=product.id,
            show_id=product.show,
            name=product.name,
            tier=product.tier,
            price_minor=product.price_minor,
            capacity=product.capacity,
            credits=product.credits,
            repeatable=product.repeatable,
            sold=0,
            held=0,
            version=1,
        )
    )


async def update(uow: UnitOfWork, show: Show) -> Show:
    """Write the deadline for refunds and the price of a credit down; answers the show with its next version.

    RacedError where it is not the version that was read.
    """
    after = structs.replace(show, version=show.version + 1)
    changed = update_row(shows).where(shows.c.id == show.id, shows.c.version == show.version)
    values = {
        "refund_until_ms": after.refund_until_ms,
        "refunds_opened_ms": after.refunds_opened_ms,
        "credit_minor": after.credit_minor,
        "version": after.version,
    }
    if (await uow.connection.execute(changed.values(values))).rowcount != 1:
        raise RacedError(show.id)
    return after


async def load_show(connection: AsyncConnection, show: ShowId) -> Show | None:
    """A show by its id."""
    return await _one_show(connection, select(shows).where(shows.c.id == show))


async def load_show_of_room(connection: AsyncConnection, room: RoomId) -> Show | None:
    """The show that a room belongs to."""
    return await _one_show(connection, select(shows).where(shows.c.room_id == room))


async def list_shows(connection: AsyncConnection) -> list[Show]:
    """All shows, by their ids."""
    rows = await connection.execute(select(shows).order_by(shows.c.id))
    return [show_of(row) for row in rows]


async def list_products(connection: AsyncConnection, show: ShowId) -> list[Product]:
    """The products of a show, cheapest first. The sum of their versions is the version of its sales."""
    chosen = select(products).where(products.c.show_id == show)
    rows = await connection.execute(chosen.order_by(products.c.price_minor, products.c.id))
    return [_product(row) for row in rows]


async def list_all_products(connection: AsyncConnection) -> dict[ShowId, list[Product]]:
    """The products of every show, cheapest first. A survey."""
    by_show: dict[ShowId, list[Product]] = {}
    for row in await connection.execute(select(products).order_by(products.c.price_minor, products.c.id)):
        by_show.setdefault(ShowId(row.show_id), []).append(_product(row))
    return by_show


async def _one_show(connection: AsyncConnection, chosen: Select[Any]) -> Show | None:
    row = (await connection.execute(chosen)).one_or_none()
    return None if row is None else show_of(row)


def show_of(row: Row[Any]) -> Show:
    """The show of a row of `shows`."""
    return Show(
        id=ShowId(row.id),
        room=RoomId(row.room_id),
        currency=row.currency,
        refund_until_ms=row.refund_until_ms,
        refunds_opened_ms=row.refunds_opened_ms,
        credit_minor=row.credit_minor,
        version=row.version,
    )


def _product(row: Row[Any]) -> Product:
    return Product(
        id=ProductId(row.id),
        show=ShowId(row.show_id),
        name=row.name,
        tier=Tier(row.tier),
        price_minor=row.price_minor,
        capacity=row.capacity,
        credits=row.credits,
        repeatable=row.repeatable,
        sold=row.sold,
        held=row.held,
        version=row.version,
    )
