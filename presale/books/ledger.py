"""The double-entry ledger: who holds what after each business fact, in money and in gift credits.

A posting moves amounts between accounts; per unit its entries sum to zero. Wallets never go below zero.
A posting's key names the business fact, so that a fact is never booked twice: see `auth.composed`. An account's
name is the owner's; ids of shows and providers are ours and hold no colon, and a user's id stands last.
"""

from collections import defaultdict
from collections.abc import Sequence
from enum import StrEnum

from msgspec import Struct

from auth.composed import composed_key
from auth.identity import ShowId, UserId
from presale.orders.orders import OrderId

WALLET = "wallet:"
"""The prefix of accounts that never go below zero."""


class PostingKind(StrEnum):
    """The business facts that move money or credits."""

    PAYMENT = "payment"
    REFUND = "refund"
    CREDITS_GRANTED = "credits.granted"
    CREDITS_WITHDRAWN = "credits.withdrawn"
    CREDITS_RETURNED = "credits.returned"
    CREDITS_SPENT = "credits.spent"


class Entry(Struct, frozen=True):
    """A signed change of one account in one unit."""

    account: str
    unit: str
    """A currency code, or `CREDIT:<show>`."""
    amount: int


class Posting(Struct, frozen=True):
    """One business fact."""

    key: str
    kind: PostingKind
    entries: tuple[Entry, ...]


def is_balanced(entries: Sequence[Entry]) -> bool:
    """Whether the entries sum to zero in every unit."""
    sums: dict[str, int] = defaultdict(int)
    for entry in entries:
        sums[entry.unit] += entry.amount
    return not any(sums.values())


def wallet(show: ShowId, user: UserId) -> str:
    """The account of a user's gift credits."""
    return composed_key("wallet", show, user)


def credit_unit(show: ShowId) -> str:
    """The unit of a show's gift credits."""
    return composed_key("CREDIT", show)


def sales(show: ShowId) -> str:
    """The account that sales are taken from; its negated balance is the gross revenue."""
    return composed_key("sales", show)


def refunds(show: ShowId) -> str:
    """The account that refunds end in."""
    return composed_key("refunds", show)


def gifts(show: ShowId) -> str:
    """The account that spent credits end in."""
    return composed_key("gifts", show)


def money_received(payment: str, show: ShowId, provider: str, currency: str, amount_minor: int) -> Posting:
    """A provider took a fan's money for us."""
    key = payment_key(payment)
    return Posting(key, PostingKind.PAYMENT, _move(sales(show), _provider(provider), currency, amount_minor))


def money_returned(refund: str, show: ShowId, provider: str, currency: str, amount_minor: int) -> Posting:
    """A provider gave a fan's money back."""
    key = refund_key(refund)
    return Posting(key, PostingKind.REFUND, _move(_provider(provider), refunds(show), currency, amount_minor))


def payment_key(payment: str) -> str:
    """The key of the posting of a payment."""
    return composed_key("payment", payment)


def refund_key(refund: str) -> str:
    """The key of the posting of a refund."""
    return composed_key("refund", refund)


def credits_granted(order: OrderId, show: ShowId, user: UserId, credits_: int) -> Posting:
    """A paid order brings its gift credits."""
    entries = _move(_issued(show), wallet(show, user), credit_unit(show), credits_)
    return Posting(composed_key("grant", order), PostingKind.CREDITS_GRANTED, entries)


def credits_withdrawn(refund: str, show: ShowId, user: UserId, credits_: int) -> Posting:
    """A requested refund takes the unspent credits with it."""
    entries = _move(wallet(show, user), _issued(show), credit_unit(show), credits_)
    return Posting(composed_key("withdraw", refund), PostingKind.CREDITS_WITHDRAWN, entries)


def credits_returned(refund: str, show: ShowId, user: UserId, credits_: int) -> Posting:
    """A failed refund gives the credits back."""
    entries = _move(_issued(show), wallet(show, user), credit_unit(show), credits_)
    return Posting(composed_key("return", refund), PostingKind.CREDITS_RETURNED, entries)


def credits_spent(key: str, show: ShowId, user: UserId, credits_: int) -> Posting:
    """A fan sends a gift; `key` names it among all that this user spends in this show."""
    entries = _move(wallet(show, user), gifts(show), credit_unit(show), credits_)
    return Posting(composed_key("spend", show, user, key), PostingKind.CREDITS_SPENT, entries)


def credits_spent_before(key: str, show: ShowId, user: UserId, credits_: int) -> Posting:
    """As `credits_spent`, under the key of versions before 0.2: another one where the user's id is not plain."""
    entries = _move(wallet(show, user), gifts(show), credit_unit(show), credits_)
    return Posting(f"spend:{show}:{user}:{key}", PostingKind.CREDITS_SPENT, entries)


def _provider(provider: str) -> str:
    return composed_key("provider", provider)


def _issued(show: ShowId) -> str:
    return composed_key("credits", "issued", show)


def _move(source: str, target: str, unit: str, amount: int) -> tuple[Entry, ...]:
    return (Entry(source, unit, -amount), Entry(target, unit, amount))
