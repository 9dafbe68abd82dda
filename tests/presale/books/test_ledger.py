from hypothesis import given
from hypothesis import strategies as st

from auth.identity import ShowId, UserId
from presale.books import ledger
from presale.books.ledger import Entry, is_balanced
from presale.orders.orders import OrderId

SHOW, USER = ShowId("show"), UserId("fan")
IDS = st.text(st.sampled_from(":~12ab"), min_size=1, max_size=12)
"""What could be taken for separators and lengths."""


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


def test_a_plain_users_key_is_the_one_that_older_versions_gave() -> None:
    # a gift that was paid before the upgrade is paid
    old, new = (
        ledger.credits_spent_before("gift:room:x:y", SHOW, USER, 1),
        ledger.credits_spent("gift:room:x:y", SHOW, USER, 1),
    )
    assert old == new
    assert new.key == "spend:show:fan:gift:room:x:y"


@given(users=st.lists(IDS, min_size=2, max_size=2, unique=True), keys=st.tuples(IDS, IDS))
def test_nobody_spends_under_a_key_of_somebody_else(users: list[str], keys: tuple[str, str]) -> None:
    one, other = (ledger.credits_spent(key, SHOW, UserId(user), 1) for user, key in zip(users, keys, strict=True))
    assert one.key != other.key
    assert ledger.wallet(SHOW, UserId(users[0])) != ledger.wallet(SHOW, UserId(users[1]))
