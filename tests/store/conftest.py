from collections.abc import AsyncIterator, Callable
from itertools import count
from pathlib import Path

import pytest

from store import migrations
from store.database_sql import Database


class FakeClock:
    """Milliseconds that move only when told to."""

    def __init__(self, now_ms: int = 1_800_000_000_000) -> None:
        self.now_ms = now_ms

    def __call__(self) -> int:
        return self.now_ms

    def advance(self, milliseconds: int) -> None:
        self.now_ms += milliseconds


def counting_ids() -> Callable[[], str]:
    numbers = count(1)
    return lambda: f"{next(numbers):026d}"


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
