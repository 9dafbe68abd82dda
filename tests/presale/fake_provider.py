"""A provider in memory that obeys the port, with the faults a test asks for. Its state is there to be played with."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import msgspec

from auth.denials import Code, Denied
from presale.payments.payments import (
    AlreadyPaid,
    Closed,
    Created,
    Other,
    Paid,
    PaymentPaid,
    PaymentRequest,
    PaymentState,
    ProviderEvent,
    RefundRequest,
    RefundSettled,
    RefundState,
    RefundStatus,
    Unavailable,
    Unknown,
    Unpaid,
)

MERCHANT = "merchant"
GENUINE = {"fake-signature": "genuine"}


@dataclass
class FakePayment:
    request: PaymentRequest
    paid: Paid | None = None
    is_closed: bool = False
    is_hidden: bool = False
    """Paid, but queries and closes do not know it yet: it slips through."""


@dataclass
class FakeRefund:
    request: RefundRequest
    status: RefundStatus


@dataclass
class FakeProvider:
    name: str = "fake"
    is_down: bool = False
    refuses_to_create: bool = False
    cannot_close: bool = False
    refund_outcome: RefundStatus = RefundStatus.SUCCEEDED
    payments: dict[str, FakePayment] = field(default_factory=dict)
    refunds: dict[str, FakeRefund] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)

    async def create(self, request: PaymentRequest) -> Created | Unavailable:
        self.calls.append("create")
        if self.refuses_to_create:
            return Unavailable("refused", retryable=False)
        if self.is_down:
            return Unavailable("down")
        self.payments.setdefault(request.payment, FakePayment(request))
        return Created(f"https://cashier.invalid/{request.payment}", f"ref-{request.payment}")

    async def query(self, payment: str) -> PaymentState | Unavailable:
        self.calls.append("query")
        if self.is_down:
            return Unavailable("down")
        known = self.payments.get(payment)
        if known is None:
            return Unknown()
        if known.paid is not None and not known.is_hidden:
            return known.paid
        return Closed() if known.is_closed else Unpaid()

    async def close(self, payment: str) -> Closed | AlreadyPaid | Unavailable:
        self.calls.append("close")
        if self.is_down or self.cannot_close:
            return Unavailable("not now")
        known = self.payments.get(payment)
        if known is None:
            return Closed()
        if known.paid is not None and not known.is_hidden:
            return AlreadyPaid(known.paid)
        known.is_closed = True
        return Closed()

    async def refund(self, request: RefundRequest) -> RefundState | Unavailable:
        self.calls.append("refund")
        if self.is_down:
            return Unavailable("down")
        known = self.refunds.setdefault(request.refund, FakeRefund(request, self.refund_outcome))
        return RefundState(known.status, known.request.amount_minor)

    async def query_refund(self, refund: str) -> RefundState | Unavailable:
        self.calls.append("query_refund")
        if self.is_down:
            return Unavailable("down")
        known = self.refunds.get(refund)
        if known is None:
            return RefundState(RefundStatus.UNKNOWN)
        return RefundState(known.status, known.request.amount_minor)

    def verify(self, headers: Mapping[str, str], body: bytes, now_ms: int) -> ProviderEvent | Denied:
        if headers.get("fake-signature") != "genuine":
            return Denied(Code.SIGNATURE_INVALID)
        kind, _, rest = body.partition(b" ")
        event: ProviderEvent
        if kind == b"paid":
            event = msgspec.json.decode(rest, type=PaymentPaid)
        elif kind == b"refund":
            event = msgspec.json.decode(rest, type=RefundSettled)
        else:
            return Other(kind.decode(), "delivery")
        return event if event.merchant == MERCHANT else Denied(Code.SIGNATURE_INVALID)

    async def aclose(self) -> None:
        self.is_down = True

    def pay(
        self, payment: str, *, amount_minor: int | None = None, currency: str | None = None, hidden: bool = False
    ) -> bytes:
        """The fan pays; answers the body of the callback."""
        known = self.payments[payment]
        known.paid = Paid(
            transaction=f"tx-{payment}",
            amount_minor=known.request.amount_minor if amount_minor is None else amount_minor,
            currency=currency or known.request.currency,
            paid_ms=0,
        )
        known.is_hidden = hidden
        return self.paid_callback(payment)

    def paid_callback(self, payment: str, *, merchant: str = MERCHANT, transaction: str | None = None) -> bytes:
        paid = self.payments[payment].paid
        assert paid is not None
        event = PaymentPaid(
            payment=payment,
            transaction=transaction or paid.transaction,
            amount_minor=paid.amount_minor,
            currency=paid.currency,
            merchant=merchant,
            at_ms=paid.paid_ms,
            delivery_id="delivery",
        )
        return b"paid " + msgspec.json.encode(event)

    def settle_refund(self, refund: str, status: RefundStatus, *, amount_minor: int | None = None) -> bytes:
        """The provider finishes a refund; answers the body of the callback."""
        known = self.refunds[refund]
        known.status = status
        event = RefundSettled(
            refund=refund,
            payment=known.request.payment,
            status=status,
            amount_minor=known.request.amount_minor if amount_minor is None else amount_minor,
            currency=known.request.currency,
            merchant=MERCHANT,
            at_ms=0,
            delivery_id="delivery",
        )
        return b"refund " + msgspec.json.encode(event)
