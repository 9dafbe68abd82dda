"""What a show sells, as a value: every step of its seats between free, held and sold."""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Protocol

from msgspec import Struct, structs

from presale.catalogue.events import ProductCount, SalesChanged
from presale.catalogue.shows import Product, ProductId, Show


class Seats(Protocol):
    """Seats of one product, as a line of an order asks for them."""

    @property
    def product(self) -> ProductId:
        """The ticket type."""

    @property
    def quantity(self) -> int:
        """How many."""


class Move(StrEnum):
    """A step of seats."""

    HOLD = "hold"
    """Free seats become held."""
    SELL_FREE = "sell_free"
    SELL_HELD = "sell_held"
    HOLD_SOLD = "hold_sold"
    """Sold seats become held, until a refund is settled."""
    RELEASE = "release"
    """Held seats become free."""


class Change(Struct, frozen=True):
    """What one seat of a step adds to the counters of its product."""

    sold: int = 0
    held: int = 0


CHANGES: Mapping[Move, Change] = {
    Move.HOLD: Change(held=1),
    Move.SELL_FREE: Change(sold=1),
    Move.SELL_HELD: Change(sold=1, held=-1),
    Move.HOLD_SOLD: Change(sold=-1, held=1),
    Move.RELEASE: Change(held=-1),
}
TAKING = frozenset({Move.HOLD, Move.SELL_FREE})
"""The steps that need free seats."""


class Offer(Struct, frozen=True):
    """A show and its products, cheapest first, as the transaction that decides has read them in the show's turn."""

    show: Show
    products: tuple[Product, ...]

    @property
    def by_id(self) -> dict[ProductId, Product]:
        """The products by their ids."""
        return {product.id: product for product in self.products}

    @property
    def repeatable(self) -> set[ProductId]:
        """Products that may be bought again."""
        return {product.id for product in self.products if product.repeatable}

    def short(self, lines: Sequence[Seats]) -> ProductId | None:
        """The first product, by id, that has too few free seats; None: all fit."""
        by_id = self.by_id
        wanting = [line.product for line in lines if by_id[line.product].left < line.quantity]
        return min(wanting, default=None)

    def after(self, move: Move, lines: Sequence[Seats]) -> "Offer":
        """The offer once the seats have moved; every product that takes part gets its next version."""
        change, quantities = CHANGES[move], {line.product: line.quantity for line in lines}
        return Offer(
            self.show,
            tuple(
                structs.replace(
                    product,
                    sold=product.sold + change.sold * quantities[product.id],
                    held=product.held + change.held * quantities[product.id],
                    version=product.version + 1,
                )
                if product.id in quantities
                else product
                for product in self.products
            ),
        )

    def told(self) -> SalesChanged:
        """How the products sell, as everybody is told of it."""
        counts = [ProductCount(product.id, product.sold, product.held, product.capacity) for product in self.products]
        return SalesChanged(self.show.id, counts, sum(product.version for product in self.products))
