"""Books that are right are found right; each planted corruption is found under its name."""

import pytest
from sqlalchemy import Executable, delete, insert, update

from auth.identity import Tier
from presale.audit_sql import Finding
from presale.orders import OrderState, PaymentProgress
from presale.payments import RefundStatus
from presale.refunds import RefundProgress
from presale.tables_sql import (
    entitlement_changes,
    entitlements,
    ledger_balances,
    ledger_entries,
    ledger_transactions,
    orders,
    payments,
    products,
    refunds,
)
from store.tables_sql import JobState, jobs
from tests.presale.house import FAN, RIVAL, VIP, House
from tests.presale.unchecked import drop_checks

PAYMENT = ledger_transactions.c.kind == "payment"
TRANSACTIONS_OF_PAYMENTS = ledger_entries.c.account.like("provider:%")


async def fill(house: House) -> None:
    """Orders in every state: paid, refunded, refunding, closed, pending, and credits spent."""
    await house.paid(key="key-paid")
    await house.spend(3)
    await house.return_ticket(await house.paid(RIVAL, VIP))
    await house.work()
    house.provider.refund_outcome = RefundStatus.PENDING
    await house.return_ticket(await house.paid(RIVAL, VIP, key="key-0002"))
    await house.work()
    await house.placed(key="key-closed")
    await house.work_later()
    await house.placed(key="key-open")


async def plant(house: House, *statements: Executable) -> set[str]:
    async with house.db.write() as uow:
        await drop_checks(uow.connection)
        for statement in statements:
            await uow.connection.execute(statement)
    return {finding.check for finding in await house.audit()}


async def test_books_with_orders_in_every_state_are_right(house: House) -> None:
    await fill(house)
    async with house.db.read() as connection:
        states = {row.state for row in await connection.execute(orders.select())}
    assert states == set(OrderState)
    assert await house.audit() == []


CORRUPTIONS: list[tuple[str, Executable, set[str]]] = [
    (
        "an entry changed",
        update(ledger_entries).where(TRANSACTIONS_OF_PAYMENTS).values(amount=ledger_entries.c.amount + 1),
        {"ledger.balanced", "ledger.balance", "orders.money", "refunds.money"},
    ),
    (
        "a balance changed",
        update(ledger_balances).where(ledger_balances.c.unit == "CNY").values(balance=ledger_balances.c.balance + 1),
        {"ledger.balance"},
    ),
    (
        "a balance lost",
        delete(ledger_balances).where(ledger_balances.c.account.like("sales:%")),
        {"ledger.balance"},
    ),
    (
        "a wallet below zero",
        update(ledger_balances).where(ledger_balances.c.account.like("wallet:%")).values(balance=-1),
        {"ledger.balance", "ledger.wallet"},
    ),
    ("a seat sold twice", update(products).values(sold=products.c.sold + 1), {"seats.sold"}),
    ("a seat held by nobody", update(products).values(held=products.c.held + 1), {"seats.held"}),
    ("more seats sold than there are", update(products).values(capacity=0), {"seats.capacity"}),
    (
        "a right nobody paid for",
        update(entitlements).values(tier=Tier.VIP),
        {"entitlements.tier", "entitlements.history"},
    ),
    ("a right lost", delete(entitlements), {"entitlements.tier"}),
    ("a record of a right lost", delete(entitlement_changes), {"entitlements.history"}),
    (
        "a paid order whose money never came",
        update(ledger_transactions).where(PAYMENT).values(key="other:" + ledger_transactions.c.key),
        {"orders.money"},
    ),
    (
        "a refund whose money never left",
        update(ledger_transactions)
        .where(ledger_transactions.c.kind == "refund")
        .values(key="other:" + ledger_transactions.c.key),
        {"refunds.money"},
    ),
    (
        "an order refunded by nobody",
        update(orders).where(orders.c.state == OrderState.REFUNDING).values(state=OrderState.REFUNDED),
        {"seats.held", "refunds.order"},
    ),
    (
        "a refund that ended and left its order waiting",
        update(refunds).where(refunds.c.state == RefundProgress.REQUESTED).values(state=RefundProgress.FAILED),
        {"seats.held", "refunds.stuck"},
    ),
    (
        "other money than asked",
        update(payments)
        .where(payments.c.progress == PaymentProgress.CLOSED)
        .values(progress=PaymentProgress.MISMATCHED),
        {"payments.mismatched"},
    ),
    ("work given up", update(jobs).where(jobs.c.kind == "refund.query").values(state=JobState.DEAD), {"jobs.dead"}),
    (
        "an order that says it is paid",
        update(orders).where(orders.c.state == OrderState.CLOSED).values(state=OrderState.PAID),
        {"seats.sold", "orders.money"},
    ),
]


@pytest.mark.parametrize(("statement", "checks"), [c[1:] for c in CORRUPTIONS], ids=[c[0] for c in CORRUPTIONS])
async def test_a_corruption_is_found(house: House, statement: Executable, checks: set[str]) -> None:
    await fill(house)
    assert await plant(house, statement) == checks


async def test_a_finding_names_its_subject(house: House) -> None:
    await house.paid()
    await plant(
        house,
        insert(entitlements).values(show_id="show", user_id="thief", tier=Tier.VIP, version=1, changed_ms=0),
        insert(entitlement_changes).values(
            show_id="show", user_id="thief", tier=Tier.VIP, version=1, at_ms=0, reason="purchase"
        ),
    )
    assert await house.audit() == [Finding("entitlements.tier", "show:thief", "holds vip, paid orders are worth none")]
    assert await house.tier(FAN) is Tier.MAIN
