"""SQLite on the event loop: statements run where they are, only what may wait runs on the driver's thread.

aiosqlite sends every call to a thread and takes its answer at a later turn of the event loop. A transaction of
fifteen statements makes some fifty such journeys, and a writing one holds the one write lock through all of them:
in a gateway that is busy sending, each takes tens of milliseconds, the box office comes to a few transactions a
second and a host waits seconds for a button. A statement itself takes some fifty microseconds. What can take long
is to get the write lock (BEGIN IMMEDIATE, while another process writes) and to reach the disk (COMMIT, and with it
a checkpoint): these stay on the thread. So do queries that read much: they take `Database.survey`.
"""

import sqlite3
from collections.abc import Callable
from typing import Any, Final

import aiosqlite

MAY_WAIT: Final = ("BEGIN IMMEDIATE", "PRAGMA")
"""Statements that may wait for a lock; changing the journal mode is a PRAGMA."""
WAITING_CALLS: Final = frozenset({"commit", "close"})
"""Methods of a connection that may wait; a cursor's `close` does nothing."""
ROWS_AT_A_TIME: Final = 64


class LocalConnection(aiosqlite.Connection):
    """For one transaction at a time, as the pool of an engine hands it out.

    Overrides aiosqlite's one gate to its thread, whose name is private: its version is pinned for that.
    """

    def __init__(self, connector: Callable[[], sqlite3.Connection]) -> None:
        super().__init__(connector, ROWS_AT_A_TIME)
        self._thread.daemon = True  # as SQLAlchemy does with connections it opens itself
        self._asked, self._done = 0, 0

    async def _execute(self, fn: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        # a cancelled call may still be under way on the thread: whatever comes after it queues behind it
        if self._asked == self._done and self._connection is not None and not _may_wait(fn, args):
            return fn(*args, **kwargs)
        self._asked += 1  # written by the loop only, as `_done` is by the thread only: no lock needed

        def tracked() -> Any:
            try:
                return fn(*args, **kwargs)
            finally:
                self._done += 1

        return await super()._execute(tracked)  # type: ignore[no-untyped-call]  # aiosqlite's own gate


class Glance:
    """Reads what is committed at once, on the event loop's own time: for one row or a few, by a key."""

    def __init__(self, path: str) -> None:
        self._connection = sqlite3.connect(path, timeout=0, isolation_level=None, check_same_thread=False)
        self._connection.execute("PRAGMA query_only = ON")

    def rows(self, statement: str, parameters: tuple[str, ...]) -> list[tuple[Any, ...]] | None:
        """The rows; None where they cannot be read now."""
        try:
            return self._connection.execute(statement, parameters).fetchall()
        except sqlite3.Error:
            return None

    def close(self) -> None:
        """Close the connection. Idempotent."""
        self._connection.close()


async def connect(*args: Any, **options: Any) -> LocalConnection:
    """Open a connection with the arguments of `sqlite3.connect`."""
    shared = {**options, "check_same_thread": False}  # two threads, never at once
    connection = LocalConnection(lambda: sqlite3.connect(*args, **shared))
    await connection
    return connection


def _may_wait(fn: Callable[..., Any], args: tuple[Any, ...]) -> bool:
    if isinstance(getattr(fn, "__self__", None), sqlite3.Connection) and fn.__name__ in WAITING_CALLS:
        return True
    statement = args[0] if args else None
    return isinstance(statement, str) and statement.startswith(MAY_WAIT)
