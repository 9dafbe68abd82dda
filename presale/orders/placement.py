"""Placing an order, decided on values: price, what the buyer holds already, waits, limits and free seats."""

from collections.abc import Callable, Collection, Sequence

from msgspec import Struct

from auth.denials import Code, Denied
from auth.identity import ShowId, UserId
from presale.catalogue.effects import Announce, MoveSeats, Schedule
from presale.catalogue.offer import Move, Offer
from presale.orders.effects import Insert
from presale.orders.events import told
from presale.orders.holding import Held, HoldLimits, doubled, held, limit_unpaid, wait_after_unpaid
from presale.orders.jobs import EXPIRE_JOB, QUERY_JOB, SILENT_MS
from presale.orders.orders import Order, OrderId, OrderItem, OrderLine, OrderState, amount_minor, body_hash, price


class Cart(Struct, frozen=True, kw_only=True):
    """What somebody asks for."""

    user: UserId
    key: str
    """The client's idempotency key."""
    items: Sequence[OrderItem]
    provider: str
    again: bool = False
    """Buy once more what is made for it: see `holding.held`."""

    def body_hash(self, show: ShowId) -> str:
        """Equal for carts that ask the same."""
        return body_hash(show, self.items, self.provider, again=self.again)


class Standing(Struct, frozen=True):
    """What the buyer has."""

    own: Sequence[Order]
    """Their orders of the show, oldest first: all that stand, and the newest of those that are over."""
    unpaid: Sequence[Order]
    """Their pending orders of all shows."""
    may_return: Collection[OrderId] = ()
    """Those of `own` whose open refund gives the ticket back if it fails."""


class Placed(Struct, frozen=True):
    """An order on held seats, and what is to be done for it, in this order."""

    order: Order
    effects: tuple[Insert | MoveSeats | Announce | Schedule, ...]


def repeated(known: Order, cart: Cart, show: ShowId) -> Order | Denied:
    """The answer to a key that was used before: the order, or IDEMPOTENCY_REUSED for another body."""
    return known if known.body_hash == cart.body_hash(show) else Denied(Code.IDEMPOTENCY_REUSED)


def place(
    offer: Offer, cart: Cart, standing: Standing, limits: HoldLimits, *, now_ms: int, new_id: Callable[[], str]
) -> Placed | Held | Denied:
    """Hold the seats of a cart. Whether the show sells, and whether the key is new, is the caller's to check.

    `Held` is the buyer's order that makes this one pointless; RATE_LIMITED, who has to wait before holding seats
    unpaid; SOLD_OUT names the product.
    """
    lines = price(cart.items, offer.by_id)
    if isinstance(lines, Denied):
        return lines
    refused = _refuse(offer, cart, standing, limits, lines, now_ms)
    if refused is not None:
        return refused
    order = Order(
        id=OrderId(new_id()),
        show=offer.show.id,
        user=cart.user,
        state=OrderState.PENDING,
        amount_minor=amount_minor(lines),
        currency=offer.show.currency,
        lines=lines,
        expires_ms=now_ms + limits.order_ttl_ms,
        key=cart.key,
        body_hash=cart.body_hash(offer.show.id),
        provider=cart.provider,
        payment=new_id(),
        pay_url=None,
        version=1,
        created_ms=now_ms,
    )
    jobs = [Schedule(EXPIRE_JOB, order.id, order.id, order.expires_ms)]
    if limits.order_ttl_ms > SILENT_MS:
        jobs.append(Schedule(QUERY_JOB, order.id, order.id, now_ms + SILENT_MS))
    sales = offer.after(Move.HOLD, lines).told()
    return Placed(order, (MoveSeats(Move.HOLD, lines), Insert(order), *jobs, Announce(told(order)), Announce(sales)))


def _refuse(
    offer: Offer, cart: Cart, standing: Standing, limits: HoldLimits, lines: Sequence[OrderLine], now_ms: int
) -> Held | Denied | None:
    repeatable = offer.repeatable
    having = held(lines, standing.own, repeatable, again=cart.again, may_return=standing.may_return)
    pointless = having or doubled(lines, repeatable)
    if pointless is not None:
        return pointless
    wait_ms = wait_after_unpaid(lines, standing.own, limits, now_ms)
    if wait_ms:
        return Denied(Code.RATE_LIMITED, retry_after_ms=wait_ms)
    too_many = limit_unpaid(lines, standing.unpaid, limits, now_ms)
    if too_many is not None:
        return too_many
    sold_out = offer.short(lines)
    return None if sold_out is None else Denied(Code.SOLD_OUT, detail={"product": sold_out})
