"""Many buyers, few seats: rounds of a race at several box offices on one database."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

from sqlalchemy import ColumnElement, text, true
from sqlalchemy.ext.asyncio import AsyncConnection

from auth.denials import Code, Denied
from auth.identity import RoomId, ShowId, Tier, UserId
from auth.situation import Course, Phase
from presale.audit import audit_sql
from presale.catalogue import shows_sql, stock_sql
from presale.catalogue.offer import Offer
from presale.catalogue.shows import Product, ProductId, Show
from presale.orders.orders import Order, OrderItem
from presale.use_cases.box_office import BoxOffice
from store.database_sql import Database
from store.findings import Finding
from tests.presale.fake_provider import GENUINE, FakeProvider
from tests.presale.unchecked import drop_checks
from tests.store import homes
from tests.store.fakes import FakeClock, counting_ids

OFFICES = 2
"""Box offices with connections of their own, as two processes have them."""
PHASE = Phase.PRESALE


@dataclass(frozen=True, slots=True)
class Round:
    """What one race came to."""

    sold: int
    held: int
    refused: int
    """Buyers who were told SOLD_OUT."""
    seconds: float


@dataclass
class Box:
    """One database, and the offices that sell from it."""

    offices: list[BoxOffice]
    databases: list[Database]
    provider: FakeProvider
    rounds: int = 0

    async def race(self, buyers: int, seats: int) -> Round:
        """A new show with so many seats; all buyers order at once and the lucky ones pay at once."""
        self.rounds += 1
        show, product = ShowId(f"show-{self.rounds}"), ProductId(f"seat-{self.rounds}")
        async with self.databases[0].write() as uow:
            await shows_sql.create_show(uow, _show(show))
            await shows_sql.add_product(uow, _product(product, show, seats))
        began = time.perf_counter()
        told = await asyncio.gather(
            *(self._buy(self.offices[number % len(self.offices)], number, show, product) for number in range(buyers))
        )
        seconds = time.perf_counter() - began
        async with self.databases[0].read() as connection:
            (left,) = await shows_sql.list_products(connection, show)
        assert {answer.code for answer in told if isinstance(answer, Denied)} <= {Code.SOLD_OUT}
        assert sum(isinstance(answer, Order) for answer in told) == left.sold + left.held, (
            "everybody was told the truth"
        )
        return Round(left.sold, left.held, sum(isinstance(answer, Denied) for answer in told), seconds)

    async def audit(self) -> list[Finding]:
        """What does not add up after all rounds."""
        async with self.databases[0].survey() as connection:
            return await audit_sql.audit(connection)

    async def server(self) -> str:
        """Which database this is, in its own words."""
        async with self.databases[0].read() as connection:
            is_sqlite = connection.dialect.name == "sqlite"
            asked = "SELECT 'SQLite ' || sqlite_version()" if is_sqlite else "SHOW server_version"
            said = str((await connection.execute(text(asked))).scalar_one())
            return said if is_sqlite else f"PostgreSQL {said.split(maxsplit=1)[0]}"

    async def _buy(self, office: BoxOffice, number: int, show: ShowId, product: ProductId) -> Order | Denied:
        buyer = UserId(f"fan-{number}")
        answer = await office.place_order(buyer, f"{show}-{number}", show, [OrderItem(product)], "fake")
        if isinstance(answer, Order):
            assert await office.receive_callback("fake", GENUINE, self.provider.pay(answer.payment)) is None
        return answer


@asynccontextmanager
async def open_box(home: str, folder: Path) -> AsyncIterator[Box]:
    """An empty database of that kind and the offices on it."""
    with homes.migrated(home, folder) as url:
        clock, provider = FakeClock(), FakeProvider()
        databases = [await _open(url, clock, number) for number in range(OFFICES)]
        try:
            yield Box([BoxOffice(db, {"fake": provider}, _course_of) for db in databases], databases, provider)
        finally:
            for database in databases:
                await database.close()


@asynccontextmanager
async def without_guard(box: Box) -> AsyncIterator[None]:
    """The control: the decision sees no shortage; the condition of the UPDATE and the CHECK behind it are gone."""

    def no_guard(_quantity: int) -> ColumnElement[bool]:
        return true()

    def sees_nothing(_offer: Offer, _lines: object) -> None:
        return None

    for database in box.databases:
        async with database.write() as uow:  # SQLite has one writing connection: it stays so for all that follow
            await drop_checks(uow.connection)
    with mock.patch.object(stock_sql, "fits", no_guard), mock.patch.object(Offer, "short", sees_nothing):
        yield


async def _open(url: str, clock: FakeClock, number: int) -> Database:
    ids = counting_ids()
    return await Database.open(url, clock=clock, new_id=lambda: f"{number}-{ids()}")


async def _course_of(_connection: AsyncConnection, _show: ShowId) -> Course:
    return Course("One night", PHASE, 0, 0)


def _show(show: ShowId) -> Show:
    return Show(
        id=show,
        room=RoomId(f"room-{show}"),
        currency="CNY",
        refund_until_ms=None,
        credit_minor=100,
    )


def _product(product: ProductId, show: ShowId, seats: int) -> Product:
    return Product(id=product, show=show, name="seat", tier=Tier.MAIN, price_minor=12_800, capacity=seats, credits=1)
