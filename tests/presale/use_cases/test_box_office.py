"""The use cases of the box office over a provider that obeys the port."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from msgspec import structs
from sqlalchemy import update

from auth.denials import Code, Denied
from auth.identity import Role, ShowId, Tier, UserId
from auth.situation import Phase
from presale.books.events import RevenueChanged, WalletChanged
from presale.catalogue.events import SalesChanged
from presale.catalogue.shows import SALES_OPEN, ProductId
from presale.entitlements.events import EntitlementChanged
from presale.orders.events import OrderChanged
from presale.orders.holding import HoldLimits
from presale.orders.orders import Order, OrderId, OrderItem, OrderState, Quote
from presale.payments.payments import RefundStatus
from presale.refunds.events import RefundFailed
from presale.refunds.refunds import Refund, RefundId, RefundProgress
from presale.tables_sql import shows
from presale.use_cases.box_office import BoxOffice
from store.findings import Finding
from tests.presale.fake_provider import GENUINE
from tests.presale.house import AGAIN, FAN, MAIN, OPERATOR, RIVAL, SHOW, TTL_MS, VIP, House, open_house


@pytest.fixture
async def house(home: str, tmp_path: Path) -> AsyncIterator[House]:
    async with open_house(tmp_path, home=home) as opened:
        yield opened


@pytest.fixture
async def last_seat(home: str, tmp_path: Path) -> AsyncIterator[House]:
    """A house with one seat of each kind."""
    folder = tmp_path / "last"
    folder.mkdir()
    async with open_house(folder, home=home, capacity=1) as opened:
        yield opened


def code(answer: object) -> Code | None:
    return answer.code if isinstance(answer, Denied) else None


# ---- quotes and orders -------------------------------------------------------------------------


async def test_a_quote_prices_without_reserving(house: House) -> None:
    await house.offer_again()
    quote = await house.box.quote(SHOW, [OrderItem(MAIN), OrderItem(AGAIN)])
    assert isinstance(quote, Quote)
    assert (quote.amount_minor, quote.currency) == (14_800, "CNY")
    assert [(line.product, line.left, line.credits) for line in quote.lines] == [(AGAIN, 10, 20), (MAIN, 10, 10)]
    assert await house.seats() == (0, 0)


async def test_a_quote_refuses_the_cart_that_the_order_would_refuse(house: House) -> None:
    """It priced Main and VIP together, and only the order said that one of them buys nothing."""
    cart = [OrderItem(VIP), OrderItem(MAIN)]
    quoted = await house.box.quote(SHOW, cart)
    assert quoted == Denied(Code.BAD_REQUEST, detail={"field": "items", "product": MAIN})
    assert quoted == await house.box.place_order(FAN, "key", SHOW, cart, "fake")


async def test_a_quote_refuses_more_seats_than_anybody_may_hold_unpaid(house: House) -> None:
    await house.offer_again()
    box = BoxOffice(house.db, {"fake": house.provider}, house.box._course_of, holds=HoldLimits(unpaid_seats=1))
    cart = [OrderItem(MAIN), OrderItem(AGAIN)]
    quoted = await box.quote(SHOW, cart)
    assert quoted == Denied(Code.BAD_REQUEST, detail={"field": "items", "unpaid_seats": 1})
    assert quoted == await box.place_order(FAN, "key", SHOW, cart, "fake")


async def test_a_quote_for_a_show_or_seats_that_are_not_there_is_refused(last_seat: House) -> None:
    await last_seat.placed()
    assert code(await last_seat.box.quote(SHOW, [OrderItem(MAIN)])) is Code.SOLD_OUT
    assert code(await last_seat.box.quote(ShowId("no"), [OrderItem(MAIN)])) is Code.NOT_FOUND
    assert code(await last_seat.box.quote(SHOW, [OrderItem(ProductId("no"))])) is Code.NOT_FOUND


async def test_a_placed_order_holds_its_seat_and_can_be_paid(house: House) -> None:
    order = await house.placed()
    assert order.state is OrderState.PENDING
    assert order.pay_url == f"https://cashier.invalid/{order.payment}"
    assert order.expires_ms == house.clock.now_ms + TTL_MS
    assert await house.seats() == (0, 1)
    assert await house.tier() is Tier.NONE
    seen = await house.events()
    assert [type(event).__name__ for event in seen] == ["OrderChanged", "SalesChanged", "OrderChanged"]
    last = seen[-1]
    assert isinstance(last, OrderChanged)
    assert (last.user, last.order, last.pay_url, last.version) == (FAN, order.id, order.pay_url, 2)


@pytest.mark.parametrize("phase", [*Phase, None])
async def test_tickets_are_sold_only_while_sales_are_open(house: House, phase: Phase | None) -> None:
    house.phase = phase
    answer = await house.place()
    assert code(answer) == (None if phase in SALES_OPEN else Code.SALES_CLOSED)
    assert code(await house.box.quote(SHOW, [OrderItem(MAIN)])) == code(answer)


async def test_a_show_or_provider_that_does_not_exist_is_refused(house: House) -> None:
    assert code(await house.place(show=ShowId("no"))) is Code.NOT_FOUND
    assert code(await house.box.place_order(FAN, "key", SHOW, [OrderItem(MAIN)], "no")) is Code.PROVIDER_UNKNOWN


async def test_the_same_key_and_body_answer_the_same_order_once_and_for_all(house: House) -> None:
    first = await house.placed()
    assert await house.placed() == first
    house.phase = Phase.ENDED
    assert await house.placed() == structs.replace(first, pay_url=None)  # it must not be paid any more
    assert await house.seats() == (0, 1)


async def test_the_same_key_at_the_same_moment_places_one_order(house: House) -> None:
    answers = await asyncio.gather(*(house.placed() for _ in range(8)))
    assert {order.id for order in answers} == {answers[0].id}
    assert all(order.pay_url for order in answers)
    assert await house.seats() == (0, 1)


async def test_the_same_key_with_another_body_is_refused(house: House) -> None:
    await house.placed()
    assert code(await house.place(FAN, VIP)) is Code.IDEMPOTENCY_REUSED
    assert await house.seats(VIP) == (0, 0)


async def test_keys_belong_to_their_users(house: House) -> None:
    assert (await house.placed(FAN)).id != (await house.placed(RIVAL)).id


async def test_an_unreachable_provider_leaves_the_order_to_be_finished_with_the_same_key(house: House) -> None:
    house.provider.is_down = True
    assert code(await house.place()) is Code.PROVIDER_UNAVAILABLE
    assert await house.seats() == (0, 1)
    house.provider.is_down = False
    order = await house.placed()
    assert order.pay_url is not None
    assert len(house.provider.payments) == 1
    assert await house.seats() == (0, 1)


async def test_an_order_the_provider_refuses_for_good_frees_its_seat(house: House) -> None:
    house.provider.refuses_to_create = True
    assert code(await house.place()) is Code.PROVIDER_UNAVAILABLE
    assert await house.seats() == (0, 0)
    (order,) = await house.box.orders(FAN, SHOW)
    assert order.state is OrderState.CLOSED


async def test_an_order_is_seen_by_its_buyer_and_the_staff_of_the_money_only(house: House) -> None:
    order = await house.placed()
    assert await house.box.order(FAN, order.id, role=Role.VIEWER) == order
    assert await house.box.order(OPERATOR, order.id, role=Role.OPERATOR) == order
    assert await house.box.order(OPERATOR, order.id, role=Role.HOST) == order
    for role in (Role.VIEWER, Role.MODERATOR):
        assert code(await house.box.order(RIVAL, order.id, role=role)) is Code.NOT_FOUND
    assert code(await house.box.order(FAN, OrderId("no"), role=Role.OPERATOR)) is Code.NOT_FOUND
    assert await house.box.show_of(order.id) == SHOW


# ---- payment -----------------------------------------------------------------------------------


async def test_a_paid_order_gives_seat_tier_credits_and_tells_everybody(house: House) -> None:
    order = await house.placed()
    await house.events()
    assert await house.callback(house.provider.pay(order.payment)) is None
    assert (await house.reload(order)).state is OrderState.PAID
    assert await house.seats() == (1, 0)
    assert await house.tier() is Tier.MAIN
    assert await house.credits() == 10
    assert await house.money() == (12_800, -12_800, 0)
    seen = {type(event): event for event in await house.events()}
    assert seen[RevenueChanged] == RevenueChanged(SHOW, "CNY", 12_800, 0, 1, 1)
    assert seen[WalletChanged] == WalletChanged(FAN, SHOW, 10, 1)
    assert seen.keys() == {
        EntitlementChanged,
        OrderChanged,
        SalesChanged,
        RevenueChanged,
        WalletChanged,
    }
    assert await house.audit() == []


async def test_a_repeated_callback_changes_and_announces_nothing(house: House) -> None:
    order = await house.paid()
    await house.events()
    for _ in range(3):
        assert await house.callback(house.provider.paid_callback(order.payment)) is None
    assert await house.events() == []
    assert await house.money() == (12_800, -12_800, 0)


async def test_callbacks_at_the_same_moment_pay_once(house: House) -> None:
    order = await house.placed()
    body = house.provider.pay(order.payment)
    assert await asyncio.gather(*(house.callback(body) for _ in range(8))) == [None] * 8
    assert await house.money() == (12_800, -12_800, 0)
    assert await house.credits() == 10


@pytest.mark.parametrize(("amount_minor", "currency"), [(12_799, None), (12_801, None), (1, None), (None, "USD")])
async def test_other_money_than_asked_pays_nothing(
    house: House, amount_minor: int | None, currency: str | None
) -> None:
    order = await house.placed()
    body = house.provider.pay(order.payment, amount_minor=amount_minor, currency=currency)
    assert await house.callback(body) == Denied(Code.BAD_REQUEST, detail={"field": "amount"})
    assert (await house.reload(order)).state is OrderState.PENDING
    assert await house.money() == (0, 0, 0)


async def test_another_merchants_money_or_a_forged_callback_pays_nothing(house: House) -> None:
    order = await house.placed()
    genuine = house.provider.pay(order.payment)
    foreign = house.provider.paid_callback(order.payment, merchant="somebody else")
    assert code(await house.callback(foreign)) is Code.SIGNATURE_INVALID
    assert code(await house.box.receive_callback("fake", {}, genuine)) is Code.SIGNATURE_INVALID
    assert code(await house.box.receive_callback("no", GENUINE, genuine)) is Code.PROVIDER_UNKNOWN
    assert (await house.reload(order)).state is OrderState.PENDING


async def test_one_transaction_pays_one_order(house: House) -> None:
    first = await house.paid()
    second = await house.placed(RIVAL)
    house.provider.pay(second.payment)
    stolen = house.provider.paid_callback(second.payment, transaction=f"tx-{first.payment}")
    assert await house.callback(stolen) == Denied(Code.BAD_REQUEST, detail={"field": "transaction"})
    assert await house.tier(RIVAL) is Tier.NONE


async def test_a_paid_payment_takes_no_other_transaction(house: House) -> None:
    order = await house.paid()
    again = house.provider.paid_callback(order.payment, transaction="tx-other")
    assert code(await house.callback(again)) is Code.BAD_REQUEST
    assert await house.money() == (12_800, -12_800, 0)


async def test_callbacks_about_nothing_we_know_are_refused_and_about_other_things_accepted(house: House) -> None:
    order = await house.placed()
    house.provider.payments["strange"] = house.provider.payments[order.payment]
    house.provider.pay("strange")
    assert code(await house.callback(house.provider.paid_callback("strange"))) is Code.NOT_FOUND
    assert await house.callback(b"hello ") is None


async def test_settling_finds_money_whose_callback_was_lost(house: House) -> None:
    order = await house.placed()
    assert await house.box.settle(order.id) == order
    house.provider.pay(order.payment)
    settled = await house.box.settle(order.id)
    assert isinstance(settled, Order)
    assert settled.state is OrderState.PAID
    assert await house.tier() is Tier.MAIN


async def test_settling_asks_nobody_about_orders_that_are_paid_and_tells_when_it_cannot_ask(house: House) -> None:
    order = await house.paid()
    house.provider.calls.clear()
    await house.box.settle(order.id)
    assert house.provider.calls == []
    pending = await house.placed(RIVAL)
    house.provider.is_down = True
    assert code(await house.box.settle(pending.id)) is Code.PROVIDER_UNAVAILABLE
    assert code(await house.box.settle(OrderId("no"))) is Code.NOT_FOUND


async def test_a_silent_order_is_asked_for_after_five_minutes(house: House) -> None:
    order = await house.placed()
    house.provider.pay(order.payment)
    await house.work_later(299_999)
    assert await house.tier() is Tier.NONE
    await house.work_later(1)
    assert await house.tier() is Tier.MAIN


# ---- expiry ------------------------------------------------------------------------------------


async def test_an_unpaid_order_is_closed_at_the_provider_and_frees_its_seat(house: House) -> None:
    order = await house.placed()
    await house.work_later(TTL_MS - 1)
    assert await house.seats() == (0, 1)
    house.provider.calls.clear()
    await house.work_later(1)
    assert house.provider.calls == ["query", "close"]
    assert (await house.reload(order)).state is OrderState.CLOSED
    assert await house.seats() == (0, 0)
    assert await house.audit() == []


async def test_an_order_paid_at_the_last_moment_is_paid_not_closed(house: House) -> None:
    order = await house.placed()
    house.clock.advance(TTL_MS)
    house.provider.pay(order.payment)
    await house.work()
    assert (await house.reload(order)).state is OrderState.PAID


async def test_seats_stay_held_while_the_provider_cannot_say(house: House) -> None:
    order = await house.placed()
    house.provider.is_down = True
    await house.work_later()
    await house.work_later(3_600_000)
    assert await house.seats() == (0, 1)
    house.provider.is_down = False
    await house.work_later(3_600_000)
    assert (await house.reload(order)).state is OrderState.CLOSED


async def test_a_provider_that_cannot_close_holds_the_seats_until_the_margin_is_over(house: House) -> None:
    order = await house.placed()
    house.provider.cannot_close = True
    await house.work_later()
    assert (await house.reload(order)).state is OrderState.PENDING
    await house.work_later(600_000)
    assert (await house.reload(order)).state is OrderState.CLOSED


async def test_other_money_found_at_expiry_frees_the_seat_and_is_told_by_the_audit(house: House) -> None:
    order = await house.placed()
    house.provider.pay(order.payment, amount_minor=1)
    await house.work_later()
    assert (await house.reload(order)).state is OrderState.CLOSED
    assert await house.seats() == (0, 0)
    assert [finding.check for finding in await house.audit()] == ["payments.mismatched"]


async def test_money_after_the_release_takes_a_free_seat_again(house: House) -> None:
    order = await house.placed()
    await house.work_later()
    assert await house.callback(house.provider.pay(order.payment)) is None
    assert (await house.reload(order)).state is OrderState.PAID
    assert await house.seats() == (1, 0)
    assert await house.tier() is Tier.MAIN
    assert await house.audit() == []


async def test_money_after_the_release_whose_callback_is_lost_is_found_by_the_last_query(house: House) -> None:
    order = await house.placed()
    await house.work_later()
    house.provider.pay(order.payment)
    await house.work_later(600_000)
    assert (await house.reload(order)).state is OrderState.PAID


async def late_and_sold_out(house: House) -> Order:
    late = await house.placed(FAN)
    await house.work_later()
    await house.paid(RIVAL)
    assert await house.callback(house.provider.pay(late.payment)) is None
    return late


async def test_money_for_a_seat_sold_meanwhile_goes_back_by_itself(last_seat: House) -> None:
    late = await late_and_sold_out(last_seat)
    assert (await last_seat.reload(late)).state is OrderState.REFUNDING
    assert await last_seat.audit() == []
    await last_seat.work()
    assert (await last_seat.reload(late)).state is OrderState.REFUNDED
    assert await last_seat.tier(FAN) is Tier.NONE
    assert await last_seat.credits(FAN) == 0
    assert await last_seat.seats() == (1, 0)
    assert await last_seat.money() == (12_800, -25_600, 12_800)
    assert await last_seat.audit() == []


async def test_money_for_a_show_that_is_over_goes_back_by_itself(house: House) -> None:
    order = await house.placed()
    await house.work_later()
    house.phase = Phase.ENDED
    await house.callback(house.provider.pay(order.payment))
    await house.work()
    assert (await house.reload(order)).state is OrderState.REFUNDED


async def test_late_money_that_cannot_go_back_waits_for_the_staff(last_seat: House) -> None:
    last_seat.provider.refund_outcome = RefundStatus.FAILED
    late = await late_and_sold_out(last_seat)
    await last_seat.work()
    assert (await last_seat.reload(late)).state is OrderState.REFUNDING
    assert [finding.check for finding in await last_seat.audit()] == ["refunds.stuck"]
    assert await last_seat.tier(FAN) is Tier.NONE
    last_seat.provider.refund_outcome = RefundStatus.SUCCEEDED
    await last_seat.return_ticket(late)
    await last_seat.work()
    assert (await last_seat.reload(late)).state is OrderState.REFUNDED
    assert await last_seat.audit() == []


async def test_late_money_that_cannot_go_back_buys_a_seat_that_has_become_free(last_seat: House) -> None:
    last_seat.provider.refund_outcome = RefundStatus.PENDING
    late = await late_and_sold_out(last_seat)
    await last_seat.work()
    refund = await last_seat.refund_of(late)
    (sold,) = await last_seat.box.orders(RIVAL, SHOW)
    last_seat.provider.refund_outcome = RefundStatus.SUCCEEDED
    await last_seat.return_ticket(sold)
    await last_seat.work()
    assert refund is not None
    await last_seat.callback(last_seat.provider.settle_refund(refund.id, RefundStatus.FAILED))
    assert (await last_seat.reload(late)).state is OrderState.PAID
    assert (await last_seat.tier(FAN), await last_seat.credits(FAN)) == (Tier.MAIN, 10)
    assert await last_seat.audit() == []


# ---- refunds -----------------------------------------------------------------------------------


async def test_a_refund_ends_the_rights_in_the_transaction_that_requests_it(house: House) -> None:
    order = await house.paid()
    await house.events()
    refund = await house.return_ticket(order)
    assert (refund.state, refund.amount_minor, refund.currency) == (RefundProgress.REQUESTED, 12_800, "CNY")
    assert (await house.reload(order)).state is OrderState.REFUNDING
    assert await house.tier() is Tier.NONE
    assert await house.credits() == 0
    assert await house.seats() == (0, 1)
    kinds = {type(event) for event in await house.events()}
    assert kinds == {EntitlementChanged, OrderChanged, SalesChanged, WalletChanged}
    assert await house.audit() == []


async def test_a_refund_that_succeeds_frees_the_seat_and_books_the_money(house: House) -> None:
    order = await house.paid()
    refund = await house.return_ticket(order)
    await house.events()
    await house.work()
    assert (await house.reload(order)).state is OrderState.REFUNDED
    assert await house.seats() == (0, 0)
    assert await house.money() == (0, -12_800, 12_800)
    kinds = {type(event): event for event in await house.events()}
    assert kinds[RevenueChanged] == RevenueChanged(SHOW, "CNY", 12_800, 12_800, 0, 2)
    settled = await house.box.refund(FAN, refund.id, role=Role.VIEWER)
    assert isinstance(settled, Refund)
    assert settled.state is RefundProgress.SUCCEEDED
    assert await house.audit() == []


async def test_spent_credits_are_deducted_and_unspent_ones_withdrawn(house: House) -> None:
    order = await house.paid()
    await house.spend(6)
    refund = await house.return_ticket(order)
    assert (refund.amount_minor, refund.withdrawn_credits) == (12_200, 4)
    assert await house.credits() == 0
    await house.work()
    assert await house.money() == (600, -12_800, 12_200)
    assert await house.audit() == []


async def test_a_failed_refund_gives_back_rights_seat_and_unspent_credits(house: House) -> None:
    house.provider.refund_outcome = RefundStatus.FAILED
    order = await house.paid()
    await house.spend(6)
    refund = await house.return_ticket(order)
    await house.events()
    await house.work()
    assert (await house.reload(order)).state is OrderState.PAID
    assert await house.tier() is Tier.MAIN
    assert await house.credits() == 4
    assert await house.seats() == (1, 0)
    assert await house.money() == (12_800, -12_800, 0)
    seen = await house.events()
    assert RefundFailed(FAN, SHOW, refund.id, order.id) in seen
    assert [event.reason for event in seen if isinstance(event, EntitlementChanged)] == ["refund_failed"]
    assert await house.audit() == []


async def test_after_a_failed_refund_another_may_be_requested(house: House) -> None:
    house.provider.refund_outcome = RefundStatus.FAILED
    order = await house.paid()
    first = await house.return_ticket(order)
    await house.work()
    house.provider.refund_outcome = RefundStatus.SUCCEEDED
    second = await house.return_ticket(order)
    await house.work()
    assert first.id != second.id
    assert (await house.reload(order)).state is OrderState.REFUNDED
    assert await house.audit() == []


async def test_of_two_tickets_the_better_one_counts_and_returning_one_leaves_the_other(house: House) -> None:
    main = await house.paid(key="key-main")
    vip = await house.paid(FAN, VIP, key="key-vip0")
    assert await house.tier() is Tier.VIP
    await house.return_ticket(vip)
    assert await house.tier() is Tier.MAIN
    assert await house.credits() == 10
    await house.return_ticket(main)
    assert await house.tier() is Tier.NONE
    await house.work()
    assert await house.audit() == []


async def test_asking_twice_for_a_refund_answers_the_same_one(house: House) -> None:
    order = await house.paid()
    answers = await asyncio.gather(*(house.return_ticket(order) for _ in range(4)))
    assert {refund.id for refund in answers} == {answers[0].id}
    await house.work()
    assert house.provider.calls.count("refund") == 1


@pytest.mark.parametrize("phase", Phase)
async def test_a_fan_returns_a_ticket_until_the_doors_and_an_operator_always(house: House, phase: Phase) -> None:
    order = await house.paid()
    house.phase = phase
    mine = await house.box.request_refund(FAN, Role.VIEWER, order.id, "ill")
    assert code(mine) == (None if phase in {Phase.DRAFT, Phase.PRESALE, Phase.CANCELLED} else Code.REFUND_POLICY)
    assert isinstance(await house.box.request_refund(OPERATOR, Role.OPERATOR, order.id, "kind"), Refund)


async def test_only_the_buyer_and_operators_return_a_ticket(house: House) -> None:
    order = await house.paid()
    for role, expected in (
        (Role.VIEWER, Code.NOT_FOUND),
        (Role.MODERATOR, Code.NOT_FOUND),
        (Role.HOST, Code.FORBIDDEN),
    ):
        assert code(await house.box.request_refund(RIVAL, role, order.id, "")) is expected
    assert (await house.reload(order)).state is OrderState.PAID


async def test_there_is_nothing_to_return_of_an_order_without_money(house: House) -> None:
    pending = await house.placed()
    assert code(await house.box.request_refund(FAN, Role.VIEWER, pending.id, "")) is Code.ORDER_STATE
    assert code(await house.box.request_refund(OPERATOR, Role.OPERATOR, OrderId("no"), "")) is Code.NOT_FOUND


async def test_credits_of_an_older_show_without_a_price_are_not_free(house: House) -> None:
    # buy, spend all credits, return for the full price, three times over: 30 credits for nothing
    async with house.db.write() as uow:
        await uow.connection.execute(update(shows).values(credit_minor=0))
    for number in range(3):
        order = await house.paid(key=f"key-{number}")
        await house.spend(7, key=f"gift-{number:04}")
        refund = await house.return_ticket(order, FAN, Role.VIEWER)
        await house.work()
        assert (refund.amount_minor, refund.withdrawn_credits) == (12_800 * 3 // 10, 3)
        assert await house.credits() == 0
    assert [finding.check for finding in await house.audit()] == ["shows.credits"]


async def test_a_refund_asked_for_again_is_answered_with_the_first_one_also_when_it_is_over(house: House) -> None:
    # the answer was lost on its way, the show went on, and the fan asks again
    order = await house.paid()
    asked = await house.return_ticket(order, FAN, Role.VIEWER)
    house.phase = Phase.LIVE
    assert await house.box.request_refund(FAN, Role.VIEWER, order.id, "") == asked
    await house.work()
    house.phase = Phase.ENDED
    again = await house.box.request_refund(FAN, Role.VIEWER, order.id, "")
    assert isinstance(again, Refund)
    assert (again.id, again.state) == (asked.id, RefundProgress.SUCCEEDED)
    assert code(await house.box.request_refund(RIVAL, Role.VIEWER, order.id, "")) is Code.NOT_FOUND
    assert await house.audit() == []


@pytest.mark.parametrize("phase", [Phase.ENDED, Phase.REPLAY, Phase.CANCELLED])
async def test_an_order_sent_again_is_answered_after_sales_and_provider_have_gone(house: House, phase: Phase) -> None:
    order = await house.paid()
    house.phase = phase
    without = BoxOffice(house.db, {}, house.box._course_of)
    for box in (house.box, without):
        assert await box.place_order(FAN, order.key, SHOW, order.items, "fake") == order
        assert code(await box.place_order(FAN, order.key, SHOW, [OrderItem(VIP)], "fake")) is Code.IDEMPOTENCY_REUSED
    assert code(await house.box.place_order(FAN, "new-key", SHOW, order.items, "fake")) is Code.SALES_CLOSED
    assert code(await without.place_order(FAN, "new-key", SHOW, order.items, "fake")) is Code.PROVIDER_UNKNOWN


async def test_a_refund_is_seen_by_its_buyer_and_not_by_strangers(house: House) -> None:
    refund = await house.return_ticket(await house.paid())
    assert await house.box.refund(FAN, refund.id, role=Role.VIEWER) == refund
    assert code(await house.box.refund(RIVAL, refund.id, role=Role.VIEWER)) is Code.NOT_FOUND
    assert code(await house.box.refund(FAN, RefundId("no"), role=Role.OPERATOR)) is Code.NOT_FOUND


async def test_a_refund_waits_for_a_provider_that_is_away(house: House) -> None:
    order = await house.paid()
    await house.return_ticket(order)
    house.provider.is_down = True
    await house.work()
    assert (await house.reload(order)).state is OrderState.REFUNDING
    house.provider.is_down = False
    await house.work_later(60_000)
    assert (await house.reload(order)).state is OrderState.REFUNDED


async def pending_refund(house: House) -> tuple[Order, Refund]:
    house.provider.refund_outcome = RefundStatus.PENDING
    order = await house.paid()
    refund = await house.return_ticket(order)
    await house.work()
    assert (await house.reload(order)).state is OrderState.REFUNDING
    return order, refund


async def test_a_pending_refund_is_settled_by_callback_once(house: House) -> None:
    order, refund = await pending_refund(house)
    body = house.provider.settle_refund(refund.id, RefundStatus.SUCCEEDED)
    for _ in range(3):
        assert await house.callback(body) is None
    assert (await house.reload(order)).state is OrderState.REFUNDED
    assert await house.money() == (0, -12_800, 12_800)
    late = house.provider.settle_refund(refund.id, RefundStatus.FAILED)
    assert await house.callback(late) is None
    assert (await house.reload(order)).state is OrderState.REFUNDED
    assert await house.audit() == []


async def test_a_pending_refund_whose_callback_is_lost_is_asked_for_until_it_ends(house: House) -> None:
    order, refund = await pending_refund(house)
    await house.work_later(30_000)
    assert (await house.reload(order)).state is OrderState.REFUNDING
    house.provider.settle_refund(refund.id, RefundStatus.SUCCEEDED)
    await house.work_later(60_000)
    assert (await house.reload(order)).state is OrderState.REFUNDED


async def test_a_refund_the_provider_forgot_is_submitted_again(house: House) -> None:
    order, _ = await pending_refund(house)
    house.provider.refunds.clear()
    house.provider.refund_outcome = RefundStatus.SUCCEEDED
    await house.work_later(30_000)
    assert (await house.reload(order)).state is OrderState.REFUNDED


async def test_a_callback_about_another_refund_or_another_amount_settles_nothing(house: House) -> None:
    order, refund = await pending_refund(house)
    partial = house.provider.settle_refund(refund.id, RefundStatus.SUCCEEDED, amount_minor=1)
    assert code(await house.callback(partial)) is Code.BAD_REQUEST
    house.provider.refunds["strange"] = house.provider.refunds[refund.id]
    strange = house.provider.settle_refund("strange", RefundStatus.SUCCEEDED)
    assert code(await house.callback(strange)) is Code.NOT_FOUND
    assert (await house.reload(order)).state is OrderState.REFUNDING


async def test_a_refund_of_nothing_needs_no_provider(home: str, tmp_path: Path) -> None:
    folder = tmp_path / "rich"
    folder.mkdir()
    async with open_house(folder, home=home, credits_=500) as house:
        order = await house.paid()
        await house.spend(500)
        assert (await house.return_ticket(order)).amount_minor == 0
        await house.work()
        assert (await house.reload(order)).state is OrderState.REFUNDED
        assert "refund" not in house.provider.calls
        assert await house.audit() == []


async def test_a_payment_callback_repeated_after_the_refund_brings_nothing_back(house: House) -> None:
    order = await house.paid()
    await house.return_ticket(order)
    await house.work()
    assert await house.callback(house.provider.paid_callback(order.payment)) is None
    assert (await house.reload(order)).state is OrderState.REFUNDED
    assert await house.tier() is Tier.NONE


async def test_nothing_is_found_wrong_with_an_empty_house(house: House) -> None:
    expected: list[Finding] = []
    assert await house.audit() == expected
    assert await house.box.orders(UserId("nobody"), SHOW) == []
