"""What is published of how a show sells."""

from msgspec import Struct

from auth.identity import ShowId
from presale.catalogue.shows import ProductId


class ProductCount(Struct, frozen=True):
    """How a product sells."""

    id: ProductId
    sold: int
    held: int
    capacity: int


class SalesChanged(Struct, frozen=True, tag_field="t", tag="presale.sales"):
    """How all products of a show sell."""

    show: ShowId
    products: list[ProductCount]
    version: int
