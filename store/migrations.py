"""Bring a database to the schema of this version, and tell whether this version may serve it.

Two versions serve side by side while the processes of a house are exchanged: first the database is migrated, then one
process after another. Each revision says by `serves_since` which is the oldest revision whose code can live with it
(docs/adr/0022-two-versions-side-by-side.md).
"""

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import TypeVar

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, delete, insert, select, text
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import AsyncConnection

from store.database_sql import writer_engine
from store.tables_sql import schema_floor

_SCHEMA = Path(__file__).parent / "schema"
_VERSIONS = _SCHEMA / "versions"
_T = TypeVar("_T")


@cache
def head() -> str:
    """The revision that this version of the code works with."""
    return str(ScriptDirectory.from_config(_config()).as_revision_number("head"))


@cache
def knows(revision: str) -> bool:
    """Whether this version can migrate a database from that revision."""
    return any(each.revision == revision for each in ScriptDirectory.from_config(_config()).walk_revisions())


async def current(url: str) -> str | None:
    """The revision of a database; None for an empty one."""
    return await _run(url, _stands_at)


async def serves(url: str) -> bool:
    """Whether this version of the code may serve a database: at its own revision, or at a newer one that allows it."""
    return await _run(url, _is_served)


async def is_served(connection: AsyncConnection) -> bool:
    """As `serves`, for an open database. It only reads, so that it can be called often."""
    return await connection.run_sync(_is_served)


def _stands_at(connection: Connection) -> str | None:
    revision: str | None = MigrationContext.configure(connection).get_current_revision()
    return revision


def _is_served(connection: Connection) -> bool:
    revision = _stands_at(connection)
    if revision is None or knows(revision):
        return revision == head()
    floor = connection.execute(select(schema_floor.c.serves_since)).scalar_one_or_none()
    return floor is not None and floor <= head()  # revisions are numbered, so their names are in order


async def upgrade(url: str, revision: str = "head") -> None:
    """Migrate a database, in one transaction. Takes the same URL as `Database.open`; idempotent."""

    def migrate(connection: Connection) -> None:
        if connection.dialect.name == "postgresql":  # whoever else migrates waits, and finds nothing left to do
            connection.execute(text("SET LOCAL lock_timeout = 0"))
            connection.execute(text("SELECT pg_advisory_xact_lock(hashtextextended('migrate', 0))"))
        config = _config()
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
        _lay_floor(connection)

    await _run(url, migrate)


def _lay_floor(connection: Connection) -> None:
    """Record which older versions may serve the present schema; those before revision 0004 cannot read it."""
    stands_at = _stands_at(connection)
    assert stands_at is not None, "just migrated"
    script = ScriptDirectory.from_config(_config()).get_revision(stands_at)
    serves_since: str | None = getattr(script.module, "serves_since", None)
    if serves_since is not None:
        connection.execute(delete(schema_floor))
        connection.execute(insert(schema_floor).values(id=1, serves_since=serves_since))


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
