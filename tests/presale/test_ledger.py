from hypothesis import given
from hypothesis import strategies as st

from auth.identity import ShowId, UserId
from presale import ledger
from presale.ledger import Entry, is_balanced
from presale.orders import OrderId

SHOW, USER = ShowId("show"), UserId("fan")


@given(amount=st.integers(0, 2**53))
def test_every_posting_sums_to_zero_per_unit(amount: int) -> None:
    postings = (
        ledger.money_received("payment", SHOW, "fake", "CNY", amount),
        ledger.money_returned("refund", SHOW, "fake", "CNY", amount),
        ledger.credits_granted(OrderId("order"), SHOW, USER, amount),
        ledger.credits_withdrawn("refund", SHOW, USER, amount),
        ledger.credits_returned("refund", SHOW, USER, amount),
        ledger.credits_spent("key", SHOW, USER, amount),
    )
    assert all(is_balanced(posting.entries) for posting in postings)
    assert len({posting.key for posting in postings}) == len(postings)


def test_units_do_not_make_up_for_each_other() -> None:
    assert not is_balanced((Entry("a", "CNY", 1), Entry("b", "CREDIT:show", -1)))


def test_only_wallets_are_kept_above_zero() -> None:
    assert ledger.wallet(SHOW, USER).startswith(ledger.WALLET)
    assert not ledger.sales(SHOW).startswith(ledger.WALLET)
