"""What a fan has already, left unpaid or holds unpaid decides about the next order."""

import pytest

from auth.denials import Code, Denied
from auth.identity import ShowId, Tier, UserId
from presale.catalogue.shows import ProductId
from presale.orders.holding import MOST_CANCELLED, Held, HoldLimits, doubled, held, limit_unpaid, wait_after_unpaid
from presale.orders.orders import Order, OrderId, OrderLine, OrderState

TTL_MS, COOL_DOWN_MS = 900_000, 120_000
LIMITS = HoldLimits(order_ttl_ms=TTL_MS, cool_down_ms=COOL_DOWN_MS, unpaid_seats=4)
MAIN, EARLY, VIP, VIP2 = (ProductId(name) for name in ("main", "early", "vip", "vip2"))
TIERS = {MAIN: Tier.MAIN, EARLY: Tier.MAIN, VIP: Tier.VIP, VIP2: Tier.VIP}


def lines(*products: ProductId, quantity: int = 1) -> tuple[OrderLine, ...]:
    return tuple(OrderLine(product, quantity, 100, TIERS[product], 0) for product in products)


def order(
    number: str, state: OrderState, *products: ProductId, created_ms: int = 0, closed_ms: int | None = None
) -> Order:
    return Order(
        id=OrderId(number),
        show=ShowId("show"),
        user=UserId("fan"),
        state=state,
        amount_minor=100,
        currency="CNY",
        lines=lines(*products),
        expires_ms=created_ms + TTL_MS,
        key=number,
        body_hash="",
        provider="fake",
        payment=number,
        pay_url=None,
        version=1,
        created_ms=created_ms,
        closed_ms=closed_ms,
    )


@pytest.mark.parametrize("state", OrderState)
def test_an_order_that_is_paid_or_waits_for_money_holds_its_product_and_no_other_does(state: OrderState) -> None:
    found = held(lines(MAIN), [order("1", state, MAIN)], (), again=False)
    assert (found is not None) is (state in {OrderState.PENDING, OrderState.PAID})


@pytest.mark.parametrize("has", [OrderState.PENDING, OrderState.PAID])
@pytest.mark.parametrize(
    ("owned", "asked", "is_held"),
    [(MAIN, MAIN, True), (MAIN, EARLY, True), (VIP, MAIN, True), (VIP, VIP, True), (MAIN, VIP, False)],
)
def test_what_raises_no_tier_is_held_and_an_upgrade_is_not(
    has: OrderState, owned: ProductId, asked: ProductId, *, is_held: bool
) -> None:
    assert (held(lines(asked), [order("1", has, owned)], (), again=False) is not None) is is_held


def test_one_line_that_is_held_holds_the_whole_cart() -> None:
    own = order("1", OrderState.PAID, MAIN)
    assert held(lines(MAIN, VIP), [own], (), again=False) == Held(own, MAIN)


def test_the_first_order_of_the_same_product_is_told_before_one_of_a_better_tier() -> None:
    vip = order("1", OrderState.PAID, VIP, created_ms=1)
    later, sooner = (order(str(at), OrderState.PENDING, MAIN, created_ms=at) for at in (3, 2))
    assert held(lines(MAIN), [vip, later, sooner], (), again=False) == Held(sooner, MAIN)


def test_only_a_product_made_for_it_is_bought_again_and_is_never_held_unpaid_twice() -> None:
    paid, waiting = order("1", OrderState.PAID, MAIN), order("2", OrderState.PENDING, MAIN)
    assert held(lines(MAIN), [paid], {MAIN}, again=True) is None
    assert held(lines(MAIN), [paid], {MAIN}, again=False) == Held(paid, MAIN)
    assert held(lines(MAIN), [paid], {EARLY}, again=True) == Held(paid, MAIN)
    assert held(lines(MAIN), [paid, waiting], {MAIN}, again=True) == Held(waiting, MAIN)


def test_after_an_unpaid_expiry_the_same_product_is_cooled_down_and_another_is_not() -> None:
    own = [order("1", OrderState.CLOSED, MAIN, closed_ms=TTL_MS)]
    assert wait_after_unpaid(lines(MAIN), own, LIMITS, TTL_MS) == COOL_DOWN_MS
    assert wait_after_unpaid(lines(MAIN), own, LIMITS, TTL_MS + COOL_DOWN_MS - 1) == 1
    assert wait_after_unpaid(lines(MAIN), own, LIMITS, TTL_MS + COOL_DOWN_MS) == 0
    assert wait_after_unpaid(lines(VIP), own, LIMITS, TTL_MS) == 0
    assert wait_after_unpaid(lines(VIP, MAIN), own, LIMITS, TTL_MS) == COOL_DOWN_MS


def test_a_cancelled_order_is_placed_anew_at_once() -> None:
    own = [order("1", OrderState.CLOSED, MAIN, closed_ms=TTL_MS - 1)]
    assert wait_after_unpaid(lines(MAIN), own, LIMITS, TTL_MS - 1) == 0


@pytest.mark.parametrize("hold_ms", [TTL_MS - 1, TTL_MS // 2, TTL_MS // 9, 1_000])
def test_cancelling_just_before_the_expiry_does_not_hold_seats_for_ever(hold_ms: int) -> None:
    own: list[Order] = []
    now_ms = 0
    while wait_after_unpaid(lines(MAIN), own, LIMITS, now_ms) == 0:
        own.append(order(str(now_ms), OrderState.CLOSED, MAIN, created_ms=now_ms, closed_ms=now_ms + hold_ms))
        now_ms += hold_ms
        assert now_ms <= 2 * TTL_MS
    assert wait_after_unpaid(lines(MAIN), own, LIMITS, now_ms) == COOL_DOWN_MS


def test_nobody_places_and_cancels_without_end() -> None:
    """A loop of two calls made 600 orders in a minute, each a payment at the provider; every order and CONNECT of its
    maker read them all."""
    own: list[Order] = []
    for now_ms in range(1_000, TTL_MS, 1_000):
        if wait_after_unpaid(lines(MAIN), own, LIMITS, now_ms) == 0:
            own.append(order(str(now_ms), OrderState.CLOSED, MAIN, created_ms=now_ms, closed_ms=now_ms + 1))
    assert len(own) < 2 * MOST_CANCELLED


def test_money_that_came_in_the_end_leaves_nothing_to_wait_for() -> None:
    own = [order("1", OrderState.REFUNDED, MAIN, closed_ms=TTL_MS)]
    assert wait_after_unpaid(lines(MAIN), own, LIMITS, TTL_MS) == 0


def test_unpaid_seats_are_capped_until_the_first_of_them_expires() -> None:
    unpaid = [order(str(at), OrderState.PENDING, MAIN, VIP, created_ms=at) for at in (10, 20)]
    assert limit_unpaid(lines(MAIN, VIP), unpaid[:1], LIMITS, 100) is None
    refused = Denied(Code.RATE_LIMITED, retry_after_ms=TTL_MS + 10 - 100, detail={"unpaid_seats": 4})
    assert limit_unpaid(lines(MAIN), unpaid, LIMITS, 100) == refused
    overdue = limit_unpaid(lines(MAIN), unpaid, LIMITS, 10 * TTL_MS)
    assert overdue is not None
    assert overdue.retry_after_ms == 1_000


def test_an_order_that_is_over_the_cap_alone_cannot_be_helped_by_waiting() -> None:
    refused = Denied(Code.BAD_REQUEST, detail={"field": "items", "unpaid_seats": 4})
    assert limit_unpaid(lines(MAIN, quantity=5), [], LIMITS, 0) == refused


# ---- one cart ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cart", "pointless"),
    [
        ((MAIN,), None),
        ((MAIN, EARLY), MAIN),
        ((VIP, MAIN), MAIN),
        ((MAIN, VIP), MAIN),
        ((VIP, VIP2), VIP),
    ],
)
def test_a_line_that_raises_no_tier_beyond_another_is_refused(
    cart: tuple[ProductId, ...], pointless: ProductId | None
) -> None:
    # a cart of two tickets of one tier was charged twice for it
    expected = None if pointless is None else Denied(Code.BAD_REQUEST, detail={"field": "items", "product": pointless})
    assert doubled(lines(*cart), ()) == expected


def test_what_is_made_to_be_bought_again_stands_beside_any_line() -> None:
    assert doubled(lines(EARLY, MAIN), {EARLY}) is None
    assert doubled(lines(VIP, EARLY), {EARLY, VIP}) is None
