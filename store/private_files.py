"""Makes files and folders that only their owner can read: they hold people's names and purchases."""

import os
from contextlib import suppress
from pathlib import Path
from typing import Final

FOLDER_MODE: Final = 0o700
FILE_MODE: Final = 0o600
_OF_OTHERS: Final = 0o077


def make_folder(folder: Path) -> None:
    """Make a folder, and those above it, unless it is there. One that is there keeps its mode: it is the operator's."""
    folder.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)


def make_file(file: Path) -> None:
    """Make an empty file unless it is there; for SQLite, which gives its other files the mode of the first.

    Where that cannot be done nothing happens: whoever opens the file next says why.
    """
    with suppress(OSError):
        os.close(os.open(file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, FILE_MODE))


def is_open_to_others(path: Path) -> bool:
    """Whether other users of this machine may read, write or enter it."""
    return bool(path.stat().st_mode & _OF_OTHERS)
