"""What is published of money and credits."""

from msgspec import Struct

from auth.identity import ShowId, UserId


class WalletChanged(Struct, frozen=True, tag_field="t", tag="presale.wallet"):
    """A user's gift credits. Personal."""

    user: UserId
    show: ShowId
    credits: int
    version: int


class RevenueChanged(Struct, frozen=True, tag_field="t", tag="presale.revenue"):
    """The money of a show so far. For the console only."""

    show: ShowId
    currency: str
    gross_minor: int
    refunded_minor: int
    orders_paid: int
    """Orders whose money is here: paid, or refunding and not settled yet."""
    version: int
