"""Money that comes in, decided on values: what it does to its order, whenever it comes and however often."""

from collections.abc import Sequence

from msgspec import Struct, structs

from auth.denials import Code, Denied
from presale.books import ledger
from presale.books.effects import AnnounceRevenue, AnnounceWallet, Post
from presale.catalogue.effects import Announce, MoveSeats, Schedule
from presale.catalogue.offer import Move, Offer
from presale.entitlements.effects import Recalculate
from presale.entitlements.entitlements import EntitlementReason
from presale.orders.effects import Advance
from presale.orders.events import told
from presale.orders.holding import is_superseded
from presale.orders.jobs import CLOSE_PAYMENT_JOB, END_JOB
from presale.orders.orders import Order, OrderEvent, OrderState, Payment, PaymentProgress, advance, lawful
from presale.payments.effects import Mark
from presale.refunds import returns
from presale.refunds.returns import NewId

_TAKES_MONEY = frozenset({OrderState.PENDING, OrderState.CLOSED})
Effect = returns.Effect | Mark


class Receipt(Struct, frozen=True, kw_only=True):
    """A provider's word that it holds money for an attempt."""

    provider: str
    payment: str
    transaction: str
    amount_minor: int
    currency: str


class Received(Struct, frozen=True):
    """An order as the money left it, and what is to be done, in this order; nothing for a repeated receipt."""

    order: Order
    offer: Offer
    effects: tuple[Effect, ...] = ()


def receive(
    offer: Offer,
    order: Order,
    payment: Payment,
    receipt: Receipt,
    own: Sequence[Order],
    *,
    admits: bool,
    is_elsewhere: bool,
    now_ms: int,
    new_id: NewId,
) -> Received | Denied:
    """Book the money of an attempt once, and give its order what it is worth.

    `own` are the buyer's orders of the show; `is_elsewhere`: another attempt brought this very transaction.

    A pending order is paid, for a closed one free seats are sold again. The money goes back by itself where there are
    none, where not `admits` (the sale is over, or the buyer is banned), and where the buyer's paid orders make this
    one pointless. A repeated receipt answers the order as it is. NOT_FOUND for an attempt that is not this provider's,
    BAD_REQUEST for money that is not what was asked or a transaction seen elsewhere; they change nothing. Money of a
    second attempt for an order that another one has paid goes back by itself, and the order stays as it is; where it is
    other money than was asked for, it is marked for the staff: see `PaymentProgress.MISMATCHED`.
    """
    if payment.provider != receipt.provider:
        return Denied(Code.NOT_FOUND)
    if payment.progress is PaymentProgress.PAID and payment.transaction == receipt.transaction:
        return Received(order, offer)
    is_doubled = payment.id != order.payment and order.state not in _TAKES_MONEY
    if is_doubled and payment.progress is PaymentProgress.MISMATCHED:
        return Received(order, offer)  # the staff knows of it, and may have settled it
    is_booked = payment.progress is PaymentProgress.PAID  # what it brought goes back; more of it is refused below
    if is_doubled and not is_booked and not is_expected(order, receipt.amount_minor, receipt.currency):
        return Received(order, offer, (Mark(payment, PaymentProgress.MISMATCHED, receipt.transaction),))
    refusal = _refuse(payment, order, receipt, is_elsewhere=is_elsewhere)
    if refusal is not None:
        return refusal
    money = ledger.money_received(payment.id, order.show, payment.provider, payment.currency, payment.amount_minor)
    booked: tuple[Effect, ...] = (Mark(payment, PaymentProgress.PAID, receipt.transaction), Post(money))
    if is_doubled:
        back = returns.return_doubled(offer, order, payment.id, now_ms=now_ms, new_id=new_id)
        return Received(order, offer, booked + back.effects)
    if payment.id != order.payment:  # the provider had closed it, and the order got another attempt
        earlier = structs.replace(order, payment=payment.id, version=order.version + 1)
        booked += (Schedule(CLOSE_PAYMENT_JOB, order.payment, order.payment, now_ms), Advance(order, earlier))
        order = earlier
    worth = _give(offer, order, own, admits=admits, now_ms=now_ms, new_id=new_id)
    return Received(worth.order, worth.offer, booked + worth.effects)


def is_expected(order: Order, amount_minor: int, currency: str) -> bool:
    """Whether money is exactly what the order costs."""
    return order.amount_minor == amount_minor and order.currency == currency


def _refuse(payment: Payment, order: Order, receipt: Receipt, *, is_elsewhere: bool) -> Denied | None:
    if (receipt.amount_minor, receipt.currency) != (payment.amount_minor, payment.currency):
        return Denied(Code.BAD_REQUEST, detail={"field": "amount"})
    is_late = payment.id == order.payment and order.state not in _TAKES_MONEY
    if payment.progress is PaymentProgress.PAID or is_late or is_elsewhere:
        return Denied(Code.BAD_REQUEST, detail={"field": "transaction"})
    return None


def _give(offer: Offer, order: Order, own: Sequence[Order], *, admits: bool, now_ms: int, new_id: NewId) -> Received:
    admits = admits and not is_superseded(order, own, offer.repeatable)
    if order.state is OrderState.PENDING and admits:
        return _admit(offer, order, own, OrderEvent.PAY, Move.SELL_HELD, now_ms)
    freed: tuple[Effect, ...] = ()
    if order.state is OrderState.PENDING:
        offer = offer.after(Move.RELEASE, order.lines)
        freed = (MoveSeats(Move.RELEASE, order.lines), Announce(offer.told()))
    elif admits and offer.short(order.lines) is None:
        return _admit(offer, order, own, OrderEvent.PAY_LATE, Move.SELL_FREE, now_ms)
    back = returns.return_unwanted(offer, order, now_ms=now_ms, new_id=new_id)
    return Received(back.order, offer, freed + back.effects)


def _admit(offer: Offer, order: Order, own: Sequence[Order], event: OrderEvent, move: Move, now_ms: int) -> Received:
    paid = lawful(advance(order, event, paid_ms=now_ms))
    offer = offer.after(move, order.lines)
    wallet: tuple[Effect, ...] = ()
    if order.credits:
        granted = ledger.credits_granted(order.id, order.show, order.user, order.credits)
        wallet = (Post(granted), AnnounceWallet(order.user))
    standing = [*(other for other in own if other.id != paid.id), paid]
    pointless = [
        Schedule(END_JOB, other.id, other.id, now_ms)
        for other in standing
        if other.state is OrderState.PENDING and is_superseded(other, standing, offer.repeatable)
    ]
    effects = (
        MoveSeats(move, order.lines),
        Advance(order, paid),
        *wallet,
        Recalculate(order.user, EntitlementReason.PURCHASE),
        *pointless,
        Announce(told(paid)),
        Announce(offer.told()),
        AnnounceRevenue(),
    )
    return Received(paid, offer, effects)
