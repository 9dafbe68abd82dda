from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from store import migrations
from store.database_sql import Database
from tests.store.fakes import FakeClock, counting_ids


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite+aiosqlite:///{tmp_path / 'liveroom.sqlite'}"


@pytest.fixture
async def db(url: str, clock: FakeClock) -> AsyncIterator[Database]:
    await migrations.upgrade(url)
    database = await Database.open(url, clock=clock, new_id=counting_ids())
    yield database
    await database.close()
