"""What a kind of job provides: a handler, and a result that asks for another attempt."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from store.jobs_sql import Job


@dataclass(frozen=True, slots=True)
class Again:
    """The job is not done yet and should run again after the usual wait."""

    reason: str


Handler = Callable[[Job], Awaitable[Again | None]]
"""Runs a job; None means done. Must be safe to run many times. An exception counts as `Again`."""
