from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection
from sqlalchemy.engine import make_url

from store import migrations
from store.database_sql import metadata, writer_engine


async def test_an_empty_database_reaches_the_head_and_stays_there(url: str) -> None:
    assert await migrations.current(url) is None
    assert not await migrations.is_current(url)
    await migrations.upgrade(url)
    assert await migrations.is_current(url)
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
