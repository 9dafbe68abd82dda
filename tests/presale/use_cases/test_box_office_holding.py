"""The same ticket twice, and the ways out of an order: payable again, cancelled, expired, capped."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs

from auth.denials import Code, Denied
from auth.identity import Role, RoomId, ShowId, Tier, UserId
from auth.situation import Phase
from presale.catalogue import shows_sql
from presale.catalogue.shows import ProductId
from presale.orders.orders import Order, OrderItem, OrderState
from presale.payments.payments import RefundStatus
from presale.refunds.events import MoneyReturning
from presale.refunds.notices_sql import NoticeKind
from presale.refunds.refunds import Refund
from presale.use_cases.settlement import REFUND_QUERY_MS
from tests.presale.house import (
    AGAIN,
    COOL_DOWN_MS,
    FAN,
    MAIN,
    OPERATOR,
    RIVAL,
    SHOW,
    TTL_MS,
    UNPAID_SEATS,
    VIP,
    House,
    open_house,
    product,
    show,
)

EARLY = ProductId("early")


@pytest.fixture
async def house(home: str, tmp_path: Path) -> AsyncIterator[House]:
    async with open_house(tmp_path, home=home) as opened:
        yield opened


@pytest.fixture
async def last_seat(home: str, tmp_path: Path) -> AsyncIterator[House]:
    folder = tmp_path / "last"
    folder.mkdir()
    async with open_house(folder, home=home, capacity=1) as opened:
        yield opened


def code(answer: object) -> Code | None:
    return answer.code if isinstance(answer, Denied) else None


def told(answer: object) -> dict[str, Any]:
    assert isinstance(answer, Denied), answer
    assert answer.code is Code.ALREADY_HELD, answer
    return dict(answer.detail)


async def cancelled(house: House, order: Order, user: UserId = FAN, role: Role = Role.VIEWER) -> Order | Denied:
    return await house.box.cancel_order(user, order.id, role=role)


# ---- the same ticket twice -------------------------------------------------------------------------


async def test_a_ticket_that_is_paid_is_not_sold_again(house: House) -> None:
    first = await house.paid()
    assert told(await house.place(key="key-0002")) == {
        "product": MAIN,
        "order": first.id,
        "state": "paid",
        "amount_minor": 12_800,
        "currency": "CNY",
        "expires_ms": first.expires_ms,
        "pay_url": None,
    }
    assert await house.seats() == (1, 0)


async def test_a_second_order_while_the_first_waits_for_money_says_where_to_pay_it(last_seat: House) -> None:
    # with the only seat held by oneself it was SOLD_OUT, without a word of the order that holds it
    first = await last_seat.placed()
    held = told(await last_seat.place(key="key-0002"))
    assert (held["order"], held["state"], held["pay_url"]) == (first.id, "pending", first.pay_url)
    assert code(await last_seat.place(RIVAL)) is Code.SOLD_OUT
    assert await last_seat.seats() == (0, 1)


async def test_a_ticket_of_a_tier_that_is_held_is_refused_and_an_upgrade_is_sold(house: House) -> None:
    await house.paid()
    vip = await house.paid(FAN, VIP, key="key-0002")
    assert await house.tier() is Tier.VIP
    assert told(await house.place(FAN, MAIN, VIP, key="key-0003"))["product"] == MAIN
    await house.return_ticket(await house.reload(vip))
    await house.work()
    assert isinstance(await house.place(FAN, VIP, key="key-0004"), Order)


async def test_a_known_key_answers_the_stored_order_whatever_is_held(house: House) -> None:
    first = await house.placed()
    assert await house.placed() == first
    paid = await house.paid()
    assert await house.placed() == paid


async def test_what_is_made_for_it_is_bought_again_when_that_is_asked_for(house: House) -> None:
    await house.offer_again()
    await house.paid()
    assert told(await house.place(FAN, AGAIN, key="key-0002"))["product"] == AGAIN
    assert told(await house.place(FAN, MAIN, key="key-0003", again=True))["product"] == MAIN
    bought = await house.place(FAN, AGAIN, key="key-0004", again=True)
    assert isinstance(bought, Order)
    assert told(await house.place(FAN, AGAIN, key="key-0005", again=True))["order"] == bought.id
    assert code(await house.place(FAN, AGAIN, key="key-0004")) is Code.IDEMPOTENCY_REUSED
    assert await house.callback(house.provider.pay(bought.payment)) is None
    assert await house.credits() == 30
    assert await house.audit() == []


async def test_orders_of_one_fan_at_the_same_moment_hold_one_seat(house: House) -> None:
    answers = await asyncio.gather(*(house.place(key=f"key-{number:04}") for number in range(6)))
    (placed,) = (answer for answer in answers if isinstance(answer, Order))
    assert {code(answer) for answer in answers} <= {None, Code.ALREADY_HELD, Code.PROVIDER_UNAVAILABLE}
    assert {answer.detail["order"] for answer in answers if isinstance(answer, Denied)} == {placed.id}
    assert await house.seats() == (0, 1)


# ---- a way to pay that works now -------------------------------------------------------------------


async def test_an_attempt_that_its_provider_has_closed_is_begun_anew(house: House) -> None:
    first = await house.placed()
    await house.provider.close(first.payment)
    held = told(await house.place(key="key-0002"))
    renewed = await house.reload(first)
    assert (held["order"], held["state"]) == (first.id, "pending")
    assert held["pay_url"] == renewed.pay_url == f"https://cashier.invalid/{renewed.payment}"
    assert renewed.payment != first.payment
    assert await house.callback(house.provider.pay(renewed.payment)) is None
    assert (await house.reload(first)).state is OrderState.PAID
    assert await house.audit() == []


async def test_money_that_slips_through_on_a_closed_attempt_pays_and_the_other_attempt_ends(house: House) -> None:
    first = await house.placed()
    await house.provider.close(first.payment)
    told(await house.place(key="key-0002"))
    renewed = await house.reload(first)
    assert await house.callback(house.provider.pay(first.payment)) is None
    await house.work()
    paid = await house.reload(first)
    assert (paid.state, paid.payment) == (OrderState.PAID, first.payment)
    assert house.provider.payments[renewed.payment].is_closed
    assert await house.audit() == []


async def renewed(house: House) -> tuple[Order, str]:
    """An order whose first attempt its provider has closed, with another one; and the first."""
    first = await house.placed()
    await house.provider.close(first.payment)
    told(await house.place(key="key-0002"))
    return await house.reload(first), first.payment


async def returning(house: House) -> list[tuple[NoticeKind, str | None]]:
    return [(notice.kind, notice.order) for notice in await house.box.inbox(FAN)]


async def test_money_on_both_attempts_buys_one_ticket_and_the_second_goes_back(house: House) -> None:
    """The provider held it until somebody read the audit; its fan heard nothing."""
    order, first = await renewed(house)
    for payment in (order.payment, first, first):
        assert await house.callback(house.provider.pay(payment)) is None
    assert await house.money() == (25_600, -25_600, 0)
    assert await returning(house) == [(NoticeKind.MONEY_RETURNING, order.id)]
    assert any(isinstance(event, MoneyReturning) for event in await house.events())
    await house.work()
    paid = await house.reload(order)
    assert (paid.state, paid.payment, await house.tier()) == (OrderState.PAID, order.payment, Tier.MAIN)
    assert [refund.request.payment for refund in house.provider.refunds.values()] == [first]
    assert await house.money() == (12_800, -25_600, 12_800)
    assert (await house.seats(), await house.credits()) == ((1, 0), 10)
    assert await house.audit() == []


async def test_an_order_that_was_paid_twice_can_be_returned_like_any_other(house: House) -> None:
    order, first = await renewed(house)
    for payment in (order.payment, first):
        assert await house.callback(house.provider.pay(payment)) is None
    assert isinstance(await house.box.request_refund(FAN, Role.VIEWER, order.id, "ill"), Refund)
    await house.work()
    assert (await house.reload(order)).state is OrderState.REFUNDED
    assert {refund.request.payment for refund in house.provider.refunds.values()} == {order.payment, first}
    assert await house.money() == (0, -25_600, 25_600)
    assert await house.audit() == []


async def test_money_of_a_second_attempt_that_comes_after_the_refund_goes_back_too(house: House) -> None:
    order, first = await renewed(house)
    assert await house.callback(house.provider.pay(order.payment)) is None
    mine = await house.box.request_refund(FAN, Role.VIEWER, order.id, "ill")
    assert isinstance(mine, Refund)
    await house.work()
    assert await house.callback(house.provider.pay(first)) is None
    again = await house.box.request_refund(FAN, Role.VIEWER, order.id, "ill")
    assert isinstance(again, Refund)
    assert again.id == mine.id, "the order's own"
    await house.work()
    assert await house.money() == (0, -25_600, 25_600)
    assert await house.audit() == []


async def test_a_second_payment_that_comes_back_later_is_settled_by_its_callback(house: House) -> None:
    order, first = await renewed(house)
    house.provider.refund_outcome = RefundStatus.PENDING
    for payment in (order.payment, first):
        assert await house.callback(house.provider.pay(payment)) is None
    await house.work()
    [refund] = house.provider.refunds
    assert await house.callback(house.provider.settle_refund(refund, RefundStatus.SUCCEEDED)) is None
    assert await house.money() == (12_800, -25_600, 12_800)
    assert await house.audit() == []


async def test_a_second_payment_that_cannot_be_returned_leaves_the_ticket_and_is_told(house: House) -> None:
    order, first = await renewed(house)
    house.provider.refund_outcome = RefundStatus.FAILED
    for payment in (order.payment, first):
        assert await house.callback(house.provider.pay(payment)) is None
    house.clock.advance(1)
    await house.work()
    assert (await house.reload(order)).state is OrderState.PAID
    assert await returning(house) == [(NoticeKind.REFUND_FAILED, order.id), (NoticeKind.MONEY_RETURNING, order.id)]
    assert (await house.seats(), await house.tier(), await house.credits()) == ((1, 0), Tier.MAIN, 10)
    assert [finding.check for finding in await house.audit()] == ["payments.doubled"]


async def test_other_money_on_a_second_attempt_is_told_by_the_audit(house: House) -> None:
    order, first = await renewed(house)
    assert await house.callback(house.provider.pay(order.payment)) is None
    body = house.provider.pay(first, amount_minor=1)
    for _ in range(2):
        assert await house.callback(body) is None
    await house.work()
    assert await house.money() == (12_800, -12_800, 0)
    assert [finding.check for finding in await house.audit()] == ["payments.mismatched"]


async def test_money_whose_callback_was_lost_is_found_when_the_same_is_ordered_again(house: House) -> None:
    first = await house.placed()
    house.provider.pay(first.payment)
    held = told(await house.place(key="key-0002"))
    assert (held["order"], held["state"], held["pay_url"]) == (first.id, "paid", None)
    assert await house.tier() is Tier.MAIN


async def test_an_order_that_has_no_way_to_pay_yet_gets_one(house: House) -> None:
    house.provider.is_down = True
    assert code(await house.place()) is Code.PROVIDER_UNAVAILABLE
    assert code(await house.place(key="key-0002")) is Code.PROVIDER_UNAVAILABLE
    house.provider.is_down = False
    house.clock.advance(10_000)
    held = told(await house.place(key="key-0003"))
    assert held["pay_url"] == f"https://cashier.invalid/{next(iter(house.provider.payments))}"


async def test_a_provider_is_not_asked_more_often_than_the_limit_says(house: House) -> None:
    await house.placed()
    house.provider.calls.clear()
    for number in range(5):
        told(await house.place(key=f"key-1{number:03}"))
    assert house.provider.calls == ["query", "create"]


# ---- out of an order -------------------------------------------------------------------------------


async def test_a_cancelled_order_is_closed_at_its_provider_and_frees_its_seat_for_another_order(
    last_seat: House,
) -> None:
    order = await last_seat.placed()
    answer = await cancelled(last_seat, order)
    assert isinstance(answer, Order)
    assert answer.state is OrderState.CLOSED
    assert last_seat.provider.payments[order.payment].is_closed
    assert await last_seat.seats() == (0, 0)
    assert await cancelled(last_seat, order) == answer
    assert isinstance(await last_seat.place(key="key-0002"), Order)
    assert await last_seat.audit() == []


async def test_an_order_paid_before_it_was_cancelled_is_paid(house: House) -> None:
    order = await house.placed()
    body = house.provider.pay(order.payment)  # its callback is still on the way
    answer = await cancelled(house, order)
    assert isinstance(answer, Order)
    assert answer.state is OrderState.PAID
    assert await house.tier() is Tier.MAIN
    assert await house.callback(body) is None
    assert await cancelled(house, order) == answer
    assert await house.money() == (12_800, -12_800, 0)


async def test_an_order_stays_while_its_provider_cannot_close_it(house: House) -> None:
    order = await house.placed()
    house.provider.cannot_close = True
    assert await cancelled(house, order) == Denied(Code.PROVIDER_UNAVAILABLE, detail={"order": order.id})
    assert (await house.reload(order)).state is OrderState.PENDING
    assert await house.seats() == (0, 1)


async def test_only_its_buyer_and_an_operator_cancel_an_order(house: House) -> None:
    order = await house.placed()
    assert code(await cancelled(house, order, RIVAL)) is Code.NOT_FOUND
    assert code(await cancelled(house, order, UserId("hana"), Role.HOST)) is Code.FORBIDDEN
    assert (await house.reload(order)).state is OrderState.PENDING
    answer = await cancelled(house, order, OPERATOR, Role.OPERATOR)
    assert isinstance(answer, Order)
    assert answer.state is OrderState.CLOSED


async def test_cancelling_and_paying_at_the_same_moment_end_in_one_of_both(house: House) -> None:
    for number in range(10):
        user = UserId(f"fan-{number}")
        order = await house.placed(user)
        body = house.provider.pay(order.payment, hidden=number % 2 == 1)  # every other one slips through the close
        answers = await asyncio.gather(
            house.callback(body), cancelled(house, order, user), house.callback(body), cancelled(house, order, user)
        )
        assert answers[0] is None
        assert answers[2] is None
        assert (await house.reload(order)).state is OrderState.PAID
        assert await house.tier(user) is Tier.MAIN
    assert await house.seats() == (10, 0)
    assert await house.audit() == []


async def test_an_order_cancelled_while_its_cashier_is_opened_cannot_be_paid(house: House) -> None:
    # the provider had not heard of the payment when it was closed, and opened it afterwards
    create = house.provider.create

    async def slow_create(request: Any) -> Any:
        (order,) = await house.box.orders(FAN, SHOW)
        assert isinstance(await cancelled(house, order), Order)
        return await create(request)

    house.provider.create = slow_create  # type: ignore[method-assign]
    order = await house.placed()
    assert (order.state, order.pay_url) == (OrderState.CLOSED, None)
    assert house.provider.payments[order.payment].is_closed


async def test_a_cart_charges_once_for_a_tier(house: House) -> None:
    async with house.db.write() as uow:
        await shows_sql.add_product(uow, product(EARLY, Tier.MAIN, 9_000, 10, 0))
    await house.offer_again()
    for cart, pointless in (((MAIN, EARLY), EARLY), ((MAIN, VIP), MAIN)):
        refused = Denied(Code.BAD_REQUEST, detail={"field": "items", "product": pointless})
        assert await house.place(FAN, *cart) == refused
    assert (await house.seats(), await house.seats(VIP)) == ((0, 0), (0, 0))
    assert isinstance(await house.place(FAN, AGAIN, MAIN), Order)


# ---- a callback that was lost ------------------------------------------------------------------------


async def lost(house: House) -> Order:
    order = await house.placed()
    house.provider.pay(order.payment)
    return order


async def test_the_same_key_finds_money_whose_callback_was_lost(house: House) -> None:
    # 201 pending, with an address where it was paid already
    order = await lost(house)
    again = await house.place()
    assert isinstance(again, Order)
    assert (again.id, again.state) == (order.id, OrderState.PAID)


async def test_who_returns_a_ticket_is_not_refused_for_a_lost_callback(house: House) -> None:
    order = await lost(house)
    await house.return_ticket(order, FAN, Role.VIEWER)
    assert (await house.reload(order)).state is OrderState.REFUNDING


async def test_money_is_looked_for_before_a_right_is_read(house: House) -> None:
    await lost(house)
    await house.box.money_settled(FAN, SHOW)
    assert await house.tier() is Tier.MAIN


# ---- a ban or the end of the sale right after an order ------------------------------------------------


@pytest.mark.parametrize("is_ban", [True, False])
async def test_an_order_that_must_not_be_paid_any_more_says_nowhere_where(house: House, is_ban: bool) -> None:
    # the same key answered where to pay, and the cashier took no money
    order = await house.placed()
    if is_ban:
        house.banned.add(FAN)
    else:
        house.phase = Phase.ENDED
    (listed,) = await house.box.orders(FAN, SHOW)
    for seen in (await house.place(), await house.box.order(FAN, order.id, role=Role.VIEWER), listed):
        assert isinstance(seen, Order)
        assert (seen.id, seen.state, seen.pay_url) == (order.id, OrderState.PENDING, None)


# ---- a ticket on its way back ----------------------------------------------------------------------


async def test_a_ticket_on_its_way_back_is_not_sold_again_until_the_money_is(house: House) -> None:
    # a refund that failed gave the first ticket back beside the second, and both were charged
    house.provider.refund_outcome = RefundStatus.PENDING
    first = await house.paid()
    refund = await house.return_ticket(first, FAN, Role.VIEWER)
    await house.work()
    denied = await house.place(key="key-0002")
    assert (told(denied)["order"], told(denied)["state"], told(denied)["pay_url"]) == (first.id, "refunding", None)
    assert isinstance(denied, Denied)
    assert denied.retry_after_ms == REFUND_QUERY_MS
    await house.callback(house.provider.settle_refund(refund.id, RefundStatus.SUCCEEDED))
    assert (await house.paid(key="key-0002")).state is OrderState.PAID
    assert await house.seats() == (1, 0)


async def test_what_was_bought_while_a_refund_was_open_goes_back_by_itself_if_it_fails(house: House) -> None:
    house.provider.refund_outcome = RefundStatus.PENDING
    cheaper = await house.placed()
    vip = await house.paid(FAN, VIP, key="key-0002")
    refund = await house.return_ticket(vip)
    await house.work()
    house.provider.pay(cheaper.payment)
    await house.callback(house.provider.paid_callback(cheaper.payment))
    assert (await house.reload(cheaper)).state is OrderState.PAID
    await house.events()
    house.provider.refund_outcome = RefundStatus.SUCCEEDED
    await house.callback(house.provider.settle_refund(refund.id, RefundStatus.FAILED))
    returned = await house.refund_of(cheaper)
    assert returned is not None
    assert [event.refund for event in await house.events() if isinstance(event, MoneyReturning)] == [returned.id]
    await house.work()
    assert [(await house.reload(order)).state for order in (vip, cheaper)] == [OrderState.PAID, OrderState.REFUNDED]
    assert (await house.tier(), await house.credits()) == (Tier.VIP, 0)
    assert (await house.seats(), await house.seats(VIP)) == ((0, 0), (1, 0))
    assert await house.audit() == []


async def test_a_failed_refund_leaves_what_it_does_not_cover(house: House) -> None:
    house.provider.refund_outcome = RefundStatus.PENDING
    main = await house.paid()
    refund = await house.return_ticket(main)
    await house.work()
    vip = await house.paid(FAN, VIP, key="key-0002")
    await house.callback(house.provider.settle_refund(refund.id, RefundStatus.FAILED))
    await house.work()
    assert [(await house.reload(order)).state for order in (main, vip)] == [OrderState.PAID, OrderState.PAID]


# ---- holding without paying ------------------------------------------------------------------------


async def test_after_an_unpaid_expiry_the_same_fan_waits_and_others_do_not(last_seat: House) -> None:
    await last_seat.placed()
    await last_seat.work_later()
    assert await last_seat.place(key="key-0002") == Denied(Code.RATE_LIMITED, retry_after_ms=COOL_DOWN_MS)
    assert isinstance(await cancelled(last_seat, await last_seat.placed(FAN, VIP, key="key-0003")), Order)
    assert isinstance(await cancelled(last_seat, await last_seat.placed(RIVAL), RIVAL), Order)
    last_seat.clock.advance(COOL_DOWN_MS)
    assert isinstance(await last_seat.place(key="key-0004"), Order)


async def test_an_order_whose_time_is_over_is_ended_by_the_next_one_before_its_job_comes(house: House) -> None:
    order = await house.placed()
    house.clock.advance(TTL_MS)
    assert await house.place(key="key-0002") == Denied(Code.RATE_LIMITED, retry_after_ms=COOL_DOWN_MS)
    assert (await house.reload(order)).state is OrderState.CLOSED
    assert await house.seats() == (0, 0)


async def test_an_overdue_order_that_its_provider_keeps_open_is_neither_payable_nor_doubled(house: House) -> None:
    order = await house.placed()
    house.clock.advance(TTL_MS)
    house.provider.is_down = True
    assert await house.place(key="key-0002") == Denied(Code.PROVIDER_UNAVAILABLE, detail={"order": order.id})
    assert await house.seats() == (0, 1)


async def second_show(house: House, number: int) -> tuple[ShowId, ProductId]:
    other, only = ShowId(f"show-{number}"), ProductId(f"main-{number}")
    async with house.db.write() as uow:
        planned = structs.replace(show(), id=other, room=RoomId(f"room-{number}"))
        await shows_sql.create_show(uow, planned)
        await shows_sql.add_product(uow, structs.replace(product(only, Tier.MAIN, 100, 10, 0), show=other))
    return other, only


async def test_seats_held_unpaid_are_capped_over_all_shows_even_at_the_same_moment(house: House) -> None:
    shows = [await second_show(house, number) for number in range(UNPAID_SEATS + 3)]
    house.phase_everywhere = True

    async def place(number: int) -> Order | Denied:
        other, only = shows[number]
        return await house.box.place_order(FAN, f"key-{number}", other, [OrderItem(only)], "fake")

    answers = await asyncio.gather(*(place(number) for number in range(len(shows))))
    refused = [answer for answer in answers if isinstance(answer, Denied)]
    assert len(answers) - len(refused) == UNPAID_SEATS
    assert {(answer.code, answer.retry_after_ms) for answer in refused} == {(Code.RATE_LIMITED, TTL_MS)}
    await house.work_later()
    assert isinstance(await house.place(FAN, VIP), Order)
