"""A show counted again from its order lines and its ledger entries, beside the counters that screens are fed from."""

from collections import defaultdict

from msgspec import Struct
from sqlalchemy import case, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from auth.identity import ShowId, Tier, UserId
from presale.books import ledger
from presale.books.ledger import PostingKind
from presale.catalogue.shows import Show
from presale.entitlements.entitlements import EntitlementReason
from presale.orders.orders import OrderState
from presale.tables_sql import (
    entitlement_changes,
    ledger_entries,
    ledger_transactions,
    order_lines,
    orders,
    products,
)


class ProductRecount(Struct, frozen=True):
    """A product: the counters, and the tickets in paid order lines."""

    id: str
    tier: Tier
    capacity: int
    sold: int
    held: int
    paid: int


class WalletRecount(Struct, frozen=True):
    """A fan's gift credits by ledger entries: what is left, and what went into gifts."""

    user: UserId
    credits: int
    spent: int


class RightRecord(Struct, frozen=True):
    """A change of what a fan's tickets are worth."""

    user: UserId
    tier: Tier
    version: int
    at_ms: int
    reason: EntitlementReason


class Recount(Struct, frozen=True):
    """All of it, as of one snapshot. Money in minor units of the show's currency."""

    products: list[ProductRecount]
    orders: dict[OrderState, int]
    received_minor: int
    returned_minor: int
    wallets: list[WalletRecount]
    """Of everybody who ever held credits, by user id."""
    rights: list[RightRecord]
    """Every change, each fan's oldest first."""


async def recount(connection: AsyncConnection, show: Show) -> Recount:
    """Count again. Reads every order line and every credit entry of the show."""
    by_state = select(orders.c.state, func.count()).where(orders.c.show_id == show.id).group_by(orders.c.state)
    counted = {OrderState(state): count for state, count in await connection.execute(by_state)}
    return Recount(
        products=await _products(connection, show.id),
        orders={state: counted.get(state, 0) for state in OrderState},
        received_minor=-await _sum(connection, ledger.sales(show.id), show.currency),
        returned_minor=await _sum(connection, ledger.refunds(show.id), show.currency),
        wallets=await _wallets(connection, show.id),
        rights=await _rights(connection, show.id),
    )


async def _products(connection: AsyncConnection, show: ShowId) -> list[ProductRecount]:
    is_paid = case((orders.c.state == OrderState.PAID, order_lines.c.quantity), else_=0)
    lines = (
        select(order_lines.c.product_id, func.sum(is_paid).label("paid"))
        .join(orders, orders.c.id == order_lines.c.order_id)
        .where(orders.c.show_id == show)
        .group_by(order_lines.c.product_id)
    )
    paid = {row.product_id: int(row.paid) for row in await connection.execute(lines)}
    rows = await connection.execute(select(products).where(products.c.show_id == show).order_by(products.c.id))
    return [
        ProductRecount(row.id, Tier(row.tier), row.capacity, row.sold, row.held, paid.get(row.id, 0)) for row in rows
    ]


async def _sum(connection: AsyncConnection, account: str, unit: str) -> int:
    entries = select(func.coalesce(func.sum(ledger_entries.c.amount), 0)).where(
        ledger_entries.c.account == account, ledger_entries.c.unit == unit
    )
    return int((await connection.execute(entries)).scalar_one())


async def _wallets(connection: AsyncConnection, show: ShowId) -> list[WalletRecount]:
    owner = ledger.wallet(show, UserId(""))
    entries = (
        select(ledger_entries.c.account, ledger_transactions.c.kind, func.sum(ledger_entries.c.amount).label("amount"))
        .join(ledger_transactions, ledger_transactions.c.id == ledger_entries.c.transaction_id)
        .where(
            ledger_entries.c.account.startswith(owner, autoescape=True),
            ledger_entries.c.unit == ledger.credit_unit(show),
        )
        .group_by(ledger_entries.c.account, ledger_transactions.c.kind)
    )
    left: dict[UserId, int] = defaultdict(int)
    spent: dict[UserId, int] = defaultdict(int)
    for row in await connection.execute(entries):
        user = UserId(row.account.removeprefix(owner))
        left[user] += int(row.amount)
        if row.kind == PostingKind.CREDITS_SPENT:
            spent[user] -= int(row.amount)
    return [WalletRecount(user, left[user], spent[user]) for user in sorted(left)]


async def _rights(connection: AsyncConnection, show: ShowId) -> list[RightRecord]:
    changes = entitlement_changes
    chosen = select(changes).where(changes.c.show_id == show).order_by(changes.c.user_id, changes.c.version)
    return [
        RightRecord(UserId(row.user_id), Tier(row.tier), row.version, row.at_ms, EntitlementReason(row.reason))
        for row in await connection.execute(chosen)
    ]
