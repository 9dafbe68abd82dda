"""What the sandbox provider knows and how it decides: payments, the cashier's answers, refunds. No I/O."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated

from msgspec import Meta, Struct

from presale.sandbox.faults import Faults

ReferenceId = Annotated[str, Meta(pattern="^[0-9A-Za-z_-]{1,64}\\Z")]
Minor = Annotated[int, Meta(ge=1, le=2**53)]
Currency = Annotated[str, Meta(pattern="^[A-Z]{3}\\Z")]
WebAddress = Annotated[str, Meta(pattern="^https?://[^\\s\"'<>]{1,2000}\\Z")]


class PaymentStatus(StrEnum):
    """Where a payment stands with the provider."""

    UNPAID = "unpaid"
    PAID = "paid"
    CLOSED = "closed"


class RefundStatus(StrEnum):
    """Where a refund stands with the provider."""

    PENDING = "pending"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


class Action(StrEnum):
    """The three buttons of the cashier."""

    PAY = "pay"
    DECLINE = "decline"
    ABANDON = "abandon"


class Outcome(StrEnum):
    """What the cashier's page says."""

    OPEN = "open"
    PAID = "paid"
    DECLINED = "declined"
    ABANDONED = "abandoned"
    CLOSED = "closed"
    EXPIRED = "expired"


class OpenPayment(Struct, frozen=True):
    """Body of a create."""

    payment: ReferenceId
    order: Annotated[str, Meta(min_length=1, max_length=64)]
    amount_minor: Minor
    currency: Currency
    description: Annotated[str, Meta(max_length=200)]
    expires_ms: Annotated[int, Meta(ge=0, le=2**53)]
    return_url: WebAddress | None = None


class OpenRefund(Struct, frozen=True):
    """Body of a refund. `total_minor` must be what the payment was opened with."""

    refund: ReferenceId
    payment: ReferenceId
    amount_minor: Minor
    total_minor: Minor
    currency: Currency
    reason: Annotated[str, Meta(max_length=500)] = ""


class ScriptFaults(Struct, frozen=True):
    """Body of a fault script: for a known or coming payment, or for whichever is opened next."""

    faults: Faults
    payment: ReferenceId | None = None


class Payment(Struct, frozen=True, kw_only=True):
    """A row of the provider's book."""

    id: str
    token: str
    """The unguessable end of the cashier's address."""
    order: str
    amount_minor: int
    currency: str
    description: str
    expires_ms: int
    return_url: str | None
    status: PaymentStatus
    transaction: str | None = None
    paid_minor: int = 0
    paid_ms: int = 0


class Refund(Struct, frozen=True, kw_only=True):
    """A row of the provider's book."""

    id: str
    payment: str
    amount_minor: int
    currency: str
    status: RefundStatus
    reason: str
    settle_ms: int
    """When a pending refund reaches its end."""


@dataclass(frozen=True, slots=True)
class Takes:
    """Whether the cashier takes the money, and what the page says."""

    money: bool
    outcome: Outcome


def page_of(payment: Payment, now_ms: int) -> Outcome:
    """What somebody opening the cashier's address sees."""
    if payment.status is PaymentStatus.PAID:
        return Outcome.PAID
    if payment.status is PaymentStatus.CLOSED:
        return Outcome.CLOSED
    return Outcome.EXPIRED if now_ms > payment.expires_ms else Outcome.OPEN


def press(payment: Payment, action: Action, faults: Faults, now_ms: int) -> Takes:
    """What a button does. A payment is taken at most once, however often it is pressed."""
    page = page_of(payment, now_ms)
    if page is Outcome.PAID:
        return Takes(money=False, outcome=page)
    if action is Action.PAY and (page is Outcome.OPEN or faults.pay_after_close):
        return Takes(money=True, outcome=Outcome.PAID)
    if page is not Outcome.OPEN:
        return Takes(money=False, outcome=page)
    return Takes(money=False, outcome=Outcome.DECLINED if action is Action.DECLINE else Outcome.ABANDONED)


def is_same_payment(known: Payment, asked: OpenPayment) -> bool:
    """Whether a repeated create means the payment the book already has."""
    return (known.order, known.amount_minor, known.currency) == (asked.order, asked.amount_minor, asked.currency)


def judge_refund(payment: Payment | None, asked: OpenRefund, given_back_minor: int) -> str | None:
    """Why a refund fails at once, or None. `given_back_minor` counts pending and succeeded refunds so far."""
    if payment is None or payment.status is not PaymentStatus.PAID:
        return "payment not paid"
    if asked.currency != payment.currency or asked.total_minor != payment.amount_minor:
        return "currency or total differs from the payment"
    if given_back_minor + asked.amount_minor > payment.paid_minor:
        return "more than was paid"
    return None
