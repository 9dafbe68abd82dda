"""A box office of pure values: orders are placed, paid, closed, returned and settled in any sequence.

`make test` walks a shorter way. The whole, 100,000 steps on two cores in under a minute:

    DECISIONS=1100 .venv/bin/pytest -n 2 tests/presale/use_cases/test_decisions.py
"""

import os
from collections import defaultdict
from collections.abc import Iterable
from itertools import count
from typing import assert_never

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test
from msgspec import structs

from auth.denials import Denied
from auth.identity import RoomId, ShowId, Tier, UserId
from presale.books import ledger
from presale.books.effects import AnnounceRevenue, AnnounceWallet, Post
from presale.catalogue.effects import Announce, MoveSeats, Schedule
from presale.catalogue.offer import Move, Offer
from presale.catalogue.shows import Product, ProductId, Show
from presale.entitlements.effects import Recalculate
from presale.entitlements.entitlements import tier_of
from presale.orders.effects import Advance, Insert
from presale.orders.holding import Held, HoldLimits
from presale.orders.orders import (
    HOLDING_MONEY,
    TRANSITIONS,
    Order,
    OrderEvent,
    OrderId,
    OrderItem,
    OrderState,
    Payment,
    PaymentProgress,
    advance,
)
from presale.orders.placement import Cart, Placed, Standing, place
from presale.payments.effects import Mark
from presale.payments.receipts import Receipt, Received, receive
from presale.refunds.effects import Open, Settle
from presale.refunds.refunds import Refund, RefundId, RefundProgress
from presale.refunds.returns import Returned, request, settle
from presale.use_cases.carrying import Effect

EXAMPLES = int(os.environ.get("DECISIONS", "40"))
"""Walks of each half: `STEPS` steps each, and there are two halves."""
STEPS = 50
SHOW = Show(
    id=ShowId("show"),
    room=RoomId("room"),
    currency="KWD",
    credit_minor=7,
)
PRODUCTS = (
    Product(id=ProductId("main"), show=SHOW.id, name="Main", tier=Tier.MAIN, price_minor=1_000, capacity=2, credits=5),
    Product(id=ProductId("more"), show=SHOW.id, name="More", tier=Tier.MAIN, price_minor=300, capacity=3, credits=9,
            repeatable=True),
    Product(id=ProductId("vip"), show=SHOW.id, name="Vip", tier=Tier.VIP, price_minor=3_000, capacity=1),
)  # fmt: skip
LIMITS = HoldLimits(order_ttl_ms=1_000, cool_down_ms=50)
USERS = [UserId("mei"), UserId("tom"), UserId("ana")]
CARTS = [[product.id] for product in PRODUCTS] + [[ProductId("more"), ProductId("vip")]]
PICK = st.integers(0, 1_000)
RIGHTS = (OrderState.PAID,)


class Walk(RuleBasedStateMachine):
    """Whatever happens in whatever sequence, nothing is sold twice and no money is lost."""

    def __init__(self) -> None:
        super().__init__()
        self.now_ms = 1
        self.numbers = count(1)
        self.offer = Offer(SHOW, PRODUCTS)
        self.orders: dict[OrderId, Order] = {}
        self.payments: dict[str, Payment] = {}
        self.refunds: dict[RefundId, Refund] = {}
        self.accounts: dict[tuple[str, str], int] = defaultdict(int)
        self.posted: set[str] = set()
        self.tiers: dict[UserId, Tier] = {}
        self.received_minor = 0

    def new_id(self) -> str:
        return f"id-{next(self.numbers):06}"

    def own(self, user: UserId) -> list[Order]:
        return [order for order in self.orders.values() if order.user == user]

    def credits_of(self, user: UserId) -> int:
        return self.accounts[ledger.wallet(SHOW.id, user), ledger.credit_unit(SHOW.id)]

    def returning(self, user: UserId) -> set[OrderId]:
        mine = {order.id for order in self.own(user)}
        return {one.order for one in self.refunds.values() if one.state == "requested" and one.seated} & mine

    def carry_out(self, effects: Iterable[Effect]) -> None:
        """As the database does, with its checks as assertions."""
        for effect in effects:
            match effect:
                case MoveSeats(move, lines):
                    self.offer = self.offer.after(move, lines)
                case Insert(order):
                    assert order.id not in self.orders
                    self.orders[order.id] = order
                    self.attempt(order)
                case Advance(before, after):
                    self.advanced(before, after)
                case Mark(payment, progress, transaction):
                    assert self.payments[payment.id].progress is not PaymentProgress.PAID
                    self.payments[payment.id] = structs.replace(payment, progress=progress, transaction=transaction)
                case Open(refund):
                    assert not any(
                        other.order == refund.order and other.doubled == refund.doubled and other.state == "requested"
                        for other in self.refunds.values()
                    )
                    self.refunds[refund.id] = refund
                case Settle(refund):
                    assert self.refunds[refund.id].state is RefundProgress.REQUESTED
                    self.refunds[refund.id] = refund
                case Post(posting):
                    assert posting.key not in self.posted
                    assert ledger.is_balanced(posting.entries)
                    self.posted.add(posting.key)
                    for entry in posting.entries:
                        self.accounts[entry.account, entry.unit] += entry.amount
                case Recalculate(user, _):
                    live = (line.tier for one in self.own(user) if one.state in RIGHTS for line in one.lines)
                    self.tiers[user] = tier_of(live)
                case Announce() | AnnounceWallet() | AnnounceRevenue() | Schedule():
                    pass
                case _:
                    assert_never(effect)

    def attempt(self, order: Order) -> None:
        self.payments[order.payment] = Payment(
            id=order.payment,
            order=order.id,
            provider=order.provider,
            provider_ref=None,
            amount_minor=order.amount_minor,
            currency=order.currency,
            progress=PaymentProgress.OPEN,
            transaction=None,
        )

    def advanced(self, before: Order, after: Order) -> None:
        assert self.orders[before.id] == before
        assert after.version == before.version + 1
        steps = {target for (state, _), target in TRANSITIONS.items() if state is before.state}
        assert after.state is before.state or after.state in steps
        self.orders[after.id] = after

    @rule(user=st.sampled_from(USERS), cart=st.sampled_from(CARTS), again=st.booleans())
    def order(self, user: UserId, cart: list[ProductId], again: bool) -> None:
        items = [OrderItem(product) for product in cart]
        asked = Cart(user=user, key=self.new_id(), items=items, provider="fake", again=again)
        own = self.own(user)
        unpaid = [order for order in own if order.state is OrderState.PENDING]
        standing = Standing(own, unpaid, self.returning(user))
        decided = place(self.offer, asked, standing, LIMITS, now_ms=self.now_ms, new_id=self.new_id)
        assert isinstance(decided, Placed | Held | Denied)
        if isinstance(decided, Placed):
            self.carry_out(decided.effects)

    @rule(ms=st.sampled_from([1, 60, 2_000]))
    def wait(self, ms: int) -> None:
        self.now_ms += ms

    @precondition(lambda self: self.orders)
    @rule(pick=PICK, event=st.sampled_from([OrderEvent.EXPIRE, OrderEvent.CANCEL]))
    def close(self, pick: int, event: OrderEvent) -> None:
        order = self.picked(pick)
        closed = advance(order, event, closed_ms=self.now_ms)
        if isinstance(closed, Order):
            self.carry_out([Advance(order, closed), MoveSeats(Move.RELEASE, order.lines)])

    @precondition(lambda self: self.orders)
    @rule(pick=PICK)
    def renew(self, pick: int) -> None:
        order = self.picked(pick)
        if order.state is OrderState.PENDING:
            renewed = structs.replace(order, payment=self.new_id(), version=order.version + 1)
            self.carry_out([Advance(order, renewed)])
            self.attempt(renewed)

    @precondition(lambda self: self.payments)
    @rule(
        pick=PICK,
        admits=st.sampled_from([True, True, True, False]),
        off=st.sampled_from([0, 0, 0, 0, 1]),
        other=st.sampled_from([False, False, False, True]),
    )
    def pay(self, pick: int, admits: bool, off: int, other: bool) -> None:
        payment = list(self.payments.values())[pick % len(self.payments)]
        order = self.orders[payment.order]
        receipt = Receipt(
            provider="fake",
            payment=payment.id,
            transaction=f"t-{'other' if other else payment.id}",
            amount_minor=payment.amount_minor + off,
            currency=payment.currency,
        )
        seen = {one.transaction for one in self.payments.values() if one.id != payment.id}
        decided = receive(
            self.offer,
            order,
            payment,
            receipt,
            self.own(order.user),
            admits=admits,
            is_elsewhere=receipt.transaction in seen,
            now_ms=self.now_ms,
            new_id=self.new_id,
        )
        if isinstance(decided, Received):
            self.carry_out(decided.effects)
            if any(isinstance(effect, Post) and effect.posting.key.startswith("payment") for effect in decided.effects):
                self.received_minor += receipt.amount_minor
            assert self.orders[order.id] == decided.order
            assert self.offer == decided.offer

    @precondition(lambda self: self.orders)
    @rule(pick=PICK)
    def give_back(self, pick: int) -> None:
        order = self.picked(pick)
        mine = [one for one in self.refunds.values() if one.order == order.id and one.doubled is None]
        decided = request(
            self.offer,
            order,
            mine[-1] if mine else None,
            self.credits_of(order.user),
            by=order.user,
            reason="",
            now_ms=self.now_ms,
            new_id=self.new_id,
        )
        if isinstance(decided, Returned):
            self.carry_out(decided.effects)
            assert self.offer == decided.offer

    @precondition(lambda self: self.refunds)
    @rule(pick=PICK, succeeded=st.booleans(), admits=st.booleans())
    def provider_says(self, pick: int, succeeded: bool, admits: bool) -> None:
        refund = list(self.refunds.values())[pick % len(self.refunds)]
        order = self.orders[refund.order]
        decided = settle(
            self.offer,
            order,
            refund,
            self.own(order.user),
            self.credits_of(order.user),
            succeeded=succeeded,
            admits=admits,
            now_ms=self.now_ms,
            new_id=self.new_id,
        )
        self.carry_out(decided.effects)
        assert self.offer == decided.offer
        assert self.refunds[refund.id] == decided.refund

    @rule(user=st.sampled_from(USERS), credits_=st.integers(1, 9))
    def spend(self, user: UserId, credits_: int) -> None:
        if credits_ <= self.credits_of(user):
            self.carry_out([Post(ledger.credits_spent(self.new_id(), SHOW.id, user, credits_))])

    def picked(self, pick: int) -> Order:
        return list(self.orders.values())[pick % len(self.orders)]

    @invariant()
    def no_seat_is_sold_twice(self) -> None:
        sold: dict[ProductId, int] = defaultdict(int)
        held: dict[ProductId, int] = defaultdict(int)
        seated = {one.order for one in self.refunds.values() if one.state == "requested" and one.seated}
        for order in self.orders.values():
            is_holding = order.state is OrderState.PENDING or order.id in seated
            counters = sold if order.state is OrderState.PAID else held if is_holding else None
            for line in order.lines if counters is not None else ():
                counters[line.product] += line.quantity  # type: ignore[index]
        for product in self.offer.products:
            assert (product.sold, product.held) == (sold[product.id], held[product.id])
            assert product.sold + product.held <= product.capacity

    @invariant()
    def money_in_is_money_kept_and_returned_and_under_way(self) -> None:
        paid = [payment for payment in self.payments.values() if payment.progress is PaymentProgress.PAID]
        came = sum(payment.amount_minor for payment in paid)
        returned = sum(one.amount_minor for one in self.refunds.values() if one.state == "succeeded")
        at_provider = self.accounts["provider:fake", SHOW.currency]
        assert came == self.received_minor == -self.accounts[ledger.sales(SHOW.id), SHOW.currency]
        assert returned == self.accounts[ledger.refunds(SHOW.id), SHOW.currency]
        assert at_provider == came - returned
        keeping, under_way = 0, 0
        for payment in paid:
            order = self.orders[payment.order]
            back = [
                one
                for one in self.refunds.values()
                if one.order == order.id and one.payment_of(order) == payment.id and one.state != "failed"
            ]
            assert len(back) <= 1, "no money goes back twice"
            assert all(one.amount_minor <= payment.amount_minor for one in back), "nor more than was paid"
            gone = sum(one.amount_minor for one in back if one.state == "succeeded")
            going = sum(one.amount_minor for one in back if one.state == "requested")
            keeping, under_way = keeping + payment.amount_minor - gone - going, under_way + going
            assert payment.id != order.payment or order.state in HOLDING_MONEY
        assert came == keeping + returned + under_way

    @invariant()
    def rights_are_those_of_paid_orders(self) -> None:
        for user in USERS:
            paid = [order for order in self.own(user) if order.state is OrderState.PAID]
            assert self.tiers.get(user, Tier.NONE) is tier_of(line.tier for one in paid for line in one.lines)
            assert self.credits_of(user) >= 0


@pytest.mark.parametrize("half", range(2))
def test_no_sequence_of_events_sells_a_seat_twice_or_loses_money(half: int) -> None:
    run_state_machine_as_test(
        type(f"Walk{half}", (Walk,), {}),
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=STEPS,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            database=None,
        ),
    )
