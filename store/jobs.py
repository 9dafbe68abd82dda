"""What a kind of job has to bring: a handler, and a way to say that it is not done yet."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from store.jobs_sql import Job


@dataclass(frozen=True, slots=True)
class Again:
    """A job that is not done yet and should run again after the usual wait."""

    reason: str


Handler = Callable[[Job], Awaitable[Again | None]]
"""Does a job; None means done. Must be safe to run many times. An exception counts as `Again`."""
