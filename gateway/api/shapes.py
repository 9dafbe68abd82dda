"""Bodies of the HTTP API. Strict: no string becomes a number, no 1 becomes true; unknown fields are ignored.

Money is an integer of minor units beside a currency code, times are integer milliseconds since the epoch.
"""

from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from auth import text
from auth.identity import Role, Tier
from auth.situation import Access, Phase
from presale.currencies import is_currency
from presale.orders import MAX_LINES

MAX_MINOR = 10**12
MAX_CAPACITY = 10_000_000
MAX_MILLIS = 2**53
MAX_TITLE_GRAPHEMES = 120
MAX_REASON_GRAPHEMES = 500


def _within(max_graphemes: int) -> AfterValidator:
    """A text cleaned as every text is, with something left of it."""

    def check(written: str) -> str:
        cleaned = text.clean(written)
        if not cleaned or not text.fits(cleaned, max_graphemes):
            raise ValueError(f"1 to {max_graphemes} graphemes of at most {text.MAX_GRAPHEME_BYTES} bytes")
        return cleaned

    return AfterValidator(check)


Id = Annotated[str, StringConstraints(min_length=1, max_length=64)]
Title = Annotated[str, StringConstraints(min_length=1, max_length=2880), _within(MAX_TITLE_GRAPHEMES)]
Minor = Annotated[int, Field(ge=0, le=MAX_MINOR)]
Millis = Annotated[int, Field(ge=0, le=MAX_MILLIS)]


def _known_currency(code: str) -> str:
    if not is_currency(code):
        raise ValueError("no currency of ISO 4217 that tickets can be priced in")
    return code


CurrencyCode = Annotated[str, StringConstraints(pattern="^[A-Z]{3}$"), AfterValidator(_known_currency)]


def _not_null(value: int | None) -> int:
    if value is None:
        raise ValueError("may be left out, and is not null")
    return value


class _Shape(BaseModel):
    model_config = ConfigDict(strict=True, extra="ignore", frozen=True)


# ---- from clients


class NewProduct(_Shape):
    """A ticket type to sell."""

    name: Title
    tier: Literal["main", "vip"]
    price_minor: Annotated[int, Field(ge=1, le=MAX_MINOR)]
    capacity: Annotated[int, Field(ge=0, le=MAX_CAPACITY)]
    credits: Annotated[int, Field(ge=0, le=1_000_000)] = 0
    """Gift credits included."""
    repeatable: bool = False
    """Whether somebody who holds its tier may buy it again, for its credits, by an order with `again`."""


class NewShow(_Shape):
    """A show to put on; it begins in `draft`."""

    title: Title
    access: Literal["ticketed", "open"] = "ticketed"
    currency: CurrencyCode
    """A code of ISO 4217; amounts are in its minor units."""
    doors_ms: Millis
    start_ms: Millis
    refund_until_ms: Millis | None = None
    """Until then fans may return tickets; without it until the doors open. It moves with the show."""
    credit_minor: Minor = 0
    """What a spent gift credit takes off a refund; above 0 where a product carries credits."""
    products: Annotated[list[NewProduct], Field(max_length=50)] = []


class ShowChanges(_Shape):
    """What to change of a show; what is not named stays.

    A start that moves takes the deadline for refunds along, unless that is named too.
    """

    doors_ms: Annotated[Millis | None, AfterValidator(_not_null)] = None
    start_ms: Annotated[Millis | None, AfterValidator(_not_null)] = None
    refund_until_ms: Millis | None = None
    """Until then fans may return tickets; null: until the doors open."""
    credit_minor: Annotated[Minor | None, AfterValidator(_not_null)] = None
    """What a spent gift credit takes off a refund; above 0 where a product carries credits."""


class OrderItemBody(_Shape):
    """A line to buy."""

    product: Id
    quantity: Annotated[int, Field(ge=1, le=100)] = 1


class NewQuote(_Shape):
    """A cart to price."""

    show: Id
    items: Annotated[list[OrderItemBody], Field(min_length=1, max_length=MAX_LINES)]


class NewOrder(NewQuote):
    """A cart to buy."""

    provider: Id
    again: bool = False
    """Buy `repeatable` products once more, though the caller holds them; else it is ALREADY_HELD."""


class NewRefund(_Shape):
    """Why a ticket goes back."""

    reason: Annotated[str, StringConstraints(min_length=1, max_length=12_000), _within(MAX_REASON_GRAPHEMES)]


class NewNames(_Shape):
    """The whole list of a show's official names."""

    names: Annotated[list[Annotated[str, StringConstraints(min_length=1, max_length=960)]], Field(max_length=50)]


# ---- to clients


class ScheduleBody(_Shape):
    """When the show is planned to open and to start."""

    doors_ms: int
    start_ms: int


class ProductBody(_Shape):
    """A ticket type. `capacity` and `left` are null where the host hides how many are left."""

    id: str
    name: str
    tier: Tier
    price_minor: int
    currency: str
    credits: int
    repeatable: bool
    capacity: int | None
    sold: int
    held: int
    left: int | None


class ShowBody(_Shape):
    """A show with what it sells. `server_ms` is the server's clock when this was sent."""

    show: str
    room: str
    title: str
    access: Access
    phase: Phase
    currency: str
    currency_digits: int
    """Decimal places of the currency: 12800 is 128.00 with 2, 12,800 with 0."""
    schedule: ScheduleBody
    refund_until_ms: int | None
    """Until then fans may return tickets; null: until the doors open."""
    credit_minor: int
    """What a spent gift credit takes off a refund."""
    products: list[ProductBody]
    server_ms: int


class ShowList(_Shape):
    """All shows the caller may know of, soonest first."""

    shows: list[ShowBody]


class QuoteLineBody(_Shape):
    """A priced line; `price_minor` is for one."""

    product: str
    name: str
    tier: Tier
    quantity: int
    price_minor: int
    credits: int


class QuoteBody(_Shape):
    """What a cart costs now. It reserves nothing."""

    show: str
    amount_minor: int
    currency: str
    lines: list[QuoteLineBody]


class OrderBody(_Shape):
    """An order as it stands. `pay_url` is null when it cannot be paid (any more)."""

    order: str
    show: str
    state: Literal["pending", "paid", "closed", "refunding", "refunded"]
    amount_minor: int
    currency: str
    items: list[OrderItemBody]
    provider: str
    pay_url: str | None
    expires_ms: int
    created_ms: int
    paid_ms: int | None
    version: int


class OrderList(_Shape):
    """Orders, oldest first."""

    orders: list[OrderBody]


class RefundBody(_Shape):
    """A refund as it stands."""

    refund: str
    order: str
    state: Literal["requested", "succeeded", "failed"]
    amount_minor: int
    currency: str


class NoticeBody(_Shape):
    """Something about the caller's money; `id` is that of the `inbox` event too.

    `money_returning` came when it could buy nothing any more and goes back by itself, `refund_failed` could not be
    given back; both name order and amount. `refunds_open`: whatever was paid for the show may be returned again, until
    `until_ms` where a time ends that.
    """

    id: str
    kind: Literal["money_returning", "refund_failed", "refunds_open"]
    show: str
    order: str | None
    amount_minor: int | None
    currency: str
    at_ms: int
    until_ms: int | None


class InboxBody(_Shape):
    """The newest notices, newest first."""

    notices: list[NoticeBody]


class EntitlementBody(_Shape):
    """What the caller's tickets are worth; version 0: never had one."""

    show: str
    tier: Tier
    version: int


class GuestBody(_Shape):
    """A line of the guest list."""

    user: str
    tier: Tier
    version: int


class GuestList(_Shape):
    """Everybody who holds a tier above `none`."""

    show: str
    guests: list[GuestBody]


class NameList(_Shape):
    """The names that viewers of a show may not take: the official ones, and those of its hosts."""

    show: str
    names: list[str]
    hosts: list[str]


class RoleBody(_Shape):
    """A role somebody holds; `scope` is `show`, or `everywhere` for a global operator."""

    user: str
    role: Role
    scope: Literal["show", "everywhere"]


class RoleList(_Shape):
    """Who may do more than watch."""

    show: str
    roles: list[RoleBody]


class RevocationBody(_Shape):
    """Which tokens to take back: all issued to `user` until now, or the one with the `jti` that `token_id` names."""

    user: str | None = Field(default=None, min_length=1, max_length=64)
    token_id: str | None = Field(default=None, min_length=1, max_length=128)


class RevocationMade(_Shape):
    """Tokens refused from now on; of a user those with `iat` until `issued_until_ms`. None would outlive `ends_ms`."""

    user: str | None
    token_id: str | None
    issued_until_ms: int
    ends_ms: int


class StandingRevocation(_Shape):
    """A revocation that holds: of a user their tokens with `iat` until `issued_until_ms`, or those with one `jti`."""

    user: str | None
    token_id: str | None
    issued_until_ms: int
    ends_ms: int
    by: str
    """Who made it."""


class RevocationList(_Shape):
    """Revocations that hold, the newest first."""

    revocations: list[StandingRevocation]
    next_before: int | None
    """For `before`, to read on; null: there are no more."""


class ProductAudit(_Shape):
    """A product: the counters that screens are fed from, and the tickets in paid order lines."""

    id: str
    tier: Tier
    capacity: int
    sold: int
    held: int
    paid: int


class WalletAudit(_Shape):
    """A fan's gift credits, summed from the ledger: what is left, and what went into gifts."""

    user: str
    credits: int
    spent: int


class RightAudit(_Shape):
    """A change of what a fan's tickets are worth; before the first it was `none`."""

    user: str
    tier: Tier
    version: int
    at_ms: int
    reason: Literal["purchase", "refund", "refund_failed"]


class RoomAudit(_Shape):
    """Rows on record: danmaku (retracted ones included), retractions, gifts and the credits they cost."""

    danmaku: int
    retractions: int
    gifts: int
    gift_credits: int


class AuditFinding(_Shape):
    """Something in the books of the whole house that does not match."""

    check: str
    subject: str
    detail: str


class ShowAudit(_Shape):
    """A show counted again from order lines and ledger entries, with the audit's findings of the whole house.

    `received_minor` and `returned_minor` are all payments and all refunds on the ledger. `orders` counts by state.
    """

    show: str
    phase: Phase
    server_ms: int
    currency: str
    products: list[ProductAudit]
    orders: dict[str, int]
    received_minor: int
    returned_minor: int
    wallets: list[WalletAudit]
    rights: list[RightAudit]
    room: RoomAudit
    findings: list[AuditFinding]


class ErrorDetail(BaseModel):
    """Why not. Further fields depend on the code: `field`, `product`, `offer`; with ALREADY_HELD those of an order."""

    model_config = ConfigDict(extra="allow")

    code: str
    retryable: bool
    retry_after_ms: int | None = None


class ErrorBody(BaseModel):
    """The body of every refusal."""

    error: ErrorDetail
