"""PostgreSQL: engines whose transactions wait for a bounded time, and which of its errors tell of a lost race."""

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import event
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError, DisconnectionError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

LOCK_TIMEOUT_MS: Final = 3_000
"""How long a transaction waits for a lock that another one holds."""
IDLE_TIMEOUT_MS: Final = 5_000
"""How long the server keeps the locks of a transaction whose process stands still."""
CONNECT_SECONDS: Final = 5.0
COMMAND_SECONDS: Final = 30.0
"""A statement without an answer for this long has lost its server."""
POOL_SECONDS: Final = 30.0
"""How long a transaction waits for a connection of its pool."""

NUL: Final = "\x00"
REPLACEMENT: Final = "\ufffd"

RACES: Final = {
    "40001": "another transaction wrote first",
    "40P01": "two transactions waited for each other",
    "55P03": "a lock was not free in time",
    "25P03": "this process stood still for too long",
    "23505": "another transaction inserted the same first",
}
"""SQLSTATE of a rolled back transaction that may be decided again -> what happened."""


def with_driver(url: URL) -> URL:
    """`postgresql://` as others write it means our driver."""
    return url.set(drivername="postgresql+asyncpg") if url.drivername in {"postgresql", "postgres"} else url


def create_engine(url: URL, *, connections: int, isolation_level: str, seconds: float | None) -> AsyncEngine:
    """An engine of so many connections. A command without an answer for `seconds` fails; None: it may take its time."""
    engine = create_async_engine(
        with_driver(url),
        pool_size=connections,
        max_overflow=0,
        pool_timeout=POOL_SECONDS,
        isolation_level=isolation_level,
        hide_parameters=True,  # errors are logged, and hold user ids, keys and names otherwise
        connect_args={
            "timeout": CONNECT_SECONDS,
            "command_timeout": seconds,
            "server_settings": {
                "application_name": "liveroom",
                "lock_timeout": str(LOCK_TIMEOUT_MS),
                "idle_in_transaction_session_timeout": str(IDLE_TIMEOUT_MS),
                "jit": "off",  # compiling takes longer than any query of ours
            },
        },
    )

    @event.listens_for(engine.sync_engine, "checkout")
    def _on_checkout(connection: Any, _record: object, _proxy: object) -> None:
        # the server was restarted: known without asking, and the pool opens another connection
        if connection.driver_connection.is_closed():
            raise DisconnectionError("the server has closed this connection")

    @event.listens_for(engine.sync_engine, "before_cursor_execute", retval=True)
    def _on_execute(
        _connection: object, _cursor: object, statement: str, parameters: Any, _context: object, *is_many: bool
    ) -> tuple[str, Any]:
        if any(is_many):
            return statement, [_storable(row) for row in parameters]
        return statement, _storable(parameters)

    return engine


def _storable(parameters: Sequence[Any]) -> Sequence[Any]:
    """PostgreSQL's text holds no NUL, SQLite's does: what is asked for with one is not there, what is said loses it."""
    if any(isinstance(value, str) and NUL in value for value in parameters):
        return tuple(value.replace(NUL, REPLACEMENT) if isinstance(value, str) else value for value in parameters)
    return parameters


def race_in(error: DBAPIError) -> str | None:
    """What happened, if this is an error after which the same transaction may succeed."""
    if type(error.orig).__name__ == "InvalidCachedStatementError":
        return "the schema was migrated meanwhile"
    return RACES.get(getattr(error.orig, "sqlstate", None) or "")
