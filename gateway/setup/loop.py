"""The Python runtime of a serving process: its event loop, and when the garbage collector runs."""

import asyncio
import gc
import sys
import time
from collections.abc import Callable, Coroutine, Mapping
from typing import Any

YOUNG_OBJECTS = 5_000
"""A generation-0 collection runs after this many net allocations; each connect leaves some hundred and fifty."""
MIDDLE_TURNS = 20
"""A generation-1 collection runs after this many of generation 0: it then covers a hundred thousand objects and takes
10 to 30 ms. Every SQL statement leaves cycles; with a threshold of a thousand they stayed for half an hour.
"""
MIDDLE_TURNS_IN_HASTE = 4
"""The threshold while many connect: each pause is a fifth, for those who connect meanwhile."""
HASTE_SECONDS = 0.5
"""Many are connecting when generation-0 collections come less than this far apart."""
OLDEST_TURNS = 10_000
"""A full collection runs after this many of generation 1: not within an evening."""


def run(main: Coroutine[Any, Any, None]) -> None:
    """Run a server's main coroutine on uvloop, or where there is none on asyncio's own loop."""
    if sys.platform == "win32":
        asyncio.run(main)
        return
    import uvloop  # noqa: PLC0415 - not to be had there

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main)


def tame_garbage_collection() -> None:
    """Keep the collector from walking the whole heap while thousands connect; call it once all is loaded.

    With Python's own thresholds a storm of 5,000 connects met pauses of a quarter of a second. Objects that exist at
    this
    call are frozen and never visited again; sockets and members are freed by reference counting, since their cycles are
    cut.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG_OBJECTS, MIDDLE_TURNS, OLDEST_TURNS)
    gc.callbacks.append(Pace(time.monotonic))


class Pace:
    """Adapts the generation-1 threshold while many connect; called by the collector around each collection."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._looked = clock()

    def __call__(self, phase: str, info: Mapping[str, int]) -> None:
        """Note a collection, and set when the next one of generation 1 is due."""
        if phase == "start" and info["generation"] == 0:
            now = self._clock()
            in_haste = now - self._looked < HASTE_SECONDS
            self._looked = now
            gc.set_threshold(YOUNG_OBJECTS, MIDDLE_TURNS_IN_HASTE if in_haste else MIDDLE_TURNS, OLDEST_TURNS)
