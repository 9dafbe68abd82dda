import asyncio
import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, inspect, text, update
from sqlalchemy.engine import make_url

from store import migrations
from store.database_sql import writer_engine
from store.tables_sql import schema_floor
from tests.store import homes
from tests.store.registered import metadata

ROOT = Path(migrations.__file__).parents[1]


@pytest.fixture
def url(home: str, tmp_path: Path) -> Iterator[str]:
    with homes.empty(home, tmp_path) as made:
        yield made


@pytest.fixture
def other_url(home: str, tmp_path: Path) -> Iterator[str]:
    (tmp_path / "other").mkdir()
    with homes.empty(home, tmp_path / "other") as made:
        yield made


async def is_served(url: str) -> bool:
    engine = writer_engine(make_url(url))
    async with engine.connect() as connection:
        found = await migrations.is_served(connection)
    await engine.dispose()
    assert found is await migrations.serves(url)
    return found


async def become(url: str, revision: str, serves_since: str) -> None:
    """What a newer version's `liveroom migrate` leaves behind."""
    engine = writer_engine(make_url(url))
    async with engine.begin() as connection:
        await connection.execute(text("UPDATE alembic_version SET version_num = :revision"), {"revision": revision})
        await connection.execute(update(schema_floor).values(serves_since=serves_since))
    await engine.dispose()


async def test_an_empty_database_reaches_the_head_and_stays_there(url: str) -> None:
    assert await migrations.current(url) is None
    assert not await is_served(url)
    await migrations.upgrade(url)
    assert await is_served(url)
    await migrations.upgrade(url)
    assert await migrations.current(url) == migrations.head()


async def test_an_older_version_goes_on_serving_a_newer_schema_that_allows_it(url: str) -> None:
    await migrations.upgrade(url)
    await become(url, "9999", serves_since=migrations.head())
    assert await is_served(url)


async def test_an_older_version_does_not_serve_a_newer_schema_that_needs_newer_code(url: str) -> None:
    await migrations.upgrade(url)
    await become(url, "9999", serves_since="9998")
    assert not await is_served(url)


async def test_an_older_schema_is_not_served(url: str) -> None:
    await migrations.upgrade(url, "0003")
    assert not await is_served(url)


def test_every_revision_says_which_code_can_live_with_it() -> None:
    # and only ever a later one than the revision before it: a floor never sinks
    floors = [
        import_module(f"store.schema.versions.{path.stem}").serves_since
        for path in sorted(Path(migrations.__file__).parent.glob("schema/versions/0*.py"))
        if path.stem >= "0004"
    ]
    assert floors == sorted(floors)
    assert floors[-1] <= migrations.head()


@pytest.mark.parametrize("page", ["CHANGELOG.md", "docs/operating.md"])
def test_operators_are_told_where_the_schema_stands_and_which_code_may_stay(page: str) -> None:
    [newest] = Path(migrations.__file__).parent.glob(f"schema/versions/{migrations.head()}_*.py")
    floor = import_module(f"store.schema.versions.{newest.stem}").serves_since
    told = " ".join((ROOT / page).read_text().split())
    assert re.search(f"schema {migrations.head()}[ .]", told, re.IGNORECASE)
    assert f"ode from {floor} on beside it" in told


async def test_the_news_of_rooms_that_are_there_are_counted_on_from_their_countdowns(url: str) -> None:
    await migrations.upgrade(url, "0004")
    engine = writer_engine(make_url(url))
    async with engine.begin() as connection:
        for room in ("quiet", "busy"):
            await connection.execute(
                text(
                    "INSERT INTO rooms "
                    "(id, show_id, title, access, phase, switches, doors_ms, start_ms, gifts, version) "
                    "VALUES (:room, :room, '', 'free', 'live', '{}', 0, 0, '[]', 1)"
                ),
                {"room": room},
            )
        for name, version in (("encore", 7), ("raffle", 2)):
            await connection.execute(
                text(
                    "INSERT INTO countdowns (room_id, id, label, target_ms, version) "
                    "VALUES ('busy', :name, '', 0, :version)"
                ),
                {"name": name, "version": version},
            )
    await migrations.upgrade(url)
    async with engine.connect() as connection:
        counted = (await connection.execute(text("SELECT room_id, version FROM room_news ORDER BY room_id"))).all()
    await engine.dispose()
    assert [tuple(row) for row in counted] == [("busy", 7), ("quiet", 0)]


async def test_a_show_keeps_its_schedule_with_its_room_alone(url: str) -> None:
    await migrations.upgrade(url, "0012")
    engine = writer_engine(make_url(url))
    async with engine.begin() as connection:
        await connection.execute(
            text(
                "INSERT INTO rooms (id, show_id, title, access, phase, switches, doors_ms, start_ms, gifts, version) "
                "VALUES ('room', 'show', 'Night', 'open', 'presale', '{}', 5, 6, '[]', 3)"
            )
        )
        await connection.execute(
            text(
                "INSERT INTO shows (id, room_id, title, access, currency, doors_ms, start_ms, refund_until_ms, "
                "credit_minor, version) VALUES ('show', 'room', 'Night', 'open', 'CNY', 5, 6, 7, 8, 9)"
            )
        )
        await connection.execute(
            text(
                "INSERT INTO products (id, show_id, name, tier, price_minor, capacity, credits, sold, held, version) "
                "VALUES ('main', 'show', 'Main', 'main', 100, 10, 0, 2, 1, 4)"
            )
        )
    await migrations.upgrade(url)
    async with engine.connect() as connection:
        columns = await connection.run_sync(lambda sync: {each["name"] for each in inspect(sync).get_columns("shows")})
        show = (
            await connection.execute(text("SELECT currency, refund_until_ms, credit_minor, version FROM shows"))
        ).one()
        room = (await connection.execute(text("SELECT title, access, doors_ms, start_ms, version FROM rooms"))).one()
        sold = (await connection.execute(text("SELECT show_id, sold, held FROM products"))).one()
    await engine.dispose()
    assert not columns & {"title", "access", "doors_ms", "start_ms"}
    assert tuple(show) == ("CNY", 7, 8, 9)
    assert tuple(room) == ("Night", "open", 5, 6, 3)
    assert tuple(sold) == ("show", 2, 1)


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
    assert await is_served(url)


def _checks(connection: Connection) -> set[tuple[str, str, str]]:
    inspector = inspect(connection)
    return {
        (table, str(check["name"]), str(check["sqltext"]))
        for table in inspector.get_table_names()
        for check in inspector.get_check_constraints(table)
    }
