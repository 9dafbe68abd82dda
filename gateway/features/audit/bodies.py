"""What is said over HTTP of books and rooms counted again."""

from typing import Literal

from auth.identity import Tier
from auth.situation import Phase
from gateway.api.shapes import Shape


class ProductAudit(Shape):
    """A product: the counters that screens are fed from, and the tickets in paid order lines."""

    id: str
    tier: Tier
    capacity: int
    sold: int
    held: int
    paid: int


class WalletAudit(Shape):
    """A fan's gift credits, summed from the ledger: what is left, and what went into gifts."""

    user: str
    credits: int
    spent: int


class RightAudit(Shape):
    """A change of what a fan's tickets are worth; before the first it was `none`."""

    user: str
    tier: Tier
    version: int
    at_ms: int
    reason: Literal["purchase", "refund", "refund_failed"]


class RoomAudit(Shape):
    """Rows on record: danmaku (retracted ones included), retractions, gifts and the credits they cost."""

    danmaku: int
    retractions: int
    gifts: int
    gift_credits: int


class AuditFinding(Shape):
    """Something in the books of the whole house that does not match."""

    check: str
    subject: str
    detail: str


class ShowAudit(Shape):
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
