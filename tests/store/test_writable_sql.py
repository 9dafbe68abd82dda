import contextlib
import sqlite3
from pathlib import Path

import pytest
from sqlalchemy import insert, select, text
from sqlalchemy.exc import IntegrityError, OperationalError

from store import jobs_sql
from store.database_sql import Database
from store.tables_sql import jobs
from tests.store.full_disk import full_disk
from tests.store.homes import only_on_sqlite


@pytest.fixture
async def path(db: Database, url: str) -> Path:  # of SQLite's file
    await enqueue(db, "first")  # so that there is a log, and a job to come upon
    return Path(url.partition(":///")[2])


async def enqueue(db: Database, key: str) -> None:
    async with db.write() as uow:
        await uow.enqueue("kind", key, b"", uow.now_ms + 1)


def writable(db: Database) -> bool:
    return db.is_writable  # asked anew each time, which mypy does not expect of an attribute


async def keys(db: Database) -> list[str]:
    async with db.read() as connection:
        return [row.key for row in await connection.execute(select(jobs.c.key).order_by(jobs.c.id))]


@only_on_sqlite
async def test_a_full_disk_is_known_from_the_first_write_it_fails_until_one_it_takes(db: Database, path: Path) -> None:
    assert writable(db)
    with full_disk(path):
        assert writable(db), "nobody has met it yet"
        with pytest.raises(OperationalError):
            await enqueue(db, "second")
        assert not writable(db)
        assert await keys(db) == ["first"], "reading goes on"
    assert not writable(db), "nobody has written yet"
    await enqueue(db, "third")
    assert writable(db)
    assert await keys(db) == ["first", "third"]


@only_on_sqlite
async def test_a_transaction_that_writes_nothing_proves_nothing(db: Database, path: Path) -> None:
    with full_disk(path):
        with pytest.raises(OperationalError):
            await enqueue(db, "second")
        async with db.write() as uow:
            await uow.connection.execute(text("SELECT 1"))
        assert not writable(db)


@only_on_sqlite
async def test_a_worker_with_nothing_to_do_finds_out_that_the_disk_has_room_again(db: Database, path: Path) -> None:
    with full_disk(path):
        with pytest.raises(OperationalError):
            await enqueue(db, "second")
        with pytest.raises(OperationalError):
            await jobs_sql.claim(db, 10, 1000)
        assert not writable(db)
    assert await jobs_sql.claim(db, 10, 1000) == []
    assert writable(db)
    assert await keys(db) == ["first"], "what it wrote to find out is gone"


@only_on_sqlite
async def test_a_lock_that_another_process_keeps_is_known_as_well(db: Database, path: Path) -> None:
    async with db.write() as uow:
        await uow.connection.execute(text("PRAGMA busy_timeout = 1"))
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as stranger:
        stranger.execute("BEGIN IMMEDIATE")
        with pytest.raises(OperationalError, match="locked"):
            await enqueue(db, "second")
        assert not writable(db)
        stranger.execute("COMMIT")
    await enqueue(db, "third")
    assert writable(db)


async def test_a_write_that_could_never_be_taken_says_nothing_of_the_database(db: Database) -> None:
    with pytest.raises(IntegrityError):
        async with db.write() as uow:
            await uow.connection.execute(insert(jobs).values(id="x"))
    assert writable(db)
