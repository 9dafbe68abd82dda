"""A glance reads what is committed at once where the database is a file, and never writes."""

from pathlib import Path

from store import migrations
from store.database_sql import Database
from store.sqlite_connection import Glance
from tests.store.fakes import FakeClock


async def test_a_glance_sees_the_last_commit_and_no_more(tmp_path: Path, clock: FakeClock) -> None:
    url = f"sqlite+aiosqlite:///{tmp_path / 'glance.db'}"
    await migrations.upgrade(url)
    db = await Database.open(url, clock=clock, new_id=iter("abc").__next__)
    count = "SELECT count(*) FROM outbox WHERE room = ?"
    async with db.write() as uow:
        await uow.emit("room", b"{}", "none")
        assert db.glance(count, "room") == [(0,)]
    assert db.glance(count, "room") == [(1,)]
    assert db.glance("DELETE FROM outbox") is None
    assert db.glance("SELECT nothing FROM nowhere") is None
    await db.close()


def test_a_file_that_cannot_be_read_now_is_asked_later(tmp_path: Path) -> None:
    glance = Glance(str(tmp_path / "broken.db"))
    (tmp_path / "broken.db").write_bytes(b"no database at all" * 100)
    assert glance.rows("SELECT 1 FROM sqlite_master", ()) is None
    glance.close()
