"""What every copy of a database has in common, whichever database it was made of."""

import os
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from store import migrations

Progress = Callable[[int, int], None]
"""Called from time to time with how much is done, and of how much."""

REVISIONS = "alembic_version"
"""Alembic's table of the schema's revision."""
OF_THE_SCHEMA = frozenset({REVISIONS, "schema_floor"})
"""Tables about the schema itself; their rows are not counted as contents."""


class BackupError(Exception):
    """Why a copy was not made or not restored, in words for a person. Nothing was changed."""


@dataclass(frozen=True, slots=True)
class Contents:
    """The revision and row counts of a database, or of a copy."""

    revision: str | None
    """The revision of its schema."""
    rows: Mapping[str, int]
    """The number of rows of each table."""

    @property
    def is_empty(self) -> bool:
        """Whether no table has a row: it was migrated at most."""
        return not any(self.rows.values())


class Kind(StrEnum):
    """The database engine that a copy was made of."""

    SQLITE = "SQLite"
    POSTGRESQL = "PostgreSQL"


_BEGINNINGS = {Kind.SQLITE: b"SQLite format 3\0", Kind.POSTGRESQL: b"PGDMP"}


def kind_of(copy: Path) -> Kind:
    """The engine of a copy; BackupError when the file is no copy."""
    try:
        with copy.open("rb") as file:
            beginning = file.read(16)
    except OSError as error:
        raise BackupError(f"{copy} cannot be read: {(error.strerror or str(error)).lower()}.") from error
    for kind, expected in _BEGINNINGS.items():
        if beginning.startswith(expected):
            return kind
    raise BackupError(f"{copy} is no copy that `liveroom backup` has made.")


def require_known(copy: Path, revision: str | None) -> None:
    """BackupError for a copy whose schema this version cannot migrate."""
    if revision is None:
        raise BackupError(f"{copy} holds no database of this product.")
    if not migrations.knows(revision):
        raise BackupError(
            f"{copy} stands at revision {revision}, which this version does not know: take the version that made it."
        )


def require_replaceable(database: str, held: Contents, *, overwrites: bool) -> None:
    """BackupError for a database that holds rows, unless the caller allows replacing them."""
    if not overwrites and not held.is_empty:
        rows = sum(held.rows.values())
        raise BackupError(f"{database} holds {rows} rows: back it up first, then take --force to replace them.")


@dataclass(frozen=True, slots=True)
class Place:
    """The destination of a copy, which is written beside it and renamed at the end: it appears whole or not at all."""

    target: Path
    overwrites: bool

    def begin(self) -> Path:
        """Make an empty file beside the destination, readable by its owner only. BackupError when that fails."""
        if self.target.exists() and not self.overwrites:
            raise BackupError(f"{self.target} is there already: name another one, or take --force.")
        try:
            handle, unfinished = tempfile.mkstemp(".part", f".{self.target.name}.", self.target.parent)
        except OSError as error:
            folder, reason = self.target.parent.absolute(), (error.strerror or str(error)).lower()
            raise BackupError(f"nothing can be written to {folder}: {reason}.") from error
        os.close(handle)
        return Path(unfinished)

    def finish(self, unfinished: Path) -> None:
        """Rename the file to the destination, and fsync so that it survives a loss of power."""
        with unfinished.open("rb") as file:
            os.fsync(file.fileno())
        if self.target.exists() and not self.overwrites:
            raise BackupError(f"{self.target} has appeared meanwhile: name another one, or take --force.")
        unfinished.replace(self.target)
        folder = os.open(self.target.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
