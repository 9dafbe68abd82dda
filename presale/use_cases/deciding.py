"""Load, decide, carry out: each of these is one step of the box office inside a write transaction."""

from collections.abc import Awaitable, Callable

from sqlalchemy.ext.asyncio import AsyncConnection

from auth.denials import Code, Denied
from auth.identity import UserId
from presale.books import wallet_sql
from presale.catalogue import shows_sql
from presale.catalogue.offer import Offer
from presale.catalogue.shows import Show
from presale.entitlements import entitlements_sql
from presale.orders import orders_sql, placement
from presale.orders.holding import Held, HoldLimits
from presale.orders.orders import Order, OrderState
from presale.orders.placement import Cart, Standing
from presale.payments import payments_sql, receipts
from presale.payments.receipts import Receipt
from presale.refunds import refunds_sql, returns
from presale.refunds.refunds import Refund, RefundId
from presale.use_cases.carrying import carry_out
from store.database_sql import UnitOfWork

MaySell = Callable[[AsyncConnection, Show, UserId], Awaitable[Denied | None]]
"""Why a show must not sell to somebody, read on the connection of the running transaction; None: it may."""


async def everybody(_connection: AsyncConnection, _show: Show, _user: UserId) -> Denied | None:
    """A show that sells to all."""
    return None


async def place(
    uow: UnitOfWork, show: Show, cart: Cart, limits: HoldLimits, refuse: MaySell = everybody
) -> Order | Held | Denied:
    """Hold the seats of a cart and write the order; its expiry is scheduled and both are announced.

    The same key with the same body answers the order as it stands now, with another body IDEMPOTENCY_REUSED. Only a
    new key meets `refuse` and the rules of `placement.place`; what is refused changes nothing.
    """
    await orders_sql.take_turn(uow, cart.user)
    await shows_sql.take_turn(uow, show.id)
    known = await orders_sql.load_by_key(uow.connection, cart.user, cart.key)
    if known is not None:
        return placement.repeated(known, cart, show.id)
    refusal = await refuse(uow.connection, show, cart.user)
    if refusal is not None:
        return refusal
    own = await orders_sql.list_own(uow.connection, show.id, cart.user)
    is_returning = any(order.state is OrderState.REFUNDING for order in own)
    standing = Standing(
        own,
        await orders_sql.list_unpaid(uow.connection, cart.user),
        await refunds_sql.list_seated(uow.connection, show.id, cart.user) if is_returning else (),
    )
    offer = await _offer(uow, show)
    decided = placement.place(offer, cart, standing, limits, now_ms=uow.now_ms, new_id=uow.new_id)
    if not isinstance(decided, placement.Placed):
        return decided
    await carry_out(uow, show, decided.effects)
    return decided.order


async def receive(uow: UnitOfWork, receipt: Receipt, refuse: MaySell = everybody) -> Order | Denied:
    """Book what a provider says it holds: see `receipts.receive`. NOT_FOUND for an attempt that is not known."""
    concerned = await payments_sql.load_order(uow.connection, receipt.payment)
    if concerned is None:
        return Denied(Code.NOT_FOUND)
    await shows_sql.take_turn(
        uow, concerned.show
    )  # what ends the sale takes it too: all read below holds to the commit
    payment = await payments_sql.load(uow.connection, receipt.payment)
    order = await orders_sql.load(uow.connection, concerned.id)
    show = await shows_sql.load_show(uow.connection, concerned.show)
    if payment is None or order is None or show is None:
        return Denied(Code.NOT_FOUND)
    decided = receipts.receive(
        await _offer(uow, show),
        order,
        payment,
        receipt,
        await orders_sql.list_own(uow.connection, show.id, order.user),
        admits=await refuse(uow.connection, show, order.user) is None,
        is_elsewhere=await payments_sql.is_elsewhere(uow.connection, receipt),
        now_ms=uow.now_ms,
        new_id=uow.new_id,
    )
    if isinstance(decided, Denied):
        return decided
    await carry_out(uow, show, decided.effects)
    return decided.order


async def request_refund(uow: UnitOfWork, show: Show, order: Order, *, by: UserId, reason: str) -> Refund | Denied:
    """End the rights of a paid order now and schedule the return of its money: see `returns.request`."""
    await entitlements_sql.take_turn(uow, show.id, order.user)
    await shows_sql.take_turn(uow, show.id)
    order = await orders_sql.load(uow.connection, order.id) or order  # as it stands now that nobody else moves it
    wallet = await wallet_sql.load_locked(uow, show.id, order.user)
    decided = returns.request(
        await _offer(uow, show),
        order,
        await refunds_sql.load_latest(uow.connection, order.id),
        wallet.credits,
        by=by,
        reason=reason,
        now_ms=uow.now_ms,
        new_id=uow.new_id,
    )
    if isinstance(decided, Denied):
        return decided
    await carry_out(uow, show, decided.effects)
    return decided.refund


async def settle(
    uow: UnitOfWork, refund_id: RefundId, *, succeeded: bool, refuse: MaySell = everybody
) -> Refund | Denied:
    """Book what the provider did with a refund: see `returns.settle`."""
    concerned = await _of_refund(uow, refund_id)
    if concerned is None:
        return Denied(Code.NOT_FOUND)
    await shows_sql.take_turn(uow, concerned[1].show)
    found = await _of_refund(uow, refund_id)
    show = await shows_sql.load_show(uow.connection, concerned[1].show)
    if found is None or show is None:
        return Denied(Code.NOT_FOUND)
    refund, order = found
    wallet = await wallet_sql.load_locked(uow, show.id, order.user)
    decided = returns.settle(
        await _offer(uow, show),
        order,
        refund,
        await orders_sql.list_own(uow.connection, show.id, order.user),
        wallet.credits,
        succeeded=succeeded,
        admits=await refuse(uow.connection, show, order.user) is None,
        now_ms=uow.now_ms,
        new_id=uow.new_id,
    )
    await carry_out(uow, show, decided.effects)
    return decided.refund


async def _offer(uow: UnitOfWork, show: Show) -> Offer:
    return Offer(show, tuple(await shows_sql.list_products(uow.connection, show.id)))


async def _of_refund(uow: UnitOfWork, refund_id: RefundId) -> tuple[Refund, Order] | None:
    refund = await refunds_sql.load(uow.connection, refund_id)
    order = None if refund is None else await orders_sql.load(uow.connection, refund.order)
    return None if refund is None or order is None else (refund, order)
