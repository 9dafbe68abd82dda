"""What is sold: shows and their products."""

from typing import NewType

from msgspec import Struct

from auth.identity import RoomId, ShowId, Tier
from auth.situation import Access, Phase

ProductId = NewType("ProductId", str)

SALES_OPEN = frozenset({Phase.PRESALE, Phase.DOORS, Phase.LIVE, Phase.PAUSED})
"""The phases in which tickets are sold."""


class Show(Struct, frozen=True, kw_only=True):
    """The event sold. It has one room, its live place."""

    id: ShowId
    room: RoomId
    title: str
    access: Access
    currency: str
    """ISO 4217; every price of the show is in it."""
    doors_ms: int
    start_ms: int
    refund_until_ms: int | None = None
    """Until then a fan may return a ticket in any phase but the last ones; without it, until the doors open."""
    credit_minor: int = 0
    """What one gift credit is worth when a spent one is deducted from a refund."""
    version: int = 1


class Product(Struct, frozen=True, kw_only=True):
    """A ticket type. `sold + held` never exceeds `capacity`."""

    id: ProductId
    show: ShowId
    name: str
    tier: Tier
    price_minor: int
    capacity: int
    credits: int = 0
    """Gift credits included."""
    sold: int = 0
    held: int = 0
    """Seats of pending orders, and of refunds the provider has not settled yet."""
    version: int = 1

    @property
    def left(self) -> int:
        """Seats that can be bought now."""
        return self.capacity - self.sold - self.held
