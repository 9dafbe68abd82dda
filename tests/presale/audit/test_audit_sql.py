"""Books that are right are found right; each planted corruption is found under its name."""

import pytest
from sqlalchemy import Executable, delete, insert, select, update

from auth.identity import Tier, UserId
from presale.orders.orders import Order, OrderState, PaymentProgress
from presale.payments.payments import RefundStatus
from presale.refunds.refunds import RefundProgress
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
    shows,
)
from store.findings import Finding
from store.tables_sql import JobState, jobs
from tests.presale.house import AGAIN, FAN, RIVAL, VIP, House
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
    await house.offer_again()
    assert isinstance(await house.place(FAN, AGAIN, key="key-closed", again=True), Order)
    await house.work_later()
    await house.placed(UserId("third"), key="key-open")


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
        {"seats.sold", "orders.money", "orders.credits"},
    ),
    (
        "money booked for no payment",
        insert(ledger_transactions).values(id="loose", key="payment:nobody", kind="payment", at_ms=0),
        {"orders.money"},
    ),
    (
        "money booked at another show",
        update(ledger_entries).where(ledger_entries.c.account == "sales:show").values(account="sales:other"),
        {"ledger.balance", "orders.money"},
    ),
    (
        "an order cheaper than its lines",
        update(orders).where(orders.c.state == OrderState.PENDING).values(amount_minor=1),
        {"orders.amount", "payments.amount"},
    ),
    (
        "an order in another currency than its show",
        update(orders).where(orders.c.state == OrderState.PENDING).values(currency="USD"),
        {"orders.amount", "payments.amount"},
    ),
    ("gift credits without a price", update(shows).values(credit_minor=0), {"shows.credits"}),
    ("a show in a currency that is none", update(shows).values(currency="RMB"), {"shows.currency", "orders.amount"}),
    (
        "a payment of less than its order",
        update(payments).where(payments.c.progress == PaymentProgress.OPEN).values(amount_minor=1),
        {"payments.amount"},
    ),
    (
        "a payment that is there for an order that says it is not",
        update(payments).where(payments.c.progress == PaymentProgress.CLOSED).values(progress=PaymentProgress.PAID),
        {"payments.order", "orders.money"},
    ),
    (
        "a refund of more than was paid",
        update(refunds).where(refunds.c.state == RefundProgress.REQUESTED).values(amount_minor=99_999),
        {"refunds.amount"},
    ),
    (
        "a refund that takes more credits than came",
        update(refunds).where(refunds.c.state == RefundProgress.REQUESTED).values(withdrawn_credits=1),
        {"refunds.amount", "refunds.credits"},
    ),
    (
        "an order refunded twice",
        update(refunds).values(
            state=RefundProgress.SUCCEEDED,
            order_id=select(orders.c.id).where(orders.c.state == "refunded").scalar_subquery(),
        ),
        {"refunds.twice", "refunds.money", "seats.held", "refunds.stuck"},
    ),
    (
        "credits that came with no order",
        update(ledger_transactions).where(ledger_transactions.c.kind == "credits.granted").values(key="grant:nobody"),
        {"orders.credits"},
    ),
    (
        "an order whose credits were more when it was sold",
        update(order_lines).values(credits=order_lines.c.credits + 1),
        {"orders.credits"},
    ),
    (
        "credits taken back for no refund",
        insert(ledger_transactions).values(id="loose", key="withdraw:nobody", kind="credits.withdrawn", at_ms=0),
        {"refunds.credits"},
    ),
    (
        "credits given again for no refund",
        insert(ledger_transactions).values(id="loose", key="return:nobody", kind="credits.returned", at_ms=0),
        {"refunds.credits"},
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
