"""A payment provider whose calls are bounded in time and number, and hold up nobody who does not need their answer."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import TypeVar

from auth.denials import Denied
from presale.payments.payments import (
    AlreadyPaid,
    Closed,
    Created,
    PaymentProvider,
    PaymentRequest,
    PaymentState,
    ProviderEvent,
    RefundRequest,
    RefundState,
    Unavailable,
)

_T = TypeVar("_T")

SECONDS = 5.0
"""The longest call, without settings."""
Aside = Callable[[], AbstractAsyncContextManager[None]]
"""Gives back what the caller holds while the block runs."""


@asynccontextmanager
async def holding_nothing() -> AsyncIterator[None]:
    """For callers that hold nothing others could want."""
    yield


class BoundedProvider:
    """`PaymentProvider` around another one.

    So many calls are under way at a time; one more is `Unavailable` at once, and retryable. A call that lasts longer
    than `seconds` is `Unavailable`, too: an adapter's own limits count from packet to packet, and a provider that drips
    bytes would hold its caller for ever. One that hangs keeps so many waiting so long, and neither the other routes
    nor the event loop.
    """

    def __init__(
        self, provider: PaymentProvider, *, seconds: float = SECONDS, calls_at_once: int, aside: Aside = holding_nothing
    ) -> None:
        self._provider = provider
        self._seconds = seconds
        self._limit = calls_at_once
        self._aside = aside
        self._under_way = 0

    @property
    def name(self) -> str:
        """As the port promises."""
        return self._provider.name

    async def create(self, request: PaymentRequest) -> Created | Unavailable:
        """As the port promises."""
        return await self._call(lambda: self._provider.create(request))

    async def query(self, payment: str) -> PaymentState | Unavailable:
        """As the port promises."""
        return await self._call(lambda: self._provider.query(payment))

    async def close(self, payment: str) -> Closed | AlreadyPaid | Unavailable:
        """As the port promises."""
        return await self._call(lambda: self._provider.close(payment))

    async def refund(self, request: RefundRequest) -> RefundState | Unavailable:
        """As the port promises."""
        return await self._call(lambda: self._provider.refund(request))

    async def query_refund(self, refund: str) -> RefundState | Unavailable:
        """As the port promises."""
        return await self._call(lambda: self._provider.query_refund(refund))

    def verify(self, headers: Mapping[str, str], body: bytes, now_ms: int) -> ProviderEvent | Denied:
        """As the port promises."""
        return self._provider.verify(headers, body, now_ms)

    async def aclose(self) -> None:
        """As the port promises."""
        await self._provider.aclose()

    async def _call(self, call: Callable[[], Awaitable[_T | Unavailable]]) -> _T | Unavailable:
        if self._under_way >= self._limit:
            return Unavailable(f"{self._limit} calls to {self.name} are under way")
        self._under_way += 1
        try:
            async with self._aside(), asyncio.timeout(self._seconds):
                return await call()
        except TimeoutError:
            return Unavailable(f"no answer from {self.name} within {self._seconds:g} s")
        finally:
            self._under_way -= 1
