"""Group commit: many small writes in one transaction; each caller is answered after the commit."""

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Sequence
from typing import Any, TypeVar

from auth.denials import Code, Denied
from store.database_sql import Database, RacedError, UnitOfWork

MAX_ITEMS = 2_000
"""How many items one transaction writes; further ones go into the next."""
MAX_WAITING = 20_000
"""How many items of a kind may wait; beyond it callers get BUSY."""
RETRY_MS = 1_000

Item = TypeVar("Item")
Answer = TypeVar("Answer")
Write = Callable[[UnitOfWork, Sequence[Item]], Awaitable[Sequence[Answer | Denied]]]
"""Writes items, and answers one result for each, in their order."""


class Batches:
    """Gathers items for `seconds` and writes those of a kind together. One batch of a kind is written at a time."""

    def __init__(self, db: Database, seconds: float) -> None:
        self._db = db
        self._seconds = seconds
        self._waiting: dict[Hashable, list[tuple[Any, asyncio.Future[Any]]]] = {}
        self._writing: dict[Hashable, asyncio.Task[None]] = {}

    async def add(self, kind: Hashable, item: Item, write: Write[Item, Answer]) -> Answer | Denied:
        """Write an item together with others of its kind, which all pass the same `write`; committed on return.

        BUSY when too many wait, or when the batch lost every retry. Raises what the driver raises.
        """
        waiting = self._waiting.setdefault(kind, [])
        if len(waiting) >= MAX_WAITING:
            return Denied(Code.BUSY, retry_after_ms=RETRY_MS)
        answer: asyncio.Future[Answer | Denied] = asyncio.get_running_loop().create_future()
        waiting.append((item, answer))
        if kind not in self._writing:
            self._writing[kind] = asyncio.create_task(self._write_all(kind, write))
        return await answer

    async def _write_all(self, kind: Hashable, write: Write[Any, Any]) -> None:
        try:
            while self._waiting.get(kind):
                await asyncio.sleep(self._seconds)
                waiting = self._waiting[kind]
                batch, self._waiting[kind] = waiting[:MAX_ITEMS], waiting[MAX_ITEMS:]
                asked = [answer for _, answer in batch]
                try:
                    answers = await self._write([item for item, _ in batch], write)
                except Exception as error:  # noqa: BLE001 - whatever a driver raises is theirs to hear who wait for it
                    _tell(asked, error)
                else:
                    _tell(asked, *answers)
        finally:
            del self._writing[kind]
            for _, answer in self._waiting.pop(kind, []):
                answer.cancel()

    async def _write(self, items: Sequence[Any], write: Write[Any, Any]) -> Sequence[Any]:
        try:
            return await self._db.transact(lambda uow: write(uow, items))
        except RacedError:
            return [Denied(Code.BUSY, retry_after_ms=RETRY_MS)] * len(items)


def _tell(asked: Sequence[asyncio.Future[Any]], *answers: Any) -> None:
    """Give each caller its result, or all of them the one error; a caller may have been cancelled."""
    for number, future in enumerate(asked):
        if future.done():
            continue
        if isinstance(answers[0], Exception):
            future.set_exception(answers[0])
        else:
            future.set_result(answers[number])
