"""`liveroom backup` and `liveroom restore`, on both homes of the truth."""

import asyncio
import multiprocessing
import os
import signal
import sqlite3
import stat
from collections.abc import Iterator
from contextlib import closing
from multiprocessing.synchronize import Event
from pathlib import Path

import pytest
from sqlalchemy import select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from auth.identity import RoomId, ShowId, Tier
from gateway.setup import clock as ambient
from presale.catalogue import shows_sql
from presale.catalogue.shows import Product, ProductId, Show
from presale.tables_sql import products, shows
from store import migrations, postgresql_backup, sqlite_backup
from store.database_sql import Database
from tests.gateway.cli.test_cli import Liveroom
from tests.store import homes
from tests.store.homes import only_on_postgresql, only_on_sqlite
from tests.store.postgresql_process import programs

STAMP = "20260101T000000Z"


@pytest.fixture
def url(home: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Of an empty database at this version's schema, which every command is told."""
    folder = tmp_path / "var"
    folder.mkdir()
    with homes.empty(home, folder) as made:  # and not `migrated`, which keeps a session in PostgreSQL's
        asyncio.run(migrations.upgrade(made))
        monkeypatch.setenv("LIVEROOM_DATABASE_URL", made)
        monkeypatch.setenv("LIVEROOM_DATA_DIR", str(folder))
        monkeypatch.setenv("PATH", f"{programs()}{os.pathsep}{os.environ['PATH']}")
        monkeypatch.setenv("COLUMNS", "200")
        yield made


@pytest.fixture
def liveroom(url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Liveroom:
    assert url
    return Liveroom(monkeypatch, capsys)


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    return tmp_path / "copy"


def put_on(url: str, *names: str) -> None:
    asyncio.run(_put_on(url, names))


async def _put_on(url: str, names: tuple[str, ...]) -> None:
    database = await Database.open(url, clock=ambient.now_ms, new_id=ambient.new_id)
    for name in names:
        show = Show(
            id=ShowId(name),
            room=RoomId(f"room-{name}"),
            currency="CNY",
        )
        ticket = Product(
            id=ProductId(name), show=ShowId(name), name="Ticket", tier=Tier.MAIN, price_minor=9_900, capacity=10
        )
        async with database.write() as uow:
            await shows_sql.create_show(uow, show)
            await shows_sql.add_product(uow, ticket)
    await database.close()


def shows_of(url: str) -> set[str]:
    return asyncio.run(_shows_of(url))


async def _shows_of(url: str) -> set[str]:
    database = await Database.open(url, clock=ambient.now_ms, new_id=ambient.new_id)
    async with database.read() as connection:
        found = {row.id for row in await connection.execute(select(shows.c.id))}
    await database.close()
    return found


def test_what_was_lost_is_there_again_after_a_restore(liveroom: Liveroom, url: str, copy: Path) -> None:
    put_on(url, "spring")
    backed_up = liveroom("backup", str(copy))
    assert backed_up.status == 0, backed_up.err
    assert "read back and whole" in backed_up.out
    assert f"Revision {migrations.head()}; rows: shows 1, orders 0" in backed_up.out
    put_on(url, "autumn")
    restored = liveroom("restore", str(copy), "--force")
    assert restored.status == 0, restored.err
    assert f"Revision {migrations.head()}; rows: shows 1, orders 0" in restored.out
    assert "The audit found nothing" in restored.out
    assert "Empty Redis" not in restored.out
    assert "Empty Redis" in liveroom("restore", str(copy), "--force", redis_url="redis://127.0.0.1:1").out
    assert shows_of(url) == {"spring"}
    put_on(url, "winter")
    assert shows_of(url) == {"spring", "winter"}


def test_a_restore_into_a_database_that_holds_nothing_needs_no_force(
    liveroom: Liveroom, home: str, tmp_path: Path, url: str, copy: Path
) -> None:
    put_on(url, "spring")
    liveroom("backup", str(copy))
    folder = tmp_path / "another"
    folder.mkdir()
    with homes.empty(home, folder) as another:
        restored = liveroom("restore", str(copy), database_url=another)
        assert restored.status == 0, restored.err
        assert shows_of(another) == {"spring"}


def test_a_database_that_holds_something_is_replaced_by_force_only(liveroom: Liveroom, url: str, copy: Path) -> None:
    liveroom("backup", str(copy))
    put_on(url, "spring")
    told = liveroom("restore", str(copy)).one_sentence()
    assert "rows: back it up first" in told
    assert "--force" in told
    assert shows_of(url) == {"spring"}


def test_a_copy_is_replaced_by_force_only_and_read_by_nobody_else(liveroom: Liveroom, copy: Path) -> None:
    copy.write_text("precious", "ascii")
    assert "--force" in liveroom("backup", str(copy)).one_sentence()
    assert copy.read_text("ascii") == "precious"
    assert liveroom("backup", str(copy), "--force").status == 0
    assert stat.S_IMODE(copy.stat().st_mode) == stat.S_IRUSR | stat.S_IWUSR
    assert [each.name for each in copy.parent.iterdir() if each.name.endswith(".part")] == []


def test_in_a_folder_a_copy_is_named_by_the_time(liveroom: Liveroom, tmp_path: Path) -> None:
    folder = tmp_path / "copies"
    folder.mkdir()
    assert liveroom("backup", str(folder)).status == 0
    (found,) = folder.iterdir()
    assert found.name.startswith("liveroom-20")
    assert found.suffix in {".sqlite", ".dump"}


def test_a_folder_that_is_not_there_is_told(liveroom: Liveroom, tmp_path: Path) -> None:
    assert "nothing can be written" in liveroom("backup", str(tmp_path / "none" / "copy")).one_sentence()


@pytest.mark.parametrize("written", ["", "not a copy of anything", "SQLite format 3\0" + "x" * 9_000])
def test_what_is_no_whole_copy_is_not_restored(liveroom: Liveroom, url: str, copy: Path, written: str) -> None:
    put_on(url, "spring")
    copy.write_text(written, "ascii")
    assert liveroom("restore", str(copy), "--force").one_sentence()
    assert shows_of(url) == {"spring"}


def test_a_copy_that_is_not_there_is_told(liveroom: Liveroom, copy: Path) -> None:
    assert "no such file" in liveroom("restore", str(copy)).one_sentence()


def test_the_copy_of_another_kind_of_database_is_told(liveroom: Liveroom, home: str, copy: Path) -> None:
    copy.write_bytes(b"PGDMP" if home == homes.SQLITE else b"SQLite format 3\0")
    assert "is a copy of" in liveroom("restore", str(copy)).one_sentence()


def test_a_copy_of_a_later_version_is_not_restored(liveroom: Liveroom, url: str, copy: Path) -> None:
    asyncio.run(_stand_at(url, "9999"))
    liveroom("backup", str(copy))
    asyncio.run(_stand_at(url, migrations.head()))
    assert "revision 9999" in liveroom("restore", str(copy), "--force").one_sentence()
    assert shows_of(url) == set()


async def _stand_at(url: str, revision: str) -> None:
    database = await Database.open(url, clock=ambient.now_ms, new_id=ambient.new_id)
    async with database.write() as uow:
        await uow.connection.execute(text("UPDATE alembic_version SET version_num = :it"), {"it": revision})
    await database.close()


def test_a_copy_of_an_earlier_version_is_restored_and_to_be_migrated(
    liveroom: Liveroom, home: str, tmp_path: Path, url: str, copy: Path
) -> None:
    folder = tmp_path / "old"
    folder.mkdir()
    with homes.empty(home, folder) as old:
        asyncio.run(migrations.upgrade(old, "0001"))
        assert "Revision 0001" in liveroom("backup", str(copy), database_url=old).out
    restored = liveroom("restore", str(copy))
    assert restored.status == 0, restored.err
    assert "`liveroom migrate`" in restored.out
    assert "moved from revision 0001" in liveroom("migrate").out
    assert shows_of(url) == set()


def test_what_the_audit_finds_after_a_restore_is_told(liveroom: Liveroom, url: str, copy: Path) -> None:
    put_on(url, "spring")
    asyncio.run(_lose_a_seat(url))
    liveroom("backup", str(copy))
    restored = liveroom("restore", str(copy), "--force")
    assert restored.status == 1
    assert "seats." in restored.out


async def _lose_a_seat(url: str) -> None:
    database = await Database.open(url, clock=ambient.now_ms, new_id=ambient.new_id)
    async with database.write() as uow:
        await uow.connection.execute(update(products).values(sold=1))
    await database.close()


def test_nothing_is_restored_while_another_process_has_the_database_open(
    liveroom: Liveroom, url: str, copy: Path
) -> None:
    liveroom("backup", str(copy))
    context = multiprocessing.get_context("spawn")
    is_open, may_end = context.Event(), context.Event()
    other = context.Process(target=_hold_open, args=(url, is_open, may_end))
    other.start()
    try:
        assert is_open.wait(30)
        told = liveroom("restore", str(copy), "--force").one_sentence()
        assert "another process" in told or "other sessions use the database: liveroom (2)" in told
        assert liveroom("backup", str(copy), "--force").status == 0
    finally:
        may_end.set()
        other.join(30)
    assert other.exitcode == 0
    assert liveroom("restore", str(copy), "--force").status == 0


def _hold_open(url: str, is_open: Event, may_end: Event) -> None:
    """A gateway with nothing to do."""

    async def hold() -> None:
        database = await Database.open(url, clock=ambient.now_ms, new_id=ambient.new_id)
        is_open.set()
        await asyncio.to_thread(may_end.wait, 60)
        await database.close()

    asyncio.run(hold())


# ---- SQLite


@only_on_sqlite
@pytest.mark.usefixtures("url")
def test_a_backup_is_of_one_moment_and_ends_however_much_is_written_meanwhile(
    tmp_path: Path, copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # SQLite begins a copy anew at each write of somebody else: under a busy gateway it would never end
    monkeypatch.setattr(sqlite_backup, "PAGES_AT_A_TIME", 8)
    database, steps = tmp_path / "var" / homes.FILE, 0
    with closing(sqlite3.connect(database, isolation_level=None)) as writer:

        def write(done: int, whole: int) -> None:
            nonlocal steps
            steps += 1
            assert steps < 100, (done, whole)
            writer.execute("INSERT INTO roles VALUES (?, 'ann', 'host', 'ben', 1)", (f"s{steps}",))

        contents = sqlite_backup.back_up(database, copy, write, overwrites=False)
    assert steps > 5
    assert contents.rows["roles"] == 0


@only_on_sqlite
def test_a_restore_that_is_killed_leaves_what_was_there(url: str, tmp_path: Path, copy: Path) -> None:
    database = tmp_path / "var" / homes.FILE
    sqlite_backup.back_up(database, copy, lambda *_: None, overwrites=False)
    put_on(url, "spring")
    killed = multiprocessing.get_context("spawn").Process(target=_restore_and_die, args=(copy, database))
    killed.start()
    killed.join(30)
    assert killed.exitcode == -signal.SIGKILL
    assert database.with_name(f"{database.name}-journal").exists(), "it had begun to write"
    assert shows_of(url) == {"spring"}


def _restore_and_die(copy: Path, database: Path) -> None:
    def die(done: int, whole: int) -> None:
        if done > whole // 2:
            os.kill(os.getpid(), signal.SIGKILL)

    sqlite_backup.PAGES_AT_A_TIME = 8  # type: ignore[misc]  # several steps for a small database
    sqlite_backup.restore(copy, database, die, overwrites=True, stamp=STAMP)


@only_on_sqlite
def test_a_file_that_is_broken_is_put_aside_by_force_and_not_lost(
    liveroom: Liveroom, url: str, tmp_path: Path, copy: Path
) -> None:
    put_on(url, "spring")
    liveroom("backup", str(copy))
    database = tmp_path / "var" / homes.FILE
    database.write_text("what a broken disk has left of it" * 50, "ascii")
    assert "--force puts it aside" in liveroom("restore", str(copy)).one_sentence()
    assert liveroom("restore", str(copy), "--force").status == 0
    assert shows_of(url) == {"spring"}
    (aside,) = database.parent.glob("*.broken-*")
    assert aside.read_text("ascii").startswith("what a broken disk")


@only_on_sqlite
def test_a_damaged_copy_is_not_restored(liveroom: Liveroom, url: str, copy: Path) -> None:
    put_on(url, "spring")
    liveroom("backup", str(copy))
    whole = bytearray(copy.read_bytes())
    whole[8 * 4096 : 12 * 4096] = b"\xa5" * 4 * 4096
    copy.write_bytes(whole)
    assert liveroom("restore", str(copy), "--force").one_sentence()
    assert shows_of(url) == {"spring"}


@only_on_sqlite
def test_the_database_is_not_restored_from_itself(liveroom: Liveroom, tmp_path: Path) -> None:
    assert "is the database itself" in liveroom("restore", str(tmp_path / "var" / homes.FILE)).one_sentence()


# ---- PostgreSQL


@only_on_postgresql
def test_missing_programs_are_told(liveroom: Liveroom, copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(copy.parent))
    assert "pg_dump is not on the PATH" in liveroom("backup", str(copy)).one_sentence()
    copy.write_bytes(b"PGDMP")
    assert "pg_restore is not on the PATH" in liveroom("restore", str(copy)).one_sentence()


@only_on_postgresql
def test_a_password_is_never_on_a_command_line(
    liveroom: Liveroom, url: str, copy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    record, bin_ = tmp_path / "record", tmp_path / "bin"
    bin_.mkdir()
    (bin_ / "pg_dump").write_text(f'#!/bin/sh\necho "$@" >{record}\necho "$PGPASSWORD" >>{record}\nexit 1\n', "ascii")
    (bin_ / "pg_dump").chmod(0o755)
    monkeypatch.setenv("PATH", f"{bin_}{os.pathsep}{os.environ['PATH']}")
    user, at, rest = url.partition("@")
    told = liveroom("backup", str(copy), database_url=f"{user}:hush-hush{at}{rest}").one_sentence()
    arguments, password = record.read_text("utf-8").splitlines()
    assert "hush-hush" not in arguments + told
    assert password == "hush-hush"


@only_on_postgresql
def test_a_restore_that_fails_leaves_what_was_there(
    liveroom: Liveroom, url: str, copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    liveroom("backup", str(copy))
    copy.write_bytes(copy.read_bytes()[:-40])  # the last table is cut: all before it is restored, and has to go again
    put_on(url, "spring")
    moved: list[str] = []
    move = postgresql_backup._move

    async def watched(connection: AsyncConnection, here: str, there: str) -> None:
        moved.append(there)
        await move(connection, here, there)

    monkeypatch.setattr(postgresql_backup, "_move", watched)
    assert "pg_restore has failed" in liveroom("restore", str(copy), "--force").one_sentence()
    assert shows_of(url) == {"spring"}
    assert moved == [postgresql_backup.ASIDE, "public"]


@only_on_postgresql
def test_a_restore_that_was_killed_is_undone_by_the_next_one(liveroom: Liveroom, url: str, copy: Path) -> None:
    put_on(url, "spring")
    asyncio.run(_leave_aside(url))
    copy.write_bytes(b"PGDMP nothing else")
    assert liveroom("restore", str(copy), "--force").status == 2
    whole = copy.with_name("whole")
    asyncio.run(_copy_nothing(whole))
    assert liveroom("restore", str(whole)).status == 2, "what was aside is there again, and not replaced without force"
    assert shows_of(url) == {"spring"}


async def _leave_aside(url: str) -> None:
    async with postgresql_backup._connected(url) as connection:
        await postgresql_backup._move(connection, "public", postgresql_backup.ASIDE)
        await connection.commit()


async def _copy_nothing(target: Path) -> None:
    with homes.migrated(homes.POSTGRESQL, target.parent) as other:
        await postgresql_backup.back_up(other, target, lambda *_: None, overwrites=False)
