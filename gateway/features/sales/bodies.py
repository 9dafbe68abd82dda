"""What is said over HTTP of shows and what they sell."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from auth.identity import Tier
from auth.situation import Access, Phase
from gateway.api.shapes import MAX_CAPACITY, MAX_MINOR, CurrencyCode, Millis, Minor, Shape, Title, _not_null


class NewProduct(Shape):
    """A ticket type to sell."""

    name: Title
    tier: Literal["main", "vip"]
    price_minor: Annotated[int, Field(ge=1, le=MAX_MINOR)]
    capacity: Annotated[int, Field(ge=0, le=MAX_CAPACITY)]
    credits: Annotated[int, Field(ge=0, le=1_000_000)] = 0
    """Gift credits included."""
    repeatable: bool = False
    """Whether somebody who holds its tier may buy it again, for its credits, by an order with `again`."""


class NewShow(Shape):
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
    products: Annotated[list[NewProduct], Field(max_length=50, default_factory=list)]


class ShowChanges(Shape):
    """What to change of a show; what is not named stays.

    A start that moves takes the deadline for refunds along, unless that is named too.
    """

    doors_ms: Annotated[Millis | None, AfterValidator(_not_null)] = None
    start_ms: Annotated[Millis | None, AfterValidator(_not_null)] = None
    refund_until_ms: Millis | None = None
    """Until then fans may return tickets; null: until the doors open."""
    credit_minor: Annotated[Minor | None, AfterValidator(_not_null)] = None
    """What a spent gift credit takes off a refund; above 0 where a product carries credits."""


class ScheduleBody(Shape):
    """When the show is planned to open and to start."""

    doors_ms: int
    start_ms: int


class ProductBody(Shape):
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


class ShowBody(Shape):
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


class ShowList(Shape):
    """All shows the caller may know of, soonest first."""

    shows: list[ShowBody]


class EntitlementBody(Shape):
    """What the caller's tickets are worth; version 0: never had one."""

    show: str
    tier: Tier
    version: int


class GuestBody(Shape):
    """A line of the guest list."""

    user: str
    tier: Tier
    version: int


class GuestList(Shape):
    """Everybody who holds a tier above `none`."""

    show: str
    guests: list[GuestBody]
