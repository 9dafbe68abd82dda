"""How the server's process runs Python: which event loop, and when the garbage collector may look at everything."""

import asyncio
import gc
import sys
import time
from collections.abc import Callable, Coroutine, Mapping
from typing import Any

YOUNG_OBJECTS = 5_000
"""Allocations beyond frees before the youngest are looked at; each connect makes some hundred and fifty that stay."""
MIDDLE_TURNS = 20
"""Looks at the youngest before what outlived one is looked at: a hundred thousand objects, 10 to 30 ms. Every SQL
statement leaves cycles; with a thousand turns what a look had passed by stayed for half an hour."""
MIDDLE_TURNS_IN_HASTE = 4
"""The same while a crowd comes: a fifth of the pause, for whoever knocks meanwhile."""
HASTE_SECONDS = 0.5
"""Between two looks at the youngest: less is haste."""
OLDEST_TURNS = 10_000
"""Looks at the middle ones before everything is looked at: not within an evening."""


def run(main: Coroutine[Any, Any, None]) -> None:
    """Run a server's main coroutine on uvloop, or where there is none on asyncio's own loop."""
    if sys.platform == "win32":
        asyncio.run(main)
        return
    import uvloop  # noqa: PLC0415 - not to be had there

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main)


def tame_garbage_collection() -> None:
    """Keep the collector from walking the whole heap while thousands connect: call it when everything is loaded.

    With Python's own thresholds a storm of 5,000 sockets met pauses of a quarter of a second. What stays for the life
    of the process is never looked at again; sockets and members end by reference counting, their cycles are cut.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG_OBJECTS, MIDDLE_TURNS, OLDEST_TURNS)
    gc.callbacks.append(Pace(time.monotonic))


class Pace:
    """Shorter and more looks at the middle objects while there is haste; called by the collector around each look."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._looked = clock()

    def __call__(self, phase: str, info: Mapping[str, int]) -> None:
        """Take in a look, and say when the next one at the middle objects is due."""
        if phase == "start" and info["generation"] == 0:
            now = self._clock()
            in_haste = now - self._looked < HASTE_SECONDS
            self._looked = now
            gc.set_threshold(YOUNG_OBJECTS, MIDDLE_TURNS_IN_HASTE if in_haste else MIDDLE_TURNS, OLDEST_TURNS)
