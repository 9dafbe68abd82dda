"""Money on its way back, decided on values: asking for it, money that buys nothing, and what the provider did."""

from collections.abc import Callable, Sequence

from msgspec import Struct, structs

from auth.denials import Denied
from auth.identity import UserId
from presale.books import ledger
from presale.books.effects import AnnounceRevenue, AnnounceWallet, Post
from presale.catalogue.effects import Announce, MoveSeats, Schedule
from presale.catalogue.offer import Move, Offer
from presale.entitlements.effects import Recalculate
from presale.entitlements.entitlements import EntitlementReason
from presale.orders.effects import Advance
from presale.orders.events import told
from presale.orders.holding import is_superseded, list_covered
from presale.orders.orders import Order, OrderEvent, OrderState, advance, lawful
from presale.refunds.effects import Open, Settle
from presale.refunds.events import MoneyReturning, RefundFailed
from presale.refunds.jobs import SUBMIT_DOUBLED_JOB, SUBMIT_JOB
from presale.refunds.refunds import Refund, RefundId, RefundProgress, terms

Effect = (
    Advance | Announce | AnnounceRevenue | AnnounceWallet | MoveSeats | Open | Post | Recalculate | Schedule | Settle
)
NewId = Callable[[], str]


class Returned(Struct, frozen=True):
    """A refund that is open, and what is to be done for it, in this order; nothing for one that was there before."""

    refund: Refund
    order: Order
    offer: Offer
    effects: tuple[Effect, ...] = ()


class Settled(Struct, frozen=True):
    """A refund that is over, its order, and what is to be done, in this order."""

    refund: Refund
    order: Order
    offer: Offer
    effects: tuple[Effect, ...] = ()


def request(
    offer: Offer,
    order: Order,
    latest: Refund | None,
    credits_left: int,
    *,
    by: UserId,
    reason: str,
    now_ms: int,
    new_id: NewId,
) -> Returned | Denied:
    """End the rights of a paid order and return its money. Its seats stay reserved until that is settled.

    `latest` is the newest refund of the order, `credits_left` its buyer's wallet. An order with an open refund answers
    that one, a refunded one the one that succeeded. ORDER_STATE if there is nothing to return.
    """
    if order.state is OrderState.REFUNDED:
        assert latest is not None, "nothing else makes an order refunded"
        return Returned(latest, order, offer)
    if order.state is OrderState.REFUNDING:
        if latest is not None and latest.state is RefundProgress.REQUESTED:
            return Returned(latest, order, offer)
        # money that came too late and could not be returned: try again
        refund = _refund(order, order.amount_minor, by=by, reason=reason, now_ms=now_ms, new_id=new_id)
        return Returned(refund, order, offer, _opening(refund))
    return _return_paid(offer, order, credits_left, by=by, reason=reason, now_ms=now_ms, new_id=new_id)


def return_unwanted(offer: Offer, order: Order, *, now_ms: int, new_id: NewId) -> Returned:
    """Return money that buys nothing any more, and tell the buyer. The order holds no seats."""
    refunding = lawful(advance(order, OrderEvent.PAY_UNWANTED, paid_ms=now_ms))
    refund = _refund(order, order.amount_minor, by=None, reason="late payment", now_ms=now_ms, new_id=new_id)
    effects = (
        Advance(order, refunding),
        *_opening(refund),
        _returning(refund, order, now_ms),
        Announce(told(refunding)),
        AnnounceRevenue(),
    )
    return Returned(refund, refunding, offer, effects)


def return_doubled(offer: Offer, order: Order, payment: str, *, now_ms: int, new_id: NewId) -> Returned:
    """Return money that a second attempt brought, and tell the buyer. The order stays as it is."""
    refund = structs.replace(
        _refund(order, order.amount_minor, by=None, reason="paid twice", now_ms=now_ms, new_id=new_id), doubled=payment
    )
    return Returned(refund, order, offer, (*_opening(refund), _returning(refund, order, now_ms), AnnounceRevenue()))


def settle(
    offer: Offer,
    order: Order,
    refund: Refund,
    own: Sequence[Order],
    credits_left: int,
    *,
    succeeded: bool,
    admits: bool,
    now_ms: int,
    new_id: NewId,
) -> Settled:
    """Book what the provider did. A settled refund stays as it is, whatever is reported later.

    `own` are the buyer's orders of the show, `credits_left` their wallet. Success frees the seats and books the money.
    Failure gives seats, credits and rights back, and what the buyer paid meanwhile for the same thing goes back by
    itself; for money that bought nothing it admits the order if it may be had now (`admits`, and there are free seats),
    else the order stays `refunding` for the staff.
    """
    if refund.state is not RefundProgress.REQUESTED:
        return Settled(refund, order, offer)
    state = RefundProgress.SUCCEEDED if succeeded else RefundProgress.FAILED
    final = structs.replace(refund, state=state, settled_ms=now_ms)
    if succeeded:
        return _succeed(offer, order, final)
    failed = (Settle(final), Announce(RefundFailed(order.user, order.show, refund.id, order.id)))
    if refund.doubled is not None:  # the audit tells the staff, who settle it at the provider
        return Settled(final, order, offer, failed)
    kept = _keep(offer, order, final, admits=admits and not is_superseded(order, own, offer.repeatable))
    if kept is None:
        return Settled(final, order, offer, failed)
    effects = failed + kept.effects
    if not refund.seated:
        return Settled(final, kept.order, kept.offer, effects)
    returning = _return_bought_meanwhile(
        kept, own, credits_left + refund.withdrawn_credits, now_ms=now_ms, new_id=new_id
    )
    return Settled(final, kept.order, returning.offer, effects + returning.effects)


def _succeed(offer: Offer, order: Order, refund: Refund) -> Settled:
    booked = Post(ledger.money_returned(refund.id, order.show, order.provider, refund.currency, refund.amount_minor))
    if refund.doubled is not None:
        return Settled(refund, order, offer, (Settle(refund), booked, AnnounceRevenue()))
    refunded = lawful(advance(order, OrderEvent.REFUND_SUCCEEDED))
    seats: tuple[Effect, ...] = ()
    if refund.seated:
        offer = offer.after(Move.RELEASE, order.lines)
        seats = (MoveSeats(Move.RELEASE, order.lines), Announce(offer.told()))
    effects = (
        Settle(refund),
        booked,
        Advance(order, refunded),
        *seats,
        Announce(told(refunded)),
        AnnounceRevenue(),
    )
    return Settled(refund, refunded, offer, effects)


def _keep(offer: Offer, order: Order, refund: Refund, *, admits: bool) -> Settled | None:
    """The order stands again; None: it stays `refunding`."""
    if refund.seated:
        move, credits_back = Move.SELL_HELD, refund.withdrawn_credits
        posting = ledger.credits_returned(refund.id, order.show, order.user, credits_back)
    elif admits and offer.short(order.lines) is None:
        move, credits_back = Move.SELL_FREE, order.credits
        posting = ledger.credits_granted(order.id, order.show, order.user, credits_back)
    else:
        return None
    paid = lawful(advance(order, OrderEvent.REFUND_FAILED))
    offer = offer.after(move, order.lines)
    wallet = (Post(posting), AnnounceWallet(order.user)) if credits_back else ()
    effects = (
        MoveSeats(move, order.lines),
        Advance(order, paid),
        *wallet,
        Recalculate(order.user, EntitlementReason.REFUND_FAILED),
        Announce(told(paid)),
        Announce(offer.told()),
    )
    return Settled(refund, paid, offer, effects)


def _return_bought_meanwhile(
    kept: Settled, own: Sequence[Order], credits_left: int, *, now_ms: int, new_id: NewId
) -> Settled:
    """Return what was paid for while a refund was open, and is pointless now that its order stands again.

    What was bought before that was worth its money beside it: a ticket that it has raised, for one.
    """
    offer, effects = kept.offer, list[Effect]()
    for other in list_covered(kept.order, own, kept.refund.created_ms, offer.repeatable):
        back = _return_paid(offer, other, credits_left, by=None, reason="held already", now_ms=now_ms, new_id=new_id)
        assert isinstance(back, Returned), "a paid order can be returned"
        effects += [*back.effects, _returning(back.refund, other, now_ms)]
        offer, credits_left = back.offer, credits_left - back.refund.withdrawn_credits
    return Settled(kept.refund, kept.order, offer, tuple(effects))


def _return_paid(
    offer: Offer, order: Order, credits_left: int, *, by: UserId | None, reason: str, now_ms: int, new_id: NewId
) -> Returned | Denied:
    refunding = advance(order, OrderEvent.REQUEST_REFUND)
    if isinstance(refunding, Denied):
        return refunding
    agreed = terms(order, credits_left, offer.show.credit_minor)
    withdrawn = agreed.withdrawn_credits
    refund = structs.replace(
        _refund(order, agreed.amount_minor, by=by, reason=reason, now_ms=now_ms, new_id=new_id),
        withdrawn_credits=withdrawn,
        seated=True,
    )
    offer = offer.after(Move.HOLD_SOLD, order.lines)
    posting = ledger.credits_withdrawn(refund.id, order.show, order.user, withdrawn)
    wallet = (Post(posting), AnnounceWallet(order.user)) if withdrawn else ()
    effects = (
        Advance(order, refunding),
        *_opening(refund),
        MoveSeats(Move.HOLD_SOLD, order.lines),
        *wallet,
        Recalculate(order.user, EntitlementReason.REFUND),
        Announce(told(refunding)),
        Announce(offer.told()),
    )
    return Returned(refund, refunding, offer, effects)


def _refund(order: Order, amount_minor: int, *, by: UserId | None, reason: str, now_ms: int, new_id: NewId) -> Refund:
    return Refund(
        id=RefundId(new_id()),
        order=order.id,
        state=RefundProgress.REQUESTED,
        amount_minor=amount_minor,
        currency=order.currency,
        withdrawn_credits=0,
        seated=False,
        reason=reason,
        by=by,
        created_ms=now_ms,
    )


def _opening(refund: Refund) -> tuple[Effect, ...]:
    kind = SUBMIT_JOB if refund.doubled is None else SUBMIT_DOUBLED_JOB
    return Open(refund), Schedule(kind, refund.id, refund.id, refund.created_ms)


def _returning(refund: Refund, order: Order, now_ms: int) -> Announce:
    return Announce(MoneyReturning(order.user, order.show, refund.id, order.id, now_ms))
