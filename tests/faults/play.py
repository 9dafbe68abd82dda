"""One fault on one evening: what goes on before, during and after it, and what is found when all have come to rest."""

import asyncio
import os
import time
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from typing import Any

from tests.faults import scene as people
from tests.faults.journal import What
from tests.faults.quarter import How, Quarter, Who
from tests.faults.scene import LEAVERS, Scene, given, scene
from tests.faults.verdict import Books, Cell, audited, judge, missing_gifts, read_books

REST_SECONDS = 45.0
"""For everything that was begun to be acknowledged."""
SETTLE_SECONDS = 90.0
"""For refunds to be settled: a job that was being worked on waits a minute for another worker."""
SCREENS_SECONDS = 20.0
"""For what was committed to be on all screens."""
LOOK_SECONDS = 0.5

Acting = Callable[[Scene], Coroutine[Any, Any, None]]
ACTING: dict[What, Sequence[Acting]] = {
    What.ORDER: [people.buy],
    What.CALLBACK: [people.buy],
    What.GIFT: [people.give],
    What.CONNECT: [people.visit],
    What.BROADCAST: [people.give, people.talk, people.moderate],
}


@dataclass(frozen=True, slots=True)
class Pace:
    """How long everybody acts before the fault and after it, and how many return their tickets meanwhile."""

    before_seconds: float
    after_seconds: float
    leavers: int


IN_FULL = Pace(3.0, 6.0, LEAVERS)


@dataclass
class Played:
    """A row: one fault, and what became of each action."""

    who: Who
    how: How
    seconds: float
    """How long the fault was there."""
    load: float
    """Of the machine in the last minute."""
    cells: dict[What, Cell]

    @property
    def has_held(self) -> bool:
        """Whether nothing broke."""
        return not any(cell.broke for cell in self.cells.values())


async def play(
    house: Quarter, who: Who, how: How, whats: Sequence[What], freeze_seconds: float, pace: Pace = IN_FULL
) -> Played:
    """All of these actions under one fault."""
    async with scene(house, pace.leavers) as here:
        acting = list(dict.fromkeys(acting for what in whats for acting in ACTING.get(what, ())))
        tasks = [asyncio.create_task(act(here)) for act in acting]
        if What.REFUND in whats:
            spread = pace.before_seconds + freeze_seconds + pace.after_seconds
            tasks.append(asyncio.create_task(people.leave(here, spread)))
        try:
            await _watched(tasks, pace.before_seconds)
            outage = await house.strike(who, how, freeze_seconds)
            await _watched(tasks, pace.after_seconds)
            here.stopping.set()
            await _rest(tasks)
            await _repeat(here)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        books = await _settled(here)
        cells = judge(here, books, outage)
        asked = {what: cells[what] for what in whats if what in cells}
        return Played(who, how, outage.ended - outage.began, os.getloadavg()[0], asked)


async def _watched(tasks: list[asyncio.Task[None]], seconds: float) -> None:
    """A while; what goes wrong with the people themselves ends it."""
    done, _ = await asyncio.wait(tasks, timeout=seconds, return_when=asyncio.FIRST_EXCEPTION)
    for task in done:
        task.result()
    if len(done) == len(tasks):
        await asyncio.sleep(seconds)


async def _rest(tasks: list[asyncio.Task[None]]) -> None:
    done, left = await asyncio.wait(tasks, timeout=REST_SECONDS)
    for task in left:
        task.cancel()
    await asyncio.gather(*left, return_exceptions=True)
    for task in done:
        task.result()


async def _repeat(here: Scene) -> None:
    """Ask for everything once more, under the same keys: the answers are those of before."""
    for deed in here.journal.done(What.ORDER):
        again = await here.order(What.ORDER, deed.user)
        if again is None or again["order"] != deed.answer["order"]:
            here.journal.broke(What.ORDER, f"the same key was answered {again}")
    for deed in here.journal.done(What.GIFT):
        line = here.givers[int(deed.key.split("-")[1])]
        again = await given(here, line, deed.key)
        while again is None:
            await asyncio.sleep(LOOK_SECONDS)  # its rate is bounded
            again = await given(here, line, deed.key)
        if again != deed.answer:
            here.journal.broke(What.GIFT, f"the same key was answered {again}")


async def _settled(here: Scene) -> Books:
    """The books once nothing moves any more, or when it has moved for too long."""
    show, began = here.show, time.monotonic()
    while True:
        books = await read_books(here.house, show.show, show.room)
        waited = time.monotonic() - began
        is_told = not books.outbox and not missing_gifts(here)
        is_refunded = not any(row["state"] == "refunding" for rows in books.orders.values() for row in rows)
        if (is_told or waited > SCREENS_SECONDS) and (is_refunded or waited > SETTLE_SECONDS):
            break
        await asyncio.sleep(LOOK_SECONDS)
    if books.outbox:
        here.journal.broke(What.BROADCAST, f"{books.outbox} publications were never sent")
    books.findings += await audited(here.house)
    return books


def outages(whos: Sequence[Who], hows: Sequence[How]) -> list[tuple[Who, How]]:
    """All pairs, in the order of the page."""
    return [(who, how) for who in whos for how in hows]
