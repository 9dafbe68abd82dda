"""Counts the write transactions that callers cause, and not those of the house's own clockwork."""

import sys
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import pytest

from store.database_sql import Database, UnitOfWork

ROOT = Path(__file__).parents[1]
CLOCKWORK = ("jobs", "upkeep", "relay", "rooms", "stage_watch", "jobs_sql", "outbox_sql")
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
    writes, real = Writes(), Database.write

    def write(db: Database, **options: Any) -> AbstractAsyncContextManager[UnitOfWork]:
        frame = sys._getframe(1)
        module = Path(frame.f_code.co_filename).stem
        if module not in CLOCKWORK:
            writes.by.append(f"{module}.{frame.f_code.co_name}")
        return real(db, **options)

    monkeypatch.setattr(Database, "write", write)
    return writes
