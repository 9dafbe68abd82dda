"""Databases for tests on a real PostgreSQL: the one named by LIVEROOM_TEST_POSTGRES_URL, else one of our own.

Its user may make databases. One server serves a run, started when the first test asks; every test has a database of its
own, cloned from a migrated one.
"""

import asyncio
import atexit
import itertools
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache

import asyncpg  # type: ignore[import-untyped]  # used to make databases only
from sqlalchemy.engine import URL, make_url

from store import migrations
from store.postgresql_connection import with_driver
from tests.store.postgresql_process import PostgresProcess

GIVEN = "LIVEROOM_TEST_POSTGRES_URL"
_EMPTY = "template0 ENCODING 'UTF8' LOCALE 'C'"
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
    """The URL of an empty database, gone afterwards."""
    with _database(on or server(), _EMPTY) as url:
        yield url


@contextmanager
def migrated() -> Iterator[str]:
    """The URL of a database at the schema of this version, gone afterwards."""
    with _database(server(), _template()) as url:
        yield url


@contextmanager
def _database(on: URL, template: str) -> Iterator[str]:
    url = _create(on, template)
    try:
        yield url.render_as_string(hide_password=False)
    finally:
        _aside(lambda: _execute(on, f"DROP DATABASE {url.database} WITH (FORCE)"))


def _create(on: URL, template: str) -> URL:
    name = f"liveroom_test_{os.getpid()}_{next(_numbers)}"
    _aside(lambda: _execute(on, f"CREATE DATABASE {name} TEMPLATE {template}"))
    return on.set(database=name)


@cache
def _template() -> str:
    url = _create(server(), _EMPTY)
    _aside(lambda: asyncio.run(migrations.upgrade(url.render_as_string(hide_password=False))))
    if os.environ.get(GIVEN):
        atexit.register(_execute, server(), f"DROP DATABASE {url.database} WITH (FORCE)")
    return str(url.database)


def _aside(work: Callable[[], None]) -> None:
    with ThreadPoolExecutor(1) as thread:  # an event loop may be running already where this is called from
        thread.submit(work).result()


def _execute(url: URL, statement: str) -> None:
    async def execute() -> None:
        connection = await asyncpg.connect(
            host=url.host, port=url.port, user=url.username, password=url.password, database=url.database
        )
        try:
            await connection.execute(statement)
        finally:
            await connection.close()

    asyncio.run(execute())
