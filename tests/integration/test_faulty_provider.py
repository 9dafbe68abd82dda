"""The box office against a real provider process whose callbacks come twice, late, forged, in the wrong order or never.

However they come, an order ends in the same state, one seat is sold once, and the audit finds nothing.
"""

import asyncio
import contextlib
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import pytest
import uvicorn
from sqlalchemy.ext.asyncio import AsyncConnection
from starlette.applications import Starlette

from auth.denials import Denied
from auth.identity import Role, ShowId, Tier
from auth.situation import Course, Phase
from gateway.features.orders.callbacks import pay_routes
from gateway.house.jobs import JobWorker
from presale.audit import audit_sql
from presale.catalogue import shows_sql
from presale.entitlements import entitlements_sql
from presale.orders import orders_sql
from presale.orders.holding import HoldLimits
from presale.orders.orders import Order, OrderItem, OrderState
from presale.payments.payments_sandbox import SandboxPayments
from presale.refunds.refunds import Refund
from presale.use_cases.box_office import BoxOffice
from store import migrations
from store.database_sql import Database
from tests.ports import free_port
from tests.presale.house import FAN, MAIN, OPERATOR, SHOW, course, product, show
from tests.presale.sandbox_process import SECRET, new_id, now_ms, running_sandbox, script_faults

DEADLINE_SECONDS = 10.0
TTL_MS = 900_000


@dataclass
class Clock:
    """The real time, moved on."""

    ahead_ms: int = 0

    def __call__(self) -> int:
        return now_ms() + self.ahead_ms


@dataclass
class Hall:
    """A box office with its callback route on a real port."""

    db: Database
    box: BoxOffice
    worker: JobWorker
    clock: Clock
    browser: httpx2.AsyncClient
    sandbox_url: str
    keys: Iterator[str] = field(default_factory=lambda: (f"key-{n}" for n in range(1000)))

    async def place(self, key: str | None = None) -> Order | Denied:
        return await self.box.place_order(FAN, key or next(self.keys), SHOW, [OrderItem(MAIN)], "sandbox")

    async def placed(self, **faults: object) -> Order:
        script_faults(self.sandbox_url, None, **faults)
        order = await self.place()
        assert isinstance(order, Order)
        return order

    async def pay(self, order: Order) -> None:
        assert order.pay_url is not None
        answer = await self.browser.post(order.pay_url, data={"action": "pay"}, headers={"accept": "application/json"})
        assert answer.json()["outcome"] == "paid"

    async def state(self, order: Order) -> OrderState:
        async with self.db.read() as connection:
            found = await orders_sql.load(connection, order.id)
        assert found is not None
        return found.state

    async def tier(self) -> Tier:
        async with self.db.read() as connection:
            return (await entitlements_sql.load(connection, SHOW, FAN)).tier

    async def reaches(self, order: Order, state: OrderState) -> None:
        await eventually(lambda: self.state(order), state)

    async def refund(self, order: Order) -> Refund:
        refund = await self.box.request_refund(OPERATOR, Role.OPERATOR, order.id, "returned")
        assert isinstance(refund, Refund)
        assert await self.tier() is Tier.NONE
        await self.worker.drain()
        return refund

    async def check_books(self, sold: int) -> None:
        async with self.db.read() as connection:
            (offered,) = await shows_sql.list_products(connection, SHOW)
            assert (offered.sold, offered.held) == (sold, 0)
            assert await audit_sql.audit(connection) == []


async def eventually(ask: Callable[[], Awaitable[object]], wanted: object) -> None:
    give_up = time.monotonic() + DEADLINE_SECONDS
    while (seen := await ask()) != wanted:
        assert time.monotonic() < give_up, f"{seen} is not {wanted}"
        await asyncio.sleep(0.01)


@asynccontextmanager
async def serving(app: Starlette, port: int) -> AsyncIterator[None]:
    server = uvicorn.Server(uvicorn.Config(app, lifespan="off", log_level="critical", ws="none"))
    listener = socket.create_server(("127.0.0.1", port))
    task = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        yield
    finally:
        server.should_exit = True
        await task
        listener.close()


@pytest.fixture(scope="module")
def gateway_port() -> int:
    return free_port()


@pytest.fixture(scope="module")
def sandbox_url(gateway_port: int, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("sandbox")
    with running_sandbox(folder / "sandbox.sqlite", f"http://127.0.0.1:{gateway_port}/pay/sandbox/notify") as url:
        yield url


@pytest.fixture
async def hall(tmp_path: Path, gateway_port: int, sandbox_url: str) -> AsyncIterator[Hall]:
    url = f"sqlite+aiosqlite:///{tmp_path / 'liveroom.sqlite'}"
    await migrations.upgrade(url)
    clock = Clock()

    async def course_of(_connection: AsyncConnection, _show: ShowId) -> Course:
        return course(Phase.PRESALE, clock())

    async with contextlib.AsyncExitStack() as stack:
        db = await Database.open(url, clock=clock, new_id=new_id)
        stack.push_async_callback(db.close)
        async with db.write() as uow:
            await shows_sql.create_show(uow, show())
            await shows_sql.add_product(uow, product(MAIN, Tier.MAIN, 12_800, 2, 10))
        provider = SandboxPayments(sandbox_url, [SECRET], clock=now_ms, new_id=new_id)
        stack.push_async_callback(provider.aclose)
        box = BoxOffice(db, {"sandbox": provider}, course_of, holds=HoldLimits(order_ttl_ms=TTL_MS))
        browser = await stack.enter_async_context(httpx2.AsyncClient(trust_env=False))
        await stack.enter_async_context(serving(Starlette(routes=pay_routes(box)), gateway_port))
        yield Hall(db, box, JobWorker(db, box.handlers), clock, browser, sandbox_url)


@pytest.mark.parametrize(
    "faults",
    [
        {},
        {"delay_ms": 200},
        {"duplicates": 3, "jitter_ms": 60, "seed": 4},
        {"dropped_answers": 3},
        {"bad_signatures": 2},
        {"stale_timestamps": 2},
        {"bad_signatures": 1, "stale_timestamps": 1, "dropped_answers": 1, "duplicates": 1},
    ],
    ids=lambda faults: "+".join(faults) or "none",
)
async def test_whatever_happens_to_the_callback_the_order_is_paid_once(hall: Hall, faults: dict[str, Any]) -> None:
    order = await hall.placed(**faults)
    await hall.pay(order)
    await hall.reaches(order, OrderState.PAID)
    assert await hall.tier() is Tier.MAIN
    await hall.check_books(sold=1)


async def test_a_payment_whose_callback_is_lost_is_found_by_asking(hall: Hall) -> None:
    order = await hall.placed(lost=True)
    await hall.pay(order)
    hall.clock.ahead_ms = 301_000
    await hall.worker.drain()
    assert await hall.state(order) is OrderState.PAID
    await hall.check_books(sold=1)


async def test_a_create_that_broke_after_its_effect_is_finished_by_the_same_key(hall: Hall) -> None:
    script_faults(hall.sandbox_url, None, create_errors=1)
    broken = await hall.place("again")
    assert isinstance(broken, Denied)
    order = await hall.place("again")
    assert isinstance(order, Order)
    await hall.pay(order)
    await hall.reaches(order, OrderState.PAID)
    await hall.check_books(sold=1)


async def test_a_wrong_amount_gives_no_right(hall: Hall) -> None:
    order = await hall.placed(wrong_amount_minor=1)
    await hall.pay(order)
    hall.clock.ahead_ms = 200_000
    await hall.box.settle(order.id)
    assert await hall.state(order) is not OrderState.PAID
    assert await hall.tier() is Tier.NONE


async def test_money_after_the_end_of_an_order_readmits_while_seats_remain(hall: Hall) -> None:
    order = await hall.placed(pay_after_close=True)
    hall.clock.ahead_ms = TTL_MS + 1000
    await hall.worker.drain()
    assert await hall.state(order) is OrderState.CLOSED
    hall.clock.ahead_ms = 0
    await hall.pay(order)
    await hall.reaches(order, OrderState.PAID)
    await hall.check_books(sold=1)


@pytest.mark.parametrize(
    ("faults", "end", "sold"),
    [
        ({}, OrderState.REFUNDED, 0),
        ({"refund_delay_ms": 200}, OrderState.REFUNDED, 0),
        ({"duplicates": 2, "dropped_answers": 1}, OrderState.REFUNDED, 0),
        ({"refund_fails": True}, OrderState.PAID, 1),
        ({"refund_fails": True, "refund_delay_ms": 200}, OrderState.PAID, 1),
    ],
    ids=lambda value: "+".join(value) or "none" if isinstance(value, dict) else str(value),
)
async def test_a_refund_ends_as_the_provider_decides(
    hall: Hall, faults: dict[str, Any], end: OrderState, sold: int
) -> None:
    order = await hall.placed(**faults)
    await hall.pay(order)
    await hall.reaches(order, OrderState.PAID)
    await hall.refund(order)
    await hall.reaches(order, end)
    assert await hall.tier() is (Tier.MAIN if sold else Tier.NONE)
    await hall.check_books(sold=sold)


async def test_a_payment_told_after_its_refund_changes_nothing(hall: Hall) -> None:
    order = await hall.placed(reorder=True)
    await hall.pay(order)
    await hall.box.settle(order.id)  # the callback is held back: asking tells
    await hall.refund(order)
    await hall.reaches(order, OrderState.REFUNDED)
    marker = await hall.placed()
    await hall.pay(marker)
    await hall.reaches(marker, OrderState.PAID)
    assert await hall.state(order) is OrderState.REFUNDED
    await hall.check_books(sold=1)
