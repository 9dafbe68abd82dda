"""The two homes of the truth. What a suite promises of one it promises of both: ask for the fixture `home`."""

import asyncio
import shutil
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import pytest

from store import migrations
from tests.store import postgresql

SQLITE, POSTGRESQL = "sqlite", "postgresql"
HOMES = (SQLITE, POSTGRESQL)

only_on_sqlite = pytest.mark.parametrize("home", [SQLITE])
only_on_postgresql = pytest.mark.parametrize("home", [POSTGRESQL])


@contextmanager
def empty(home: str, folder: Path) -> Iterator[str]:
    """The URL of a database without tables."""
    if home == SQLITE:
        yield sqlite_url(folder)
    else:
        with postgresql.fresh() as url:
            yield url


@contextmanager
def migrated(home: str, folder: Path) -> Iterator[str]:
    """The URL of a database at the schema of this version."""
    if home == SQLITE:
        shutil.copy(_template(), folder / FILE)
        yield sqlite_url(folder)
    else:
        with postgresql.migrated() as url:
            yield url


FILE = "liveroom.sqlite"


def sqlite_url(folder: Path) -> str:
    """Where `migrated` and `empty` have it."""
    return f"sqlite+aiosqlite:///{folder / FILE}"


@cache
def _template() -> Path:
    """One migrated file, copied by every test: migrating each anew would take most of the time."""
    folder = Path(tempfile.mkdtemp(prefix="liveroom-test-"))
    with ThreadPoolExecutor(1) as thread:  # a loop is running already where this is called from
        thread.submit(lambda: asyncio.run(migrations.upgrade(sqlite_url(folder)))).result()
    return folder / FILE
