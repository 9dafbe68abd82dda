"""Recount everything the box office claims: ledger, seats, rights, the money behind each order, work given up."""

from collections import defaultdict
from collections.abc import AsyncIterator
from typing import Any

from sqlalchemy import Select, and_, case, exists, func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from auth.identity import Tier
from presale.audit import ledger_audit_sql
from presale.catalogue.currencies import is_currency, spoken
from presale.entitlements.entitlements import tier_of
from presale.orders.orders import HOLDING_MONEY, OrderState, PaymentProgress
from presale.refunds.refunds import RefundProgress
from presale.tables_sql import (
    entitlement_changes,
    entitlements,
    ledger_balances,
    ledger_entries,
    order_lines,
    orders,
    payments,
    products,
    refunds,
    shows,
)
from store.findings import Finding
from store.tables_sql import JobState, jobs


async def audit(connection: AsyncConnection) -> list[Finding]:
    """Everything that does not add up; an empty list means the books are right. Reads one snapshot."""
    findings: list[Finding] = []
    for check in (
        _unbalanced_transactions,
        _wrong_balances,
        _wrong_seats,
        _wrong_entitlements,
        _wrong_histories,
        _wrong_amounts,
        _wrong_refunds,
        _refunds_without_reason,
        _stuck_money,
        _unknown_currencies,
        _free_credits,
        _dead_jobs,
    ):
        findings.extend([finding async for finding in check(connection)])
    return findings + await ledger_audit_sql.money_unlike_sources(connection)


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


async def _wrong_amounts(connection: AsyncConnection) -> AsyncIterator[Finding]:
    """Sums that were written down once, against what they were made of."""
    summed = func.sum(order_lines.c.price_minor * order_lines.c.quantity)
    lines = select(order_lines.c.order_id, summed.label("total")).group_by(order_lines.c.order_id).subquery()
    chosen = (
        select(orders, lines.c.total, shows.c.currency.label("priced_in"))
        .join(shows, shows.c.id == orders.c.show_id)
        .outerjoin(lines, lines.c.order_id == orders.c.id)
        .where(
            or_(
                orders.c.amount_minor != func.coalesce(lines.c.total, 0),
                orders.c.currency != shows.c.currency,
            )
        )
    )
    for row in await connection.execute(chosen):
        says = f"costs {spoken(row.amount_minor, row.currency)}, its lines {spoken(int(row.total or 0), row.priced_in)}"
        yield Finding("orders.amount", row.id, says)
    asked = (
        select(payments, orders.c.amount_minor.label("costs"), orders.c.currency.label("priced_in"), orders.c.state)
        .join(orders, orders.c.id == payments.c.order_id)
        .order_by(payments.c.id)
    )
    for row in await connection.execute(asked):
        if (row.amount_minor, row.currency) != (row.costs, row.priced_in):
            costs = spoken(row.costs, row.priced_in)
            says = f"asks for {spoken(row.amount_minor, row.currency)}, its order costs {costs}"
            yield Finding("payments.amount", row.id, says)
        if row.progress == PaymentProgress.PAID and row.state not in HOLDING_MONEY:
            yield Finding("payments.order", row.id, f"is paid, and its order {row.order_id} is {row.state}")


async def _wrong_refunds(connection: AsyncConnection) -> AsyncIterator[Finding]:
    """No order gives back more than it took, nor twice."""
    included = func.sum(order_lines.c.credits * order_lines.c.quantity)
    lines = select(order_lines.c.order_id, included.label("credits")).group_by(order_lines.c.order_id).subquery()
    chosen = (
        select(refunds, orders.c.amount_minor.label("costs"), orders.c.currency.label("priced_in"), lines.c.credits)
        .join(orders, orders.c.id == refunds.c.order_id)
        .outerjoin(lines, lines.c.order_id == orders.c.id)
        .order_by(refunds.c.id)
    )
    done: set[tuple[str, str | None]] = set()
    for row in await connection.execute(chosen):
        if row.amount_minor > row.costs or row.currency != row.priced_in:
            gives, costs = spoken(row.amount_minor, row.currency), spoken(row.costs, row.priced_in)
            says = f"gives {gives} back, its order costs {costs}"
            yield Finding("refunds.amount", row.id, says)
        if row.withdrawn_credits > (row.credits or 0):
            says = f"takes {row.withdrawn_credits} credits back, its order brought {int(row.credits or 0)}"
            yield Finding("refunds.amount", row.id, says)
        if row.state == RefundProgress.SUCCEEDED:
            if (row.order_id, row.doubled_payment_id) in done:
                yield Finding("refunds.twice", row.order_id, "was refunded more than once")
            done.add((row.order_id, row.doubled_payment_id))


async def _refunds_without_reason(connection: AsyncConnection) -> AsyncIterator[Finding]:
    is_its_own = refunds.c.doubled_payment_id.is_(None)
    succeeded = select(refunds.c.order_id).where(refunds.c.state == RefundProgress.SUCCEEDED, is_its_own)
    baseless = select(orders.c.id).where(orders.c.state == OrderState.REFUNDED, orders.c.id.not_in(succeeded))
    for row in await connection.execute(baseless):
        yield Finding("refunds.order", row.id, "refunded without a refund that succeeded")


async def _stuck_money(connection: AsyncConnection) -> AsyncIterator[Finding]:
    mismatched = select(payments).where(payments.c.progress == PaymentProgress.MISMATCHED)
    for row in await connection.execute(mismatched):
        yield Finding("payments.mismatched", row.id, f"{row.provider} holds other money than asked, of {row.order_id}")
    is_its_own = refunds.c.doubled_payment_id.is_(None)
    running = select(refunds.c.order_id).where(refunds.c.state == RefundProgress.REQUESTED, is_its_own)
    stuck = select(orders.c.id).where(orders.c.state == OrderState.REFUNDING, orders.c.id.not_in(running))
    for row in await connection.execute(stuck):
        yield Finding("refunds.stuck", row.id, "money came too late and could not be returned: request a refund again")
    returning = select(refunds.c.doubled_payment_id).where(
        refunds.c.doubled_payment_id.is_not(None), refunds.c.state != RefundProgress.FAILED
    )
    doubled = (
        select(payments)
        .join(orders, orders.c.id == payments.c.order_id)
        .where(
            payments.c.progress == PaymentProgress.PAID,
            payments.c.id != orders.c.payment_id,
            payments.c.id.not_in(returning),
        )
    )
    for row in await connection.execute(doubled):
        says = f"{row.provider} took money a second time, of {row.order_id}, and it could not be returned"
        yield Finding("payments.doubled", row.id, says)


async def _free_credits(connection: AsyncConnection) -> AsyncIterator[Finding]:
    """Shows of versions that took gift credits without a price."""
    sold = exists().where(products.c.show_id == shows.c.id, products.c.credits > 0)
    chosen = select(shows.c.id).where(shows.c.credit_minor == 0, sold).order_by(shows.c.id)
    for row in await connection.execute(chosen):
        says = "sells gift credits and names no price of a spent one: set credit_minor, until then refunds take a share"
        yield Finding("shows.credits", row.id, says)


async def _unknown_currencies(connection: AsyncConnection) -> AsyncIterator[Finding]:
    """Shows of versions that took any three letters."""
    for row in await connection.execute(select(shows.c.id, shows.c.currency).order_by(shows.c.id)):
        if not is_currency(row.currency):
            yield Finding(
                "shows.currency", row.id, f"is priced in {row.currency}, which is no currency of ISO 4217 today"
            )


async def _dead_jobs(connection: AsyncConnection) -> AsyncIterator[Finding]:
    dead = select(jobs).where(jobs.c.state == JobState.DEAD).order_by(jobs.c.id)
    for row in await connection.execute(dead):
        yield Finding("jobs.dead", f"{row.kind}:{row.key}", row.error or "its worker crashed every time")


async def _sums(connection: AsyncConnection, chosen: Select[Any]) -> dict[tuple[str, str], int]:
    return {(account, unit): amount for account, unit, amount in await connection.execute(chosen)}
