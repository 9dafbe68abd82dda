"""Giving money back: who may ask when, how much it is, and how far it got."""

from enum import StrEnum
from typing import NewType

from msgspec import Struct

from auth.denials import Code, Denied
from auth.identity import UserId
from auth.situation import Phase
from presale.orders import Order, OrderId
from presale.shows import Show

RefundId = NewType("RefundId", str)

_OVER = frozenset({Phase.ENDED, Phase.REPLAY})
_BEFORE_DOORS = frozenset({Phase.DRAFT, Phase.PRESALE})


class RefundProgress(StrEnum):
    """How far a refund is; the last two are final."""

    REQUESTED = "requested"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


class Refund(Struct, frozen=True, kw_only=True):
    """One return of an order. After a failed one another may be requested."""

    id: RefundId
    order: OrderId
    state: RefundProgress
    amount_minor: int
    currency: str
    withdrawn_credits: int
    """Unspent credits taken back; they return if the refund fails."""
    seated: bool
    """Whether seats stay reserved until it is settled; False for money that came after the seats were gone."""
    reason: str
    by: UserId | None
    """Who asked; None for one the box office started itself."""
    created_ms: int
    settled_ms: int | None = None


class RefundTerms(Struct, frozen=True):
    """What a refund takes and gives."""

    withdrawn_credits: int
    amount_minor: int


def permit(show: Show, phase: Phase | None, now_ms: int) -> Denied | None:
    """Whether a fan may return a ticket without an operator: REFUND_POLICY if not.

    A cancelled show always allows it, a finished one never. In between `refund_until_ms` decides, and
    without one the opening of the doors.
    """
    if phase is Phase.CANCELLED:
        return None
    if phase in _OVER:
        return Denied(Code.REFUND_POLICY)
    if show.refund_until_ms is not None and now_ms <= show.refund_until_ms:
        return None
    if show.refund_until_ms is None and phase in _BEFORE_DOORS:
        return None
    return Denied(Code.REFUND_POLICY)


def terms(order: Order, wallet_credits: int, credit_minor: int) -> RefundTerms:
    """Unspent credits of the order go back, spent ones are deducted at `credit_minor` each, never below zero.

    Credits of one show are alike: as long as the wallet holds as many as the order brought, none of its are spent.
    """
    withdrawn = min(order.credits, wallet_credits)
    spent = order.credits - withdrawn
    return RefundTerms(withdrawn, max(0, order.amount_minor - spent * credit_minor))
