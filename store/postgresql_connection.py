"""PostgreSQL: engines whose transactions wait for a bounded time, and which of its errors tell of a lost race."""

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import event
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError, DisconnectionError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

LOCK_TIMEOUT_MS: Final = 3_000
"""How long a transaction waits for a lock of another one."""
IDLE_TIMEOUT_MS: Final = 5_000
"""After this long idle in a transaction, the server ends the session and frees its locks."""
CONNECT_SECONDS: Final = 5.0
COMMAND_SECONDS: Final = 30.0
"""A statement without an answer for this long fails: the connection counts as lost."""
POOL_SECONDS: Final = 30.0
"""How long a transaction waits for a connection from its pool."""

NUL: Final = "\x00"
REPLACEMENT: Final = "\ufffd"

RACES: Final = {
    "40001": "another transaction wrote first",
    "40P01": "two transactions waited for each other",
    "55P03": "a lock was not free in time",
    "25P03": "this process stood still for too long",
    "23505": "another transaction inserted the same first",
}
"""By SQLSTATE: why a transaction was rolled back that may be retried."""


def with_driver(url: URL) -> URL:
    """The URL with our driver, for one that says `postgresql://`."""
    return url.set(drivername="postgresql+asyncpg") if url.drivername in {"postgresql", "postgres"} else url


def create_engine(url: URL, *, connections: int, isolation_level: str, seconds: float | None) -> AsyncEngine:
    """An engine with this many connections. A command without an answer for `seconds` fails; None: no limit."""
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
    """A string without NUL, which PostgreSQL cannot hold: lookups with one find nothing, stored text drops it."""
    if any(isinstance(value, str) and NUL in value for value in parameters):
        return tuple(value.replace(NUL, REPLACEMENT) if isinstance(value, str) else value for value in parameters)
    return parameters


def race_in(error: DBAPIError) -> str | None:
    """The reason, if this error means that the same transaction may succeed when retried."""
    if type(error.orig).__name__ == "InvalidCachedStatementError":
        return "the schema was migrated meanwhile"
    return RACES.get(getattr(error.orig, "sqlstate", None) or "")
