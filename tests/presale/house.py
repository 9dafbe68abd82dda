"""A whole box office on a fresh database, with a fake provider, a fake clock and one show."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from auth.denials import Denied
from auth.identity import Role, RoomId, ShowId, Tier, UserId
from auth.situation import Course, Phase
from gateway.house.jobs import JobWorker
from presale import events
from presale.audit import audit_sql
from presale.books import ledger, ledger_sql, wallet_sql
from presale.catalogue import shows_sql
from presale.catalogue.shows import Product, ProductId, Show
from presale.entitlements import entitlements_sql
from presale.orders import orders_sql
from presale.orders.holding import HoldLimits
from presale.orders.orders import Order, OrderItem
from presale.refunds import refunds_sql
from presale.refunds.refunds import Refund
from presale.use_cases.box_office import BoxOffice
from rooms.gifts import gifts_sql
from rooms.gifts.gifts import GiftRecord, spending_key
from store import outbox_sql
from store.database_sql import Database
from store.findings import Finding
from tests.presale.fake_provider import GENUINE, FakeProvider
from tests.store import homes
from tests.store.fakes import FakeClock, counting_ids

SHOW = ShowId("show")
ROOM = RoomId("room")
MAIN = ProductId("main")
VIP = ProductId("vip")
AGAIN = ProductId("again")
"""Of tier `main`, with 20 credits, made to be bought again: offered by `House.offer_again`."""
FAN = UserId("fan")
RIVAL = UserId("rival")
OPERATOR = UserId("operator")
TTL_MS = 900_000
COOL_DOWN_MS = 120_000
UNPAID_SEATS = 4


@dataclass
class House:
    db: Database
    clock: FakeClock
    provider: FakeProvider
    box: BoxOffice
    worker: JobWorker
    url: str
    phase: Phase | None = Phase.PRESALE
    phase_everywhere: bool = False
    """Whether other shows stand there too; else they have no room."""
    banned: set[UserId] = field(default_factory=set)

    async def place(
        self,
        user: UserId = FAN,
        *products: ProductId,
        key: str = "key-0001",
        show: ShowId = SHOW,
        again: bool = False,
    ) -> Order | Denied:
        items = [OrderItem(product) for product in products or (MAIN,)]
        return await self.box.place_order(user, key, show, items, "fake", again=again)

    async def placed(self, user: UserId = FAN, *products: ProductId, key: str = "key-0001") -> Order:
        order = await self.place(user, *products, key=key)
        assert isinstance(order, Order)
        return order

    async def paid(self, user: UserId = FAN, *products: ProductId, key: str = "key-0001") -> Order:
        order = await self.placed(user, *products, key=key)
        assert await self.callback(self.provider.pay(order.payment)) is None
        return await self.reload(order)

    async def offer_again(self) -> None:
        async with self.db.write() as uow:
            offered = product(AGAIN, Tier.MAIN, 2_000, 10, 20)
            await shows_sql.add_product(uow, msgspec.structs.replace(offered, repeatable=True))

    async def callback(self, body: bytes) -> Denied | None:
        return await self.box.receive_callback("fake", GENUINE, body)

    async def return_ticket(self, order: Order, by: UserId = OPERATOR, role: Role = Role.OPERATOR) -> Refund:
        refund = await self.box.request_refund(by, role, order.id, "changed my mind")
        assert isinstance(refund, Refund)
        return refund

    async def reload(self, order: Order) -> Order:
        async with self.db.read() as connection:
            found = await orders_sql.load(connection, order.id)
        assert found is not None
        return found

    async def refund_of(self, order: Order) -> Refund | None:
        async with self.db.read() as connection:
            return await refunds_sql.load_latest(connection, order.id)

    async def tier(self, user: UserId = FAN) -> Tier:
        async with self.db.read() as connection:
            return (await entitlements_sql.load(connection, SHOW, user)).tier

    async def credits(self, user: UserId = FAN) -> int:
        async with self.db.read() as connection:
            return (await wallet_sql.load(connection, SHOW, user)).credits

    async def spend(self, credits_: int, key: str = "gift-0001", user: UserId = FAN) -> object:
        async with self.db.write() as uow:
            return await wallet_sql.spend(uow, SHOW, user, credits_, key)

    async def give(self, credits_: int, key: str = "gift-0001", user: UserId = FAN) -> None:
        """A gift as the gateway commits it: paid and on record; the room exists."""
        async with self.db.write() as uow:
            await wallet_sql.spend(uow, SHOW, user, credits_, spending_key(ROOM, key))
            await gifts_sql.record(
                uow, GiftRecord(uow.new_id(), ROOM, user, user, "rose", credits_, credits_, key, uow.now_ms, Tier.MAIN)
            )

    async def seats(self, product: ProductId = MAIN) -> tuple[int, int]:
        """Sold and held."""
        async with self.db.read() as connection:
            found = {each.id: each for each in await shows_sql.list_products(connection, SHOW)}[product]
        return found.sold, found.held

    async def balance(self, account: str) -> int:
        async with self.db.read() as connection:
            return (await ledger_sql.balance(connection, account, "CNY"))[0]

    async def money(self) -> tuple[int, int, int]:
        """At the provider, sales, refunds."""
        return (
            await self.balance("provider:fake"),
            await self.balance(ledger.sales(SHOW)),
            await self.balance(ledger.refunds(SHOW)),
        )

    async def audit(self) -> list[Finding]:
        async with self.db.read() as connection:
            return await audit_sql.audit(connection)

    async def events(self) -> list[events.PresaleEvent]:
        """What the box office has announced since the last call."""
        rows = await outbox_sql.claim(self.db, 1000, 1000)
        await outbox_sql.settle(self.db, done=[row.id for row in rows])
        return [events.decode(row.body) for row in rows if b'"t":"presale.' in row.body]

    async def work(self) -> int:
        return await self.worker.drain()

    async def work_later(self, milliseconds: int = TTL_MS) -> int:
        self.clock.advance(milliseconds)
        return await self.worker.drain()


@asynccontextmanager
async def open_house(
    folder: Path, *, home: str = homes.SQLITE, capacity: int = 10, credits_: int = 10
) -> AsyncIterator[House]:
    """One show in presale: `main` for 128.00 with gift credits worth 1.00 each, `vip` for 388.00 without."""
    with homes.migrated(home, folder) as url:
        clock = FakeClock()
        db = await Database.open(url, clock=clock, new_id=counting_ids())
        try:
            house = await _furnish(db, clock, url, capacity, credits_)
            try:
                yield house
            finally:
                await house.box.aclose()
        finally:
            await db.close()


async def _furnish(db: Database, clock: FakeClock, url: str, capacity: int, credits_: int) -> House:
    provider = FakeProvider()

    async def course_of(_connection: AsyncConnection, show: ShowId) -> Course | None:
        phase = house.phase if show == SHOW or house.phase_everywhere else None
        return None if phase is None else course(phase, clock.now_ms)

    async def is_banned(_connection: AsyncConnection, _room: RoomId, user: UserId) -> bool:
        return user in house.banned

    box = BoxOffice(
        db,
        {"fake": provider},
        course_of,
        is_banned=is_banned,
        holds=HoldLimits(order_ttl_ms=TTL_MS, cool_down_ms=COOL_DOWN_MS, unpaid_seats=UNPAID_SEATS),
    )
    house = House(db, clock, provider, box, JobWorker(db, box.handlers), url)
    async with db.write() as uow:
        await shows_sql.create_show(uow, show())
        await shows_sql.add_product(uow, product(MAIN, Tier.MAIN, 12_800, capacity, credits_))
        await shows_sql.add_product(uow, product(VIP, Tier.VIP, 38_800, capacity, 0))
    return house


def course(phase: Phase, now_ms: int) -> Course:
    return Course("Opening night", phase, now_ms + 3_600_000, now_ms + 7_200_000)


def show(refund_until_ms: int | None = None) -> Show:
    return Show(
        id=SHOW,
        room=ROOM,
        currency="CNY",
        refund_until_ms=refund_until_ms,
        credit_minor=100,
    )


def product(id_: ProductId, tier: Tier, price_minor: int, capacity: int, credits_: int) -> Product:
    return Product(id=id_, show=SHOW, name=id_, tier=tier, price_minor=price_minor, capacity=capacity, credits=credits_)
