"""Seats: every step that moves them between free, held and sold.

A step takes all lines of an order or none. Seats leave `free` only by one conditional UPDATE, which no
race can pass twice; the table's CHECK stands behind it.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, update

from presale.catalogue.offer import Seats
from presale.catalogue.shows import ProductId
from presale.tables_sql import products
from store.database_sql import UnitOfWork


def fits(quantity: int) -> ColumnElement[bool]:
    """The guard against overselling."""
    return products.c.sold + products.c.held + quantity <= products.c.capacity


async def hold(uow: UnitOfWork, lines: Sequence[Seats]) -> ProductId | None:
    """Free seats become held. Answers the product that has too few, having changed nothing; None: all held."""
    return await _take(uow, lines, "held")


async def sell_free(uow: UnitOfWork, lines: Sequence[Seats]) -> ProductId | None:
    """Free seats become sold. Answers as `hold`."""
    return await _take(uow, lines, "sold")


async def release(uow: UnitOfWork, lines: Sequence[Seats]) -> None:
    """Held seats become free."""
    for line in _in_order(lines):
        await _change(uow, line, held=products.c.held - line.quantity)


async def sell_held(uow: UnitOfWork, lines: Sequence[Seats]) -> None:
    """Held seats become sold."""
    for line in _in_order(lines):
        await _change(uow, line, held=products.c.held - line.quantity, sold=products.c.sold + line.quantity)


async def hold_sold(uow: UnitOfWork, lines: Sequence[Seats]) -> None:
    """Sold seats become held, until a refund is settled."""
    for line in _in_order(lines):
        await _change(uow, line, held=products.c.held + line.quantity, sold=products.c.sold - line.quantity)


async def _take(uow: UnitOfWork, lines: Sequence[Seats], into: str) -> ProductId | None:
    async with uow.connection.begin_nested() as savepoint:
        for line in _in_order(lines):
            if not await _change(uow, line, fits(line.quantity), **{into: products.c[into] + line.quantity}):
                await savepoint.rollback()
                return line.product
    return None


async def _change(uow: UnitOfWork, line: Seats, *guards: ColumnElement[bool], **values: Any) -> bool:
    changed = update(products).where(products.c.id == line.product, *guards)
    result = await uow.connection.execute(changed.values(version=products.c.version + 1, **values))
    return bool(result.rowcount == 1)


def _in_order(lines: Sequence[Seats]) -> list[Seats]:
    # two transactions over the same products lock them in the same order
    return sorted(lines, key=lambda line: line.product)
