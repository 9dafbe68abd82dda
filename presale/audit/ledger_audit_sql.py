"""The ledger against what it was booked for: every posting has its order, refund or gift, and each of these its own."""

from collections.abc import Iterable, Iterator, Mapping

from msgspec import Struct
from sqlalchemy import and_, exists, func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from auth.identity import ShowId, UserId
from presale.books import ledger
from presale.books.ledger import Posting, PostingKind
from presale.catalogue.currencies import is_currency, spoken
from presale.orders.orders import HOLDING_MONEY, OrderId, OrderState, PaymentProgress
from presale.refunds.refunds import RefundProgress
from presale.tables_sql import ledger_entries, ledger_transactions, order_lines, orders, payments, refunds
from store.findings import Finding

Moves = frozenset[tuple[str, str, int]]
"""What a posting does: account, unit and amount of each entry."""

CHECKS: Mapping[PostingKind, str] = {
    PostingKind.PAYMENT: "orders.money",
    PostingKind.REFUND: "refunds.money",
    PostingKind.CREDITS_GRANTED: "orders.credits",
    PostingKind.CREDITS_WITHDRAWN: "refunds.credits",
    PostingKind.CREDITS_RETURNED: "refunds.credits",
    PostingKind.CREDITS_SPENT: "gifts.credits",
}
"""Under which name what is wrong with a kind of posting is told."""


class Due(Struct, frozen=True):
    """What should be booked, and why."""

    subject: str
    """The order, refund or gift."""
    says: str
    """What it claims, as the beginning of a sentence."""
    posting: Posting
    or_else: Posting | None = None
    """The same as an older version booked it."""


async def unlike(connection: AsyncConnection, kind: PostingKind, dues: Iterable[Due]) -> list[Finding]:
    """Where the postings of a kind are not exactly what is due: one missing, one different, one for nothing."""
    return list(_compared(kind, await _booked(connection, kind), dues))


async def money_unlike_sources(connection: AsyncConnection) -> list[Finding]:
    """Where what payments, orders and refunds should have booked is not what was."""
    return [
        *await unlike(connection, PostingKind.PAYMENT, await _payments(connection)),
        *await unlike(connection, PostingKind.CREDITS_GRANTED, await _grants(connection)),
        *await unlike(connection, PostingKind.REFUND, await _refunds(connection)),
        *await unlike(connection, PostingKind.CREDITS_WITHDRAWN, await _withdrawals(connection)),
        *await unlike(connection, PostingKind.CREDITS_RETURNED, await _returns(connection)),
    ]


def _compared(kind: PostingKind, booked: dict[str, Moves], dues: Iterable[Due]) -> Iterator[Finding]:
    check = CHECKS[kind]
    for due in dues:
        # taken out: two that are due never share one booking
        found = booked.pop(due.posting.key, None)
        if found is None and due.or_else is not None:
            found = booked.pop(due.or_else.key, None)
        if found is None:
            yield Finding(check, due.subject, f"{due.says}, and the ledger booked nothing for it")
        elif found != _moves(due.posting):
            yield Finding(check, due.subject, f"{due.says}, and the ledger booked {_told(found)}")
    for key, moves in sorted(booked.items()):
        yield Finding(check, key, f"the ledger booked {_told(moves)} for what is not on record")


async def _booked(connection: AsyncConnection, kind: PostingKind) -> dict[str, Moves]:
    entries = ledger_entries.c
    chosen = (
        select(ledger_transactions.c.key, entries.account, entries.unit, entries.amount)
        .outerjoin(ledger_entries, entries.transaction_id == ledger_transactions.c.id)
        .where(ledger_transactions.c.kind == kind)
    )
    found: dict[str, set[tuple[str, str, int]]] = {}
    for key, account, unit, amount in await connection.execute(chosen):
        moves = found.setdefault(key, set())
        if account is not None:
            moves.add((account, unit, amount))
    return {key: frozenset(moves) for key, moves in found.items()}


def _moves(posting: Posting) -> Moves:
    return frozenset((entry.account, entry.unit, entry.amount) for entry in posting.entries)


def _told(moves: Moves) -> str:
    entries = (
        f"{spoken(amount, unit) if is_currency(unit) else f'{amount} {unit}'} at {account}"
        for account, unit, amount in sorted(moves)
    )
    return ", ".join(entries) or "no entries"


async def _payments(connection: AsyncConnection) -> list[Due]:
    """Every attempt that was paid, and the last one of every order that says so."""
    is_last = payments.c.id == orders.c.payment_id
    chosen = (
        select(payments, orders.c.show_id, orders.c.state)
        .join(orders, orders.c.id == payments.c.order_id)
        .where(or_(payments.c.progress == PaymentProgress.PAID, and_(is_last, orders.c.state.in_(HOLDING_MONEY))))
        .order_by(payments.c.order_id, payments.c.id)
    )
    return [
        Due(
            row.order_id,
            f"costs {spoken(row.amount_minor, row.currency)} and is {row.state}",
            ledger.money_received(row.id, ShowId(row.show_id), row.provider, row.currency, row.amount_minor),
        )
        for row in await connection.execute(chosen)
    ]


async def _grants(connection: AsyncConnection) -> list[Due]:
    """Credits come with an order that is paid, or was before it was returned with its seats."""
    was_returned = exists().where(refunds.c.order_id == orders.c.id, refunds.c.seated.is_(True))
    included = func.sum(order_lines.c.credits * order_lines.c.quantity)
    chosen = (
        select(orders.c.id, orders.c.show_id, orders.c.user_id, orders.c.state, included.label("credits"))
        .join(order_lines, order_lines.c.order_id == orders.c.id)
        .where(or_(orders.c.state == OrderState.PAID, was_returned))
        .group_by(orders.c.id, orders.c.show_id, orders.c.user_id, orders.c.state)
        .having(included > 0)
        .order_by(orders.c.id)
    )
    return [
        Due(
            row.id,
            f"brought {row.credits} credits and is {row.state}",
            ledger.credits_granted(OrderId(row.id), ShowId(row.show_id), UserId(row.user_id), int(row.credits)),
        )
        for row in await connection.execute(chosen)
    ]


async def _refunds(connection: AsyncConnection) -> list[Due]:
    chosen = _of_orders.where(refunds.c.state == RefundProgress.SUCCEEDED)
    return [
        Due(
            row.id,
            f"gave back {spoken(row.amount_minor, row.currency)}",
            ledger.money_returned(row.id, ShowId(row.show_id), row.provider, row.currency, row.amount_minor),
        )
        for row in await connection.execute(chosen)
    ]


async def _withdrawals(connection: AsyncConnection) -> list[Due]:
    chosen = _of_orders.where(refunds.c.withdrawn_credits > 0)
    return [
        Due(
            row.id,
            f"took back {row.withdrawn_credits} credits",
            ledger.credits_withdrawn(row.id, ShowId(row.show_id), UserId(row.user_id), row.withdrawn_credits),
        )
        for row in await connection.execute(chosen)
    ]


async def _returns(connection: AsyncConnection) -> list[Due]:
    chosen = _of_orders.where(refunds.c.withdrawn_credits > 0, refunds.c.state == RefundProgress.FAILED)
    return [
        Due(
            row.id,
            f"failed and gave {row.withdrawn_credits} credits again",
            ledger.credits_returned(row.id, ShowId(row.show_id), UserId(row.user_id), row.withdrawn_credits),
        )
        for row in await connection.execute(chosen)
    ]


_of_orders = (
    select(refunds, orders.c.show_id, orders.c.user_id, orders.c.provider)
    .join(orders, orders.c.id == refunds.c.order_id)
    .order_by(refunds.c.id)
)
