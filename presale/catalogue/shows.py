"""What is sold: shows and their products."""

from collections.abc import Collection, Iterable
from typing import NewType

from msgspec import Struct

from auth.denials import Code, Denied
from auth.identity import RoomId, ShowId, Tier
from auth.planning import beginning, deadline
from auth.situation import Course, Phase

ProductId = NewType("ProductId", str)

SALES_OPEN = frozenset({Phase.PRESALE, Phase.DOORS, Phase.LIVE, Phase.PAUSED})
"""The phases in which tickets are sold."""
TIMES = frozenset({"doors_ms", "start_ms", "refund_until_ms"})
"""What says when a show is, and until when its tickets may be returned."""


class Show(Struct, frozen=True, kw_only=True):
    """The event sold. It has one room, its live place, which has its title, access, doors and start."""

    id: ShowId
    room: RoomId
    currency: str
    """ISO 4217; every price of the show is in it."""
    refund_until_ms: int | None = None
    """Until then a fan may return a ticket in any phase but the last ones; without it, until the doors open.

    It moves with the show: see `refunds.moved`.
    """
    credit_minor: int = 0
    """What one gift credit is worth when a spent one is deducted from a refund; 0 where no product carries credits."""
    refunds_opened_ms: int | None = None
    """When tickets that could not be returned any more could be again, at last; None: that never happened."""
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
    repeatable: bool = False
    """Whether somebody who holds its tier may buy it again, for its credits, by asking for it with `again`."""
    sold: int = 0
    held: int = 0
    """Seats of pending orders, and of refunds the provider has not settled yet."""
    version: int = 1

    @property
    def left(self) -> int:
        """Seats that can be bought now."""
        return self.capacity - self.sold - self.held


def is_priced(show: Show, products: Iterable[Product]) -> bool:
    """Whether spent credits cost what they were bought for: else buying, spending and returning made them free."""
    return show.credit_minor > 0 or not any(product.credits for product in products)


def planned(course: Course, refund_until_ms: int | None, now_ms: int, named: Collection[str] = TIMES) -> Denied | None:
    """Whether a show can be at the times that are `named`; BAD_REQUEST says which field cannot be."""
    refused = None
    if "doors_ms" in named:
        refused = beginning("doors_ms", course.doors_ms, now_ms)
    if "start_ms" in named:
        refused = refused or beginning("start_ms", course.start_ms, now_ms)
    if "refund_until_ms" in named and refund_until_ms is not None:
        refused = refused or deadline("refund_until_ms", refund_until_ms, now_ms)
    if refused is None and course.start_ms < course.doors_ms:
        refused = Denied(Code.BAD_REQUEST, detail={"field": "start_ms" if "start_ms" in named else "doors_ms"})
    return refused
