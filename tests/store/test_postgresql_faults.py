"""PostgreSQL killed and frozen under a running database."""

import asyncio
from collections.abc import Iterator

import pytest

from store import jobs_sql, migrations
from store.database_sql import Database, RacedError
from tests.store import postgresql
from tests.store.fakes import FakeClock, counting_ids
from tests.store.postgresql_process import PostgresProcess


@pytest.fixture
def server() -> Iterator[PostgresProcess]:
    process = PostgresProcess()
    process.start()
    yield process
    process.discard()


async def test_what_was_committed_survives_a_crash_and_the_pools_find_the_server_again(
    server: PostgresProcess, clock: FakeClock
) -> None:
    with postgresql.fresh(server.url) as url:
        await migrations.upgrade(url)
        db = await Database.open(url, clock=clock, new_id=counting_ids())
        await enqueue(db, "before")
        server.crash()
        async with asyncio.timeout(5):
            while writable(db):  # the first to come may only find its connection lost
                with pytest.raises((RacedError, OSError)):
                    await enqueue(db, "meanwhile")
        server.start()
        await enqueue(db, "after")
        assert writable(db)
        assert [job.key for job in await jobs_sql.claim(db, 10, 1000)] == ["before", "after"]
        await db.close()


async def test_a_transaction_waits_out_a_server_that_stands_still(server: PostgresProcess, clock: FakeClock) -> None:
    with postgresql.fresh(server.url) as url:
        await migrations.upgrade(url)
        db = await Database.open(url, clock=clock, new_id=counting_ids())
        await enqueue(db, "before")
        server.freeze()
        waiting = asyncio.create_task(enqueue(db, "meanwhile"))
        done, _ = await asyncio.wait([waiting], timeout=0.1)
        assert not done
        server.thaw()
        async with asyncio.timeout(5):
            await waiting
        await db.close()


async def enqueue(db: Database, key: str) -> None:
    async with db.write() as uow:
        await uow.enqueue("kind", key, b"", uow.now_ms)


def writable(db: Database) -> bool:
    return db.is_writable  # asked anew each time, which mypy does not expect of an attribute
