"""Databases for tests on a real PostgreSQL: the one named by LIVEROOM_TEST_POSTGRES_URL, else one of our own.

Its user may make databases. One server serves a run, started when the first test asks. Every test has a database to
itself; one with tables is emptied afterwards and serves again, for to make one takes longer than most tests.
"""

import asyncio
import atexit
import itertools
import os
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from threading import Thread
from typing import Any, TypeVar

import asyncpg  # type: ignore[import-untyped]  # used to make and to empty databases only
from sqlalchemy.engine import URL, make_url

from store import migrations
from store.postgresql_connection import with_driver
from tests.store.postgresql_process import PostgresProcess
from tests.store.registered import metadata

GIVEN = "LIVEROOM_TEST_POSTGRES_URL"
_EMPTY = "CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C'"
_DROP = "DROP DATABASE {name} WITH (FORCE)"
_OTHERS = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> {pid}"
_CONSTRAINTS = "SELECT count(*) FROM pg_constraint WHERE connamespace = 'public'::regnamespace"
_T = TypeVar("_T")
_numbers = itertools.count()


@cache
def server() -> URL:
    """The one server of this run. Raises where none can be had: no test is skipped for want of it."""
    given = os.environ.get(GIVEN)
    if given:
        return with_driver(make_url(given))
    process = PostgresProcess()
    atexit.register(process.discard)
    process.start()
    return process.url


@contextmanager
def fresh(on: URL | None = None) -> Iterator[str]:
    """The URL of a new database without tables, gone afterwards."""
    of = on or server()
    url = _aside(_create(of))
    try:
        yield _spoken(url)
    finally:
        _aside(_execute(of, _DROP.format(name=url.database)))


@contextmanager
def migrated() -> Iterator[str]:
    """The URL of a database at the schema of this version, with nothing in it."""
    spare = _spares.pop() if _spares else _aside(_make())
    try:
        yield _spoken(spare.url)
    finally:
        if _aside(spare.is_clean_again()):
            _spares.append(spare)
        else:
            _aside(spare.drop())


@dataclass(frozen=True)
class _Spare:
    url: URL
    connection: Any
    constraints: int

    async def is_clean_again(self) -> bool:
        """Empty all tables; False if somebody has changed the schema itself."""
        await self.connection.execute(_OTHERS.format(pid=self.connection.get_server_pid()))
        tables = [table.name for table in reversed(metadata.sorted_tables)]
        await self.connection.execute("; ".join(f"DELETE FROM {table}" for table in tables))  # noqa: S608
        return bool(await self.connection.fetchval(_CONSTRAINTS) == self.constraints)

    async def drop(self) -> None:
        await self.connection.close()
        await _execute(server(), _DROP.format(name=self.url.database))


_spares: list[_Spare] = []


async def _make() -> _Spare:
    url = await _create(server())
    await migrations.upgrade(_spoken(url))
    connection = await _connect(url)
    return _Spare(url, connection, await connection.fetchval(_CONSTRAINTS))


async def _create(on: URL) -> URL:
    name = f"liveroom_test_{os.getpid()}_{next(_numbers)}"
    await _execute(on, _EMPTY.format(name=name))
    return on.set(database=name)


async def _execute(url: URL, statement: str) -> None:
    connection = await _connect(url)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


async def _connect(url: URL) -> Any:
    return await asyncpg.connect(
        host=url.host, port=url.port, user=url.username, password=url.password, database=url.database
    )


def _spoken(url: URL) -> str:
    return url.render_as_string(hide_password=False)


def _aside(work: Coroutine[Any, Any, _T]) -> _T:
    """In an event loop of its own: wherever this is called from, another one may be running."""
    return asyncio.run_coroutine_threadsafe(work, _loop()).result()


@cache
def _loop() -> asyncio.AbstractEventLoop:
    server()  # first, so that what is registered here ends before it does
    loop = asyncio.new_event_loop()
    Thread(target=loop.run_forever, name="databases of tests", daemon=True).start()
    atexit.register(_forget_all)
    return loop


def _forget_all() -> None:
    for spare in _spares:
        _aside(spare.drop())
    _loop().call_soon_threadsafe(_loop().stop)
