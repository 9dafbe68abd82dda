"""The race for the last seats, with the guard, and without it as a control."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import ColumnElement, true
from sqlalchemy.exc import IntegrityError

from auth.denials import Code, Denied
from auth.identity import Tier, UserId
from presale.catalogue import stock_sql
from presale.catalogue.offer import Offer
from presale.orders.orders import Order, OrderItem, OrderLine
from presale.use_cases.box_office import BoxOffice
from store.database_sql import Database, RacedError
from tests.presale.house import AGAIN, MAIN, SHOW, VIP, House, open_house
from tests.presale.unchecked import drop_checks
from tests.store.fakes import counting_ids

BUYERS, SEATS = 40, 10


@pytest.fixture
async def house(home: str, tmp_path: Path) -> AsyncIterator[House]:
    async with open_house(tmp_path, home=home, capacity=SEATS) as opened:
        yield opened


async def race(*offices: BoxOffice) -> list[Order | Denied]:
    return await asyncio.gather(
        *(
            offices[number % len(offices)].place_order(
                UserId(f"fan-{number}"), f"key-{number:04}", SHOW, [OrderItem(MAIN)], "fake"
            )
            for number in range(BUYERS)
        )
    )


def no_guard(_quantity: int) -> ColumnElement[bool]:
    return true()


def sees_nothing(_offer: Offer, _lines: object) -> None:
    """A decision that takes every seat for free."""


async def test_forty_buyers_get_ten_seats_and_thirty_refusals(house: House) -> None:
    answers = await race(house.box)
    assert sum(isinstance(answer, Order) for answer in answers) == SEATS
    assert {answer.code for answer in answers if isinstance(answer, Denied)} == {Code.SOLD_OUT}
    assert await house.seats() == (0, SEATS)
    assert await house.audit() == []


async def test_two_processes_on_one_database_do_not_oversell_either(house: House) -> None:
    ids = counting_ids()
    other = await Database.open(house.url, clock=house.clock, new_id=lambda: f"other-{ids()}")
    answers = await race(house.box, BoxOffice(other, {"fake": house.provider}, house.box._course_of))
    await other.close()
    assert sum(isinstance(answer, Order) for answer in answers) == SEATS
    assert await house.seats() == (0, SEATS)


async def test_without_guard_and_check_the_same_race_oversells(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """The control: if this race did not oversell, the tests above would prove nothing."""
    monkeypatch.setattr(Offer, "short", sees_nothing)
    monkeypatch.setattr(stock_sql, "fits", no_guard)
    async with house.db.write() as uow:  # SQLite has one writing connection, and so this concerns all that follow
        await drop_checks(uow.connection)
    answers = await race(house.box)
    assert sum(isinstance(answer, Order) for answer in answers) == BUYERS
    assert await house.seats() == (0, BUYERS)
    assert [finding.check for finding in await house.audit()] == ["seats.capacity"]


async def test_without_the_guard_the_check_still_stands_behind_it(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Offer, "short", sees_nothing)
    monkeypatch.setattr(stock_sql, "fits", no_guard)
    for number in range(SEATS):
        await house.placed(UserId(f"fan-{number}"), key=f"key-{number:04}")
    with pytest.raises(IntegrityError, match="ck_products_capacity"):
        await house.placed(UserId("one too many"))
    assert await house.seats() == (0, SEATS)


async def test_the_guard_refuses_a_decision_on_seats_that_are_gone(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Offer, "short", sees_nothing)
    for number in range(SEATS):
        await house.placed(UserId(f"fan-{number}"), key=f"key-{number:04}")
    with pytest.raises(RacedError):
        await house.placed(UserId("one too many"))
    assert await house.seats() == (0, SEATS)
    assert await house.audit() == []


async def test_an_order_takes_all_its_seats_or_none(house: House) -> None:
    for number in range(SEATS):
        await house.placed(UserId(f"fan-{number}"), VIP, key=f"key-{number:04}")
    await house.offer_again()
    before = await house.seats(AGAIN)
    refusal = await house.place(UserId("late"), AGAIN, VIP)
    assert refusal == Denied(Code.SOLD_OUT, detail={"product": VIP})
    assert await house.seats(AGAIN) == before


async def test_seats_move_between_free_held_and_sold(house: House) -> None:
    lines = [OrderLine(MAIN, 1, 12_800, Tier.MAIN, 0)]
    async with house.db.write() as uow:
        assert await stock_sql.hold(uow, lines) is None
        await stock_sql.sell_held(uow, lines)
        await stock_sql.hold_sold(uow, lines)
        await stock_sql.release(uow, lines)
        assert await stock_sql.sell_free(uow, lines) is None
    assert await house.seats() == (1, 0)
