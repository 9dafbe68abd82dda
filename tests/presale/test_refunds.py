import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from auth.denials import Code, Denied
from auth.identity import ShowId, Tier, UserId
from auth.situation import Phase
from presale.orders import Order, OrderId, OrderLine, OrderState
from presale.refunds import permit, terms
from presale.shows import ProductId
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
    assert permit(show(NOW), phase, NOW) == (None if allowed else REFUSED)


@pytest.mark.parametrize("phase", [*Phase, None])
@pytest.mark.parametrize("until_ms", [NOW - 1, NOW])
def test_a_date_decides_instead_of_the_doors_but_not_after_the_end(phase: Phase | None, until_ms: int) -> None:
    in_time = until_ms >= NOW and phase not in {Phase.ENDED, Phase.REPLAY}
    allowed = phase is Phase.CANCELLED or in_time
    assert permit(show(NOW, refund_until_ms=until_ms), phase, NOW) == (None if allowed else REFUSED)


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
