from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from rooms.course import rooms_sql
from store.database_sql import Database
from tests.rooms.stagehouse import OPENING, Stagehouse
from tests.store import homes
from tests.store.fakes import FakeClock, counting_ids


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
async def house(home: str, tmp_path: Path, clock: FakeClock) -> AsyncIterator[Stagehouse]:
    with homes.migrated(home, tmp_path) as url:
        db = await Database.open(url, clock=clock, new_id=counting_ids())
        house = Stagehouse(db)
        assert await house.do(rooms_sql.create_room, OPENING) == OPENING
        yield house
        await db.close()
