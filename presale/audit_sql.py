"""Recount everything the box office claims: ledger, seats, rights, the money behind each order, work given up."""

from collections import defaultdict
from collections.abc import AsyncIterator
from typing import Any

from msgspec import Struct
from sqlalchemy import Select, and_, case, func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from auth.identity import Tier
from presale.entitlements import tier_of
from presale.ledger import PostingKind
from presale.orders import OrderState, PaymentProgress
from presale.refunds import RefundProgress
from presale.tables_sql import (
    entitlement_changes,
    entitlements,
    ledger_balances,
    ledger_entries,
    ledger_transactions,
    order_lines,
    orders,
    payments,
    products,
    refunds,
)
from store.tables_sql import JobState, jobs

_HOLDING_MONEY = (OrderState.PAID, OrderState.REFUNDING, OrderState.REFUNDED)


class Finding(Struct, frozen=True):
    """One claim that does not hold."""

    check: str
    subject: str
    detail: str


async def audit(connection: AsyncConnection) -> list[Finding]:
    """Everything that does not add up; an empty list means the books are right. Reads one snapshot."""
    findings: list[Finding] = []
    for check in (
        _unbalanced_transactions,
        _wrong_balances,
        _wrong_seats,
        _wrong_entitlements,
        _wrong_histories,
        _orders_without_money,
        _refunds_without_money,
        _stuck_money,
        _dead_jobs,
    ):
        findings.extend([finding async for finding in check(connection)])
    return findings


async def _unbalanced_transactions(connection: AsyncConnection) -> AsyncIterator[Finding]:
    total = func.sum(ledger_entries.c.amount)
    chosen = (
        select(ledger_entries.c.transaction_id, ledger_entries.c.unit, total.label("total"))
        .group_by(ledger_entries.c.transaction_id, ledger_entries.c.unit)
        .having(total != 0)
    )
    for row in await connection.execute(chosen):
        yield Finding("ledger.balanced", row.transaction_id, f"entries in {row.unit} sum to {row.total}, not 0")


async def _wrong_balances(connection: AsyncConnection) -> AsyncIterator[Finding]:
    booked = await _sums(
        connection,
        select(ledger_entries.c.account, ledger_entries.c.unit, func.sum(ledger_entries.c.amount)).group_by(
            ledger_entries.c.account, ledger_entries.c.unit
        ),
    )
    held = await _sums(connection, select(ledger_balances.c.account, ledger_balances.c.unit, ledger_balances.c.balance))
    for account, unit in sorted(booked.keys() | held.keys()):
        entries, balance = booked.get((account, unit), 0), held.get((account, unit), 0)
        if entries != balance:
            yield Finding("ledger.balance", account, f"balance {balance} {unit}, entries sum to {entries}")
        if balance < 0 and account.startswith("wallet:"):
            yield Finding("ledger.wallet", account, f"balance {balance} {unit} is below zero")


async def _wrong_seats(connection: AsyncConnection) -> AsyncIterator[Finding]:
    awaits_refund = (
        select(refunds.c.order_id)
        .where(refunds.c.state == RefundProgress.REQUESTED, refunds.c.seated.is_(True))
        .scalar_subquery()
    )
    is_held = or_(
        orders.c.state == OrderState.PENDING,
        and_(orders.c.state == OrderState.REFUNDING, orders.c.id.in_(awaits_refund)),
    )
    quantity = order_lines.c.quantity
    counted = (
        select(
            order_lines.c.product_id,
            func.sum(case((orders.c.state == OrderState.PAID, quantity), else_=0)).label("sold"),
            func.sum(case((is_held, quantity), else_=0)).label("held"),
        )
        .join(orders, orders.c.id == order_lines.c.order_id)
        .group_by(order_lines.c.product_id)
    )
    seats = {row.product_id: (row.sold, row.held) for row in await connection.execute(counted)}
    for row in await connection.execute(select(products).order_by(products.c.id)):
        sold, held = seats.get(row.id, (0, 0))
        if row.sold != sold:
            yield Finding("seats.sold", row.id, f"sold {row.sold}, orders say {sold}")
        if row.held != held:
            yield Finding("seats.held", row.id, f"held {row.held}, orders say {held}")
        if row.sold + row.held > row.capacity:
            yield Finding("seats.capacity", row.id, f"sold {row.sold} + held {row.held} exceed {row.capacity}")


async def _wrong_entitlements(connection: AsyncConnection) -> AsyncIterator[Finding]:
    live = (
        select(orders.c.show_id, orders.c.user_id, order_lines.c.tier)
        .join(order_lines, orders.c.id == order_lines.c.order_id)
        .where(orders.c.state == OrderState.PAID)
    )
    bought: dict[tuple[str, str], list[Tier]] = defaultdict(list)
    for row in await connection.execute(live):
        bought[row.show_id, row.user_id].append(Tier(row.tier))
    chosen = select(entitlements.c.show_id, entitlements.c.user_id, entitlements.c.tier)
    given = {(row.show_id, row.user_id): Tier(row.tier) for row in await connection.execute(chosen)}
    for show, user in sorted(bought.keys() | given.keys()):
        due, has = tier_of(bought.get((show, user), ())), given.get((show, user), Tier.NONE)
        if due is not has:
            yield Finding("entitlements.tier", f"{show}:{user}", f"holds {has}, paid orders are worth {due}")


async def _wrong_histories(connection: AsyncConnection) -> AsyncIterator[Finding]:
    changes = entitlement_changes
    chosen = (
        select(entitlements.c.show_id, entitlements.c.user_id, entitlements.c.version)
        .outerjoin(
            changes,
            and_(
                changes.c.show_id == entitlements.c.show_id,
                changes.c.user_id == entitlements.c.user_id,
                changes.c.version == entitlements.c.version,
                changes.c.tier == entitlements.c.tier,
            ),
        )
        .where(changes.c.version.is_(None))
    )
    for row in await connection.execute(chosen):
        subject = f"{row.show_id}:{row.user_id}"
        yield Finding("entitlements.history", subject, f"no record of version {row.version}")


async def _orders_without_money(connection: AsyncConnection) -> AsyncIterator[Finding]:
    received = _moved(PostingKind.PAYMENT)
    chosen = (
        select(orders.c.id, orders.c.amount_minor, received.c.amount)
        .outerjoin(received, received.c.key == "payment:" + orders.c.payment_id)
        .where(
            orders.c.state.in_(_HOLDING_MONEY),
            or_(received.c.amount.is_(None), received.c.amount != orders.c.amount_minor),
        )
    )
    for row in await connection.execute(chosen):
        yield Finding("orders.money", row.id, f"costs {row.amount_minor}, the ledger received {row.amount or 0}")


async def _refunds_without_money(connection: AsyncConnection) -> AsyncIterator[Finding]:
    returned = _moved(PostingKind.REFUND)
    done = (
        select(refunds.c.id, refunds.c.amount_minor, returned.c.amount)
        .outerjoin(returned, returned.c.key == "refund:" + refunds.c.id)
        .where(
            refunds.c.state == RefundProgress.SUCCEEDED,
            or_(returned.c.amount.is_(None), returned.c.amount != -refunds.c.amount_minor),
        )
    )
    for row in await connection.execute(done):
        yield Finding("refunds.money", row.id, f"gave back {row.amount_minor}, the ledger {-(row.amount or 0)}")
    succeeded = select(refunds.c.order_id).where(refunds.c.state == RefundProgress.SUCCEEDED)
    baseless = select(orders.c.id).where(orders.c.state == OrderState.REFUNDED, orders.c.id.not_in(succeeded))
    for row in await connection.execute(baseless):
        yield Finding("refunds.order", row.id, "refunded without a refund that succeeded")


async def _stuck_money(connection: AsyncConnection) -> AsyncIterator[Finding]:
    mismatched = select(payments).where(payments.c.progress == PaymentProgress.MISMATCHED)
    for row in await connection.execute(mismatched):
        yield Finding("payments.mismatched", row.id, f"{row.provider} holds other money than asked, of {row.order_id}")
    running = select(refunds.c.order_id).where(refunds.c.state == RefundProgress.REQUESTED)
    stuck = select(orders.c.id).where(orders.c.state == OrderState.REFUNDING, orders.c.id.not_in(running))
    for row in await connection.execute(stuck):
        yield Finding("refunds.stuck", row.id, "money came too late and could not be returned: request a refund again")


async def _dead_jobs(connection: AsyncConnection) -> AsyncIterator[Finding]:
    dead = select(jobs).where(jobs.c.state == JobState.DEAD).order_by(jobs.c.id)
    for row in await connection.execute(dead):
        yield Finding("jobs.dead", f"{row.kind}:{row.key}", row.error or "its worker crashed every time")


def _moved(kind: PostingKind) -> Any:
    """What postings of a kind did to the providers' accounts, by posting key."""
    return (
        select(ledger_transactions.c.key, func.sum(ledger_entries.c.amount).label("amount"))
        .join(ledger_entries, ledger_entries.c.transaction_id == ledger_transactions.c.id)
        .where(ledger_transactions.c.kind == kind, ledger_entries.c.account.like("provider:%"))
        .group_by(ledger_transactions.c.key)
        .subquery()
    )


async def _sums(connection: AsyncConnection, chosen: Select[Any]) -> dict[tuple[str, str], int]:
    return {(account, unit): amount for account, unit, amount in await connection.execute(chosen)}
