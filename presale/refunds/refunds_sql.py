"""Refunds in SQL: rights and seats move in the transaction that requests one, money when the provider has settled."""

from typing import Any

from sqlalchemy import ColumnElement, Row, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from auth.denials import Code, Denied
from auth.identity import ShowId, UserId
from auth.situation import Phase
from presale.books import ledger, ledger_sql, revenue_sql, wallet_sql
from presale.catalogue import announcements_sql, shows_sql, stock_sql
from presale.catalogue.shows import Show
from presale.entitlements import entitlements_sql
from presale.entitlements.entitlements import EntitlementReason
from presale.orders import orders_sql
from presale.orders.orders import Order, OrderEvent, OrderId, OrderState
from presale.refunds.events import MoneyReturning, RefundFailed, RefundsOpened
from presale.refunds.refunds import Refund, RefundId, RefundProgress, open_until, opened, terms
from presale.tables_sql import orders, refunds
from store.database_sql import RacedError, UnitOfWork

SUBMIT_JOB = "refund.submit"
QUERY_JOB = "refund.query"
SUBMIT_DOUBLED_JOB = "refund.submit_doubled"
QUERY_DOUBLED_JOB = "refund.query_doubled"
"""All carry the refund id as payload. Money of a second attempt has kinds of its own: code from before it was returned
would return the order's instead."""


async def load(connection: AsyncConnection, refund: RefundId) -> Refund | None:
    """A refund by its id."""
    return await _newest(connection, refunds.c.id == refund)


async def load_open(connection: AsyncConnection, order: OrderId) -> Refund | None:
    """The refund of an order that is not settled yet."""
    return await _newest(connection, _of_order(order), refunds.c.state == RefundProgress.REQUESTED)


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


async def request(uow: UnitOfWork, show: Show, order: Order, *, by: UserId, reason: str) -> Refund | Denied:
    """End the rights of a paid order now and schedule the return of its money. Seats stay reserved until it settled.

    An order with an open refund answers that one, a refunded one the one that succeeded: the same request again gets
    the same answer. ORDER_STATE if there is nothing to return.
    """
    await entitlements_sql.take_turn(uow, show.id, order.user)
    await shows_sql.take_turn(uow, show.id)
    order = await orders_sql.load(uow.connection, order.id) or order  # as it stands now that nobody else moves it
    if order.state is OrderState.REFUNDED:
        done = await load_latest(uow.connection, order.id)
        assert done is not None, "nothing else makes an order refunded"
        return done
    if order.state is OrderState.REFUNDING:
        running = await load_open(uow.connection, order.id)
        if running is not None:
            return running
        # money that came too late and could not be returned: try again
        return await _open(uow, order, order.amount_minor, 0, seated=False, by=by, reason=reason)
    return await _return_paid(uow, show, order, by=by, reason=reason)


async def _return_paid(uow: UnitOfWork, show: Show, order: Order, *, by: UserId | None, reason: str) -> Refund | Denied:
    refunding = await orders_sql.advance(uow, order, OrderEvent.REQUEST_REFUND)
    if isinstance(refunding, Denied):
        return refunding
    wallet = await wallet_sql.load_locked(uow, show.id, order.user)
    agreed = terms(order, wallet.credits, show.credit_minor)
    refund = await _open(uow, order, agreed.amount_minor, agreed.withdrawn_credits, seated=True, by=by, reason=reason)
    await stock_sql.hold_sold(uow, order.lines)
    if agreed.withdrawn_credits:
        await ledger_sql.post(uow, ledger.credits_withdrawn(refund.id, show.id, order.user, agreed.withdrawn_credits))
        await wallet_sql.wallet_changed(uow, show, order.user)
    await entitlements_sql.recalculate(uow, show, order.user, EntitlementReason.REFUND)
    await orders_sql.order_changed(uow, show, refunding)
    await announcements_sql.sales_changed(uow, show)
    return refund


async def return_unwanted(uow: UnitOfWork, show: Show, order: Order) -> Order | Denied:
    """Schedule the return of money that buys nothing any more, and tell the buyer. The order holds no seats."""
    refunding = await orders_sql.advance(uow, order, OrderEvent.PAY_UNWANTED, paid_ms=uow.now_ms)
    if isinstance(refunding, Denied):
        return refunding
    refund = await _open(uow, order, order.amount_minor, 0, seated=False, by=None, reason="late payment")
    await announcements_sql.emit(uow, show, MoneyReturning(order.user, show.id, refund.id, order.id, uow.now_ms))
    await orders_sql.order_changed(uow, show, refunding)
    await revenue_sql.revenue_changed(uow, show)
    return refunding


async def return_doubled(uow: UnitOfWork, show: Show, order: Order, payment: str) -> None:
    """Schedule the return of money that a second attempt brought, and tell the buyer. The order stays as it is."""
    refund = await _open(uow, order, order.amount_minor, 0, seated=False, by=None, reason="paid twice", doubled=payment)
    await announcements_sql.emit(uow, show, MoneyReturning(order.user, show.id, refund.id, order.id, uow.now_ms))
    await revenue_sql.revenue_changed(uow, show)


async def ask_later(uow: UnitOfWork, refund: Refund, run_at_ms: int) -> None:
    """Have the provider asked what became of a refund."""
    kind = QUERY_JOB if refund.doubled is None else QUERY_DOUBLED_JOB
    await uow.enqueue(kind, refund.id, refund.id.encode(), run_at_ms)


async def settle(uow: UnitOfWork, show: Show, refund: Refund, *, succeeded: bool, admits: bool) -> Refund | Denied:
    """Book what the provider did. A settled refund stays as it is, whatever is reported later.

    Success frees the seats and books the money. Failure gives seats, credits and rights back, and what the buyer paid
    meanwhile for the same thing goes back by itself; for money that bought nothing it admits the order if it may be had
    now (`admits`, and there are free seats), else the order stays `refunding` for the staff.
    """
    await shows_sql.take_turn(uow, show.id)
    order = await orders_sql.load(uow.connection, refund.order)
    if order is None:
        return Denied(Code.NOT_FOUND)
    if refund.state is not RefundProgress.REQUESTED:
        return refund
    state = RefundProgress.SUCCEEDED if succeeded else RefundProgress.FAILED
    changed = update(refunds).where(refunds.c.id == refund.id, refunds.c.state == RefundProgress.REQUESTED)
    if (await uow.connection.execute(changed.values(state=state, settled_ms=uow.now_ms))).rowcount != 1:
        raise RacedError(refund.id)
    if succeeded:
        await _succeed(uow, show, order, refund)
    else:
        await _fail(uow, show, order, refund, admits=admits)
    settled = await load(uow.connection, refund.id)
    return settled if settled is not None else Denied(Code.NOT_FOUND)


async def _succeed(uow: UnitOfWork, show: Show, order: Order, refund: Refund) -> None:
    await ledger_sql.post(
        uow, ledger.money_returned(refund.id, show.id, order.provider, refund.currency, refund.amount_minor)
    )
    if refund.doubled is not None:
        await revenue_sql.revenue_changed(uow, show)
        return
    refunded = _lawful(await orders_sql.advance(uow, order, OrderEvent.REFUND_SUCCEEDED))
    if refund.seated:
        await stock_sql.release(uow, order.lines)
        await announcements_sql.sales_changed(uow, show)
    await orders_sql.order_changed(uow, show, refunded)
    await revenue_sql.revenue_changed(uow, show)


async def _fail(uow: UnitOfWork, show: Show, order: Order, refund: Refund, *, admits: bool) -> None:
    await announcements_sql.emit(uow, show, RefundFailed(order.user, show.id, refund.id, order.id))
    if refund.doubled is not None:  # the audit tells the staff, who settle it at the provider
        return
    admits = admits and not await orders_sql.is_superseded(uow.connection, order)
    if refund.seated:
        await stock_sql.sell_held(uow, order.lines)
        posting = ledger.credits_returned(refund.id, show.id, order.user, refund.withdrawn_credits)
        credits_back = refund.withdrawn_credits
    elif admits and await stock_sql.sell_free(uow, order.lines) is None:
        posting = ledger.credits_granted(order.id, show.id, order.user, order.credits)
        credits_back = order.credits
    else:
        return
    paid = _lawful(await orders_sql.advance(uow, order, OrderEvent.REFUND_FAILED))
    if credits_back:
        await ledger_sql.post(uow, posting)
        await wallet_sql.wallet_changed(uow, show, order.user)
    await entitlements_sql.recalculate(uow, show, order.user, EntitlementReason.REFUND_FAILED)
    await orders_sql.order_changed(uow, show, paid)
    await announcements_sql.sales_changed(uow, show)
    if refund.seated:
        await _return_bought_meanwhile(uow, show, paid, refund.created_ms)


async def _return_bought_meanwhile(uow: UnitOfWork, show: Show, kept: Order, since_ms: int) -> None:
    """Return what was paid for while the refund of `kept` was open, and is pointless now that it stands again.

    What was bought before that was worth its money beside `kept`: a ticket that it has raised, for one.
    """
    for other in await orders_sql.list_covered(uow.connection, kept, since_ms):
        refund = await _return_paid(uow, show, other, by=None, reason="held already")
        assert isinstance(refund, Refund), "a paid order can be returned"
        await announcements_sql.emit(uow, show, MoneyReturning(other.user, show.id, refund.id, other.id, uow.now_ms))


def _lawful(order: Order | Denied) -> Order:
    if isinstance(order, Denied):
        raise AssertionError(f"an open refund on an order that is not refunding: {order}")  # noqa: TRY004
    return order


async def _open(
    uow: UnitOfWork,
    order: Order,
    amount_minor: int,
    withdrawn_credits: int,
    *,
    seated: bool,
    by: UserId | None,
    reason: str,
    doubled: str | None = None,
) -> Refund:
    refund = Refund(
        id=RefundId(uow.new_id()),
        order=order.id,
        state=RefundProgress.REQUESTED,
        amount_minor=amount_minor,
        currency=order.currency,
        withdrawn_credits=withdrawn_credits,
        seated=seated,
        reason=reason,
        by=by,
        doubled=doubled,
        created_ms=uow.now_ms,
    )
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
    kind = SUBMIT_JOB if doubled is None else SUBMIT_DOUBLED_JOB
    await uow.enqueue(kind, refund.id, refund.id.encode(), uow.now_ms)
    return refund


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
