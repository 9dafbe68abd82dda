"""The door with the guest list in hand: no SQL for those it knows, the truth before a refusal, and news in time."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from auth.identity import Role, UserId
from auth.permissions import Permission
from auth.situation import Phase
from gateway.door.holdings import Records
from gateway.features.course.news import room_shape
from gateway.features.registry import WELCOME
from gateway.features.welcome import Welcome
from gateway.house.relay import OutboxRelay
from gateway.live import rooms as live_rooms
from gateway.replica.orders import EVERYBODY, FANS, INSIDE, OUTSIDE
from gateway.setup import clock as ambient
from presale.catalogue import shows_sql
from presale.catalogue.events import SalesChanged
from presale.orders.holding import HoldLimits
from presale.orders.orders import Order, OrderItem
from presale.orders.placement import Cart
from presale.payments.receipts import Receipt
from presale.refunds.refunds import Refund
from presale.use_cases import deciding
from rooms.chat import pins_sql
from rooms.chat.events import PinsChanged
from rooms.gifts.events import LeaderboardChanged
from rooms.roles import roles_sql
from rooms.stage.events import StageChanged
from store.database_sql import Database
from tests.gateway.sockets.raw import CONNECT, CONNECT_ERROR, raw_socket
from tests.gateway.sockets.venue import Venue, venue

FAN = UserId("fan")


@pytest.fixture
async def hall(tmp_path: Path) -> AsyncIterator[Venue]:
    async with venue(tmp_path) as opened:
        yield opened


@pytest.fixture
async def elsewhere(hall: Venue) -> AsyncIterator[Database]:
    """The database as another process has it: what is committed there is known here when it is published."""
    url = hall.house.settings.effective_database_url
    db = await Database.open(url, clock=ambient.now_ms, new_id=ambient.new_id)
    try:
        yield db
    finally:
        await db.close()


class Asked:
    """Who was looked up in SQL."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.users: list[str] = []
        read = Records.read

        async def counted(records: Records, member: Any) -> None:
            self.users.append(member.user)
            await read(records, member)

        monkeypatch.setattr(Records, "read", counted)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Asked:
    return Asked(monkeypatch)


class Relay:
    """Stopped, until it is started again."""

    def __init__(self, hall: Venue, monkeypatch: pytest.MonkeyPatch) -> None:
        self._hall = hall
        self._monkeypatch = monkeypatch

    @classmethod
    async def stopped(cls, hall: Venue, monkeypatch: pytest.MonkeyPatch) -> "Relay":
        relay = cls(hall, monkeypatch)
        monkeypatch.setattr(OutboxRelay, "drain", relay._nothing)
        monkeypatch.setattr(live_rooms, "BEHIND_MS", 3_600_000)  # however slow this machine is today
        async with hall.house.relay._draining:  # one that is under way would publish what is committed next
            return relay

    async def _nothing(self, *_: object) -> int:
        return 0

    async def start(self) -> None:
        self._monkeypatch.undo()
        await self._hall.house.relay.drain()


async def pay(hall: Venue, db: Database, user: UserId = FAN) -> Order:
    """A paid ticket, committed through a database."""
    show_id = await hall.show_of()
    async with db.write() as uow:
        show = await shows_sql.load_show(uow.connection, show_id)
        assert show is not None
        (product, *_) = await shows_sql.list_products(uow.connection, show_id)
        cart = Cart(user=user, key=uow.new_id(), items=[OrderItem(product.id)], provider="sandbox")
        order = await deciding.place(uow, show, cart, HoldLimits(order_ttl_ms=60_000))
        assert isinstance(order, Order)
        receipt = Receipt(
            provider="sandbox",
            payment=order.payment,
            transaction=order.id,
            amount_minor=order.amount_minor,
            currency=order.currency,
        )
        paid = await deciding.receive(uow, receipt)
    assert isinstance(paid, Order)
    return paid


async def refund(hall: Venue, db: Database, order: Order) -> None:
    show_id = await hall.show_of()
    async with db.write() as uow:
        show = await shows_sql.load_show(uow.connection, show_id)
        assert show is not None
        assert isinstance(await deciding.request_refund(uow, show, order, by=FAN, reason="late"), Refund)


async def live(hall: Venue) -> None:
    await hall.phase(Phase.DOORS, Phase.LIVE)
    await hall.house.relay.drain()


# ---- no SQL in the steady state --------------------------------------------------------------------------


async def test_neither_a_ticket_holder_nor_a_stranger_in_the_foyer_is_looked_up(hall: Venue, asked: Asked) -> None:
    order = await pay(hall, hall.house.db)
    for codec in ("json", "msgpack"):
        async with raw_socket(hall.url, codec=codec) as fan, raw_socket(hall.url, codec=codec) as stranger:
            told = await fan.enter(token=hall.token(), room=hall.room)
            assert (told["you"]["tier"], told["you"]["wallet"]["credits"]) == ("main", 100)
            assert [one["order"] for one in told["you"]["orders"]] == [order.id]
            nothing = await stranger.enter(token=hall.token("stranger"), room=hall.room)
            assert (nothing["you"]["tier"], nothing["you"]["orders"]) == ("none", [])
    await live(hall)
    async with raw_socket(hall.url) as fan:
        assert [one["stream"] for one in (await fan.enter(token=hall.token(), room=hall.room))["streams"]] == ["main"]
    assert asked.users == []


async def test_what_this_process_committed_is_known_before_it_is_published(
    hall: Venue, asked: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with raw_socket(hall.url) as early:
        await early.enter(token=hall.token("early"), room=hall.room)
        relay = await Relay.stopped(hall, monkeypatch)
        order = await pay(hall, hall.house.db)
        async with raw_socket(hall.url) as fan:
            assert (await fan.enter(token=hall.token(), room=hall.room))["you"]["tier"] == "main"
            await refund(hall, hall.house.db, order)
        async with raw_socket(hall.url) as fan:
            assert (await fan.enter(token=hall.token(), room=hall.room))["you"]["tier"] == "none"
        assert asked.users == []
        await relay.start()


async def test_cursor_and_history_of_somebody_known_take_no_sql(hall: Venue, asked: Asked) -> None:
    await pay(hall, hall.house.db)
    await live(hall)
    async with raw_socket(hall.url) as fan, raw_socket(hall.url) as other:
        cursor = (await fan.enter(token=hall.token(), room=hall.room))["cursor"]
        assert (await fan.ask("danmaku", {"text": "hello"}))["ok"]
        back = await other.enter(token=hall.token(), room=hall.room, cursor=cursor)
        assert back["recovered"]
        assert [one["data"]["items"][0]["text"] for one in back["missed"]] == ["hello"]
    assert asked.users == []


async def test_a_welcome_is_the_same_in_both_codecs_and_follows_the_room(hall: Venue) -> None:
    for phase in (None, Phase.DOORS, Phase.LIVE):
        if phase is not None:
            await hall.phase(phase, room=hall.open_room)
            async with hall.house.db.write() as uow:
                await pins_sql.announce(uow, hall.open_room, f"now {phase}", "Host", UserId("host"))
            await hall.house.relay.drain()
        room = await hall.house.live_rooms.get(hall.open_room)
        assert room is not None
        for inside_role in (Role.VIEWER, Role.MODERATOR):
            user = f"{inside_role}-{phase}"
            if inside_role.is_staff:
                await hall.give(user, inside_role, hall.open_room)
            told = []
            for codec in ("json", "msgpack"):
                async with raw_socket(hall.url, codec=codec) as fan:
                    told.append(await fan.enter(token=hall.token(user), room=hall.open_room))
            for welcome in told:
                read = msgspec.convert(welcome, Welcome)
                assert read.room == room_shape(room.replica.room)
                assert read.sales == room.replica.shown(SalesChanged, FANS, room)
                side = INSIDE if Permission.CHAT_READ in read.you.permissions else OUTSIDE
                assert read.pins == room.replica.shown(PinsChanged, side, room)
                assert (read.stage, read.leaderboard) == (
                    room.replica.shown(StageChanged, EVERYBODY, room),
                    room.replica.shown(LeaderboardChanged, EVERYBODY, room),
                )
            assert set(told[0]) == set(told[1]) == set(WELCOME.payload.__struct_fields__) - {"admission"}
            assert told[0]["you"] == told[1]["you"]


# ---- the truth before a refusal ---------------------------------------------------------------------------


async def test_a_fan_who_paid_a_moment_ago_is_let_in_although_nothing_was_published(
    hall: Venue, elsewhere: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    await live(hall)
    async with raw_socket(hall.url) as fan:
        refused = await fan.connect(token=hall.token(), room=hall.room)
        assert (refused.kind, refused.data["message"]) == (CONNECT_ERROR, "TICKET_REQUIRED")
        await Relay.stopped(hall, monkeypatch)
        await pay(hall, elsewhere)
        told = await fan.enter(token=hall.token(), room=hall.room)
        assert (told["you"]["tier"], told["you"]["wallet"]["credits"]) == ("main", 100)
        assert [one["stream"] for one in told["streams"]] == ["main"]


async def test_a_moderator_named_a_moment_ago_opens_the_console(
    hall: Venue, elsewhere: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with raw_socket(hall.url) as mo:
        refused = await mo.connect("/console", token=hall.token("mo"), room=hall.room)
        assert (refused.kind, refused.data["message"]) == (CONNECT_ERROR, "FORBIDDEN")
        await Relay.stopped(hall, monkeypatch)
        async with elsewhere.write() as uow:
            await roles_sql.grant(uow, UserId("mo"), Role.MODERATOR, await hall.show_of(), UserId("host"))
        assert (await mo.connect("/console", token=hall.token("mo"), room=hall.room)).kind == CONNECT


async def test_a_role_taken_and_given_is_read_from_sql_each_time(hall: Venue, asked: Asked) -> None:
    await hall.give("mo", Role.MODERATOR)
    async with raw_socket(hall.url) as mo:
        assert (await mo.enter(token=hall.token("mo"), room=hall.room))["you"]["role"] == "moderator"
    async with hall.house.db.write() as uow:
        await roles_sql.revoke(uow, UserId("mo"), Role.MODERATOR, await hall.show_of(), UserId("host"))
    async with raw_socket(hall.url) as mo:
        assert (await mo.enter(token=hall.token("mo"), room=hall.room))["you"]["role"] == "viewer"
    assert asked.users == ["mo", "mo"]


# ---- news that are late -----------------------------------------------------------------------------------


async def test_a_refunded_fan_who_came_before_the_publication_is_demoted_by_it(
    hall: Venue, elsewhere: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = await pay(hall, hall.house.db)
    await live(hall)
    async with raw_socket(hall.url) as first:
        await first.enter(token=hall.token(), room=hall.room)
    relay = await Relay.stopped(hall, monkeypatch)
    await refund(hall, elsewhere, order)
    async with raw_socket(hall.url) as fan:
        assert (await fan.enter(token=hall.token(), room=hall.room))["you"]["tier"] == "main"
        await relay.start()
        told = await fan.event("tier")
        assert (told["tier"], told["version"], told["streams"], told["permissions"]) == ("none", 2, [], [])
    async with raw_socket(hall.url) as fan:
        assert (await fan.connect(token=hall.token(), room=hall.room)).data["message"] == "TICKET_REQUIRED"


async def test_while_news_lag_behind_everybody_is_looked_up(
    hall: Venue, elsewhere: Database, asked: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = await pay(hall, hall.house.db)
    await live(hall)
    async with raw_socket(hall.url) as fan:
        await fan.enter(token=hall.token(), room=hall.room)
    relay = await Relay.stopped(hall, monkeypatch)
    await refund(hall, elsewhere, order)
    rooms = hall.house.live_rooms
    monkeypatch.setattr(live_rooms, "BEHIND_MS", -60_000)  # whatever waits has waited for too long
    await rooms.look_behind()
    async with raw_socket(hall.url) as fan:
        assert (await fan.connect(token=hall.token(), room=hall.room)).data["message"] == "TICKET_REQUIRED"
    assert asked.users == ["fan"]
    await relay.start()
    await rooms.look_behind()
    assert not rooms._guest_lists[hall.room].is_behind
