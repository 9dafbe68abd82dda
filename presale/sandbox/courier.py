"""Delivers callbacks over real HTTP: signed, retried with bounded backoff, those of one payment one by one."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import httpx2

from presale.payments.webhook_signature import Secret, sign
from presale.sandbox.book_sqlite import Book, Callback
from presale.sandbox.faults import attempt, retry_wait_ms

MAX_CONCURRENT = 16
TIMEOUT_SECONDS = 5.0
IDLE_SECONDS = 1.0
STALE_BY_SECONDS = 3_600
FOREIGN_SECRET = Secret(b"a secret nobody shares with us!!")


@dataclass(frozen=True, slots=True)
class CourierSettings:
    """Where callbacks go and how they are signed."""

    notify_url: str
    secrets: Sequence[Secret]
    """The first signs."""
    retry_base_ms: int


class Courier:
    """The provider's background task. What was due when the process died is delivered after the next start."""

    def __init__(self, book: Book, settings: CourierSettings, *, clock: Callable[[], int]) -> None:
        self._book = book
        self._settings = settings
        self._clock = clock
        self._awake = asyncio.Event()
        self._busy: set[str] = set()
        self._client = httpx2.AsyncClient(timeout=TIMEOUT_SECONDS, trust_env=False, follow_redirects=False)

    def wake(self) -> None:
        """Look at the book again now."""
        self._awake.set()

    async def run(self) -> None:
        """Deliver until cancelled."""
        try:
            async with asyncio.TaskGroup() as group:
                while True:
                    self._awake.clear()
                    self._book.settle_due_refunds()
                    for callback in self._book.due_callbacks(limit=4 * MAX_CONCURRENT):
                        if callback.payment not in self._busy and len(self._busy) < MAX_CONCURRENT:
                            self._busy.add(callback.payment)
                            group.create_task(self._deliver(callback))
                    await self._rest()
        finally:
            await self._client.aclose()

    async def _rest(self) -> None:
        due_ms = self._book.next_due_ms()
        wait_seconds = IDLE_SECONDS
        if due_ms is not None and due_ms > (now_ms := self._clock()):
            wait_seconds = min(wait_seconds, (due_ms - now_ms) / 1000)
        try:
            async with asyncio.timeout(wait_seconds):
                await self._awake.wait()
        except TimeoutError:
            pass

    async def _deliver(self, callback: Callback) -> None:
        plan = attempt(self._book.faults(callback.payment), callback.attempt)
        headers = sign(
            FOREIGN_SECRET if plan.forged else self._settings.secrets[0],
            delivery=callback.id,
            timestamp_seconds=self._clock() // 1000 - (STALE_BY_SECONDS if plan.stale else 0),
            body=callback.body,
        )
        try:
            answer = await self._client.post(
                self._settings.notify_url,
                content=callback.body,
                headers={**headers, "content-type": "application/json", "user-agent": "sandbox-provider"},
            )
            accepted = answer.is_success
        except httpx2.HTTPError:
            accepted = False
        self._book.callback_done(
            callback,
            wait_ms=retry_wait_ms(callback.attempt, self._settings.retry_base_ms),
            delivered=accepted and plan.heard,
        )
        self._busy.discard(callback.payment)
        self.wake()
