"""Carries out what the box office has decided, effect by effect, inside the unit of work that decided it."""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any, assert_never

from presale.books import ledger_sql, revenue_sql, wallet_sql
from presale.books.effects import AnnounceRevenue, AnnounceWallet, Post
from presale.catalogue import announcements_sql, stock_sql
from presale.catalogue.effects import Announce, MoveSeats, Schedule
from presale.catalogue.offer import Move, Seats
from presale.catalogue.shows import Show
from presale.entitlements import entitlements_sql
from presale.entitlements.effects import Recalculate
from presale.orders import orders_sql
from presale.orders.effects import Advance, Insert
from presale.payments import payments_sql
from presale.payments.effects import Mark
from presale.refunds import refunds_sql
from presale.refunds.effects import Open, Settle
from store.database_sql import RacedError, UnitOfWork

Effect = (
    Advance
    | Announce
    | AnnounceRevenue
    | AnnounceWallet
    | Insert
    | Mark
    | MoveSeats
    | Open
    | Post
    | Recalculate
    | Schedule
    | Settle
)

_MOVES: Mapping[Move, Callable[[UnitOfWork, Sequence[Seats]], Awaitable[Any]]] = {
    Move.HOLD: stock_sql.hold,
    Move.SELL_FREE: stock_sql.sell_free,
    Move.SELL_HELD: stock_sql.sell_held,
    Move.HOLD_SOLD: stock_sql.hold_sold,
    Move.RELEASE: stock_sql.release,
}


async def carry_out(uow: UnitOfWork, show: Show, effects: Iterable[Effect]) -> None:
    """Do all of it, in order. RacedError where the database is not what the decision saw: decide again."""
    for effect in effects:
        await _carry_out(uow, show, effect)


async def _carry_out(uow: UnitOfWork, show: Show, effect: Effect) -> None:
    match effect:
        case MoveSeats(move, lines):
            if await _MOVES[move](uow, lines) is not None:
                raise RacedError(show.id)
        case Insert(order):
            await orders_sql.insert_order(uow, order)
        case Advance(before, after):
            await orders_sql.write(uow, before, after)
        case Mark(payment, progress, transaction):
            await payments_sql.mark(uow, payment, progress, transaction)
        case Open(refund):
            await refunds_sql.insert_refund(uow, refund)
        case Settle(refund):
            await refunds_sql.write_settled(uow, refund)
        case Post(posting):
            await ledger_sql.post(uow, posting)
        case Recalculate(user, reason):
            await entitlements_sql.recalculate(uow, show, user, reason)
        case Announce() | AnnounceWallet() | AnnounceRevenue():
            await _announce(uow, show, effect)
        case Schedule(kind, key, subject, run_at_ms):
            await uow.enqueue(kind, key, subject.encode(), run_at_ms)
        case _:
            assert_never(effect)


async def _announce(uow: UnitOfWork, show: Show, effect: Announce | AnnounceWallet | AnnounceRevenue) -> None:
    match effect:
        case Announce(event):
            await announcements_sql.emit(uow, show, event)
        case AnnounceWallet(user):
            await wallet_sql.wallet_changed(uow, show, user)
        case AnnounceRevenue():
            await revenue_sql.revenue_changed(uow, show)
        case _:
            assert_never(effect)
