import asyncio
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, inspect
from sqlalchemy.engine import make_url

from store import migrations
from store.database_sql import metadata, writer_engine
from tests.store import homes

for registered in ("presale.tables_sql", "rooms.tables_sql"):
    import_module(registered)


@pytest.fixture
def url(home: str, tmp_path: Path) -> Iterator[str]:
    with homes.empty(home, tmp_path) as made:
        yield made


@pytest.fixture
def other_url(home: str, tmp_path: Path) -> Iterator[str]:
    (tmp_path / "other").mkdir()
    with homes.empty(home, tmp_path / "other") as made:
        yield made


async def is_current(url: str) -> bool:
    engine = writer_engine(make_url(url))
    async with engine.connect() as connection:
        found = await migrations.is_current(connection)
    await engine.dispose()
    return found


async def test_an_empty_database_reaches_the_head_and_stays_there(url: str) -> None:
    assert await migrations.current(url) is None
    assert not await is_current(url)
    await migrations.upgrade(url)
    assert await is_current(url)
    await migrations.upgrade(url)
    assert await migrations.current(url) == migrations.head()


async def test_the_migrated_schema_is_what_the_code_describes(url: str) -> None:
    await migrations.upgrade(url)
    engine = writer_engine(make_url(url))

    def differences(connection: Connection) -> list[object]:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        return list(compare_metadata(context, metadata))

    async with engine.begin() as connection:
        assert await connection.run_sync(differences) == []
    await engine.dispose()


async def test_the_migrated_checks_are_what_the_code_describes(url: str, other_url: str) -> None:
    """Alembic does not compare CHECK constraints, and the seats hang on one."""
    await migrations.upgrade(url)
    checks = []
    for each in (url, other_url):
        engine = writer_engine(make_url(each))
        async with engine.begin() as connection:
            if each == other_url:
                await connection.run_sync(metadata.create_all)
            checks.append(await connection.run_sync(_checks))
        await engine.dispose()
    assert checks[0] == checks[1]
    (capacity,) = [text for table, name, text in checks[0] if (table, name) == ("products", "ck_products_capacity")]
    assert capacity.replace("(", "").replace(")", "") == "sold + held <= capacity"


@homes.only_on_postgresql
async def test_several_that_migrate_at_once_migrate_once(url: str) -> None:
    await asyncio.gather(*(migrations.upgrade(url) for _ in range(3)))
    assert await is_current(url)


def _checks(connection: Connection) -> set[tuple[str, str, str]]:
    inspector = inspect(connection)
    return {
        (table, str(check["name"]), str(check["sqltext"]))
        for table in inspector.get_table_names()
        for check in inspector.get_check_constraints(table)
    }
