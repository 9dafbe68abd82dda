"""Providers are asked about an order once at a time and only so often, and nobody waits for them too long."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from presale.orders.orders import OrderId
from presale.use_cases.asking import Asked, Asking
from tests.store.fakes import FakeClock

ONE, TWO, THREE = (OrderId(name) for name in ("1", "2", "3"))
EVERY_MS = 20


class Provider:
    """Answers when it is told to."""

    def __init__(self) -> None:
        self.asked: list[OrderId] = []
        self.answers = asyncio.Event()
        self.answers.set()
        self.is_broken = False

    async def ask(self, order: OrderId) -> None:
        self.asked.append(order)
        await self.answers.wait()
        if self.is_broken:
            raise RuntimeError("a fault of the test")


@pytest.fixture
def provider() -> Provider:
    return Provider()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
async def asking(provider: Provider, clock: FakeClock) -> AsyncIterator[Asking]:
    made = Asking(provider.ask, clock, every_ms=EVERY_MS, patience_seconds=0.05, at_once=2)
    yield made
    await made.aclose()


async def test_an_order_is_asked_about_once_for_all_who_ask_at_a_time(asking: Asking, provider: Provider) -> None:
    assert await asyncio.gather(*(asking.ask(ONE) for _ in range(5))) == [Asked.WAITED] * 5
    assert provider.asked == [ONE]


async def test_one_order_does_not_wait_for_another(asking: Asking, provider: Provider) -> None:
    assert await asking.ask(ONE, TWO) is Asked.WAITED
    assert provider.asked == [ONE, TWO]


async def test_whoever_comes_too_soon_does_not_wait_and_has_it_asked_once_more_when_it_is_due(
    asking: Asking, provider: Provider
) -> None:
    await asking.ask(ONE)
    assert [await asking.ask(ONE) for _ in range(5)] == [Asked.NOT] * 5
    assert provider.asked == [ONE]
    assert await asking.ask(ONE, until_due=True) is Asked.WAITED
    assert provider.asked == [ONE, ONE]


async def test_after_a_while_it_is_asked_at_once(asking: Asking, provider: Provider, clock: FakeClock) -> None:
    await asking.ask(ONE)
    clock.advance(EVERY_MS)
    assert await asking.ask(ONE) is Asked.WAITED
    assert provider.asked == [ONE, ONE]


async def test_nobody_waits_longer_than_patience_lasts_and_the_asking_goes_on(
    asking: Asking, provider: Provider
) -> None:
    provider.answers.clear()
    assert await asking.ask(ONE) is Asked.WAITED
    assert await asking.ask(ONE) is Asked.WAITED
    assert provider.asked == [ONE]


async def test_a_provider_that_hangs_holds_up_only_so_many(asking: Asking, provider: Provider) -> None:
    provider.answers.clear()
    asking.soon(ONE)
    asking.soon(TWO)
    assert await asking.ask(THREE) is Asked.NOT
    await asyncio.sleep(0)
    assert provider.asked == [ONE, TWO]


async def test_a_fault_is_told_to_whoever_waits_and_ends_nothing(
    asking: Asking, provider: Provider, clock: FakeClock
) -> None:
    provider.is_broken = True
    assert await asking.ask(ONE) is Asked.FAILED
    provider.is_broken = False
    clock.advance(EVERY_MS)
    assert await asking.ask(ONE) is Asked.WAITED


async def test_what_is_under_way_ends_with_the_house(asking: Asking, provider: Provider) -> None:
    provider.answers.clear()
    asking.soon(ONE)
    waiting = asyncio.create_task(asking.ask(ONE))
    await asyncio.sleep(0)
    await asking.aclose()
    assert await waiting is Asked.WAITED
    await asking.aclose()
