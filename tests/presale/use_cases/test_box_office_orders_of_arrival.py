"""However callbacks, timers and requests are ordered and repeated, an order ends in the same lawful state."""

import asyncio
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auth.identity import Role, Tier
from presale.orders.orders import Order, OrderId, OrderState
from presale.payments.payments import RefundStatus
from presale.refunds.refunds import RefundProgress
from tests.presale.house import OPERATOR, TTL_MS, House, open_house

End = tuple[OrderState, Tier, int, tuple[int, int], tuple[int, int, int]]
PAID: End = (OrderState.PAID, Tier.MAIN, 10, (1, 0), (12_800, -12_800, 0))
REFUNDED: End = (OrderState.REFUNDED, Tier.NONE, 0, (0, 0), (0, -12_800, 12_800))

PAYING = ("callback", "callback", "expire", "query", "settle")
RETURNING = ("request", "request", "submit", "refund_callback", "refund_callback", "refund_query")


class Story:
    """One order whose money slips through: the provider closes it and reports it paid all the same."""

    def __init__(self, house: House, order: Order, outcome: RefundStatus) -> None:
        self.house = house
        self.order = order
        self.outcome = outcome
        self.body = house.provider.pay(order.payment, hidden=True)
        house.provider.refund_outcome = RefundStatus.PENDING

    async def callback(self) -> None:
        assert await self.house.callback(self.body) is None

    async def expire(self) -> None:
        await self.house.box._settlement.expire_order(self.order.id)

    async def query(self) -> None:
        await self.house.box._settlement.query_order(self.order.id)

    async def settle(self) -> None:
        await self.house.box.settle(OrderId(self.order.id))

    async def request(self) -> None:
        await self.house.box.request_refund(OPERATOR, Role.OPERATOR, self.order.id, "story")

    async def submit(self) -> None:
        if refund := await self.house.refund_of(self.order):
            await self.house.box._settlement.submit_refund(refund.id)

    async def refund_callback(self) -> None:
        refund = await self.house.refund_of(self.order)
        if refund is not None and refund.id in self.house.provider.refunds:
            assert await self.house.callback(self.house.provider.settle_refund(refund.id, self.outcome)) is None

    async def refund_query(self) -> None:
        if refund := await self.house.refund_of(self.order):
            await self.house.box._settlement.query_refund(refund.id)

    async def end(self) -> End:
        order = await self.house.reload(self.order)
        house = self.house
        return order.state, await house.tier(), await house.credits(), await house.seats(), await house.money()


async def tell(steps: list[str], outcome: RefundStatus) -> End:
    """The steps in this order, then everything once more as providers and fans repeat what was not accepted."""
    with tempfile.TemporaryDirectory() as folder:
        async with open_house(Path(folder)) as house:
            story = Story(house, await house.placed(), outcome)
            house.clock.advance(TTL_MS)
            is_returned = "request" in steps
            again = ["callback", *(("request", "submit", "refund_callback") if is_returned else ())]
            for step in [*steps, *again]:
                act: Callable[[], Awaitable[None]] = getattr(story, step)
                await act()
                assert await house.audit() == [], step
            refund = await house.refund_of(story.order)
            assert is_returned == (refund is not None)
            assert refund is None or refund.state is not RefundProgress.REQUESTED
            return await story.end()


@settings(max_examples=15, deadline=None)
@given(steps=st.permutations(PAYING))
def test_payment_and_expiry_in_any_order_end_paid(steps: list[str]) -> None:
    assert asyncio.run(tell(steps, RefundStatus.SUCCEEDED)) == PAID


@settings(max_examples=20, deadline=None)
@given(steps=st.permutations(PAYING + RETURNING))
def test_payment_expiry_and_refund_in_any_order_end_refunded(steps: list[str]) -> None:
    assert asyncio.run(tell(steps, RefundStatus.SUCCEEDED)) == REFUNDED


@settings(max_examples=20, deadline=None)
@given(steps=st.permutations(PAYING + RETURNING))
def test_payment_expiry_and_failing_refunds_in_any_order_end_paid(steps: list[str]) -> None:
    assert asyncio.run(tell(steps, RefundStatus.FAILED)) == PAID


@pytest.mark.parametrize("outcome", [RefundStatus.SUCCEEDED, RefundStatus.FAILED])
async def test_everything_at_once_ends_in_a_lawful_state(outcome: RefundStatus, home: str, tmp_path: Path) -> None:
    async with open_house(tmp_path, home=home) as house:
        story = Story(house, await house.placed(), outcome)
        house.clock.advance(TTL_MS)
        async with asyncio.TaskGroup() as group:
            for step in PAYING + RETURNING:
                group.create_task(getattr(story, step)())
        assert await house.audit() == []
