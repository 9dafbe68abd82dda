"""Nobody else on the machine reads who bought what."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.setup import doctor, preflight
from gateway.setup.doctor import Level
from gateway.setup.settings import Mode, Settings
from store import migrations, sqlite_backup
from store.database_sql import Database


@pytest.fixture(autouse=True)
def usual_umask() -> Iterator[None]:
    before = os.umask(0o022)
    yield
    os.umask(before)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


async def test_the_database_and_what_stands_beside_it_are_its_owners_alone(tmp_path: Path) -> None:
    # 0644 in 0755: every user of the machine could read orders and names
    folder = tmp_path / "var"
    preflight.require_writable(folder)
    url = f"sqlite+aiosqlite:///{folder / 'liveroom.sqlite'}"
    await migrations.upgrade(url)
    database = await Database.open(url, clock=lambda: 1, new_id=lambda: "id")
    try:
        async with database.write() as uow:
            await uow.enqueue("kind", "key", b"", 1)
        names = {file.name: mode(file) for file in folder.iterdir()}
    finally:
        await database.close()
    assert {"liveroom.sqlite", "liveroom.sqlite-wal"} <= set(names)
    assert set(names.values()) == {0o600}
    assert mode(folder) == 0o700


async def test_a_copy_and_what_is_restored_from_it_are_too(tmp_path: Path) -> None:
    database, copy = tmp_path / "liveroom.sqlite", tmp_path / "copy.sqlite"
    await migrations.upgrade(f"sqlite+aiosqlite:///{database}")
    sqlite_backup.back_up(database, copy, lambda _done, _of: None, overwrites=False)
    restored = tmp_path / "elsewhere" / "liveroom.sqlite"
    sqlite_backup.restore(copy, restored, lambda _done, _of: None, overwrites=False, stamp="1")
    assert (mode(copy), mode(restored), mode(restored.parent)) == (0o600, 0o600, 0o700)


def test_a_folder_that_others_can_read_is_told_and_left_as_it_is(tmp_path: Path) -> None:
    folder = tmp_path / "var"
    folder.mkdir(mode=0o755)
    preflight.require_writable(folder)
    assert mode(folder) == 0o755, "who made it may have had a reason"
    finding = doctor._folder(folder)
    assert (finding.level, "chmod" in finding.change) == (Level.WARNING, True)
    folder.chmod(0o700)
    assert doctor._folder(folder).level is not Level.WARNING or "MiB" in doctor._folder(folder).says
    assert Settings.load(Mode.DEMO, data_dir=folder).data_dir == folder
