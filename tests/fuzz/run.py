"""Runs one target, and judges it: nothing raised, nothing logged as an error, nothing held, memory flat."""

import asyncio
import gc
import logging
import os
import time
from collections.abc import Callable, Iterator, MutableMapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import structlog

from tests.fuzz.mutation import Mutator
from tests.fuzz.targets import TARGETS

WARM = 0.2
"""Part of the run after which memory is taken for the first time: caches are full then."""
FLAT_BYTES = 8 * 2**20
LOOK_EVERY = 2_000


@dataclass(frozen=True)
class Outcome:
    """What came of one run."""

    target: str
    samples: int
    seconds: float
    growth_bytes: int
    """Of resident memory, from the warm start to the end."""


class FuzzError(Exception):
    """A sample that was not taken well."""


def resident_bytes() -> int:
    """Of this process, now."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


async def run(name: str, count: int, seed: int, tell: Callable[[int], None] = lambda _: None) -> Outcome:
    """So many samples. FuzzError names the first that raised or made somebody log an error."""
    kind = TARGETS[name]
    mutator = Mutator(kind.corpus, seed)
    trouble: list[str] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: trouble.append(repr(context)))
    with _listening(trouble):
        target = kind(mutator)
        started, warm = time.perf_counter(), resident_bytes()
        for number in range(count):
            sample = mutator.sample()
            try:
                await target.feed(sample)
            except Exception as error:
                raise FuzzError(f"{name}, seed {seed}, sample {number}: {sample!r}") from error
            if trouble:
                raise FuzzError(f"{name}, seed {seed}, sample {number}: {sample!r}: {trouble[0]}")
            if number % LOOK_EVERY == 0:
                await asyncio.sleep(0)
                tell(number)
            if number == int(count * WARM):
                gc.collect()
                warm = resident_bytes()
        seconds = time.perf_counter() - started
        gc.collect()
        growth = resident_bytes() - warm
        await target.end()
    if trouble:
        raise FuzzError(f"{name}, seed {seed}, at its end: {trouble[0]}")
    return Outcome(name, count, seconds, growth)


def judge(name: str, count: int, seed: int) -> Outcome | str:
    """`run` for a process of its own; what went wrong is told in words."""
    try:
        return asyncio.run(run(name, count, seed))
    except FuzzError as error:
        return f"{error} {error.__cause__ or ''}"


@contextmanager
def _listening(trouble: list[str]) -> Iterator[None]:
    """Take down every error that is logged, by either library, and let nothing be printed."""

    def taken(_logger: Any, method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        if method in ("error", "exception", "critical"):
            trouble.append(repr(dict(event)))
        raise structlog.DropEvent

    handler = _Taken(trouble)
    root = logging.getLogger()
    before, configuration = root.handlers[:], structlog.get_config()
    root.handlers[:] = [handler]
    structlog.configure(processors=[taken], cache_logger_on_first_use=False)
    try:
        yield
    finally:
        root.handlers[:] = before
        structlog.configure(**configuration)


class _Taken(logging.Handler):
    def __init__(self, trouble: list[str]) -> None:
        super().__init__()
        self._trouble = trouble

    def emit(self, record: logging.LogRecord) -> None:
        if record.levelno >= logging.ERROR:
            self._trouble.append(self.format(record))
