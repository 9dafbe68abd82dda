"""The payment provider port: what the box office may count on, whoever takes the money.

Guarantees of every adapter, held by `tests/contracts/payments_suite.py`:

* Ids are ours: `payment` and `refund` are chosen by the box office, unique for ever, 1..64 characters of
  `[0-9A-Za-z_-]`. The provider's own id of a successful payment is `transaction`, unique per provider.
* Idempotent: `create`, `close` and `refund` with an id the provider has seen change nothing more; `create` answers the
  first `pay_url` again, `refund` the state the refund has now. The same id with another amount or currency is refused
  (`Unavailable(retryable=False)`).
* Honest: no method raises for anything the network or the provider does; not knowing is `Unavailable`. After
  `Unavailable` the effect may or may not have happened; asking again, or `query`, tells. No call lasts longer than the
  adapter's own time limit.
* Final: `Paid` is never taken back; money returns only by refunds. After `Closed` the cashier takes no payment as far
  as the provider can promise it; one that slips through is still reported, so the box office must expect `PaymentPaid`
  in every state. Closing a payment the provider never heard of answers `Closed`.
* Bounded: all refunds of a payment together never exceed what was paid; the rest is `RefundStatus.FAILED`.
* Callbacks: `verify` reads headers and raw body only, and parses nothing before the signature, the freshness of
  the delivery (where the provider signs each delivery) and its merchant are checked. Deliveries come late, twice, in
  any order or never: an event is a hint that is safe to apply many times, `query` is the fallback.
* A browser coming back from the cashier proves nothing.

Money is an integer of minor units beside its ISO 4217 code, at least 1 in requests (free things need no provider).
Times are integer milliseconds since the epoch.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Protocol

from msgspec import Struct

from auth.denials import Denied

MAX_CALLBACK_BYTES = 65_536
"""A callback body beyond this is refused unread."""


class PaymentRequest(Struct, frozen=True, kw_only=True):
    """One attempt to have an order paid."""

    payment: str
    order: str
    """The human number, shown by the cashier."""
    amount_minor: int
    currency: str
    description: str
    expires_ms: int
    """The last moment to pay. The provider refuses a payment after it, but does not close by itself."""
    return_url: str | None = None
    """Where the cashier's page links back to. Coming back grants nothing."""


class Created(Struct, frozen=True):
    """The fan can pay now."""

    pay_url: str
    provider_ref: str
    """The provider's own id of the attempt, for support and reconciliation."""


class Unavailable(Struct, frozen=True):
    """The provider did not answer, or would not. The effect of the call is unknown unless `retryable` is False."""

    reason: str
    """For logs, never for clients; holds no secret."""
    retryable: bool = True
    """False: the provider understood and refused; the same call will be refused again and has changed nothing."""


class Unpaid(Struct, frozen=True):
    """Known, open, no money yet. A declined card leaves a payment here."""


class Paid(Struct, frozen=True):
    """The money is there. Amount and currency are what was really paid: compare them with the order."""

    transaction: str
    amount_minor: int
    currency: str
    paid_ms: int


class Closed(Struct, frozen=True):
    """It was not paid and takes no payment any more."""


class AlreadyPaid(Struct, frozen=True):
    """Too late to close."""

    paid: Paid


class Unknown(Struct, frozen=True):
    """The provider never heard of it, so nobody can have paid it."""


PaymentState = Unpaid | Paid | Closed | Unknown


class RefundRequest(Struct, frozen=True, kw_only=True):
    """Give back part or all of one payment."""

    refund: str
    payment: str
    amount_minor: int
    total_minor: int
    """What the payment was about in all; a provider may insist on it."""
    currency: str
    reason: str


class RefundStatus(StrEnum):
    """How far a refund is. `succeeded` and `failed` are final."""

    PENDING = "pending"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    UNKNOWN = "unknown"
    """Only from `query_refund`: the provider never heard of it; submit it."""


class RefundState(Struct, frozen=True):
    """A refund as the provider sees it now."""

    status: RefundStatus
    amount_minor: int = 0
    """What goes back; 0 unless pending or succeeded."""
    reason: str = ""
    """Why it failed, in the provider's words, for staff."""


class PaymentPaid(Struct, frozen=True, kw_only=True):
    """A callback: money came in. Compare amount and currency with the payment before believing it covers the order."""

    payment: str
    transaction: str
    amount_minor: int
    currency: str
    merchant: str
    """Already checked to be ours."""
    at_ms: int
    """When it was paid, by the provider's clock."""
    delivery_id: str


class RefundSettled(Struct, frozen=True, kw_only=True):
    """A callback: a refund reached its end, `succeeded` or `failed`."""

    refund: str
    payment: str
    status: RefundStatus
    amount_minor: int
    currency: str
    merchant: str
    at_ms: int
    delivery_id: str
    reason: str = ""


class Other(Struct, frozen=True):
    """A genuine callback about something the box office does not act on; answer success."""

    kind: str
    delivery_id: str


ProviderEvent = PaymentPaid | RefundSettled | Other


class PaymentProvider(Protocol):
    """The port. See the module for what every method promises."""

    @property
    def name(self) -> str:
        """The `provider` of orders and the path segment of `/pay/{provider}/notify`."""
        ...

    async def create(self, request: PaymentRequest) -> Created | Unavailable:
        """Open a payment attempt and learn where to send the fan."""
        ...

    async def query(self, payment: str) -> PaymentState | Unavailable:
        """What became of an attempt."""
        ...

    async def close(self, payment: str) -> Closed | AlreadyPaid | Unavailable:
        """Take no money for this attempt any more."""
        ...

    async def refund(self, request: RefundRequest) -> RefundState | Unavailable:
        """Ask for money to go back. `pending` is settled later by a callback or seen by `query_refund`."""
        ...

    async def query_refund(self, refund: str) -> RefundState | Unavailable:
        """What became of a refund."""
        ...

    def verify(self, headers: Mapping[str, str], body: bytes, now_ms: int) -> ProviderEvent | Denied:
        """Turn a callback into an event; `Denied(SIGNATURE_INVALID)` for all not proven genuine, fresh and ours.

        Header names match in any case. A genuine callback that cannot be understood is `Denied(BAD_REQUEST)`.
        """
        ...

    async def aclose(self) -> None:
        """Free connections. Idempotent; nothing else works afterwards."""
        ...
