"""Copies of an SQLite file: made while others use it, put back only when nobody does."""

import fcntl
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Final

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
from store.private_files import make_file, make_folder

PAGES_AT_A_TIME: Final = 1024
LOCK_SECONDS: Final = 5.0
BESIDE: Final = ("-wal", "-shm", "-journal")
"""The suffixes of SQLite's own files beside a database."""
# where every connection holds a shared lock while it is open in WAL mode (SHARED_FIRST and SHARED_SIZE of SQLite)
_SHARED_FIRST: Final = 0x40000002
_SHARED_SIZE: Final = 510


def back_up(database: Path, target: Path, progress: Progress, *, overwrites: bool) -> Contents:
    """Copy what is committed at this moment to one whole file; who uses the database goes on meanwhile."""
    place = Place(target, overwrites)
    unfinished = place.begin()
    try:
        with _open(database) as source, _open(unfinished) as copy:
            # one snapshot: else every write of others would begin the copy anew
            source.execute("BEGIN")
            source.execute("SELECT count(*) FROM sqlite_master").fetchone()
            _copy(source, copy, progress)
            copy.execute("PRAGMA journal_mode = DELETE")  # nothing is kept beside it
            _require_whole(copy, unfinished)
            contents = _contents(copy)
        place.finish(unfinished)
    except sqlite3.Error as error:
        raise BackupError(f"{database} cannot be copied: {error}.") from error
    except OSError as error:
        raise BackupError(f"{target} cannot be written: {(error.strerror or str(error)).lower()}.") from error
    finally:
        for ending in ("", *BESIDE):
            unfinished.with_name(unfinished.name + ending).unlink(missing_ok=True)
    return contents


def restore(copy: Path, database: Path, progress: Progress, *, overwrites: bool, stamp: str) -> Contents:
    """Make the database what the copy is, in one transaction: cut short, it is what it was.

    Refused while another process has it open, for a copy that is not whole, and for a database that holds something
    unless it `overwrites`. A file that SQLite cannot read is then put aside under a name with the stamp.
    """
    if database.exists() and database.samefile(copy):
        raise BackupError(f"{copy} is the database itself.")
    try:
        with _open(copy, read_only=True) as source:
            _require_whole(source, copy)
            contents = _contents(source)
            require_known(copy, contents.revision)
            _require_unused(database)
            if not _is_readable(database):
                if not overwrites:
                    raise BackupError(f"{database} cannot be read: --force puts it aside and restores in its place.")
                _put_aside(database, stamp)
            make_folder(database.parent)
            make_file(database)
            with _open(database) as target:
                _take(target, database)
                require_replaceable(str(database), _contents(target), overwrites=overwrites)
                target.rollback()
                _copy(source, target, progress)
    except sqlite3.Error as error:
        raise BackupError(f"{database} cannot be restored from {copy}: {error}.") from error
    except OSError as error:
        raise BackupError(f"{database} cannot be written: {(error.strerror or str(error)).lower()}.") from error
    return contents


@contextmanager
def _open(file: Path, *, read_only: bool = False) -> Iterator[sqlite3.Connection]:
    address = f"{file.absolute().as_uri()}?mode={'ro' if read_only else 'rwc'}"
    with closing(sqlite3.connect(address, uri=True, timeout=LOCK_SECONDS, isolation_level=None)) as connection:
        yield connection


def _copy(source: sqlite3.Connection, target: sqlite3.Connection, progress: Progress) -> None:
    def report(_status: int, remaining: int, total: int) -> None:
        progress(total - remaining, total)

    source.backup(target, pages=PAGES_AT_A_TIME, progress=report, sleep=0.05)


def _contents(connection: sqlite3.Connection) -> Contents:
    found = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
    tables = sorted(name for (name,) in found)
    revision = None
    if REVISIONS in tables:
        row = connection.execute(f"SELECT version_num FROM {REVISIONS}").fetchone()  # noqa: S608 - a constant
        revision = row and row[0]
    ours = [name for name in tables if name not in OF_THE_SCHEMA]
    count = {name: connection.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0] for name in ours}  # noqa: S608 - its own tables
    return Contents(revision, count)


def _require_whole(connection: sqlite3.Connection, file: Path) -> None:
    found = [row[0] for row in connection.execute("PRAGMA integrity_check(3)")]
    if found != ["ok"]:
        raise BackupError(f"{file} is damaged: {found[0].splitlines()[-1]}.")
    strays = connection.execute("PRAGMA foreign_key_check").fetchmany(1)
    if strays:
        raise BackupError(f"{file} is damaged: a row of {strays[0][0]} names one of {strays[0][2]} that is not there.")


def _require_unused(database: Path) -> None:
    """BackupError while any process has the file open in SQLite, idle or not. Holds for this moment only."""
    if not database.exists():
        return
    with database.open("r+b") as file:
        try:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB, _SHARED_SIZE, _SHARED_FIRST)
        except OSError as error:
            raise _in_use(database) from error


def _take(target: sqlite3.Connection, database: Path) -> None:
    """Lock everybody else out until the connection is closed; BackupError when somebody is connected."""
    try:
        target.execute("PRAGMA busy_timeout = 0")
        target.execute("PRAGMA locking_mode = EXCLUSIVE")
        # leaving WAL takes the file for itself alone; a rollback journal makes the copy one transaction
        target.execute("PRAGMA journal_mode = DELETE")
        target.execute("PRAGMA synchronous = FULL")
        target.execute("BEGIN EXCLUSIVE")
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode & 0xFF in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}:
            raise _in_use(database) from error
        raise


def _in_use(database: Path) -> BackupError:
    return BackupError(f"another process has {database} open: stop the gateway and every tool that uses it.")


def _is_readable(database: Path) -> bool:
    if not database.exists():
        return True
    try:
        with _open(database) as connection:
            return [row[0] for row in connection.execute("PRAGMA integrity_check(1)")] == ["ok"]
    except sqlite3.DatabaseError:
        return False


def _put_aside(database: Path, stamp: str) -> None:
    for ending in ("", *BESIDE):
        beside = database.with_name(database.name + ending)
        with suppress(FileNotFoundError):
            beside.rename(database.with_name(f"{database.name}.broken-{stamp}{ending}"))
