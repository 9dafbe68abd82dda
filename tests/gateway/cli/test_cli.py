import asyncio
import json
import socket
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from msgspec import structs
from sqlalchemy import update

from auth.identity import Identity, RoomId, ShowId, Tier, UserId
from auth.keys import KeyRing
from auth.situation import Access, Phase
from auth.tokens import TokenVerifier
from gateway import __version__
from gateway.cli import __main__
from gateway.setup import clock as ambient
from gateway.setup.settings import DEMO_JWT_SECRET
from presale.catalogue import shows_sql
from presale.catalogue.shows import Product, ProductId, Show
from presale.tables_sql import products
from rooms.course import rooms_sql
from rooms.course.room import RoomRecord
from rooms.stage import absence_sql, stage_sql
from rooms.stage.stage import StageMember, StageRecord
from store import migrations
from store.database_sql import Database
from tests.ports import free_port


@pytest.fixture(autouse=True)
def data_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "var"
    monkeypatch.setenv("LIVEROOM_DATA_DIR", str(folder))
    monkeypatch.setenv("COLUMNS", "200")
    return folder


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


class Run:
    """What a command answered."""

    def __init__(self, status: int, out: str, err: str) -> None:
        self.status, self.out, self.err = status, out, err

    def one_sentence(self) -> str:
        assert self.status == 2
        assert self.err.count("\n") == 1
        assert "Traceback" not in self.err
        return self.err


@pytest.fixture
def liveroom(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> "Liveroom":
    return Liveroom(monkeypatch, capsys)


class Liveroom:
    def __init__(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self._monkeypatch, self._capsys = monkeypatch, capsys

    def __call__(self, *arguments: str, **environment: str) -> Run:
        with self._monkeypatch.context() as patch:
            patch.setattr("sys.argv", ["liveroom", *arguments])
            for name, value in environment.items():
                patch.setenv(f"LIVEROOM_{name.upper()}", value)
            self._capsys.readouterr()
            status = __main__.main()
            return Run(status, *self._capsys.readouterr())


def test_help_names_every_command(liveroom: Liveroom) -> None:
    found = liveroom("--help")
    assert found.status == 0
    commands = "demo serve migrate token role audit jobs backup restore doctor settings rehearse contract"
    for command in commands.split():
        assert f" {command} " in found.out


@pytest.mark.parametrize("arguments", [[], ["sing"], ["token"], ["audit", "--loud"]])
def test_a_wrong_command_line_is_told_in_one_sentence(liveroom: Liveroom, arguments: list[str]) -> None:
    assert "see `liveroom --help`" in liveroom(*arguments).one_sentence()


def test_the_version_is_told(liveroom: Liveroom) -> None:
    found = liveroom("--version")
    assert (found.status, found.out.strip()) == (0, __version__)


def test_the_contract_is_written_into_a_folder(liveroom: Liveroom, tmp_path: Path) -> None:
    assert liveroom("contract", "--out", str(tmp_path / "new" / "folder")).status == 0
    written = {path.name for path in (tmp_path / "new" / "folder").iterdir()}
    assert written == {"asyncapi.json", "openapi.json", "contract.gen.ts", "contract.md", "states.md", "settings.md"}
    (tmp_path / "file").write_text("", "ascii")
    assert "cannot be written" in liveroom("contract", "--out", str(tmp_path / "file")).one_sentence()


def test_migrate_makes_the_database_and_may_be_repeated(liveroom: Liveroom, data_dir: Path) -> None:
    first, second = liveroom("migrate"), liveroom("migrate")
    assert (first.status, second.status) == (0, 0)
    assert f"moved from revision none to {migrations.head()}" in first.out
    assert f"already stands at revision {migrations.head()}" in second.out
    assert (data_dir / "liveroom.sqlite").exists()


def test_a_folder_that_cannot_be_written_is_told(liveroom: Liveroom, tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("in the way", "ascii")
    for command in ("migrate", "demo"):
        told = liveroom(command, data_dir=str(blocked / "var")).one_sentence()
        assert str(blocked / "var") in told
        assert "LIVEROOM_DATA_DIR" in told


def test_a_taken_port_is_told_with_the_setting_that_moves_it(liveroom: Liveroom, taken_port: int) -> None:
    told = liveroom("demo", port=str(taken_port)).one_sentence()
    assert f"port {taken_port} on 127.0.0.1 is taken" in told
    assert "LIVEROOM_PORT" in told
    told = liveroom("demo", port=str(free_port()), sandbox_port=str(taken_port)).one_sentence()
    assert "LIVEROOM_SANDBOX_PORT" in told


def test_several_workers_are_refused_without_the_wire_between_them(liveroom: Liveroom) -> None:
    for command, options in (("serve", ["--workers", "2"]), ("serve", []), ("demo", [])):
        told = liveroom(command, *options, mode="demo", workers="2").one_sentence()
        assert "LIVEROOM_REDIS_URL" in told


def test_a_setting_that_does_not_hold_is_named(liveroom: Liveroom) -> None:
    assert "LIVEROOM_PORT" in liveroom("demo", port="eight").one_sentence()
    assert "LIVEROOM_JWT_SECRETS" in liveroom("serve", jwt_secrets="short", mode="demo").one_sentence()
    assert "LIVEROOM_JWT_SECRETS" in liveroom("serve").one_sentence()


def test_a_token_of_the_demo_is_one_that_the_demo_takes(liveroom: Liveroom) -> None:
    found = liveroom("token", "--user", "mei", "--name", "小美", "--hours", "1", mode="demo")
    assert found.status == 0
    identity = TokenVerifier(KeyRing([DEMO_JWT_SECRET]), "liveroom-platform", "liveroom").verify(
        found.out.strip(), ambient.now_ms()
    )
    assert isinstance(identity, Identity)
    assert (identity.user, identity.name) == ("mei", "小美")
    assert 0 < identity.expires_ms - ambient.now_ms() <= 3_600_000


def test_tokens_are_taken_back_by_user_or_by_jti(liveroom: Liveroom, data_dir: Path) -> None:
    liveroom("migrate")
    assert "All tokens of mei issued until" in liveroom("token", "revoke", "--user", "mei").out
    assert "The token stolen is refused." in liveroom("token", "revoke", "--jti", "stolen").out
    with closing(sqlite3.connect(data_dir / "liveroom.sqlite")) as connection:
        rows = connection.execute("SELECT kind, subject, by_id FROM token_revocations ORDER BY version").fetchall()
    assert rows == [("user", "mei", "cli"), ("jti", "stolen", "cli")]


def test_what_is_revoked_is_listed_and_restored(liveroom: Liveroom) -> None:
    liveroom("migrate")
    assert "No token is revoked." in liveroom("token", "list-revoked").out
    liveroom("token", "revoke", "--user", "mei")
    liveroom("token", "revoke", "--jti", "[stolen]")
    listed = liveroom("token", "list-revoked").out
    assert listed.index("[stolen]") < listed.index("mei")
    assert "The token [stolen] is taken again." in liveroom("token", "restore", "--jti", "[stolen]").out
    assert "[stolen]" not in liveroom("token", "list-revoked").out
    assert "not revoked" in liveroom("token", "restore", "--jti", "[stolen]").one_sentence()
    assert "Tokens of mei are taken again." in liveroom("token", "restore", "--user", "mei").out
    assert "not revoked" in liveroom("token", "restore", "--user", "mei").one_sentence()


def test_a_revocation_names_one_thing_that_can_be(liveroom: Liveroom) -> None:
    liveroom("migrate")
    for arguments in ([], ["--user", "mei", "--jti", "stolen"]):
        for command in ("revoke", "restore"):
            assert "either" in liveroom("token", command, *arguments).one_sentence()
    for arguments in (["--user", ""], ["--jti", ""], ["--user", "x" * 65], ["--jti", "x" * 129]):
        for command in ("revoke", "restore"):
            assert "characters" in liveroom("token", command, *arguments).one_sentence()


def test_a_token_that_cannot_be_is_refused(liveroom: Liveroom) -> None:
    assert "24 hours" in liveroom("token", "--user", "mei", "--hours", "25", mode="demo").one_sentence()
    assert "one second" in liveroom("token", "--user", "mei", "--hours", "0", mode="demo").one_sentence()
    for hours in ("nan", "inf", "-inf"):
        assert "--hours" in liveroom("token", "--user", "mei", "--hours", hours, mode="demo").one_sentence()
    assert "user id" in liveroom("token", "--user", "", mode="demo").one_sentence()
    assert "LIVEROOM_MODE=demo" in liveroom("token", "--user", "mei").one_sentence()


def test_an_audit_takes_a_database_of_this_version(liveroom: Liveroom, data_dir: Path) -> None:
    assert "there is no database" in liveroom("audit").one_sentence()
    assert not data_dir.exists()
    asyncio.run(migrations.upgrade(f"sqlite+aiosqlite:///{_made(data_dir) / 'liveroom.sqlite'}", "0001"))
    assert "run `liveroom migrate`" in liveroom("audit").one_sentence()


@pytest.mark.parametrize(("serves_since", "is_served"), [(migrations.head(), True), ("9998", False)])
def test_a_newer_schema_is_used_if_it_allows_this_version(
    liveroom: Liveroom, data_dir: Path, serves_since: str, *, is_served: bool
) -> None:
    liveroom("migrate")
    with closing(sqlite3.connect(data_dir / "liveroom.sqlite")) as newer, newer:
        newer.execute("UPDATE alembic_version SET version_num = '9999'")
        newer.execute("UPDATE schema_floor SET serves_since = ?", (serves_since,))
    audited = liveroom("audit")
    assert ("Nothing found" in audited.out) is is_served
    if not is_served:
        assert "take a newer version" in audited.one_sentence()


def test_a_file_that_is_no_database_is_told(liveroom: Liveroom, data_dir: Path) -> None:
    (_made(data_dir) / "liveroom.sqlite").write_text("not a database, but long enough to be read as one" * 20, "ascii")
    for command in ("audit", "migrate"):
        assert "cannot be used" in liveroom(command).one_sentence()


def test_an_audit_of_balanced_books_finds_nothing(liveroom: Liveroom) -> None:
    liveroom("migrate")
    assert "Nothing found" in liveroom("audit").out
    assert json.loads(liveroom("audit", "--json").out) == []


def test_an_audit_tells_each_finding_and_ends_with_status_one(liveroom: Liveroom, data_dir: Path) -> None:
    liveroom("migrate")
    asyncio.run(_sell_without_an_order(f"sqlite+aiosqlite:///{data_dir / 'liveroom.sqlite'}"))
    table, listed = liveroom("audit"), liveroom("audit", "--json")
    assert (table.status, listed.status) == (1, 1)
    assert "product-1" in table.out
    [finding] = json.loads(listed.out)
    assert set(finding) == {"check", "subject", "detail"}
    assert "product-1" in finding["subject"]


def test_an_audit_finds_a_place_on_stage_that_no_socket_fills(liveroom: Liveroom, data_dir: Path) -> None:
    """Four fans dropped and stood on the stage for good; for the one who was there it was full."""
    liveroom("migrate")
    asyncio.run(_stand_alone(f"sqlite+aiosqlite:///{data_dir / 'liveroom.sqlite'}"))
    [finding] = json.loads(liveroom("audit", "--json").out)
    assert (finding["check"], finding["subject"]) == ("stage.absent", "room-1:gone")
    assert liveroom("audit").status == 1


def test_roles_are_given_listed_and_taken(liveroom: Liveroom, data_dir: Path) -> None:
    liveroom("migrate")
    asyncio.run(_sell_without_an_order(f"sqlite+aiosqlite:///{data_dir / 'liveroom.sqlite'}"))
    assert "Nobody" in liveroom("role", "list").out
    assert "ann is operator of every show" in liveroom("role", "grant", "ann", "operator").out
    assert "[bo] is host of show-1" in liveroom("role", "grant", "[bo]", "host", "--show", "show-1").out
    assert liveroom("role", "grant", "[bo]", "host", "--show", "show-1").status == 0
    listed = liveroom("role", "list", "--show", "show-1").out
    assert "ann" in listed
    assert "[bo]" in listed
    assert "no longer host" in liveroom("role", "revoke", "[bo]", "host", "--show", "show-1").out
    assert "[bo]" not in liveroom("role", "list", "--show", "show-1").out


def test_the_names_of_a_show_are_set_and_listed(liveroom: Liveroom, data_dir: Path) -> None:
    liveroom("migrate")
    asyncio.run(_sell_without_an_order(f"sqlite+aiosqlite:///{data_dir / 'liveroom.sqlite'}"))
    asyncio.run(_open_a_room(f"sqlite+aiosqlite:///{data_dir / 'liveroom.sqlite'}"))
    assert "official: none" in liveroom("names", "list", "show-1").out
    assert "official: Aurora, [极光]" in liveroom("names", "set", "show-1", "Aurora", "[极光]").out
    liveroom("role", "grant", "hana", "host", "--show", "show-1")
    listed = liveroom("names", "list", "show-1").out
    assert "official: Aurora, [极光]" in listed
    assert "hosts: hana" in listed
    assert "official: none" in liveroom("names", "set", "show-1").out
    assert "no show nowhere" in liveroom("names", "set", "nowhere", "Aurora").one_sentence()
    assert "at most 50 names" in liveroom("names", "set", "show-1", "\u202e").one_sentence()


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["grant", "ann", "host"], "--show"),
        (["grant", "ann", "viewer"], "everybody is a viewer"),
        (["grant", "ann", "host", "--show", "nowhere"], "no show nowhere"),
        (["grant", "", "operator"], "user id"),
        (["grant", "ann", "king"], "liveroom --help"),
        (["revoke", "ann", "operator"], "ann is not operator"),
        ([], "liveroom --help"),
    ],
)
def test_a_role_that_cannot_be_given_or_taken_is_told(liveroom: Liveroom, arguments: list[str], word: str) -> None:
    liveroom("migrate")
    assert word in liveroom("role", *arguments).one_sentence()


async def _open_a_room(url: str) -> None:
    database = await Database.open(url, clock=ambient.now_ms, new_id=ambient.new_id)
    try:
        room = RoomRecord(RoomId("room-1"), ShowId("show-1"), "Opening", Access.TICKETED, Phase.DRAFT, 1_000, 2_000)
        async with database.write() as uow:
            await rooms_sql.create_room(uow, room)
    finally:
        await database.close()


async def _sell_without_an_order(url: str) -> None:
    show = Show(
        id=ShowId("show-1"),
        room=RoomId("room-1"),
        currency="CNY",
    )
    product = Product(id=ProductId("product-1"), show=show.id, name="Main", tier=Tier.MAIN, price_minor=100, capacity=5)
    database = await Database.open(url, clock=ambient.now_ms, new_id=ambient.new_id)
    async with database.write() as uow:
        await shows_sql.create_show(uow, show)
        await shows_sql.add_product(uow, product)
        await uow.connection.execute(update(products).values(sold=1))
    await database.close()


async def _stand_alone(url: str) -> None:
    """One on stage without a socket for an hour, one for a second, and one who is here."""
    database = await Database.open(url, clock=ambient.now_ms, new_id=ambient.new_id)
    room = RoomRecord(RoomId("room-1"), ShowId("show-1"), "Night", Access.TICKETED, Phase.DOORS, 1, 2)
    now_ms, here = ambient.now_ms(), UserId("here")
    cast = (("gone", now_ms - 3_600_000), ("just gone", now_ms - 1_000), (here, now_ms - 3_600_000))
    stage = StageRecord(members=tuple(StageMember(UserId(user), user, since_ms) for user, since_ms in cast))
    async with database.write() as uow:
        await rooms_sql.create_room(uow, room)
        assert await stage_sql.replace(uow, room.id, StageRecord(), structs.replace(stage, version=2), {})
        await absence_sql.see(uow, {room.id: [here]}, now_ms + 60_000)
    await database.close()


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True)
    return folder
