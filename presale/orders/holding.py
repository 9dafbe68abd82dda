"""Whether a fan may hold seats for another order: what they have already, what they left unpaid, how much they hold."""

from collections.abc import Collection, Iterable, Sequence

from msgspec import Struct

from auth.denials import Code, Denied
from presale.catalogue.shows import ProductId
from presale.orders.orders import MAX_LINES, Order, OrderId, OrderLine, OrderState

MIN_WAIT_MS = 1_000
"""The least wait that a refusal names: what is over already ends at its provider in a moment."""
MOST_CANCELLED = 20
"""Orders of one product that somebody may cancel, one after another, before they wait."""
MAX_ENDED = 200
"""Orders that are over, of one user and show, that are looked at: the newest."""
HAVING = frozenset({OrderState.PENDING, OrderState.PAID})
"""Orders that make another one for the same thing pointless."""


class HoldLimits(Struct, frozen=True, kw_only=True):
    """How much somebody may hold without paying."""

    order_ttl_ms: int = 15 * 60_000
    """How long an order holds its seats for the money."""
    cool_down_ms: int = 2 * 60_000
    """How long after an order that ended unpaid its buyer waits before holding the same product again."""
    unpaid_seats: int = MAX_LINES
    """Seats that one user may hold unpaid at a time, over all shows."""


class Held(Struct, frozen=True):
    """An order that the buyer has already, and the product asked for that it makes pointless."""

    order: Order
    product: ProductId


def held(
    lines: Sequence[OrderLine],
    own: Iterable[Order],
    repeatable: Collection[ProductId],
    *,
    again: bool,
    may_return: Collection[OrderId] = (),
) -> Held | None:
    """The buyer's first order of the show that holds a product of `lines`, or a tier that one of them does not raise.

    `again` lets products in `repeatable` be bought once more than they are paid for; never held unpaid twice.
    `may_return` are orders on their way back that stand again if their provider cannot return the money: whoever buys
    the same meanwhile would have paid twice.
    """
    having = [order for order in own if order.state in HAVING or order.id in may_return]
    for line in lines:
        may_repeat = again and line.product in repeatable
        rivals = [order for order in having if _has(order, line, may_repeat=may_repeat)]
        if rivals:
            first = min(rivals, key=lambda order: (not _holds(order, line.product), order.created_ms, order.id))
            return Held(first, line.product)
    return None


def is_superseded(order: Order, own: Iterable[Order], repeatable: Collection[ProductId]) -> bool:
    """Whether the buyer's paid orders make this one, or a part of it, pointless: nobody pays twice for one thing."""
    paid = [other for other in own if other.state is OrderState.PAID]
    return held(order.lines, paid, repeatable, again=True) is not None


def list_covered(kept: Order, own: Iterable[Order], since_ms: int, repeatable: Collection[ProductId]) -> list[Order]:
    """The buyer's orders paid since then that the paid order `kept` makes pointless, oldest first."""
    later = [
        other
        for other in own
        if other.id != kept.id and other.state is OrderState.PAID and (other.paid_ms or 0) >= since_ms
    ]
    return [other for other in later if held(other.lines, [kept], repeatable, again=True) is not None]


def doubled(lines: Sequence[OrderLine], repeatable: Collection[ProductId]) -> Denied | None:
    """BAD_REQUEST with the `product` of a line that raises no tier beyond another one of the same cart.

    What is made to be bought again stands beside any line.
    """
    best: OrderLine | None = None
    for line in lines:
        if line.product in repeatable:
            continue
        if best is not None:
            pointless = min(best, line, key=lambda each: each.tier)
            return Denied(Code.BAD_REQUEST, detail={"field": "items", "product": pointless.product})
        best = line
    return None


def no_cart(lines: Sequence[OrderLine], repeatable: Collection[ProductId], limits: HoldLimits) -> Denied | None:
    """BAD_REQUEST for what nobody could hold in one order, whatever else they hold: see `doubled`, `limit_unpaid`."""
    return doubled(lines, repeatable) or limit_unpaid(lines, (), limits, 0)


def wait_after_unpaid(lines: Sequence[OrderLine], own: Iterable[Order], limits: HoldLimits, now_ms: int) -> int:
    """How many milliseconds remain before the products of `lines` may be held again; 0: none.

    An order that expired unpaid starts the wait. So do orders cancelled so late that together they held the product for
    the time of a whole order: else cancelling just before the expiry would hold seats for ever. And so do
    `MOST_CANCELLED` within that time, however short they were: each is work for the provider, and a row that stays.
    """
    return max((_wait_for(line.product, own, limits, now_ms) for line in lines), default=0)


def limit_unpaid(lines: Sequence[OrderLine], unpaid: Sequence[Order], limits: HoldLimits, now_ms: int) -> Denied | None:
    """RATE_LIMITED where `lines` would go over the seats that one user may hold unpaid; `unpaid` is of all shows.

    BAD_REQUEST where they alone are too many. Both name the limit.
    """
    asked = sum(line.quantity for line in lines)
    held_seats = sum(line.quantity for order in unpaid for line in order.lines)
    if held_seats + asked <= limits.unpaid_seats:
        return None
    if not unpaid:
        return Denied(Code.BAD_REQUEST, detail={"field": "items", "unpaid_seats": limits.unpaid_seats})
    wait_ms = max(MIN_WAIT_MS, min(order.expires_ms for order in unpaid) - now_ms)
    return Denied(Code.RATE_LIMITED, retry_after_ms=wait_ms, detail={"unpaid_seats": limits.unpaid_seats})


def _has(order: Order, line: OrderLine, *, may_repeat: bool) -> bool:
    if may_repeat:
        return order.state is OrderState.PENDING and _holds(order, line.product)
    return any(other.product == line.product or other.tier >= line.tier for other in order.lines)


def _holds(order: Order, product: ProductId) -> bool:
    return any(line.product == product for line in order.lines)


def _wait_for(product: ProductId, own: Iterable[Order], limits: HoldLimits, now_ms: int) -> int:
    last_ms, cancelled_ms = 0, 0
    expired = False
    for order in own:
        ended_ms = order.closed_ms
        if order.state is not OrderState.CLOSED or ended_ms is None or not _holds(order, product):
            continue
        if ended_ms >= order.expires_ms:
            expired = expired or ended_ms > now_ms - limits.cool_down_ms
        elif ended_ms > now_ms - limits.order_ttl_ms:
            cancelled_ms += max(ended_ms - order.created_ms, limits.order_ttl_ms // MOST_CANCELLED)
        last_ms = max(last_ms, ended_ms)
    if not expired and cancelled_ms < limits.order_ttl_ms:
        return 0
    return max(0, last_ms + limits.cool_down_ms - now_ms)
