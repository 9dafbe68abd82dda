import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from auth.denials import Code, Denied
from auth.identity import ShowId, Tier, UserId
from auth.situation import Course, Phase
from presale.catalogue.shows import ProductId
from presale.orders.orders import Order, OrderId, OrderLine, OrderState
from presale.refunds.refunds import moved, permit, terms
from tests.presale.house import show

REFUSED = Denied(Code.REFUND_POLICY)
NOW = 1_000


def order(amount_minor: int, credits_: int) -> Order:
    return Order(
        id=OrderId("order"),
        show=ShowId("show"),
        user=UserId("fan"),
        state=OrderState.PAID,
        amount_minor=amount_minor,
        currency="CNY",
        lines=(OrderLine(ProductId("main"), 1, amount_minor, Tier.MAIN, credits_),),
        expires_ms=0,
        key="key",
        body_hash="",
        provider="fake",
        payment="payment",
        pay_url=None,
        version=1,
        created_ms=0,
    )


@pytest.mark.parametrize("phase", [*Phase, None])
def test_without_a_date_the_doors_decide(phase: Phase | None) -> None:
    allowed = phase in {Phase.DRAFT, Phase.PRESALE, Phase.CANCELLED}
    assert permit(show(), phase, NOW) == (None if allowed else REFUSED)


@pytest.mark.parametrize("phase", [*Phase, None])
@pytest.mark.parametrize("until_ms", [NOW - 1, NOW])
def test_a_date_decides_instead_of_the_doors_but_not_after_the_end(phase: Phase | None, until_ms: int) -> None:
    in_time = until_ms >= NOW and phase not in {Phase.ENDED, Phase.REPLAY}
    allowed = phase is Phase.CANCELLED or in_time
    assert permit(show(until_ms), phase, NOW) == (None if allowed else REFUSED)


@given(
    amount=st.integers(1, 10**9),
    brought=st.integers(0, 10**5),
    wallet=st.integers(0, 10**5),
    worth=st.integers(0, 10**5),
)
def test_a_refund_never_takes_more_than_there_is_nor_gives_more_than_was_paid(
    amount: int, brought: int, wallet: int, worth: int
) -> None:
    agreed = terms(order(amount, brought), wallet, worth)
    assert 0 <= agreed.amount_minor <= amount
    assert 0 <= agreed.withdrawn_credits <= min(brought, wallet)
    if wallet >= brought:
        assert agreed.amount_minor == amount


def test_spent_credits_are_deducted_at_their_worth_and_unspent_ones_withdrawn() -> None:
    agreed = terms(order(12_800, 10), wallet_credits=4, credit_minor=100)
    assert msgspec.structs.astuple(agreed) == (4, 12_200)


@given(amount=st.integers(1, 10**9), brought=st.integers(1, 10**5), wallet=st.integers(0, 10**5))
def test_no_price_is_free_where_a_show_names_none(amount: int, brought: int, wallet: int) -> None:
    # buy, spend all, return, and again: credits for nothing
    agreed = terms(order(amount, brought), wallet, 0)
    spent = max(0, brought - wallet)
    assert agreed.amount_minor * brought <= amount * (brought - spent)
    assert amount - agreed.amount_minor <= -(-amount * spent // brought)


HOUR = 3_600_000
DAY = 24 * HOUR
T = 100 * DAY
"""Now; the show is to start in seven days."""


@pytest.mark.parametrize(
    ("start_ms", "until_ms", "phase", "expected"),
    [
        # put off: the deadline goes along, as far from the start as before
        (T + 14 * DAY, T + 6 * DAY, Phase.PRESALE, T + 13 * DAY),
        (T + 7 * DAY + HOUR // 2, T + 6 * DAY, Phase.PRESALE, T + 6 * DAY + HOUR // 2),
        # over, and a week later would still be over: a window opens
        (T + 14 * DAY, T - 30 * DAY, Phase.PRESALE, T + 3 * DAY),
        (T + 14 * DAY, T - 30 * DAY, Phase.LIVE, T + 3 * DAY),
        # late by less than an hour: nothing opens
        (T + 7 * DAY + HOUR - 1, T - 30 * DAY, Phase.DOORS, T - 30 * DAY + HOUR - 1),
        # brought forward: nobody loses a day, and who cannot come then has until it begins
        (T + 2 * DAY, T + DAY, Phase.PRESALE, T + 2 * DAY),
        (T + 5 * DAY, T + 6 * DAY, Phase.PRESALE, T + 6 * DAY),
        # a draft is moved as a whole, to and fro
        (T + 2 * DAY, T + DAY, Phase.DRAFT, T - 4 * DAY),
        (T + 14 * DAY, T - 30 * DAY, Phase.DRAFT, T - 23 * DAY),
        (T + 14 * DAY, None, Phase.DRAFT, None),
        # the doors decide, as long as they have not opened; then a window does
        (T + 14 * DAY, None, Phase.PRESALE, None),
        (T + 14 * DAY, None, Phase.DOORS, T + 3 * DAY),
        (T + 8 * DAY, None, Phase.PAUSED, T + 3 * DAY),
        (T + 7 * DAY + 60_000, None, Phase.DOORS, None),
    ],
)
def test_a_show_that_is_moved_leaves_time_to_return_its_tickets(
    start_ms: int, until_ms: int | None, phase: Phase, expected: int | None
) -> None:
    planned = Course("Opening night", phase, T + 6 * DAY, T + 7 * DAY)
    after = moved(show(until_ms), planned, planned._replace(doors_ms=start_ms - HOUR, start_ms=start_ms), T)
    assert after.refund_until_ms == expected


def test_a_show_that_is_moved_many_times_keeps_its_deadline_as_far_from_its_start() -> None:
    here, planned = show(T + 6 * DAY), Course("Opening night", Phase.PRESALE, T + 6 * DAY, T + 7 * DAY)
    for _ in range(20):
        later = planned._replace(start_ms=planned.start_ms + HOUR // 2)
        here, planned = moved(here, planned, later, T), later
    assert here.refund_until_ms == planned.start_ms - DAY
