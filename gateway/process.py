"""How the server's process runs Python: which event loop, and when the garbage collector may look at everything."""

import asyncio
import gc
import sys
from collections.abc import Coroutine
from typing import Any

YOUNG_OBJECTS = 5_000
"""Allocations beyond frees before the youngest are looked at; each connect makes some two hundred that stay."""
MIDDLE_TURNS = 20
"""Looks at the youngest before what outlived one is looked at: a hundred thousand objects, some milliseconds. Every
SQL statement leaves cycles; with a thousand turns what a look had passed by stayed for half an hour."""
OLDEST_TURNS = 1_000
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
