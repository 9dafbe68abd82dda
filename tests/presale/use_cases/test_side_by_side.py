"""What follows from several rows stays right when PostgreSQL runs transactions side by side."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from auth.denials import Denied
from auth.identity import Role, Tier, UserId
from presale.catalogue.events import SalesChanged
from presale.entitlements import entitlements_sql
from presale.orders.orders import OrderState
from presale.refunds.refunds import Refund
from tests.presale.house import FAN, MAIN, OPERATOR, SHOW, VIP, House, open_house
from tests.store import homes

pytestmark = homes.only_on_postgresql


@pytest.fixture
async def house(home: str, tmp_path: Path) -> AsyncIterator[House]:
    async with open_house(tmp_path, home=home, capacity=100) as opened:
        yield opened


async def test_two_tickets_of_one_fan_returned_at_once_leave_no_right(house: House) -> None:
    # each of the two, on its own, would see the other's ticket and leave its tier standing
    for round_ in range(4):
        tickets = [await house.paid(FAN, MAIN, key=f"m-{round_}"), await house.paid(FAN, VIP, key=f"v-{round_}")]
        returned = await asyncio.gather(
            *(house.box.request_refund(OPERATOR, Role.OPERATOR, each.id, "why not") for each in tickets)
        )
        assert [type(each) for each in returned] == [Refund, Refund]
        assert await house.tier() is Tier.NONE
        await house.work()
    assert await house.audit() == []


async def test_a_ticket_returned_many_times_at_once_is_returned_once(house: House) -> None:
    order = await house.paid()
    asked = await asyncio.gather(
        *(house.box.request_refund(OPERATOR, Role.OPERATOR, order.id, "again") for _ in range(8))
    )
    assert len({each.id for each in asked if isinstance(each, Refund)}) == 1
    await house.work()
    assert (await house.reload(order)).state is OrderState.REFUNDED
    assert await house.audit() == []


async def test_tickets_bought_returned_and_spent_from_at_once_add_up(house: House) -> None:
    fans = [UserId(f"fan-{number}") for number in range(6)]
    first = [await house.paid(fan, MAIN, key=f"{fan}-1") for fan in fans]

    async def spend(fan: UserId) -> None:
        for number in range(3):
            outcome = await house.spend(4, key=f"gift-{number}", user=fan)
            assert not isinstance(outcome, Denied) or "credits" in outcome.detail

    async with asyncio.timeout(30), asyncio.TaskGroup() as group:
        for fan, ticket in zip(fans, first, strict=True):
            group.create_task(house.paid(fan, VIP, key=f"{fan}-2"))
            group.create_task(spend(fan))
            group.create_task(house.box.request_refund(OPERATOR, Role.OPERATOR, ticket.id, "why not"))
    await house.work()
    assert await house.audit() == []
    assert {await house.tier(fan) for fan in fans} == {Tier.VIP}


async def test_the_last_sales_told_are_those_of_all_products(house: House) -> None:
    await asyncio.gather(*(house.placed(UserId(f"f{n}"), (MAIN, VIP)[n % 2], key=f"key-{n:04}") for n in range(12)))
    told = [event for event in await house.events() if isinstance(event, SalesChanged)]
    assert [event.version for event in told] == sorted({event.version for event in told}), "one state a version"
    assert {each.id: each.held for each in told[-1].products} == {MAIN: 6, VIP: 6}


async def test_a_right_stands_while_it_is_used(house: House) -> None:
    order = await house.paid()
    async with house.db.write() as uow:
        await entitlements_sql.take_turn(uow, SHOW, FAN)
        returning = asyncio.create_task(house.return_ticket(order))
        other = await house.paid(UserId("other"), key="other")
        assert (await house.reload(other)).state is OrderState.PAID
        assert (await entitlements_sql.load(uow.connection, SHOW, FAN)).tier is Tier.MAIN
        assert not returning.done()
    await returning
    assert await house.tier() is Tier.NONE
