"""The guest list says what SQL says, whichever way and in whatever order the news came."""

import random
from collections.abc import AsyncIterator, Sequence
from itertools import permutations
from pathlib import Path

import pytest

from auth.identity import Role, RoomId, ShowId, Tier, UserId
from auth.situation import Access, Phase
from gateway.features.registry import BOOK
from gateway.live.loading import load_guests
from gateway.replica.guests import ENDED_MS, MAX_CHANGES, STRANGER, GuestList
from presale.books import wallet_sql
from presale.books.events import WalletChanged
from presale.books.wallet import Wallet
from presale.entitlements import entitlements_sql
from presale.entitlements.entitlements import EntitlementReason
from presale.entitlements.events import EntitlementChanged
from presale.orders import orders_sql
from presale.orders.events import OrderChanged, told
from presale.orders.orders import STANDING, Order, OrderId, OrderItem, OrderState
from rooms.course import rooms_sql
from rooms.course.room import RoomRecord
from rooms.roles import roles_sql
from rooms.roles.events import RoleChanged
from store import outbox_sql
from tests.presale.house import MAIN, SHOW, VIP, House, open_house

ANN, BOB = UserId("ann"), UserId("bob")
USERS = (ANN, BOB, UserId("cy"))
ROOM = RoomId("room")

Said = tuple[Tier, int, list[tuple[int, Tier]] | None, Wallet, list[OrderChanged]]


@pytest.fixture
async def house(home: str, tmp_path: Path) -> AsyncIterator[House]:
    async with open_house(tmp_path, home=home, capacity=1000) as opened:
        async with opened.db.write() as uow:
            room = RoomRecord(ROOM, SHOW, "Opening night", Access.TICKETED, Phase.PRESALE, 1, 2)
            await rooms_sql.create_room(uow, room)
        yield opened


async def loaded(house: House, guests: GuestList | None = None) -> GuestList:
    guests = GuestList() if guests is None else guests
    async with house.db.survey() as connection:
        await load_guests(guests, connection, SHOW)
    return guests


async def said_by_sql(house: House, user: UserId) -> Said:
    async with house.db.read() as connection:
        entitlement = await entitlements_sql.load(connection, SHOW, user)
        history = await entitlements_sql.history(connection, SHOW, user)
        wallet = await wallet_sql.load(connection, SHOW, user)
        orders = await orders_sql.list_own(connection, SHOW, user)
    standing = [told(order) for order in orders if order.state in STANDING]
    return entitlement.tier, entitlement.version, history[-MAX_CHANGES:], wallet, standing


def said_by(guests: GuestList, user: UserId) -> Said | None:
    guest = guests.find(user)
    if guest is None:
        return None
    history = guest.history_since(guest.changes[0].at_ms if guest.changes else 0)
    return guest.tier, guest.tier_version, history, guest.wallet, list(guest.orders)


def entitled(version: int, tier: Tier) -> EntitlementChanged:
    return EntitlementChanged(ANN, SHOW, tier, version, EntitlementReason.PURCHASE)


def ordered(version: int, state: OrderState) -> OrderChanged:
    return OrderChanged(ANN, SHOW, OrderId("o"), state, 1, "CNY", [OrderItem(MAIN)], 9, version, None)


# ---- newest wins -------------------------------------------------------------------------------------


async def test_news_in_any_order_end_in_the_newest(house: House) -> None:
    tiers = {1: Tier.MAIN, 2: Tier.VIP, 3: Tier.NONE}
    for order in permutations(tiers):
        guests = await loaded(house)
        for position, version in enumerate(order):
            guests.apply(entitled(version, tiers[version]), version * 10)
            guests.apply(WalletChanged(ANN, SHOW, version * 100, version), 0)
            guest = guests.find(ANN)
            assert guest is not None
            newest = max(order[: position + 1])
            assert (guest.tier, guest.tier_version, guest.wallet) == (
                tiers[newest],
                newest,
                Wallet(newest * 100, newest),
            )
        whole = guests.find(ANN)
        assert whole is not None
        assert whole.history_since(0) == [(version * 10, tier) for version, tier in tiers.items()]


async def test_a_history_with_a_gap_is_not_passed_off_as_whole(house: House) -> None:
    guests = await loaded(house)
    guests.apply(entitled(2, Tier.VIP), 20)
    guest = guests.find(ANN)
    assert guest is not None
    assert (guest.tier, guest.history_since(20)) == (Tier.VIP, [(20, Tier.VIP)])
    assert guest.history_since(19) is None
    guests.apply(entitled(4, Tier.VIP), 40)
    assert (guest.tier_version, guest.history_since(20)) == (4, None)


async def test_late_news_revive_no_order_that_is_over(house: House) -> None:
    states = {1: OrderState.PENDING, 2: OrderState.PAID, 3: OrderState.REFUNDING, 4: OrderState.REFUNDED}
    for order in permutations(states):
        guests = await loaded(house)
        for position, version in enumerate(order):
            guests.apply(ordered(version, states[version]), 0)
            newest = max(order[: position + 1])
            standing = [] if newest == max(states) else [(newest, states[newest])]
            guest = guests.find(ANN)
            assert guest is not None
            assert [(one.version, one.state) for one in guest.orders] == standing


async def test_an_order_paid_after_its_end_stands_again(house: House) -> None:
    guests = await loaded(house)
    for version, state in ((1, OrderState.PENDING), (2, OrderState.CLOSED), (3, OrderState.PAID)):
        guests.apply(ordered(version, state), 0)
    guest = guests.find(ANN)
    assert guest is not None
    assert [one.state for one in guest.orders] == [OrderState.PAID]


async def test_a_load_never_takes_back_what_was_published_while_it_read(house: House) -> None:
    order = await house.paid(ANN)
    guests = GuestList()
    guests.apply(entitled(2, Tier.NONE), 5)
    guests.apply(WalletChanged(ANN, SHOW, 0, 9), 5)
    guests.apply(OrderChanged(ANN, SHOW, order.id, OrderState.REFUNDED, 1, "CNY", [], 9, order.version + 2, None), 5)
    await loaded(house, guests)
    guest = guests.find(ANN)
    assert guest is not None
    assert (guest.tier, guest.tier_version, guest.wallet.version, guest.orders) == (Tier.NONE, 2, 9, ())
    assert guest.history_since(0) is not None  # the load brought the first change


async def test_publications_that_were_on_their_way_while_it_was_loaded_change_nothing(house: House) -> None:
    abandoned = await house.placed(ANN, key="key-abandoned")
    await house.work_later()  # its time is over
    assert (await house.reload(abandoned)).state is OrderState.CLOSED
    await house.return_ticket(await house.paid(ANN, VIP))
    guests = await loaded(house)
    before = said_by(guests, ANN)
    for row in await outbox_sql.claim(house.db, 1000, 1000):
        guests.apply(BOOK.decode(row.body), row.at_ms)
        assert said_by(guests, ANN) == before


# ---- whom it does not answer for -------------------------------------------------------------------------


async def test_who_is_not_on_a_complete_list_has_nothing(house: House) -> None:
    await house.paid(ANN)
    assert (await loaded(house)).find(BOB) is STRANGER


async def test_a_list_that_is_not_loaded_or_lags_behind_answers_for_nobody(house: House) -> None:
    guests = GuestList()
    assert guests.find(ANN) is None
    await loaded(house, guests)
    assert guests.find(ANN) is not None
    guests.is_behind = True
    assert guests.find(ANN) is None


@pytest.mark.parametrize("show", [SHOW, None])
async def test_whoever_has_a_role_or_had_one_taken_is_asked_for_in_sql(house: House, show: ShowId | None) -> None:
    async with house.db.write() as uow:
        await roles_sql.grant(uow, ANN, Role.OPERATOR, show, UserId("chief"))
    guests = await loaded(house)
    assert guests.find(ANN) is None
    guests.apply(RoleChanged(ANN, Role.VIEWER), 0)
    guests.apply(RoleChanged(BOB, Role.VIEWER), 0)
    assert (guests.find(ANN), guests.find(BOB)) == (None, None)


async def test_a_full_list_stays_right_about_those_on_it_and_silent_about_others(house: House) -> None:
    await house.paid(ANN)
    guests = await loaded(house, GuestList(max_guests=1))
    assert guests.find(BOB) is STRANGER
    guests.apply(WalletChanged(BOB, SHOW, 5, 1), 0)
    assert (guests.size, guests.find(BOB)) == (1, None)
    assert said_by(guests, ANN) == await said_by_sql(house, ANN)


def remembered(guests: GuestList) -> list[str]:
    """The orders that late news cannot revive, of those with the numbers 0 to 9."""
    found = []
    for number in map(str, range(10)):
        late = OrderChanged(ANN, SHOW, OrderId(number), OrderState.PAID, 1, "CNY", [], 9, 1, None)
        guests.apply(late, 0)
        guest = guests.find(ANN)
        assert guest is not None
        if number not in [one.order for one in guest.orders]:
            found.append(number)
    return found


def close(guests: GuestList, number: int, at_ms: int) -> None:
    guests.apply(OrderChanged(ANN, SHOW, OrderId(str(number)), OrderState.CLOSED, 1, "CNY", [], 9, 2, None), at_ms)


async def test_the_orders_that_are_over_take_bounded_room(house: House) -> None:
    guests = await loaded(house, GuestList(max_ended=6))
    for number in range(10):
        close(guests, number, 0)
    assert remembered(guests) == ["6", "7", "8", "9"]  # half of the bound at least


async def test_orders_that_are_over_are_forgotten_in_time_and_not_before(house: House) -> None:
    guests = await loaded(house)
    began_ms = 1_000 * ENDED_MS
    for number in range(10):
        close(guests, number, began_ms + number * ENDED_MS // 2)
    assert remembered(guests) == ["6", "7", "8", "9"]  # 7 has just been over for as long as is promised


async def test_orders_that_were_over_a_moment_ago_are_remembered_though_many_were(house: House) -> None:
    guests = await loaded(house, GuestList(max_ended=6))
    began_ms = 1_000 * ENDED_MS
    close(guests, 0, began_ms)
    for number in range(1, 4):  # a generation is full just before its time is over
        close(guests, number, began_ms + ENDED_MS)
    close(guests, 4, began_ms + ENDED_MS + 1)
    assert remembered(guests) == ["0", "1", "2", "3", "4"]


async def test_of_an_entitlement_that_changed_often_the_newest_changes_are_known(house: House) -> None:
    guests = await loaded(house)
    changes = 3 * MAX_CHANGES
    for version in range(1, changes + 1):
        guests.apply(entitled(version, Tier.MAIN if version % 2 else Tier.NONE), version * 10)
    guest = guests.find(ANN)
    assert guest is not None
    assert len(guest.changes) == MAX_CHANGES
    oldest = changes - MAX_CHANGES + 1
    assert [at_ms for at_ms, _ in guest.history_since(oldest * 10) or []] == [
        version * 10 for version in range(oldest, changes + 1)
    ]
    assert guest.history_since(oldest * 10 - 1) is None
    guests.apply(entitled(1, Tier.VIP), 10)  # late, and known no more
    assert (guest.tier_version, guest.changes[0].version) == (changes, oldest)


# ---- equal to SQL ------------------------------------------------------------------------------------------


class Evening:
    """A random run of everything that changes what somebody's welcome says."""

    def __init__(self, house: House, seed: int) -> None:
        self.house = house
        self.chance = random.Random(seed)  # noqa: S311 - a test's own dice
        self.orders: list[Order] = []
        self._keys = iter(range(10_000))

    def key(self) -> str:
        return f"key-{next(self._keys):06d}"

    async def step(self) -> None:
        user = self.chance.choice(USERS)
        self.house.clock.advance(self.chance.randrange(60_000))
        await self.chance.choice([self.place, self.pay, self.pay, self.refund, self.spend, self.settle, self.role])(
            user
        )

    async def place(self, user: UserId) -> None:
        order = await self.house.place(user, self.chance.choice((MAIN, VIP)), key=self.key())
        if isinstance(order, Order):
            self.orders.append(order)

    async def pay(self, user: UserId) -> None:
        await self.place(user)
        waiting = [order for order in self.orders if order.user == user]
        if waiting:
            order = await self.house.reload(self.chance.choice(waiting))
            if order.state is OrderState.PENDING:
                await self.house.callback(self.house.provider.pay(order.payment))

    async def refund(self, user: UserId) -> None:
        for order in self.orders:
            if order.user == user and (await self.house.reload(order)).state is OrderState.PAID:
                await self.house.return_ticket(order)
                return

    async def spend(self, user: UserId) -> None:
        await self.house.spend(self.chance.randrange(1, 5), self.key(), user)

    async def settle(self, _user: UserId) -> None:
        await self.house.work()

    async def role(self, user: UserId) -> None:
        if user == ANN and self.chance.random() < 0.1:  # one of them only, and late: it would end the comparison
            async with self.house.db.write() as uow:
                await roles_sql.grant(uow, user, Role.MODERATOR, SHOW, UserId("host"))


@pytest.mark.parametrize("seed", range(3))
async def test_after_any_sequence_the_list_says_what_sql_says(house: House, seed: int) -> None:
    evening = Evening(house, seed)
    at_once, by_wire = GuestList(), GuestList()

    def committed(emitted: Sequence[tuple[str, bytes]], at_ms: int) -> None:
        for _, body in emitted:
            at_once.apply(BOOK.decode(body), at_ms)

    house.db.on_emitted = committed
    seen: dict[UserId, tuple[int, int]] = dict.fromkeys(USERS, (0, 0))
    opens_at = evening.chance.randrange(25)
    published: list[outbox_sql.OutboxRow] = []
    for number in range(50):
        await evening.step()
        if number == opens_at:
            await loaded(house, at_once)
            await loaded(house, by_wire)
        if evening.chance.random() < 0.5:
            rows = await outbox_sql.claim(house.db, evening.chance.randrange(1, 12), 1)
            await outbox_sql.settle(house.db, done=[row.id for row in rows])
            again = published[-evening.chance.randrange(1, 5) :]  # delivered twice, and late
            published += rows
            for row in (*rows, *again):
                by_wire.apply(BOOK.decode(row.body), row.at_ms)
        for user in USERS if number >= opens_at else ():
            if at_once.find(user) is not None:  # what this process commits is known without waiting for the wire
                assert said_by(at_once, user) == await said_by_sql(house, user)
            late = by_wire.find(user)
            if late is not None:
                assert late.tier_version >= seen[user][0]
                assert late.wallet.version >= seen[user][1]
                seen[user] = (late.tier_version, late.wallet.version)
    for row in await outbox_sql.claim(house.db, 10_000, 1):
        by_wire.apply(BOOK.decode(row.body), row.at_ms)
    for user in USERS[1:]:
        assert said_by(by_wire, user) == said_by(await loaded(house), user) == await said_by_sql(house, user)
