"""Orders in SQL: read, written, closed, and paid another way."""

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Row, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from auth.composed import composed_key
from auth.denials import Denied
from auth.identity import ShowId, Tier, UserId
from presale.catalogue import announcements_sql, shows_sql, stock_sql
from presale.catalogue.shows import ProductId, Show
from presale.orders.events import told
from presale.orders.holding import MAX_ENDED
from presale.orders.jobs import END_ALL_JOB, END_JOB, LAST_QUERY_MS, QUERY_JOB
from presale.orders.orders import STANDING, Order, OrderEvent, OrderId, OrderLine, OrderState, PaymentProgress, advance
from presale.tables_sql import order_lines, orders, payments
from store.database_sql import RacedError, UnitOfWork

_COLUMNS = {"payment": "payment_id"}
"""Fields of an order whose columns have other names."""


async def load(connection: AsyncConnection, order: OrderId) -> Order | None:
    """An order by its number."""
    found = await _load_where(connection, orders.c.id == order)
    return found[0] if found else None


async def load_by_key(connection: AsyncConnection, user: UserId, key: str) -> Order | None:
    """The order a user placed under an idempotency key."""
    found = await _load_where(connection, orders.c.user_id == user, orders.c.key == key)
    return found[0] if found else None


async def take_turn(uow: UnitOfWork, user: UserId) -> None:
    """Have what somebody holds unpaid, over all shows, to oneself. Taken before the turn of a show, never after it."""
    await uow.take_turn(f"buyer:{user}")


async def list_open(connection: AsyncConnection, show: ShowId, user: UserId) -> list[Order]:
    """The user's pending orders of a show, oldest first."""
    own = (orders.c.show_id == show) & (orders.c.user_id == user)
    return await _load_where(connection, own, orders.c.state == OrderState.PENDING)


async def list_unpaid(connection: AsyncConnection, user: UserId) -> list[Order]:
    """The user's pending orders of all shows, oldest first."""
    return await _load_where(connection, orders.c.user_id == user, orders.c.state == OrderState.PENDING)


async def list_pending(connection: AsyncConnection, show: ShowId, after: OrderId, limit: int) -> list[OrderId]:
    """The pending orders of a show: the next `limit` by number."""
    chosen = (orders.c.show_id == show) & (orders.c.state == OrderState.PENDING) & (orders.c.id > after)
    rows = await connection.execute(select(orders.c.id).where(chosen).order_by(orders.c.id).limit(limit))
    return [OrderId(number) for (number,) in rows]


async def list_own(connection: AsyncConnection, show: ShowId, user: UserId) -> list[Order]:
    """The user's orders of a show, oldest first: all that stand, and the newest `MAX_ENDED` of those that are over."""
    own = (orders.c.show_id == show) & (orders.c.user_id == user)
    ended = select(orders.c.id).where(own, orders.c.state.not_in(STANDING)).order_by(orders.c.created_ms.desc())
    return await _load_where(connection, own, orders.c.state.in_(STANDING) | orders.c.id.in_(ended.limit(MAX_ENDED)))


async def list_standing(connection: AsyncConnection, show: ShowId, after: OrderId, limit: int) -> list[Order]:
    """Orders of a show that somebody can still do something with: the next `limit` by number. For a survey."""
    chosen = (orders.c.show_id == show) & orders.c.state.in_(STANDING) & (orders.c.id > after)
    page = select(orders).where(chosen).order_by(orders.c.id).limit(limit)
    rows = (await connection.execute(page)).all()
    if not rows:
        return []
    theirs = chosen & (orders.c.id <= rows[-1].id)
    lines = select(order_lines).join(orders, orders.c.id == order_lines.c.order_id).where(theirs)
    return _with_lines(rows, await connection.execute(lines.order_by(order_lines.c.product_id)))


async def list_ended(connection: AsyncConnection, show: ShowId, limit: int) -> list[tuple[OrderId, int]]:
    """The newest orders of a show that are over, as (id, version), newest first. A survey."""
    chosen = select(orders.c.id, orders.c.version).where(orders.c.show_id == show, orders.c.state.not_in(STANDING))
    rows = await connection.execute(chosen.order_by(orders.c.created_ms.desc()).limit(limit))
    return [(OrderId(number), version) for number, version in rows]


async def order_changed(uow: UnitOfWork, show: Show, order: Order) -> None:
    """Tell the buyer how the order stands."""
    await announcements_sql.emit(uow, show, told(order))


async def attach_cashier(uow: UnitOfWork, show: Show, order: Order, pay_url: str, provider_ref: str) -> Order:
    """Remember where a pending order is paid. One that moved on meanwhile, or is paid otherwise, stays as it is."""
    current = await load(uow.connection, order.id)
    if current is None:
        raise LookupError(order.id)
    if current.state is not OrderState.PENDING or current.payment != order.payment or current.pay_url == pay_url:
        return current
    changed = msgspec.structs.replace(current, pay_url=pay_url, version=current.version + 1)
    await write(uow, current, changed)
    await uow.connection.execute(
        update(payments).where(payments.c.id == current.payment).values(provider_ref=provider_ref)
    )
    await order_changed(uow, show, changed)
    return changed


async def renew_payment(uow: UnitOfWork, show: Show, order: Order) -> Order:
    """Begin another attempt to pay a pending order whose attempt the provider has closed; where to pay is to be asked.

    An order that moved on meanwhile stays as it is. Money that slips through on the old attempt still finds the order.
    """
    await shows_sql.take_turn(uow, show.id)
    current = await load(uow.connection, order.id)
    if current is None:
        raise LookupError(order.id)
    if current.state is not OrderState.PENDING or current.payment != order.payment:
        return current
    await _end_attempt(uow, current.payment, PaymentProgress.CLOSED)
    renewed = msgspec.structs.replace(current, payment=uow.new_id(), pay_url=None, version=current.version + 1)
    await write(uow, current, renewed)
    await _insert_attempt(uow, renewed)
    await order_changed(uow, show, renewed)
    return renewed


async def close(
    uow: UnitOfWork, show: Show, order: Order, event: OrderEvent, progress: PaymentProgress = PaymentProgress.CLOSED
) -> Order | Denied:
    """End a pending order unpaid (`expire` or `cancel`): its seats are free again, its payment ends as `progress`."""
    await shows_sql.take_turn(uow, show.id)
    closed = advance(order, event, closed_ms=uow.now_ms)
    if isinstance(closed, Denied):
        return closed
    await write(uow, order, closed)
    await stock_sql.release(uow, order.lines)
    await _end_attempt(uow, order.payment, progress)
    await uow.enqueue(QUERY_JOB, composed_key("closed", order.id), order.id.encode(), uow.now_ms + LAST_QUERY_MS)
    await order_changed(uow, show, closed)
    await announcements_sql.sales_changed(uow, show)
    return closed


async def end_soon(uow: UnitOfWork, order: OrderId) -> None:
    """Have an unpaid order closed at its provider, for it must not be paid any more."""
    await uow.enqueue(END_JOB, order, order.encode(), uow.now_ms)


async def end_all_soon(uow: UnitOfWork, show: ShowId) -> None:
    """Have all unpaid orders of a show closed at their providers; none is placed after this transaction any more.

    To be called in the transaction that ends the sale. It waits for orders that are being placed: one that saw the
    sale open and is committed only after the job has looked for pending orders would be left behind.
    """
    await shows_sql.take_turn(uow, show)
    await uow.enqueue(END_ALL_JOB, uow.new_id(), show.encode(), uow.now_ms)


async def end_those_of(uow: UnitOfWork, show: ShowId, user: UserId) -> None:
    """The same for the unpaid orders of one user in a show."""
    await shows_sql.take_turn(uow, show)
    for order in await list_open(uow.connection, show, user):
        await end_soon(uow, order.id)


async def write(uow: UnitOfWork, before: Order, after: Order) -> None:
    """Write what has changed of an order. RacedError where it is not `before` any more."""
    assert after.version == before.version + 1, "each step has its version"
    changes = {
        field: value for field, value in msgspec.structs.asdict(after).items() if value != getattr(before, field)
    }
    columns = {_COLUMNS.get(name, name): value for name, value in changes.items()}
    changed = update(orders).where(orders.c.id == before.id, orders.c.version == before.version)
    if (await uow.connection.execute(changed.values(**columns))).rowcount != 1:
        raise RacedError(before.id)


async def insert_order(uow: UnitOfWork, order: Order) -> None:
    """Write a new order, its lines, and its first attempt to pay."""
    await uow.connection.execute(
        insert(orders).values(
            id=order.id,
            show_id=order.show,
            user_id=order.user,
            state=order.state,
            amount_minor=order.amount_minor,
            currency=order.currency,
            expires_ms=order.expires_ms,
            key=order.key,
            body_hash=order.body_hash,
            provider=order.provider,
            payment_id=order.payment,
            version=order.version,
            created_ms=order.created_ms,
        )
    )
    await uow.connection.execute(
        insert(order_lines),
        [
            {
                "order_id": order.id,
                "product_id": line.product,
                "quantity": line.quantity,
                "price_minor": line.price_minor,
                "tier": line.tier,
                "credits": line.credits,
            }
            for line in order.lines
        ],
    )
    await _insert_attempt(uow, order)


async def _insert_attempt(uow: UnitOfWork, order: Order) -> None:
    await uow.connection.execute(
        insert(payments).values(
            id=order.payment,
            order_id=order.id,
            provider=order.provider,
            amount_minor=order.amount_minor,
            currency=order.currency,
            progress=PaymentProgress.OPEN,
        )
    )


async def _end_attempt(uow: UnitOfWork, payment: str, progress: PaymentProgress) -> None:
    ended = update(payments).where(payments.c.id == payment, payments.c.progress == PaymentProgress.OPEN)
    await uow.connection.execute(ended.values(progress=progress))


async def _load_where(connection: AsyncConnection, *conditions: ColumnElement[bool]) -> list[Order]:
    chosen = select(orders).where(*conditions).order_by(orders.c.created_ms, orders.c.id)
    rows = (await connection.execute(chosen)).all()
    numbers = [row.id for row in rows]
    of_these = select(order_lines).where(order_lines.c.order_id.in_(numbers)).order_by(order_lines.c.product_id)
    return _with_lines(rows, await connection.execute(of_these)) if rows else []


def _with_lines(rows: Sequence[Row[Any]], lines_found: Iterable[Row[Any]]) -> list[Order]:
    lines: dict[str, list[OrderLine]] = {row.id: [] for row in rows}
    for line in lines_found:
        lines[line.order_id].append(
            OrderLine(ProductId(line.product_id), line.quantity, line.price_minor, Tier(line.tier), line.credits)
        )
    return [_order(row, lines[row.id]) for row in rows]


def _order(row: Row[Any], lines: Sequence[OrderLine]) -> Order:
    return Order(
        id=OrderId(row.id),
        show=ShowId(row.show_id),
        user=UserId(row.user_id),
        state=OrderState(row.state),
        amount_minor=row.amount_minor,
        currency=row.currency,
        lines=tuple(lines),
        expires_ms=row.expires_ms,
        key=row.key,
        body_hash=row.body_hash,
        provider=row.provider,
        payment=row.payment_id,
        pay_url=row.pay_url,
        version=row.version,
        created_ms=row.created_ms,
        paid_ms=row.paid_ms,
        closed_ms=row.closed_ms,
    )
