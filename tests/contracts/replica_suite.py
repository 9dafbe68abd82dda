"""State plus news is state read again: what every feature promises of its publications.

A room is read from SQL. Something happens: a command, an order, a change of the staff. A replica that takes the news
of it must then know what a replica knows that reads the room afresh. What this finds: an event that forgot a field, a
version that does not rise, a value that is read and that no publication tells.

A feature gives its examples in `tests/contracts/replica_examples/`, one module per feature, by the name of the command;
an example of anything else has a name of its own.
"""

import importlib
import pkgutil
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
from msgspec import Struct, structs

from auth.denials import Denied
from auth.door import Surface
from auth.grants import Grant
from auth.identity import Identity, Role, RoomId, ShowId, Tier, UserId
from auth.situation import Phase
from gateway.contract.codec import Codec
from gateway.demo.playground import furnish
from gateway.features.registry import BOOK, BY_NAME, LOADS
from gateway.house.house import House, open_house
from gateway.live.loading import read_room
from gateway.live.member import Member
from gateway.replica.orders import Order, ReadAgain
from gateway.replica.replica import Reading, Replica
from gateway.setup.settings import Mode, Settings
from gateway.sockets.connection import Opening
from presale.catalogue import shows_sql
from presale.catalogue.shows import Product
from presale.orders.holding import HoldLimits
from presale.orders.orders import Order as FansOrder
from presale.orders.orders import OrderItem
from presale.use_cases.box_office import BoxOffice
from rooms.course import rooms_sql
from rooms.moderation import sanctions_sql
from rooms.roles import roles_sql
from tests import contracts
from tests.presale.fake_provider import GENUINE, FakeProvider

HOST, FAN, OTHER = UserId("host"), UserId("fan"), UserId("other")
HOUR_MS = 3_600_000
HOLDS = HoldLimits(order_ttl_ms=HOUR_MS, cool_down_ms=0, unpaid_seats=10)


class Now:
    """A moment for replicas that tell nobody."""

    def now_ms(self) -> int:
        return 1

    def new_id(self) -> str:
        return "id"

    def publishing_grant(self, user: UserId) -> Grant:
        return Grant("main", "publish", "hls", f"https://media.example/{user}", 1)


@dataclass
class Evening:
    """A ticketed show that is on, its host, and a fan with a VIP ticket; nobody has a socket."""

    house: House
    box: BoxOffice
    provider: FakeProvider
    show: ShowId
    room: RoomId
    products: dict[Tier, Product]
    told: list[Any] = field(default_factory=list)
    """All news of the room so far."""

    async def do(self, name: str, payload: Any = None, by: UserId = HOST) -> Any:
        """Carry a command out, as a socket that is inside would; a refusal is a fault of the example."""
        command = BY_NAME[name]
        answer = command.answer(
            await self._act(by, on_console=command.roles is not None), _asked(command.payload, payload)
        )
        told = await answer if isinstance(answer, Awaitable) else answer
        assert not isinstance(told, Denied), f"{name} was refused: {told}"
        await self.house.live_rooms.store()
        return told

    async def say(self, text: str, by: UserId = FAN) -> str:
        """A danmaku, and its id."""
        said: str = (await self.do("danmaku", {"text": text}, by)).id
        return said

    async def order(self, tier: Tier, user: UserId = OTHER) -> FansOrder:
        """An unpaid order."""
        items = [OrderItem(self.products[tier].id)]
        order = await self.box.place_order(user, self.house.new_id(), self.show, items, "fake")
        assert isinstance(order, FansOrder), order
        return order

    async def ticket(self, tier: Tier, user: UserId = OTHER) -> FansOrder:
        """A paid order."""
        order = await self.order(tier, user)
        assert await self.box.receive_callback("fake", GENUINE, self.provider.pay(order.payment)) is None
        return order

    async def phase(self, *phases: Phase) -> None:
        """Move the show on."""
        for phase in phases:
            await self.do("show:phase", {"phase": phase.value})

    async def come_in(self, user: UserId) -> None:
        """Be in the room with a socket that hears nothing."""
        member = (await self._act(user, on_console=False)).member
        member.connection = SimpleNamespace(leaving=False)
        member.room.enter(member)

    async def read(self) -> Reading:
        """The room as SQL has it."""
        async with self.house.db.read() as connection:
            return await read_room(connection, self.room, LOADS)

    async def _act(self, user: UserId, *, on_console: bool) -> Any:
        room = await self.house.live_rooms.get(self.room)
        assert room is not None
        surface = Surface.CONSOLE if on_console else Surface.LIVE
        opening = Opening(surface.value, {"room": self.room}, "127.0.0.1", Codec.JSON)
        member = Member(room, opening, Identity(user, user, user, 2**53))
        room.enter(member)
        await self.house.truth.of(self.room)
        await self.house.resync._know(member)
        room.leave(member)
        return self.house.visit(room, member)


def _asked(kind: type[Struct], payload: Any) -> Any:
    return msgspec.convert({} if payload is None else payload, kind)


@asynccontextmanager
async def evening(folder: Path) -> AsyncIterator[Evening]:
    """One, with what happens in it taken down."""
    settings = Settings.load(Mode.TEST, data_dir=folder, sandbox_url="")
    async with open_house(settings) as house:
        await furnish(house.db)
        async with house.db.read() as connection:
            room = next(one for one in await rooms_sql.list_rooms(connection) if one.access.value == "ticketed")
            products = {product.tier: product for product in await shows_sql.list_products(connection, room.show)}
        provider = FakeProvider()
        box = BoxOffice(
            house.db, {"fake": provider}, rooms_sql.course_of, is_banned=sanctions_sql.is_banned, holds=HOLDS
        )
        now = Evening(house, box, provider, room.show, room.id, products)
        forward = house.db.on_emitted

        def take_down(emitted: Any, at_ms: int) -> None:
            now.told += [BOOK.decode(body) for room, body in emitted if room == now.room]
            if forward is not None:
                forward(emitted, at_ms)

        house.db.on_emitted = take_down
        async with house.db.write() as uow:
            await roles_sql.grant(uow, HOST, Role.HOST, room.show, HOST)
        await now.ticket(Tier.VIP, FAN)
        await now.phase(Phase.DOORS, Phase.LIVE)
        try:
            yield now
        finally:
            await box.aclose()


Example = Callable[[Evening], Awaitable[object]]


def examples() -> Mapping[str, Example]:
    """Of all features, by name."""
    found: dict[str, Example] = {}
    folder = importlib.import_module(f"{contracts.__name__}.replica_examples")
    for module in pkgutil.iter_modules(folder.__path__):
        of_feature: Mapping[str, Example] = importlib.import_module(f"{folder.__name__}.{module.name}").EXAMPLES
        assert not found.keys() & of_feature.keys(), f"{module.name}: an example that is given already"
        found |= of_feature
    return found


async def assert_news_are_enough(now: Evening, example: Example) -> None:
    """A replica that was told what happened knows what one knows that reads the room afresh."""
    known = Replica(BOOK, await now.read())
    now.told.clear()
    await example(now)
    orders = [order for event in now.told for order in known.take(event, Now())]
    if ReadAgain() in orders:  # the news say that they do not tell all
        _ = [known.take(event, Now()) for event in known.differences(await now.read())]
    fresh = Replica(BOOK, await now.read())
    # likes are an event of their own: the record has them only where it was read
    assert known.room == structs.replace(fresh.room, like_total=known.room.like_total)
    for news in BOOK.newest:
        assert _content(known.newest(news)) == _content(fresh.newest(news)), news.__name__
    for row in BOOK.keyed:
        assert _in_force(known, row.kept) == _in_force(fresh, row.kept), row.thing
    for tail in BOOK.tails:
        assert list(known.tail(tail.news)) == list(fresh.tail(tail.news)), tail.news.__name__
    assert known.counted.floor == fresh.counted.floor, "a version was counted and travelled in no event"
    reading = await now.read()
    again: list[Order] = []
    for news in known.differences(reading):
        again += known.take(news, Now())
    assert again == [], "read again after its news, the room is told once more"


def _in_force(replica: Replica, kept: type[Any]) -> dict[str, Any]:
    return {key: _content(event) for key, event in replica.each(kept).items()}


def _content(event: Any) -> Any:
    """Without its version: a reading has the newest of all for each, and a stage one for its members and its queue."""
    return structs.replace(event, version=0) if "version" in event.__struct_fields__ else event
