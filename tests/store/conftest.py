from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from store.database_sql import Database
from tests.store import homes
from tests.store.fakes import FakeClock, counting_ids


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def url(home: str, tmp_path: Path) -> Iterator[str]:
    """Of the database that `db` is."""
    with homes.migrated(home, tmp_path) as made:
        yield made


@pytest.fixture
async def db(url: str, clock: FakeClock) -> AsyncIterator[Database]:
    database = await Database.open(url, clock=clock, new_id=counting_ids())
    yield database
    await database.close()
