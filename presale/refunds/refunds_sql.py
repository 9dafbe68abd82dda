"""Refunds in SQL, and what a change of a show opens."""

from typing import Any

from sqlalchemy import ColumnElement, Row, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from auth.identity import ShowId, UserId
from auth.situation import Phase
from presale.catalogue import announcements_sql, shows_sql
from presale.catalogue.shows import Show
from presale.orders.orders import OrderId, OrderState
from presale.refunds.events import RefundsOpened
from presale.refunds.jobs import QUERY_DOUBLED_JOB, QUERY_JOB
from presale.refunds.refunds import Refund, RefundId, RefundProgress, open_until, opened
from presale.tables_sql import orders, refunds
from store.database_sql import RacedError, UnitOfWork


async def load(connection: AsyncConnection, refund: RefundId) -> Refund | None:
    """A refund by its id."""
    return await _newest(connection, refunds.c.id == refund)


async def load_latest(connection: AsyncConnection, order: OrderId) -> Refund | None:
    """The newest refund of an order, however it ended."""
    return await _newest(connection, _of_order(order))


async def list_seated(connection: AsyncConnection, show: ShowId, user: UserId) -> set[OrderId]:
    """The user's orders whose open refund gives the ticket back if it fails."""
    chosen = (
        select(refunds.c.order_id)
        .join(orders, orders.c.id == refunds.c.order_id)
        .where(orders.c.show_id == show, orders.c.user_id == user, orders.c.state == OrderState.REFUNDING)
        .where(refunds.c.state == RefundProgress.REQUESTED, refunds.c.seated)
    )
    return {OrderId(number) for (number,) in await connection.execute(chosen)}


async def change_show(uow: UnitOfWork, before: Show, after: Show, *, was: Phase, phase: Phase) -> Show:
    """Write down how a show has changed, and tell those with a ticket where they may return it again.

    `was` and `phase` are those of its room before and after. RacedError where the show is not what was read.
    """
    after = opened(before, after, was, phase, uow.now_ms)
    if after == before:
        return before
    changed = await shows_sql.update(uow, after)
    if changed.refunds_opened_ms is not None and changed.refunds_opened_ms != before.refunds_opened_ms:
        told = RefundsOpened(changed.id, changed.refunds_opened_ms, open_until(changed))
        await announcements_sql.emit(uow, changed, told)
    return changed


async def ask_later(uow: UnitOfWork, refund: Refund, run_at_ms: int) -> None:
    """Have the provider asked what became of a refund."""
    kind = QUERY_JOB if refund.doubled is None else QUERY_DOUBLED_JOB
    await uow.enqueue(kind, refund.id, refund.id.encode(), run_at_ms)


async def insert_refund(uow: UnitOfWork, refund: Refund) -> None:
    """Write a new refund."""
    await uow.connection.execute(
        insert(refunds).values(
            id=refund.id,
            order_id=refund.order,
            state=refund.state,
            amount_minor=refund.amount_minor,
            currency=refund.currency,
            withdrawn_credits=refund.withdrawn_credits,
            seated=refund.seated,
            reason=refund.reason,
            by_user=refund.by,
            doubled_payment_id=refund.doubled,
            created_ms=refund.created_ms,
        )
    )


async def write_settled(uow: UnitOfWork, refund: Refund) -> None:
    """Write that a refund is over. RacedError where it is over already."""
    changed = update(refunds).where(refunds.c.id == refund.id, refunds.c.state == RefundProgress.REQUESTED)
    values = {"state": refund.state, "settled_ms": refund.settled_ms}
    if (await uow.connection.execute(changed.values(values))).rowcount != 1:
        raise RacedError(refund.id)


def _of_order(order: OrderId) -> ColumnElement[bool]:
    """What returns the order itself, and not money that came beside it."""
    return (refunds.c.order_id == order) & refunds.c.doubled_payment_id.is_(None)


async def _newest(connection: AsyncConnection, *conditions: ColumnElement[bool]) -> Refund | None:
    chosen = select(refunds).where(*conditions).order_by(refunds.c.created_ms.desc(), refunds.c.id.desc()).limit(1)
    row = (await connection.execute(chosen)).one_or_none()
    return None if row is None else _refund(row)


def _refund(row: Row[Any]) -> Refund:
    return Refund(
        id=RefundId(row.id),
        order=OrderId(row.order_id),
        state=RefundProgress(row.state),
        amount_minor=row.amount_minor,
        currency=row.currency,
        withdrawn_credits=row.withdrawn_credits,
        seated=row.seated,
        reason=row.reason,
        by=None if row.by_user is None else UserId(row.by_user),
        doubled=row.doubled_payment_id,
        created_ms=row.created_ms,
        settled_ms=row.settled_ms,
    )
