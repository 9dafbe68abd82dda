"""Copies of a PostgreSQL database by its own programs, `pg_dump` and `pg_restore`, found on the PATH.

They are told where the database is through their environment: a command line can be read by everybody on the machine.
"""

import asyncio
import os
import re
import shutil
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from sqlalchemy import text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.ext.asyncio import AsyncConnection

from store.backup import (
    OF_THE_SCHEMA,
    REVISIONS,
    BackupError,
    Contents,
    Place,
    Progress,
    require_known,
    require_replaceable,
)
from store.database_sql import writer_engine

ASIDE: Final = "liveroom_replaced"
"""The schema into which a restore moves the tables that it replaces, until it has succeeded."""
CONNECT_SECONDS: Final = "5"
_OF_A_TABLE: Final = re.compile(r"dumping contents of table|processing data for table")
_REVISION_ROW: Final = re.compile(rf"^COPY [^\n]*\b{REVISIONS}\b[^\n]*;\n([^\n\\]+)$", re.MULTILINE)
_TABLES: Final = "SELECT tablename FROM pg_tables WHERE schemaname = :schema ORDER BY tablename"
_OTHERS: Final = """
    SELECT coalesce(nullif(application_name, ''), usename) AS name, count(*) AS sessions FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'
    GROUP BY 1 ORDER BY 1
"""


async def back_up(url: str, target: Path, progress: Progress, *, overwrites: bool) -> Contents:
    """Copy what is committed at this moment to one file in PostgreSQL's custom format; who uses it goes on."""
    dump = _program("pg_dump")
    place = Place(target, overwrites)
    unfinished = place.begin()
    try:
        async with _connected(url, "REPEATABLE READ") as connection:
            contents = await _contents(connection)
            snapshot = (await connection.execute(text("SELECT pg_export_snapshot()"))).scalar_one()
            command = [dump, "--format=custom", "--no-owner", "--no-privileges", "--verbose", f"--snapshot={snapshot}"]
            command += [f"--exclude-schema={ASIDE}", f"--file={unfinished}"]
            await _run(command, url, _counting(progress, len(contents.rows) + 1))
        await _tables_in(unfinished)  # that it can be read
        place.finish(unfinished)
    finally:
        unfinished.unlink(missing_ok=True)
    return contents


async def restore(copy: Path, url: str, progress: Progress, *, overwrites: bool) -> Contents:
    """Make the database what the copy is. What was there stands aside until that is done, and returns if it fails.

    Refused while another session is connected, and for a database that holds something unless it `overwrites`.
    """
    program = _program("pg_restore")
    tables = await _tables_in(copy)
    require_known(copy, await _revision_in(copy))
    async with _connected(url) as connection:
        await _require_alone(connection)
        await _tidy(connection)
        held = await _contents(connection)
        require_replaceable("the database", held, overwrites=overwrites)
        await _move(connection, "public", ASIDE)
        await connection.commit()
        command = [program, "--exit-on-error", "--single-transaction", "--no-owner", "--no-privileges", "--verbose"]
        try:
            await _run([*command, f"--dbname={_name(url)}", str(copy)], url, _counting(progress, tables))
        except BaseException:
            await _move(connection, ASIDE, "public")
            await connection.commit()
            raise
        await _tidy(connection)
        return await _contents(connection)


@asynccontextmanager
async def _connected(url: str, isolation_level: str = "READ COMMITTED") -> AsyncIterator[AsyncConnection]:
    engine = writer_engine(make_url(url), seconds=None)
    try:
        async with engine.connect() as plain:
            connection = await plain.execution_options(isolation_level=isolation_level)
            # it stands still while the programs work
            await connection.execute(text("SET idle_in_transaction_session_timeout = 0"))
            yield connection
    finally:
        await engine.dispose()


async def _contents(connection: AsyncConnection) -> Contents:
    tables = [row.tablename for row in await connection.execute(text(_TABLES), {"schema": "public"})]
    revision = None
    if REVISIONS in tables:
        revision = (await connection.execute(text(f"SELECT version_num FROM {REVISIONS}"))).scalar()  # noqa: S608 - a constant
    rows = {}
    for name in tables:
        if name in OF_THE_SCHEMA:
            continue
        rows[name] = (await connection.execute(text(f'SELECT count(*) FROM "{name}"'))).scalar_one()  # noqa: S608 - its own tables
    return Contents(revision, rows)


async def _require_alone(connection: AsyncConnection) -> None:
    others = [f"{row.name} ({row.sessions})" for row in await connection.execute(text(_OTHERS))]
    if others:
        raise BackupError(
            f"other sessions use the database: {', '.join(others)}. Stop the gateways and every tool that uses it."
        )


async def _tidy(connection: AsyncConnection) -> None:
    """End what a restore has left, the last one too: its copy is there in whole, or what it was to replace."""
    if (await connection.execute(text("SELECT to_regnamespace(:name)"), {"name": ASIDE})).scalar() is None:
        return
    there = (await connection.execute(text(_TABLES), {"schema": "public"})).first()
    if there is None:
        await _move(connection, ASIDE, "public")
    else:
        await connection.execute(text(f"DROP SCHEMA {ASIDE} CASCADE"))
    await connection.commit()


async def _move(connection: AsyncConnection, here: str, there: str) -> None:
    """All tables with what belongs to them, in the transaction that is open."""
    if there == ASIDE:
        await connection.execute(text(f"CREATE SCHEMA {ASIDE}"))
    for row in (await connection.execute(text(_TABLES), {"schema": here})).all():
        await connection.execute(text(f'ALTER TABLE {here}."{row.tablename}" SET SCHEMA {there}'))
    if here == ASIDE:
        await connection.execute(text(f"DROP SCHEMA {ASIDE}"))


async def _tables_in(copy: Path) -> int:
    """How many tables a copy holds the rows of."""
    listed = await _run([_program("pg_restore"), "--list", str(copy)])
    return listed.count(" TABLE DATA ")


async def _revision_in(copy: Path) -> str | None:
    command = [_program("pg_restore"), "--data-only", f"--table={REVISIONS}", "--file=-", str(copy)]
    found = _REVISION_ROW.search(await _run(command))
    return found and found[1]


def _counting(progress: Progress, whole: int) -> Callable[[str], None]:
    done = 0

    def heard(line: str) -> None:
        nonlocal done
        if _OF_A_TABLE.search(line):
            progress(min(done, whole), whole)
            done += 1

    return heard


async def _run(command: Sequence[str], url: str = "", heard: Callable[[str], None] = lambda _: None) -> str:
    """What a program writes; BackupError with its own last words when it fails. Ended when nobody waits for it."""
    process = await asyncio.create_subprocess_exec(
        *command,
        env={**os.environ, **(_environment(make_url(url)) if url else {})},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    complaints: list[str] = []

    async def listen(stderr: asyncio.StreamReader) -> None:
        async for line in stderr:
            said = line.decode(errors="replace").strip()
            heard(said)
            if "error" in said or "could not" in said:
                complaints.append(said)

    try:
        written, _, status = await asyncio.gather(process.stdout.read(), listen(process.stderr), process.wait())
    finally:
        if process.returncode is None:
            process.terminate()
            await process.wait()
    if status != 0:
        words = complaints[0] if complaints else f"it ended with status {status}"
        raise BackupError(f"{Path(command[0]).name} has failed: {words.rstrip('.')}.")
    return written.decode(errors="replace")


def _program(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        raise BackupError(
            f"{name} is not on the PATH: install PostgreSQL's client programs, of the server's version or newer."
        )
    return found


def _name(url: str) -> str:
    return make_url(url).database or ""


def _environment(url: URL) -> Mapping[str, str]:
    """Where the database is, as libpq reads it."""
    query = {name: value if isinstance(value, str) else value[-1] for name, value in url.query.items()}
    named = {
        "PGHOST": query.get("host", url.host),
        "PGPORT": query.get("port", url.port),
        "PGUSER": url.username,
        "PGPASSWORD": url.password,
        "PGDATABASE": url.database,
        "PGSSLMODE": query.get("ssl", query.get("sslmode")),
        "PGAPPNAME": "liveroom",
        "PGCONNECT_TIMEOUT": CONNECT_SECONDS,
    }
    return {name: str(value) for name, value in named.items() if value}
