"""What is published of money on its way back."""

from msgspec import Struct

from auth.identity import ShowId, UserId
from presale.orders.orders import OrderId
from presale.refunds.refunds import RefundId


class RefundFailed(Struct, frozen=True, tag_field="t", tag="presale.refund_failed"):
    """The provider would not give the money back. Personal; the order's state tells what is left."""

    user: UserId
    show: ShowId
    refund: RefundId
    order: OrderId


class MoneyReturning(Struct, frozen=True, tag_field="t", tag="presale.money_returning"):
    """Money came that buys nothing any more, and goes back by itself. Personal."""

    user: UserId
    show: ShowId
    refund: RefundId
    order: OrderId
    at_ms: int


class RefundsOpened(Struct, frozen=True, tag_field="t", tag="presale.refunds_opened"):
    """Tickets that could not be returned any more can be again. For everybody who holds one."""

    show: ShowId
    at_ms: int
    until_ms: int | None
    """None: no time ends it."""
