"""Giving money back: who may ask when, how much it is, and how far it got."""

from enum import StrEnum
from typing import NewType

from msgspec import Struct, structs

from auth.denials import Code, Denied
from auth.identity import UserId
from auth.situation import Course, Phase
from presale.catalogue.shows import Show
from presale.orders.orders import Order, OrderId

RefundId = NewType("RefundId", str)

_OVER = frozenset({Phase.ENDED, Phase.REPLAY})
_BEFORE_DOORS = frozenset({Phase.DRAFT, Phase.PRESALE})

MOVE_MS = 3_600_000
"""A show whose start changes by this much has been moved; by less, it is late."""
MOVED_WINDOW_MS = 72 * 3_600_000
"""So long, and not beyond the new start, every ticket of a show that was moved may be returned."""


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
    doubled: str | None = None
    """The attempt whose money goes back, where another one has paid the order: it stays as it is. None: the order's."""
    created_ms: int
    settled_ms: int | None = None

    def payment_of(self, order: Order) -> str:
        """The attempt whose money goes back."""
        return self.doubled or order.payment


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


def opened(before: Show, after: Show, was: Phase, phase: Phase, now_ms: int) -> Show:
    """The show as it is `after` a change of it or its phase, and whether that opens or closes its refunds."""
    is_open = permit(after, phase, now_ms) is None
    if is_open and permit(before, was, now_ms) is not None:
        return structs.replace(after, refunds_opened_ms=now_ms)
    if not is_open and after.refund_until_ms != before.refund_until_ms:  # what was told does not hold any more
        return structs.replace(after, refunds_opened_ms=None)
    return after


def open_until(show: Show) -> int | None:
    """Until when tickets may be returned since that was opened; None while no time ends it: of a cancelled show."""
    until_ms, opened_ms = show.refund_until_ms, show.refunds_opened_ms
    return until_ms if until_ms is not None and opened_ms is not None and until_ms >= opened_ms else None


def terms(order: Order, wallet_credits: int, credit_minor: int) -> RefundTerms:
    """Unspent credits of the order go back, spent ones are deducted at `credit_minor` each, never below zero.

    Credits of one show are alike: as long as the wallet holds as many as the order brought, none of its are spent.
    A show of an older version may name no price: there a spent credit takes its share of what the order cost, rounded
    up, so that nobody spends all and gets all back.
    """
    withdrawn = min(order.credits, wallet_credits)
    spent = order.credits - withdrawn
    if not spent:
        return RefundTerms(withdrawn, order.amount_minor)
    deducted = spent * credit_minor if credit_minor else -(-order.amount_minor * spent // order.credits)
    return RefundTerms(withdrawn, max(0, order.amount_minor - deducted))


def moved(show: Show, before: Course, after: Course, now_ms: int) -> Show:
    """The show with its deadline for refunds, `after` it was moved to other times than `before`.

    A show put off takes its deadline along, by as much as the start; one brought forward leaves it where it is. And
    whoever bought a ticket for another time may return it: a start that changes by `MOVE_MS` opens refunds for
    `MOVED_WINDOW_MS`, at most until the new start. Where the doors decide and have not opened, they go on deciding.
    Of a draft nobody holds a ticket: it takes its deadline along both ways, and opens nothing.
    """
    shift_ms, until_ms, phase = after.start_ms - before.start_ms, show.refund_until_ms, after.phase
    if until_ms is not None:
        until_ms += shift_ms if phase is Phase.DRAFT else max(0, shift_ms)
    needs_window = phase is not Phase.DRAFT and not (until_ms is None and phase in _BEFORE_DOORS)
    if needs_window and abs(shift_ms) >= MOVE_MS:
        until_ms = max(until_ms or 0, min(now_ms + MOVED_WINDOW_MS, after.start_ms))
    return structs.replace(show, refund_until_ms=until_ms)
