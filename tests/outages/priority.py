"""Lets a measurement go before the machine's other programs, for the seconds that it takes."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def first_in_line(*, is_wanted: bool) -> Iterator[None]:
    """Within, this process and all that it has started or starts are scheduled before others (SCHED_RR)."""
    if not is_wanted:
        yield
        return
    _schedule(os.SCHED_RR, 1)
    try:
        yield
    finally:
        _schedule(os.SCHED_OTHER, 0)


def _schedule(policy: int, priority: int) -> None:
    for thread in _threads(os.getpid()):
        with suppress(ProcessLookupError):
            os.sched_setscheduler(thread, policy, os.sched_param(priority))


def _threads(process: int) -> list[int]:
    """Of a process and of all below it."""
    found: list[int] = []
    with suppress(OSError):
        for task in Path(f"/proc/{process}/task").iterdir():
            found.append(int(task.name))
            for child in (task / "children").read_text("ascii").split():
                found += _threads(int(child))
    return found
