"""What a copy of a database is, whichever database it was made of."""

import os
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from store import migrations

Progress = Callable[[int, int], None]
"""Called now and then with how much is done, and of how much."""

REVISIONS = "alembic_version"
"""The table in which a database says where its schema stands."""
OF_THE_SCHEMA = frozenset({REVISIONS, "schema_floor"})
"""Tables in which the schema speaks of itself; their rows are none of ours."""


class BackupError(Exception):
    """Why a copy was not made or not put back, in words for a person. Nothing was changed."""


@dataclass(frozen=True, slots=True)
class Contents:
    """What is in a database, or in a copy of one."""

    revision: str | None
    """Where its schema stands."""
    rows: Mapping[str, int]
    """Rows of every table of ours."""

    @property
    def is_empty(self) -> bool:
        """No table has a row: at most it was migrated."""
        return not any(self.rows.values())


class Kind(StrEnum):
    """Whose copies there are."""

    SQLITE = "SQLite"
    POSTGRESQL = "PostgreSQL"


_BEGINNINGS = {Kind.SQLITE: b"SQLite format 3\0", Kind.POSTGRESQL: b"PGDMP"}


def kind_of(copy: Path) -> Kind:
    """Whose copy a file is; BackupError when it is none."""
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
    """BackupError for a copy whose schema this version cannot bring to its own."""
    if revision is None:
        raise BackupError(f"{copy} holds no database of this product.")
    if not migrations.knows(revision):
        raise BackupError(
            f"{copy} stands at revision {revision}, which this version does not know: take the version that made it."
        )


def require_replaceable(database: str, held: Contents, *, overwrites: bool) -> None:
    """BackupError for a database that holds something, unless that is to be replaced."""
    if not overwrites and not held.is_empty:
        rows = sum(held.rows.values())
        raise BackupError(f"{database} holds {rows} rows: back it up first, then take --force to replace them.")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a copy is to stand, whole or not at all: it is made beside it and put there at the end."""

    target: Path
    overwrites: bool

    def begin(self) -> Path:
        """An empty file beside the place, which nobody else may read. BackupError when it cannot be, or is taken."""
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
        """Put it there, and see that it stays there when the machine loses its power now."""
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
