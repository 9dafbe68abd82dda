"""What ends a end_of_sale ends its unpaid orders too; money that still comes goes back, and its buyer is told."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import update

from auth.denials import Code, Denied
from auth.identity import Role, RoomId, Tier, UserId
from auth.situation import Access, Phase
from gateway.features.audit.books import audit_house
from gateway.features.course import end_of_sale
from gateway.house.jobs import JobWorker
from presale.catalogue.shows import SALES_OPEN
from presale.orders import orders_sql
from presale.orders.orders import Order, OrderId, OrderState
from presale.payments.payments import RefundStatus
from presale.refunds.events import MoneyReturning, RefundsOpened
from presale.refunds.notices_sql import NoticeKind
from presale.refunds.refunds import Refund
from presale.use_cases.box_office import BoxOffice
from rooms.course import phases, rooms_sql
from rooms.course.phases import TRANSITIONS
from rooms.course.room import RoomRecord
from rooms.moderation import sanctions_sql
from rooms.tables_sql import rooms
from tests.presale.house import FAN, MAIN, RIVAL, SHOW, TTL_MS, VIP, House, open_house

ROOM = RoomId("room")
HOST = UserId("hana")
ENDS = sorted((before, after) for before in SALES_OPEN for after in TRANSITIONS[before] - SALES_OPEN)


@dataclass
class Venue:
    """A box office that asks a real room whether it may sell."""

    house: House

    async def move(self, *phases: Phase) -> None:
        for phase in phases:
            async with self.house.db.write() as uow:
                changed = await end_of_sale.change_phase(uow, ROOM, phase, HOST)
            assert isinstance(changed, RoomRecord), changed

    async def ban(self, user: UserId) -> None:
        async with self.house.db.write() as uow:
            assert await end_of_sale.ban(uow, ROOM, SHOW, user, HOST) is None

    async def notices(self, user: UserId = FAN) -> list[tuple[NoticeKind, str | None]]:
        return [(notice.kind, notice.order) for notice in await self.house.box.inbox(user)]


@pytest.fixture
async def venue(home: str, tmp_path: Path) -> AsyncIterator[Venue]:
    async with open_house(tmp_path, home=home) as house:
        house.box = BoxOffice(
            house.db,
            {"fake": house.provider},
            rooms_sql.course_of,
            is_banned=sanctions_sql.is_banned,
        )
        house.worker = JobWorker(house.db, house.box.handlers)
        now_ms = house.clock.now_ms
        room = RoomRecord(
            id=ROOM,
            show=SHOW,
            title="Opening night",
            access=Access.TICKETED,
            phase=Phase.PRESALE,
            doors_ms=now_ms + 3_600_000,
            start_ms=now_ms + 7_200_000,
        )
        async with house.db.write() as uow:
            await rooms_sql.create_room(uow, room)
        yield Venue(house)


WAYS: dict[Phase, list[Phase]] = {
    Phase.PRESALE: [],
    Phase.DOORS: [Phase.DOORS],
    Phase.LIVE: [Phase.DOORS, Phase.LIVE],
    Phase.PAUSED: [Phase.DOORS, Phase.LIVE, Phase.PAUSED],
}


@pytest.mark.parametrize(("before", "after"), ENDS)
async def test_every_way_out_of_the_sale_closes_unpaid_orders_at_their_provider(
    venue: Venue, before: Phase, after: Phase
) -> None:
    house = venue.house
    await venue.move(*WAYS[before])
    orders = [await house.placed(UserId(f"fan-{number}")) for number in range(3)]
    paid = await house.paid()
    await venue.move(after)
    await house.work()
    for order in orders:
        assert (await house.reload(order)).state is OrderState.CLOSED
        assert house.provider.payments[order.payment].is_closed
    assert (await house.reload(paid)).state is OrderState.PAID
    assert await house.seats() == (1, 0)
    assert await house.audit() == []


async def test_the_phases_of_sale_leave_orders_alone(venue: Venue) -> None:
    order = await venue.house.placed()
    await venue.move(Phase.DOORS, Phase.LIVE, Phase.PAUSED, Phase.LIVE)
    await venue.house.work()
    assert (await venue.house.reload(order)).state is OrderState.PENDING


async def test_a_cancelled_show_tells_those_with_a_ticket_that_they_may_return_it(venue: Venue) -> None:
    """Its doors had opened, so nothing could be returned; then it was off, and nobody who was away ever heard."""
    house = venue.house
    paid = await house.paid()
    await venue.move(Phase.DOORS)
    opened_ms = house.clock.now_ms
    await house.events()
    await venue.move(Phase.CANCELLED)
    assert RefundsOpened(SHOW, opened_ms, None) in await house.events()
    assert await venue.notices() == [(NoticeKind.REFUNDS_OPEN, None)]
    assert await venue.notices(RIVAL) == []
    assert isinstance(await house.box.request_refund(FAN, Role.VIEWER, paid.id, "off"), Refund)
    assert await venue.notices() == []


async def test_a_show_that_is_cancelled_before_its_doors_opens_nothing(venue: Venue) -> None:
    await venue.house.paid()
    await venue.move(Phase.CANCELLED)
    assert await venue.notices() == []


async def test_the_work_is_committed_with_the_phase(venue: Venue) -> None:
    async def fail() -> None:
        async with venue.house.db.write() as uow:
            await end_of_sale.change_phase(uow, ROOM, Phase.CANCELLED, HOST)
            raise RuntimeError("a fault of the test")

    await venue.house.placed()
    with pytest.raises(RuntimeError, match="a fault"):
        await fail()
    assert await venue.house.work() == 0


async def test_more_orders_than_a_page_are_all_closed(venue: Venue, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("presale.use_cases.settlement.END_AT_A_TIME", 2)
    orders = [await venue.house.placed(UserId(f"fan-{number}")) for number in range(5)]
    await venue.move(Phase.CANCELLED)
    await venue.house.work()
    assert {(await venue.house.reload(order)).state for order in orders} == {OrderState.CLOSED}


@pytest.mark.parametrize("hidden", [False, True], ids=["before it was closed", "slipping through the close"])
async def test_money_for_a_show_that_is_over_goes_back_by_itself_and_the_fan_is_told(
    venue: Venue, *, hidden: bool
) -> None:
    house = venue.house
    order = await house.placed()
    await venue.move(Phase.DOORS, Phase.LIVE, Phase.ENDED)
    body = house.provider.pay(order.payment, hidden=hidden)
    if hidden:
        await house.work()
    await house.events()
    assert await house.callback(body) is None
    assert (await house.reload(order)).state is OrderState.REFUNDING
    refund = await house.refund_of(order)
    assert refund is not None
    assert MoneyReturning(FAN, SHOW, refund.id, order.id, house.clock.now_ms) in await house.events()
    await house.work()
    assert (await house.reload(order)).state is OrderState.REFUNDED
    assert await house.tier() is Tier.NONE
    assert await house.credits() == 0
    assert await house.seats() == (0, 0)
    assert await house.money() == (0, -12_800, 12_800)
    assert await venue.notices() == [(NoticeKind.MONEY_RETURNING, order.id)]
    assert await venue.notices(RIVAL) == []
    assert await house.callback(body) is None
    assert await house.audit() == []


async def test_money_that_came_in_time_and_is_heard_of_by_the_close_goes_back_too(venue: Venue) -> None:
    house = venue.house
    order = await house.placed()
    house.provider.pay(order.payment)  # the callback is lost
    await venue.move(Phase.CANCELLED)
    await house.work()
    assert (await house.reload(order)).state is OrderState.REFUNDED
    assert await house.audit() == []


async def test_money_that_cannot_be_given_back_admits_nobody_to_a_show_that_is_over(venue: Venue) -> None:
    house = venue.house
    order = await house.placed()
    await venue.move(Phase.CANCELLED)
    house.provider.refund_outcome = RefundStatus.FAILED
    assert await house.callback(house.provider.pay(order.payment)) is None
    house.clock.advance(1)
    await house.work()
    assert (await house.reload(order)).state is OrderState.REFUNDING
    assert await house.tier() is Tier.NONE
    assert [finding.check for finding in await house.audit()] == ["refunds.stuck"]
    told = [(NoticeKind.REFUND_FAILED, order.id), (NoticeKind.MONEY_RETURNING, order.id)]
    assert await venue.notices() == told


async def test_a_provider_that_cannot_close_is_asked_again_until_the_order_expires(venue: Venue) -> None:
    house = venue.house
    order = await house.placed()
    house.provider.cannot_close = True
    await venue.move(Phase.CANCELLED)
    await house.work()
    assert (await house.reload(order)).state is OrderState.PENDING
    house.provider.cannot_close = False
    await house.work_later(5_000)
    assert (await house.reload(order)).state is OrderState.CLOSED


async def test_an_order_without_a_cashier_gets_none_when_the_sale_is_over(venue: Venue) -> None:
    house = venue.house
    house.provider.is_down = True
    assert isinstance(await house.place(), Denied)
    await venue.move(Phase.CANCELLED)
    house.provider.is_down = False
    answer = await house.placed()
    assert answer.pay_url is None
    assert house.provider.payments == {}


async def test_orders_placed_while_the_sale_ends_are_closed_or_refused(venue: Venue) -> None:
    house = venue.house
    await venue.move(Phase.DOORS, Phase.LIVE)

    async def place(number: int) -> Order | Denied:
        return await house.place(UserId(f"fan-{number}"))

    async def end() -> None:
        await place(100)
        await venue.move(Phase.ENDED)
        await house.work()  # at once: what is committed only afterwards would be left behind

    answers, _ = await asyncio.gather(asyncio.gather(*(place(number) for number in range(9))), end())
    await house.work()
    assert {answer.code for answer in answers if isinstance(answer, Denied)} <= {Code.SALES_CLOSED, Code.SOLD_OUT}
    async with house.db.read() as connection:
        assert await orders_sql.list_pending(connection, SHOW, OrderId(""), 100) == []
    assert await house.seats() == (0, 0)
    assert await house.audit() == []


# ---- the audit ------------------------------------------------------------------------------------


async def findings(venue: Venue) -> list[tuple[str, str]]:
    async with venue.house.db.survey() as connection:
        return [(finding.check, finding.subject) for finding in await audit_house(connection)]


@pytest.mark.parametrize("phase", sorted(phases.OVER))
async def test_an_unpaid_order_that_nothing_closes_is_found_once_its_show_is_over(venue: Venue, phase: Phase) -> None:
    order = await venue.house.placed()
    assert await findings(venue) == []
    async with venue.house.db.write() as uow:  # as a version that left orders behind did it
        await uow.connection.execute(update(rooms).values(phase=phase))
    assert await findings(venue) == [("orders.over", order.id)]


async def test_an_order_that_is_being_closed_is_found_only_when_that_fails_for_long(venue: Venue) -> None:
    house = venue.house
    order = await house.placed()
    house.provider.cannot_close = True
    await venue.move(Phase.CANCELLED)
    assert await findings(venue) == []
    await house.work()
    assert await findings(venue) == []
    for _ in range(6):
        await house.work_later(200_000)
    assert ("orders.over", order.id) in await findings(venue)
    house.provider.cannot_close = False
    await house.work_later(3_600_000)
    assert await findings(venue) == []


# ---- bans ------------------------------------------------------------------------------------------


async def test_a_banned_fan_cannot_order_and_may_again_when_the_ban_is_lifted(venue: Venue) -> None:
    house = venue.house
    await venue.ban(FAN)
    answer = await house.place()
    assert isinstance(answer, Denied)
    assert answer.code is Code.BANNED
    assert isinstance(await house.place(RIVAL), Order)
    async with house.db.write() as uow:
        await sanctions_sql.unban(uow, ROOM, FAN, HOST)
    assert isinstance(await house.place(), Order)


async def test_a_ban_closes_the_unpaid_orders_of_the_banned_alone(venue: Venue) -> None:
    house = venue.house
    order, other = await house.placed(), await house.placed(RIVAL)
    await venue.ban(FAN)
    await house.work()
    assert (await house.reload(order)).state is OrderState.CLOSED
    assert (await house.reload(other)).state is OrderState.PENDING


async def test_money_of_the_banned_goes_back_and_a_ticket_they_have_paid_follows_the_refund_rule(venue: Venue) -> None:
    house = venue.house
    paid = await house.paid()
    pending = await house.placed(FAN, VIP, key="key-0002")
    await venue.ban(FAN)
    assert await house.callback(house.provider.pay(pending.payment)) is None
    await house.work()
    assert (await house.reload(pending)).state is OrderState.REFUNDED
    assert (await house.reload(paid)).state is OrderState.PAID
    refund = await house.return_ticket(paid, FAN)
    assert refund.amount_minor == 12_800
    await house.work()
    assert await house.audit() == []


async def test_an_order_placed_while_its_buyer_is_banned_does_not_stay(venue: Venue) -> None:
    house = venue.house
    answer, _ = await asyncio.gather(house.place(), venue.ban(FAN))
    await house.work()
    if isinstance(answer, Denied):
        assert answer.code is Code.BANNED
    assert await house.seats() == (0, 0)


# ---- two tickets paid for where one is worth something -----------------------------------------------


async def test_money_for_what_a_better_ticket_made_pointless_goes_back(venue: Venue) -> None:
    house = venue.house
    main = await house.placed()
    await house.paid(FAN, VIP, key="key-0002")
    body = house.provider.pay(main.payment)
    assert await house.callback(body) is None
    await house.work()
    assert (await house.reload(main)).state is OrderState.REFUNDED
    assert await venue.notices() == [(NoticeKind.MONEY_RETURNING, main.id)]
    assert await house.tier() is Tier.VIP


async def test_an_order_that_a_better_ticket_made_pointless_is_closed(venue: Venue) -> None:
    house = venue.house
    main = await house.placed()
    await house.paid(FAN, VIP, key="key-0002")
    await house.work()
    assert (await house.reload(main)).state is OrderState.CLOSED
    assert await house.seats(MAIN) == (0, 0)


async def test_late_money_for_a_ticket_bought_anew_meanwhile_goes_back(venue: Venue) -> None:
    house = venue.house
    late = await house.placed()
    await house.work_later(TTL_MS)
    house.clock.advance(TTL_MS)
    await house.paid(key="key-0002")
    assert await house.callback(house.provider.pay(late.payment)) is None
    await house.work()
    assert (await house.reload(late)).state is OrderState.REFUNDED
    assert await house.seats() == (1, 0)
    assert await house.audit() == []
