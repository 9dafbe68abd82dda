"""What became of everything that was acknowledged: journals against SQL, and screens against journals."""

import time
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import Any

import asyncpg  # type: ignore[import-untyped]

from auth.identity import ShowId, UserId
from gateway.features.audit.books import audit_house
from gateway.setup import preflight
from presale.books import ledger
from tests.faults.journal import What
from tests.faults.line import FINAL, Heard, Line
from tests.faults.quarter import How, Outage, Quarter, Who
from tests.faults.scene import CREDITS, WATCHERS, Scene

LOCKED_OUT_SECONDS = 10.0
RIGHTS_SECONDS = 1.0
RIGHTS_WITHOUT_REDIS_SECONDS = 30.0
MARGIN_SECONDS = 1.0
"""Between an event and what is known of its time here."""


@dataclass
class Cell:
    """One action under one fault."""

    count: int
    """How many were acknowledged."""
    longest: float
    """The longest that one of them took, or that a fan was away."""
    broke: list[str] = field(default_factory=list)
    late: float | None = None
    """The longest that somebody was served whose right had ended."""


@dataclass
class Books:
    """What SQL says of a show."""

    orders: dict[str, list[Any]]
    refunds: dict[str, list[Any]]
    gifts: dict[tuple[str, str], list[Any]]
    tiers: dict[str, str]
    wallets: dict[str, int]
    paid_in: Counter[str]
    """By order: payments with a transaction."""
    outbox: int
    findings: list[str]


async def read_books(house: Quarter, show: str, room: str) -> Books:
    """Everything of one show."""
    url = house.postgresql.url
    connection = await asyncpg.connect(host=url.host, port=url.port, user=url.username, database=url.database)
    try:
        orders = await connection.fetch("SELECT id, user_id, state FROM orders WHERE show_id = $1", show)
        refunds = await connection.fetch(
            "SELECT r.order_id, r.state FROM refunds r JOIN orders o ON o.id = r.order_id WHERE o.show_id = $1", show
        )
        gifts = await connection.fetch("SELECT id, user_id, key, credits FROM gifts WHERE room_id = $1", room)
        tiers = await connection.fetch("SELECT user_id, tier FROM entitlements WHERE show_id = $1", show)
        balances = await connection.fetch(
            "SELECT account, balance FROM ledger_balances WHERE unit = $1", ledger.credit_unit(ShowId(show))
        )
        payments = await connection.fetch(
            "SELECT order_id FROM payments JOIN orders o ON o.id = order_id"
            " WHERE o.show_id = $1 AND transaction_id IS NOT NULL",
            show,
        )
        outbox = await connection.fetchval("SELECT count(*) FROM outbox")
    finally:
        await connection.close()
    mine = ledger.wallet(ShowId(show), UserId(""))
    return Books(
        orders=_by(orders, "user_id"),
        refunds=_by(refunds, "order_id"),
        gifts=_by(gifts, "user_id", "key"),
        tiers={row["user_id"]: row["tier"] for row in tiers},
        wallets={
            row["account"].removeprefix(mine): row["balance"] for row in balances if row["account"].startswith(mine)
        },
        paid_in=Counter(row["order_id"] for row in payments),
        outbox=outbox,
        findings=[],
    )


async def audited(house: Quarter) -> list[str]:
    """What `liveroom audit` finds."""
    async with preflight.database(house.settings.database_url) as database, database.survey() as connection:
        found = await audit_house(connection)
    return [f"audit: {finding.check} {finding.subject} {finding.detail}" for finding in found]


def _by(rows: list[Any], *names: str) -> dict[Any, list[Any]]:
    found: dict[Any, list[Any]] = defaultdict(list)
    for row in rows:
        found[row[names[0]] if len(names) == 1 else tuple(row[name] for name in names)].append(row)
    return found


def judge(here: Scene, books: Books, outage: Outage) -> dict[What, Cell]:
    """A cell for each action that was done."""
    journal = here.journal
    for check in (_orders, _callbacks, _refunds, _gifts, _broadcasts):
        check(here, books, outage)
    for finding in books.findings:
        journal.broke(What.ORDER, finding)
    cells: dict[What, Cell] = {}
    for what in What:
        deeds = [deed for deed in journal.deeds if deed.what is what]
        if not deeds:
            continue
        left = [deed.seconds for deed in deeds if deed.ended is None]
        if left:
            journal.broke(what, f"{len(left)} not acknowledged, for {max(left):.0f} s")
        cells[what] = Cell(len(journal.done(what)), max(deed.seconds for deed in deeds))
    if What.REFUND in cells:
        cells[What.REFUND].late = _lateness(here, outage)
    _lock_outs(here, cells)
    for what, cell in cells.items():
        cell.broke = journal.breaches.get(what, [])
    return cells


def _orders(here: Scene, books: Books, _: Outage) -> None:
    for deed in here.journal.done(What.ORDER):
        rows = books.orders.get(deed.user, [])
        if [row["id"] for row in rows] != [deed.answer["order"]]:
            here.journal.broke(What.ORDER, f"an acknowledged order stands {len(rows)} times")


def _callbacks(here: Scene, books: Books, _: Outage) -> None:
    for deed in here.journal.done(What.CALLBACK):
        found = (
            [row["state"] for row in books.orders.get(deed.user, [])],
            books.paid_in[deed.key],
            books.tiers.get(deed.user),
            books.wallets.get(deed.user),
        )
        if found != (["paid"], 1, "main", CREDITS):
            here.journal.broke(What.CALLBACK, f"a paid order came to {found}")


def _refunds(here: Scene, books: Books, _: Outage) -> None:
    for deed in here.journal.done(What.REFUND):
        found = (
            [row["state"] for row in books.orders.get(deed.user, [])],
            [row["state"] for row in books.refunds.get(deed.key, [])],
            books.tiers.get(deed.user),
            books.wallets.get(deed.user),
        )
        if found != (["refunded"], ["succeeded"], "none", 0):
            here.journal.broke(What.REFUND, f"a refund came to {found}")


def _gifts(here: Scene, books: Books, _: Outage) -> None:
    spent: Counter[str] = Counter()
    for deed in here.journal.done(What.GIFT):
        rows = books.gifts.get((deed.user, deed.key), [])
        spent[deed.user] += 1
        if [row["id"] for row in rows] != [deed.answer]:
            here.journal.broke(What.GIFT, f"an acknowledged gift stands {len(rows)} times")
    for user, roses in spent.items():
        if books.wallets.get(user) != CREDITS - roses:
            here.journal.broke(What.GIFT, f"{roses} roses left {books.wallets.get(user)} of {CREDITS} credits")
    if len(books.gifts) != len(here.journal.done(What.GIFT)):
        here.journal.broke(
            What.GIFT, f"{len(books.gifts)} gifts in SQL, {len(here.journal.done(What.GIFT))} acknowledged"
        )


# ---- rights --------------------------------------------------------------------------------------------


def _lateness(here: Scene, outage: Outage) -> float:
    """The longest that somebody was served after their right had ended; what was served for too long is a breach."""
    longest, too_late = 0.0, dict[str, float]()
    for served in here.served:
        since = served.right_ended
        if outage.who is Who.GATEWAY and outage.how is How.FREEZE and not served.gateway and since < outage.healed:
            since = min(max(since, outage.healed), served.at)  # what stands still serves nobody
        without_redis = outage.who is Who.REDIS and outage.began - MARGIN_SECONDS < since < outage.ended
        bound = RIGHTS_WITHOUT_REDIS_SECONDS if without_redis else RIGHTS_SECONDS
        longest = max(longest, served.at - since)
        if served.at - since > bound:
            too_late[served.what] = max(too_late.get(served.what, 0.0), served.at - since)
    for what, seconds in too_late.items():
        here.journal.broke(What.REFUND, f"{what} {seconds:.1f} s after the right had ended")
    return longest


# ---- who was out ---------------------------------------------------------------------------------------


def _lock_outs(here: Scene, cells: dict[What, Cell]) -> None:
    until = time.monotonic()
    away = [to - since for line in _fans(here) for since, to in line.absences(until)]
    for what, cell in cells.items():
        if what is What.BROADCAST:
            cell.longest = max(away, default=0.0)
            cell.count = len(here.said) + len(here.retracted) + len(here.journal.done(What.GIFT))
        if what in (What.BROADCAST, What.CONNECT) and cell.longest > LOCKED_OUT_SECONDS:
            here.journal.broke(what, f"somebody with a ticket was out for {cell.longest:.1f} s")
    if What.CONNECT in cells and not here.refused_strangers:
        here.journal.broke(What.CONNECT, "the stranger was never told why not")
    for line in _fans(here):
        for refusal in line.refusals:
            if refusal.code in FINAL:
                here.journal.broke(What.CONNECT, f"a ticket holder was told {refusal.code}")


def _fans(here: Scene) -> list[Line]:
    return [*here.watchers[:WATCHERS], *here.givers]


# ---- what the screens showed ---------------------------------------------------------------------------


def missing_gifts(here: Scene) -> int:
    """How many acknowledged gifts are not on the screens of those who were there."""
    due = {deed.answer for deed in here.journal.done(What.GIFT)}
    return max((len(due - set(line.ids("gift"))) for line in here.watchers), default=0)


def _broadcasts(here: Scene, _: Books, outage: Outage) -> None:
    gifts = {deed.answer: deed.ended or 0.0 for deed in here.journal.done(What.GIFT)}
    told_of = {item for line in (*here.watchers, *here.givers) for item in line.ids("danmaku")}
    danmaku = {item: at for item, at in here.said.items() if item in told_of and item not in here.retracted}
    for line in here.watchers:
        for kind, due in (("gift", gifts), ("retract", here.retracted), ("danmaku", danmaku)):
            _screen(here, line, kind, due, outage)


def _screen(here: Scene, line: Line, kind: str, due: dict[str, float], outage: Outage) -> None:
    shown = Counter(line.ids(kind))
    excuses = _told_of_gaps(line, outage, short=kind == "danmaku")
    for item, at in due.items():
        if shown[item] > 1:
            here.journal.broke(What.BROADCAST, f"a {kind} was shown twice")
        elif not shown[item] and at > line.arrivals[0] and not any(since < at < to for since, to in excuses):
            here.journal.broke(What.BROADCAST, f"a {kind} is missing on a screen that was not told of a gap")


def _told_of_gaps(line: Line, outage: Outage, *, short: bool) -> list[tuple[float, float]]:
    """(from, to) of all times of which the screen knows that something may be missing."""
    found = [
        (min(outage.began, _lost_before(line, welcome)) - MARGIN_SECONDS, welcome.at + MARGIN_SECONDS)
        for welcome in line.of("welcome")[1:]
        if not welcome.data["recovered"] or (short and welcome.data["danmaku_truncated"])
    ]
    if short:
        found += _degraded(line, outage)
    return found


def _lost_before(line: Line, welcome: Heard) -> float:
    return max((lost for lost in line.losses if lost < welcome.at), default=welcome.at)


def _degraded(line: Line, outage: Outage) -> list[tuple[float, float]]:
    ends = [*line.losses, *(heard.at for heard in line.of("degraded") if heard.data["since_ms"] is None)]
    found = []
    for heard in line.of("degraded"):
        if heard.data["since_ms"] is not None:
            to = min((end for end in ends if end > heard.at), default=time.monotonic())
            found.append((min(outage.began, heard.at) - MARGIN_SECONDS, to + MARGIN_SECONDS))
    return found
