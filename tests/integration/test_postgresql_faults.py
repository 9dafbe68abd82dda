"""A whole gateway whose PostgreSQL is killed, restarted and frozen."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx2
import pytest

from tests.integration.clients import connected
from tests.integration.running import Liveroom, liveroom
from tests.store import postgresql
from tests.store.postgresql_process import PostgresProcess

SECONDS = 20.0


@pytest.fixture
def server() -> Iterator[PostgresProcess]:
    process = PostgresProcess()
    process.start()
    yield process
    process.discard()


@pytest.fixture
async def house(server: PostgresProcess, tmp_path: Path) -> AsyncIterator[Liveroom]:
    with postgresql.fresh(server.url) as url:
        async with liveroom(tmp_path, database_url=url) as running:
            yield running


async def until(house: Liveroom, *, is_ready: bool) -> None:
    async with asyncio.timeout(SECONDS):
        while ((await house.http.get("/readyz")).status_code == httpx2.codes.OK) is not is_ready:
            await asyncio.sleep(0.05)


async def test_who_watches_goes_on_and_nothing_acknowledged_is_lost_when_the_server_crashes(
    house: Liveroom, server: PostgresProcess
) -> None:
    show = await house.show()
    product = {each["tier"]: each["id"] for each in show["products"]}["main"]
    tokens = [await house.login(f"fan-{number}") for number in range(3)]
    before = await house.buy(tokens[0], show["show"], product, "before")
    await paid(house, tokens[0], before["order"])
    async with connected(house.url, token=tokens[0], room=show["room"]) as fan:
        await fan.wait("welcome")
        server.crash()
        await until(house, is_ready=False)
        meanwhile = await ordered(house, tokens[1], show["show"], product, "meanwhile")
        assert meanwhile.status_code == 500
        assert meanwhile.json()["error"]["code"] == "INTERNAL"
        assert not fan.disconnected.is_set()
        server.start()
        await until(house, is_ready=True)
        assert not fan.disconnected.is_set()
        again = await house.order(tokens[1], show["show"], product, "meanwhile")
        await house.cashier(again["pay_url"])
        after = await house.buy(tokens[2], show["show"], product, "after")
        await fan.wait("sales", lambda one: any(each["sold"] == 3 for each in one["products"]))
    for token, order in zip(tokens, (before, again, after), strict=True):
        await paid(house, token, order["order"])


async def test_orders_wait_out_a_server_that_stands_still(house: Liveroom, server: PostgresProcess) -> None:
    show = await house.show()
    product = {each["tier"]: each["id"] for each in show["products"]}["main"]
    token = await house.login("fan")
    server.freeze()
    waiting = asyncio.create_task(ordered(house, token, show["show"], product, "patient"))
    done, _ = await asyncio.wait([waiting], timeout=0.5)
    assert not done
    server.thaw()
    assert (await waiting).status_code == 201


async def paid(house: Liveroom, token: str, order: str) -> None:
    """Wait until it is."""
    async with asyncio.timeout(SECONDS):
        mine = {"authorization": f"Bearer {token}"}
        while (await house.http.get(f"/api/v1/orders/{order}", headers=mine)).json()["state"] != "paid":
            await asyncio.sleep(0.02)


async def ordered(house: Liveroom, token: str, show: str, product: str, key: str) -> httpx2.Response:
    return await house.http.post(
        "/api/v1/orders",
        headers={"authorization": f"Bearer {token}", "idempotency-key": key},
        json={"show": show, "items": [{"product": product}], "provider": "sandbox"},
        timeout=SECONDS,
    )
