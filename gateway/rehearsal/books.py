"""Compares numbers on screens with SQL: seats, orders, money, gifts, leaderboard, wallets. No I/O."""

from collections.abc import Iterable, Iterator

from gateway.rehearsal.evening import Check, Evening, equal, none_of, spoken
from gateway.rehearsal.journal import Journal

LEADERBOARD_SIZE = 10


def checks(evening: Evening) -> Iterator[Check]:
    """Every claim about numbers."""
    yield _audit(evening)
    yield _counters(evening)
    yield _sales_on_screens(evening)
    yield _orders(evening)
    yield _money(evening)
    yield _revenue_on_console(evening)
    yield _gifts(evening)
    yield _gifts_once(evening)
    yield _leaderboards(evening)
    yield _wallets(evening)


def _audit(evening: Evening) -> Check:
    findings = [f"{one.check} {one.subject}: {one.detail}" for one in evening.truth.findings]
    return Check(
        "books.audit",
        "the audit of the whole house finds nothing",
        "0 findings",
        f"{len(findings)} findings",
        not findings,
        tuple(findings[:5]),
    )


def _counters(evening: Evening) -> Check:
    products = evening.truth.products
    counted = {product.tier.value: product.paid for product in products}
    faults = [
        f"{one.tier}: counter {one.sold}, paid {one.paid}, {one.sold + one.held} of {one.capacity} taken"
        for one in products
        if one.sold != one.paid or one.sold + one.held > one.capacity
    ]
    says = f"sold counters are the paid order lines ({spoken(counted)}), and nothing is oversold"
    return none_of("sales.counters", says, faults, len(products))


def _sales_on_screens(evening: Evening) -> Check:
    truth = {product.id: (product.paid, product.held) for product in evening.truth.products}

    def faults(screens: Iterable[Journal]) -> Iterator[str]:
        for journal in screens:
            sales = journal.last("sales")
            shown = {} if sales is None else {one["id"]: (one["sold"], one["held"]) for one in sales["products"]}
            if shown != truth:
                yield f"{journal.user} shows {sorted(shown.values())}, SQL says {sorted(truth.values())}"

    screens = list(evening.screens())
    says = "the sales counter on every screen is the paid orders"
    return none_of("sales.screens", says, faults(screens), len(screens))


def _orders(evening: Evening) -> Check:
    paid = sum(len(journal.paid_minor) for journal in evening.fans)
    unpaid = sum(journal.unpaid for journal in evening.fans)
    orders = evening.truth.orders
    with_money = orders["paid"] + orders["refunding"] + orders["refunded"]
    return equal(
        "orders.crowd",
        "SQL has the orders the crowd paid and left unpaid",
        f"{paid} with money, {unpaid} without",
        f"{with_money} with money, {orders['pending'] + orders['closed']} without",
    )


def _money(evening: Evening) -> Check:
    truth = evening.truth
    paid = sum(sum(journal.paid_minor) for journal in evening.fans)
    returned = sum(sum(journal.returned_minor) for journal in evening.fans)
    return equal(
        "money.ledger",
        "the ledger has what the cashier took and what refunds promised, in minor units",
        f"{paid} in, {returned} back",
        f"{truth.received_minor} in, {truth.returned_minor} back",
    )


def _revenue_on_console(evening: Evening) -> Check:
    truth = evening.truth
    shown = evening.console.last("revenue") or {}
    names = ("gross_minor", "refunded_minor", "orders_paid", "gift_credits")
    spent = sum(wallet.spent for wallet in truth.wallets)
    orders_paid = truth.orders["paid"] + truth.orders["refunding"]
    expected = dict(zip(names, (truth.received_minor, truth.returned_minor, orders_paid, spent), strict=True))
    says = "revenue on the console is the ledger"
    return equal("revenue.console", says, expected, {name: shown.get(name) for name in names})


def _gifts(evening: Evening) -> Check:
    seen = {item.key: item.payload["credits"] for item in evening.console.items() if item.key[0] == "gift"}
    truth = evening.truth
    spent = sum(wallet.spent for wallet in truth.wallets)
    return equal(
        "gifts.total",
        "gifts on the screen are the gifts in SQL, and their credits the credits spent on the ledger",
        f"{truth.room.gifts} gifts, {truth.room.gift_credits} credits, ledger {spent}",
        f"{len(seen)} gifts, {sum(seen.values())} credits, ledger {sum(seen.values())}",
    )


def _gifts_once(evening: Evening) -> Check:
    seen = [item.key[1] for item in evening.console.items() if item.key[0] == "gift"]
    tries = [(fan.user, key, one.answers) for fan in evening.fans for key, one in fan.gifts.items()]
    faults = [f"{user}: key {key} made {sorted(set(ids))}" for user, key, ids in tries if len(set(ids)) != 1]
    faults += [
        f"{user}: {ids[0]} on the screen {seen.count(ids[0])} times"
        for user, _, ids in tries
        if seen.count(ids[0]) != 1
    ]
    faults += [f"gift {one} was shown {seen.count(one)} times" for one in sorted(set(seen)) if seen.count(one) > 1]
    repeated = sum(len(answers) > 1 for _, _, answers in tries)
    says = f"every gift key was spent once and shown once ({repeated} keys were sent again)"
    return none_of("gifts.once", says, faults, len(tries))


def _leaderboards(evening: Evening) -> Check:
    givers = sorted(
        ((wallet.user, wallet.spent) for wallet in evening.truth.wallets if wallet.spent),
        key=lambda giver: (-giver[1], giver[0]),
    )[:LEADERBOARD_SIZE]

    def faults(screens: Iterable[Journal]) -> Iterator[str]:
        for journal in screens:
            board = journal.last("leaderboard") or {"items": []}
            shown = [(item["user"], item["credits"]) for item in board["items"]]
            if shown != givers:
                yield f"{journal.user} shows {shown[:3]}, the ledger says {givers[:3]}"

    screens = list(evening.screens())
    says = "the leaderboard on every screen is the ledger's"
    return none_of("gifts.leaderboard", says, faults(screens), len(screens))


def _wallets(evening: Evening) -> Check:
    truth = {wallet.user: wallet.credits for wallet in evening.truth.wallets}

    def faults(fans: Iterable[Journal]) -> Iterator[str]:
        for journal in fans:
            wallet = journal.last("wallet") or {"credits": None}
            if wallet["credits"] != truth.get(journal.user, 0):
                yield f"{journal.user} shows {wallet['credits']}, the ledger says {truth.get(journal.user, 0)}"

    fans = [journal for journal in evening.fans if journal.was_online_at_the_end]
    return none_of("wallets.screens", "the wallet on every screen is the ledger's", faults(fans), len(fans))
