"""Payloads and events of how a show sells."""

from msgspec import UNSET, Struct, UnsetType

from gateway.contract.rows import console, state
from gateway.contract.scalars import Count


class ProductSales(Struct, frozen=True, omit_defaults=True):
    """How a product sells. `left` is absent where the host hides it."""

    id: str
    sold: Count
    """Paid."""
    held: Count
    """In unpaid orders, and in refunds that the provider has not settled."""
    left: Count | UnsetType = UNSET


class Sales(Struct, frozen=True):
    """Tickets sold; refunds decrement."""

    products: list[ProductSales]
    version: Count


class Revenue(Struct, frozen=True):
    """Money and credits of the show so far."""

    currency: str
    gross_minor: Count
    """Paid in, before refunds."""
    refunded_minor: Count
    orders_paid: Count
    gift_credits: Count
    """Given in all gifts of the room."""
    version: Count


SALES = state("sales", Sales)

REVENUE = console("revenue", Revenue)
