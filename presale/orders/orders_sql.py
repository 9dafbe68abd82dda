"""Orders in SQL: placing them on held seats, and every step of their state machine."""

from collections.abc import Collection, Iterable, Sequence
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Row, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from auth.composed import composed_key
from auth.denials import Code, Denied
from auth.identity import ShowId, Tier, UserId
from presale.catalogue import announcements_sql, shows_sql, stock_sql
from presale.catalogue.shows import ProductId, Show
from presale.orders.events import told
from presale.orders.holding import MAX_ENDED, Held, HoldLimits, doubled, held, limit_unpaid, wait_after_unpaid
from presale.orders.orders import (
    STANDING,
    Order,
    OrderEvent,
    OrderId,
    OrderItem,
    OrderLine,
    OrderState,
    PaymentProgress,
    amount_minor,
    body_hash,
    price,
    step,
)
from presale.tables_sql import order_lines, orders, payments
from store.database_sql import RacedError, UnitOfWork

EXPIRE_JOB = "order.expire"
QUERY_JOB = "order.query"
END_JOB = "order.end"
"""All three carry the order id as payload. The last closes an unpaid order that must not be paid any more."""
END_ALL_JOB = "order.end_all"
"""Carries the id of a show that sells no more: an `END_JOB` follows for each of its unpaid orders."""
CLOSE_PAYMENT_JOB = "payment.close"
"""Carries the id of an attempt to pay that a later one has replaced."""
SILENT_MS = 300_000
"""An order that nobody has reported anything about for this long is asked for."""
LAST_QUERY_MS = 600_000
"""A closed order is asked for once more after this long: its callback may have been lost."""
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


async def place(
    uow: UnitOfWork,
    *,
    show: Show,
    user: UserId,
    key: str,
    items: Sequence[OrderItem],
    provider: str,
    limits: HoldLimits,
    may_return: Collection[OrderId] = (),
    again: bool = False,
) -> Order | Held | Denied:
    """Hold the seats and write the order; its expiry is scheduled and both are announced.

    The same key with the same body answers the order as it stands now, with another body IDEMPOTENCY_REUSED.
    `Held` is the buyer's order that makes this one pointless; RATE_LIMITED, who has to wait before holding seats
    unpaid; SOLD_OUT names the product. They change nothing. Whether sales are open is the caller's
    to check, and so are the orders that `may_return`: see `holding.held`.
    """
    await take_turn(uow, user)
    await shows_sql.take_turn(uow, show.id)
    asked = body_hash(show.id, items, provider, again=again)
    known = await load_by_key(uow.connection, user, key)
    if known is not None:
        return known if known.body_hash == asked else Denied(Code.IDEMPOTENCY_REUSED)
    products = {product.id: product for product in await shows_sql.list_products(uow.connection, show.id)}
    lines = price(items, products)
    if isinstance(lines, Denied):
        return lines
    own = await list_own(uow.connection, show.id, user)
    repeatable = {product.id for product in products.values() if product.repeatable}
    having = held(lines, own, repeatable, again=again, may_return=may_return)
    if having is not None:
        return having
    pointless = doubled(lines, repeatable)
    if pointless is not None:
        return pointless
    wait_ms = wait_after_unpaid(lines, own, limits, uow.now_ms)
    if wait_ms:
        return Denied(Code.RATE_LIMITED, retry_after_ms=wait_ms)
    too_many = limit_unpaid(lines, await list_unpaid(uow.connection, user), limits, uow.now_ms)
    if too_many is not None:
        return too_many
    sold_out = await stock_sql.hold(uow, lines)
    if sold_out is not None:
        return Denied(Code.SOLD_OUT, detail={"product": sold_out})
    order = Order(
        id=OrderId(uow.new_id()),
        show=show.id,
        user=user,
        state=OrderState.PENDING,
        amount_minor=amount_minor(lines),
        currency=show.currency,
        lines=lines,
        expires_ms=uow.now_ms + limits.order_ttl_ms,
        key=key,
        body_hash=asked,
        provider=provider,
        payment=uow.new_id(),
        pay_url=None,
        version=1,
        created_ms=uow.now_ms,
    )
    await _insert(uow, order)
    await uow.enqueue(EXPIRE_JOB, order.id, order.id.encode(), order.expires_ms)
    if limits.order_ttl_ms > SILENT_MS:
        await uow.enqueue(QUERY_JOB, order.id, order.id.encode(), uow.now_ms + SILENT_MS)
    await order_changed(uow, show, order)
    await announcements_sql.sales_changed(uow, show)
    return order


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
    changed = await _write(uow, current, {"pay_url": pay_url})
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
    renewed = await _write(uow, current, {"payment": uow.new_id(), "pay_url": None})
    await _insert_attempt(uow, renewed)
    await order_changed(uow, show, renewed)
    return renewed


async def close(
    uow: UnitOfWork, show: Show, order: Order, event: OrderEvent, progress: PaymentProgress = PaymentProgress.CLOSED
) -> Order | Denied:
    """End a pending order unpaid (`expire` or `cancel`): its seats are free again, its payment ends as `progress`."""
    await shows_sql.take_turn(uow, show.id)
    closed = await advance(uow, order, event, closed_ms=uow.now_ms)
    if isinstance(closed, Denied):
        return closed
    await stock_sql.release(uow, order.lines)
    await _end_attempt(uow, order.payment, progress)
    await uow.enqueue(QUERY_JOB, composed_key("closed", order.id), order.id.encode(), uow.now_ms + LAST_QUERY_MS)
    await order_changed(uow, show, closed)
    await announcements_sql.sales_changed(uow, show)
    return closed


async def paid_by(uow: UnitOfWork, order: Order, payment: str) -> Order:
    """An earlier attempt, thought closed, is the one that brings the money."""
    return await _write(uow, order, {"payment": payment})


async def is_superseded(connection: AsyncConnection, order: Order) -> bool:
    """Whether the buyer's paid orders make this one, or a part of it, pointless: nobody pays twice for one thing."""
    paid = [other for other in await list_own(connection, order.show, order.user) if other.state is OrderState.PAID]
    if not paid:
        return False
    return held(order.lines, paid, await _repeatable(connection, order.show), again=True) is not None


async def list_covered(connection: AsyncConnection, kept: Order, since_ms: int) -> list[Order]:
    """The buyer's orders paid since then that the paid order `kept` makes pointless, oldest first."""
    own = await list_own(connection, kept.show, kept.user)
    later = [
        other
        for other in own
        if other.id != kept.id and other.state is OrderState.PAID and (other.paid_ms or 0) >= since_ms
    ]
    repeatable = await _repeatable(connection, kept.show)
    return [other for other in later if held(other.lines, [kept], repeatable, again=True) is not None]


async def advance(uow: UnitOfWork, order: Order, event: OrderEvent, **changes: Any) -> Order | Denied:
    """One step of the state machine, compare-and-set on the version. Seats and rights are the caller's to move."""
    state = step(order.state, event)
    if isinstance(state, Denied):
        return state
    return await _write(uow, order, {"state": state, **changes})


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


async def _repeatable(connection: AsyncConnection, show: ShowId) -> set[ProductId]:
    return {product.id for product in await shows_sql.list_products(connection, show) if product.repeatable}


async def _write(uow: UnitOfWork, order: Order, changes: dict[str, Any]) -> Order:
    values = {**changes, "version": order.version + 1}
    columns = {_COLUMNS.get(name, name): value for name, value in values.items()}
    changed = update(orders).where(orders.c.id == order.id, orders.c.version == order.version)
    if (await uow.connection.execute(changed.values(**columns))).rowcount != 1:
        raise RacedError(order.id)
    return msgspec.structs.replace(order, **values)


async def _insert(uow: UnitOfWork, order: Order) -> None:
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
