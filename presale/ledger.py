"""The double-entry ledger: who holds what after each business fact, in money and in gift credits.

A posting moves amounts between accounts; per unit its entries sum to zero. Wallets never go below zero.
A posting's key names the business fact, so that a fact is never booked twice.
"""

from collections import defaultdict
from collections.abc import Sequence
from enum import StrEnum

from msgspec import Struct

from auth.identity import ShowId, UserId
from presale.orders import OrderId

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
    return f"{WALLET}{show}:{user}"


def credit_unit(show: ShowId) -> str:
    """The unit of a show's gift credits."""
    return f"CREDIT:{show}"


def sales(show: ShowId) -> str:
    """The account that sales are taken from; its negated balance is the gross revenue."""
    return f"sales:{show}"


def refunds(show: ShowId) -> str:
    """The account that refunds end in."""
    return f"refunds:{show}"


def gifts(show: ShowId) -> str:
    """The account that spent credits end in."""
    return f"gifts:{show}"


def money_received(payment: str, show: ShowId, provider: str, currency: str, amount_minor: int) -> Posting:
    """A provider took a fan's money for us."""
    key = payment_key(payment)
    return Posting(key, PostingKind.PAYMENT, _move(sales(show), f"provider:{provider}", currency, amount_minor))


def money_returned(refund: str, show: ShowId, provider: str, currency: str, amount_minor: int) -> Posting:
    """A provider gave a fan's money back."""
    key = refund_key(refund)
    return Posting(key, PostingKind.REFUND, _move(f"provider:{provider}", refunds(show), currency, amount_minor))


def payment_key(payment: str) -> str:
    """The key of the posting of a payment."""
    return f"payment:{payment}"


def refund_key(refund: str) -> str:
    """The key of the posting of a refund."""
    return f"refund:{refund}"


def credits_granted(order: OrderId, show: ShowId, user: UserId, credits_: int) -> Posting:
    """A paid order brings its gift credits."""
    entries = _move(f"credits:issued:{show}", wallet(show, user), credit_unit(show), credits_)
    return Posting(f"grant:{order}", PostingKind.CREDITS_GRANTED, entries)


def credits_withdrawn(refund: str, show: ShowId, user: UserId, credits_: int) -> Posting:
    """A requested refund takes the unspent credits with it."""
    entries = _move(wallet(show, user), f"credits:issued:{show}", credit_unit(show), credits_)
    return Posting(f"withdraw:{refund}", PostingKind.CREDITS_WITHDRAWN, entries)


def credits_returned(refund: str, show: ShowId, user: UserId, credits_: int) -> Posting:
    """A failed refund gives the credits back."""
    entries = _move(f"credits:issued:{show}", wallet(show, user), credit_unit(show), credits_)
    return Posting(f"return:{refund}", PostingKind.CREDITS_RETURNED, entries)


def credits_spent(key: str, show: ShowId, user: UserId, credits_: int) -> Posting:
    """A fan sends a gift; `key` is the client's, unique per show and user."""
    entries = _move(wallet(show, user), gifts(show), credit_unit(show), credits_)
    return Posting(f"spend:{show}:{user}:{key}", PostingKind.CREDITS_SPENT, entries)


def _move(source: str, target: str, unit: str, amount: int) -> tuple[Entry, ...]:
    return (Entry(source, unit, -amount), Entry(target, unit, amount))
