import asyncio

import pytest
from sqlalchemy import update

from presale.tables_sql import products
from store.findings import Finding
from tests.gateway.api.desk import Desk
from tests.presale.house import SHOW

PATH = f"/api/v1/shows/{SHOW}/audit"


async def test_an_operator_reads_a_show_counted_again_from_its_orders_and_its_ledger(desk: Desk) -> None:
    await desk.paid_order("fan")
    await desk.paid_order("rival", key="key-2")
    await desk.order("waiter", key="key-3")
    await desk.house.give(4)
    body = (await desk.ask("GET", PATH, "olga")).json()
    main = next(product for product in body["products"] if product["id"] == "main")
    assert (main["sold"], main["held"], main["paid"]) == (2, 1, 2)
    assert body["orders"] == {"pending": 1, "paid": 2, "closed": 0, "refunding": 0, "refunded": 0}
    assert (body["received_minor"], body["returned_minor"], body["currency"]) == (2 * 12_800, 0, "CNY")
    assert body["wallets"] == [
        {"user": "fan", "credits": 6, "spent": 4},
        {"user": "rival", "credits": 10, "spent": 0},
    ]
    assert [(right["user"], right["tier"], right["version"], right["reason"]) for right in body["rights"]] == [
        ("fan", "main", 1, "purchase"),
        ("rival", "main", 1, "purchase"),
    ]
    assert body["room"] == {"danmaku": 0, "retractions": 0, "gifts": 1, "gift_credits": 4}
    assert (body["phase"], body["findings"]) == ("presale", [])


async def test_the_audit_tells_what_does_not_match(desk: Desk) -> None:
    await desk.paid_order()
    async with desk.house.db.write() as uow:
        await uow.connection.execute(update(products).where(products.c.id == "main").values(sold=2))
    body = (await desk.ask("GET", PATH, "olga")).json()
    assert [finding["check"] for finding in body["findings"]] == ["seats.sold"]
    assert next(product for product in body["products"] if product["id"] == "main")["paid"] == 1


async def test_only_who_is_an_operator_everywhere_reads_the_audit(desk: Desk) -> None:
    assert (await desk.ask("GET", PATH, None)).status_code == 401
    for user in ("fan", "mo", "hana"):
        assert (await desk.ask("GET", PATH, user)).status_code == 403
    assert (await desk.ask("PUT", f"/api/v1/shows/{SHOW}/roles/omar/operator", "olga")).status_code == 204
    assert (await desk.ask("GET", PATH, "omar")).status_code == 403, "an operator of this show alone"
    assert (await desk.ask("GET", "/api/v1/shows/nowhere/audit", "olga")).status_code == 404


async def test_one_audit_runs_at_a_time_and_who_may_not_read_it_holds_up_nobody(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two audits took both connections for long reads, and no room could be opened until they were done."""
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def findings(*_: object) -> list[Finding]:
        begun.set()
        await go_on.wait()
        return []

    monkeypatch.setattr("gateway.features.audit.routes.findings", findings)
    first = asyncio.create_task(desk.ask("GET", PATH, "olga"))
    async with asyncio.timeout(5):
        await begun.wait()
        second = await desk.ask("GET", PATH, "olga")
    assert (second.status_code, second.json()["error"]["code"]) == (503, "BUSY")
    assert second.json()["error"]["retry_after_ms"] > 0
    assert (await desk.ask("GET", PATH, "fan")).status_code == 403
    go_on.set()
    assert (await first).status_code == 200
    assert (await desk.ask("GET", PATH, "olga")).status_code == 200
