"""Asks about orders no more than needed: once at a time, and only so often, for each order."""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from contextvars import Context
from enum import StrEnum

import structlog

from presale.orders.orders import OrderId
from presale.use_cases.bounded_provider import Aside, holding_nothing

MAX_ORDERS = 100_000
"""Orders whose last asking is remembered; forgetting one only lets it be asked about again."""

_log = structlog.get_logger(__name__)


class Asked(StrEnum):
    """What came of asking."""

    NOT = "not"
    """It was done a moment ago: SQL has what there is to know."""
    WAITED = "waited"
    """SQL has what the provider said, if it said anything in time."""
    FAILED = "failed"
    """A fault of ours."""


class Asking:
    """Runs `work` for an order beside whoever wants it, at most every `every_ms` and for `at_once` orders at a time.

    Whoever comes too soon after the last time has it done once more when it is due: what happened in between is found.
    What it finds out stands in SQL afterwards. The limits are those of one process.
    """

    def __init__(
        self,
        work: Callable[[OrderId], Awaitable[object]],
        clock: Callable[[], int],
        *,
        every_ms: int,
        patience_seconds: float,
        at_once: int,
        aside: Aside = holding_nothing,
    ) -> None:
        self._work = work
        self._clock = clock
        self._every_ms = every_ms
        self._patience_seconds = patience_seconds
        self._at_once = at_once
        self._aside = aside
        self._asked_ms: OrderedDict[OrderId, int] = OrderedDict()
        self._tasks: dict[OrderId, asyncio.Task[bool]] = {}
        self._resting: set[OrderId] = set()
        """Those of the tasks that wait until their order may be asked about again."""

    def soon(self, order: OrderId) -> None:
        """Have it asked about, now or when it is due again; not at all while too many are."""
        if order in self._tasks or len(self._tasks) - len(self._resting) >= self._at_once:
            return
        asked_ms = self._asked_ms.get(order)
        rest_ms = 0 if asked_ms is None else max(0, asked_ms + self._every_ms - self._clock())
        if rest_ms:
            self._resting.add(order)
        # in no request's context: it outlives the one that began it, and must not give back a place of that
        self._tasks[order] = asyncio.create_task(self._ask(order, rest_ms / 1000), context=Context())

    async def ask(self, *orders: OrderId, until_due: bool = False) -> Asked:
        """Have them asked about and wait for the answers, no longer than patience lasts.

        Those that were asked about a moment ago are waited for only with `until_due`.
        """
        for order in orders:
            self.soon(order)
        awaited = {self._tasks[order] for order in orders if self._is_awaited(order, until_due=until_due)}
        if not awaited:
            return Asked.NOT
        async with self._aside():
            answered, _ = await asyncio.wait(awaited, timeout=self._patience_seconds)
        is_well = all(task.cancelled() or task.result() for task in answered)
        return Asked.WAITED if is_well else Asked.FAILED

    async def aclose(self) -> None:
        """Give up what is under way. Idempotent."""
        running = list(self._tasks.values())
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)

    def _is_awaited(self, order: OrderId, *, until_due: bool) -> bool:
        return order in self._tasks and (until_due or order not in self._resting)

    async def _ask(self, order: OrderId, rest_seconds: float) -> bool:
        try:
            if rest_seconds:
                await asyncio.sleep(rest_seconds)
                self._resting.discard(order)
            self._remember(order)
            await self._work(order)
        except Exception:  # noqa: BLE001 - jobs ask again; whoever waits reads in SQL how things stand
            _log.exception("order.asking_failed", order=order)
            return False
        else:
            return True
        finally:
            self._resting.discard(order)
            del self._tasks[order]

    def _remember(self, order: OrderId) -> None:
        self._asked_ms[order] = self._clock()
        self._asked_ms.move_to_end(order)
        if len(self._asked_ms) > MAX_ORDERS:
            self._asked_ms.popitem(last=False)
