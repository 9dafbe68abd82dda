"""Bring a database to the schema of this version, and tell whether it is there."""

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import TypeVar

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import AsyncConnection

from store.database_sql import writer_engine

_SCHEMA = Path(__file__).parent / "schema"
_VERSIONS = _SCHEMA / "versions"
_T = TypeVar("_T")


@cache
def head() -> str:
    """The revision this version of the code works with."""
    return str(ScriptDirectory.from_config(_config()).as_revision_number("head"))


def knows(revision: str) -> bool:
    """Whether this version can bring a database of that revision to its own."""
    return any(each.revision == revision for each in ScriptDirectory.from_config(_config()).walk_revisions())


async def current(url: str) -> str | None:
    """The revision a database stands at; None for an empty one."""
    return await _run(url, lambda connection: MigrationContext.configure(connection).get_current_revision())


async def is_current(connection: AsyncConnection) -> bool:
    """Whether a database may be served by this version. Only reads, so that it can be asked all the time."""
    stands_at = await connection.run_sync(lambda one: MigrationContext.configure(one).get_current_revision())
    return stands_at == head()


async def upgrade(url: str, revision: str = "head") -> None:
    """Migrate a database, in one transaction. Takes the same URL as `Database.open`; idempotent."""

    def migrate(connection: Connection) -> None:
        if connection.dialect.name == "postgresql":  # whoever else migrates waits, and finds nothing left to do
            connection.execute(text("SET LOCAL lock_timeout = 0"))
            connection.execute(text("SELECT pg_advisory_xact_lock(hashtextextended('migrate', 0))"))
        config = _config()
        config.attributes["connection"] = connection
        command.upgrade(config, revision)

    await _run(url, migrate)


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(_SCHEMA).replace("%", "%%"))
    config.set_main_option("version_locations", str(_VERSIONS).replace("%", "%%"))
    config.set_main_option("path_separator", "newline")
    return config


async def _run(url: str, work: Callable[[Connection], _T]) -> _T:
    engine = writer_engine(make_url(url), seconds=None)
    try:
        async with engine.begin() as connection:
            return await connection.run_sync(work)
    finally:
        await engine.dispose()
