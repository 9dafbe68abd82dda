"""Counts the write transactions that callers cause, and not those of the house's own clockwork."""

import sys
from contextlib import AbstractAsyncContextManager
from importlib import import_module
from typing import Any

import pytest

from store.database_sql import Database, UnitOfWork

CLOCKWORK = (
    "gateway.live.upkeep",
    "gateway.live.rooms",
    "gateway.live.stage_watch",
    "store.jobs_sql",
    "store.outbox_sql",
)
"""Modules that write by the clock."""


class Writes:
    """Which functions have opened a write transaction."""

    def __init__(self) -> None:
        self.by: list[str] = []

    def take(self) -> list[str]:
        """Those since the last call."""
        taken, self.by = self.by, []
        return taken


def counted(monkeypatch: pytest.MonkeyPatch) -> Writes:
    """From now on, until the end of the test."""
    for module in CLOCKWORK:
        import_module(module)  # one that has moved would have its writes counted as a caller's
    writes, real = Writes(), Database.write

    def write(db: Database, **options: Any) -> AbstractAsyncContextManager[UnitOfWork]:
        frame = sys._getframe(1)
        module = str(frame.f_globals["__name__"])
        if module not in CLOCKWORK:
            writes.by.append(f"{module.rpartition('.')[2]}.{frame.f_code.co_name}")
        return real(db, **options)

    monkeypatch.setattr(Database, "write", write)
    return writes
