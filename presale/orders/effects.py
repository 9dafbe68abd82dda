"""What a decision wants done about an order."""

from msgspec import Struct

from presale.orders.orders import Order


class Insert(Struct, frozen=True):
    """A new order is written, with its lines and its first attempt to pay."""

    order: Order


class Advance(Struct, frozen=True):
    """An order becomes `after`, if it still is `before`."""

    before: Order
    after: Order
