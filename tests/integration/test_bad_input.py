"""Bad input of every kind gets its code and changes nothing: not a row, not a screen."""

import asyncio
import math
import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import msgspec
import pytest
import pytest_asyncio

from auth.identity import Role, ShowId, UserId
from gateway.features.audit.books import audit_house
from gateway.features.registry import CONSOLE_COMMANDS, SHARED_COMMANDS, VIEWER_COMMANDS
from gateway.live.room import LiveRoom
from gateway.replica.feature import AnyCommand
from gateway.setup import clock as ambient
from rooms.roles import roles_sql
from store.database_sql import Database
from tests.contracts.command_examples import of_features
from tests.gateway.sockets.raw import PATHS, Polling, RawSocket, polling, raw_socket
from tests.integration.conftest import UNHURRIED
from tests.integration.evening import HOUR_MS, Evening, done, evening
from tests.integration.recording import COMMANDS
from tests.integration.running import Liveroom, liveroom

pytestmark = pytest.mark.asyncio(loop_scope="module")

ON_CONSOLE = (*(command.name for command in CONSOLE_COMMANDS), *SHARED_COMMANDS)
ON_LIVE = tuple(command.name for command in VIEWER_COMMANDS)
SURFACES = [("/live", name) for name in ON_LIVE] + [("/console", name) for name in ON_CONSOLE]
HOST_ONLY = ("show:phase", "room:switches", "announce", "names:set", "countdown:set", "countdown:clear")
every_codec = pytest.mark.parametrize("codec", ["json", "msgpack"])
every_surface = pytest.mark.parametrize(("namespace", "name"), SURFACES)

VALID: dict[str, dict[str, object]] = {
    "danmaku": {"text": "hello", "style": {"color": "#ffffff", "place": "top"}},
    "gift": {"gift": "rose", "count": 1, "key": "a-key-of-this-test"},
    "like": {"count": 1},
    "cohost:request": {"message": "let me sing"},
    "cohost:cancel": {},
    "cohost:accept": {},
    "cohost:leave": {},
    "streams:refresh": {},
    "token:refresh": {"token": "a.b.c"},
    "clock": {"t0": 1},
    "show:phase": {"phase": "paused"},
    "room:switches": {
        "chat": "off",
        "gifts": "off",
        "cohost": "off",
        "likes": "off",
        "slow_ms": 1000,
        "links": False,
        "emoji_only": True,
        "sales_left": False,
        "polls": "off",
    },
    "panic": {},
    "mute": {"user": "fan", "minutes": 5},
    "unmute": {"user": "fan"},
    "ban": {"user": "fan"},
    "unban": {"user": "fan"},
    "kick": {"user": "fan"},
    "retract": {"id": "a-danmaku"},
    "pin": {"id": "a-danmaku"},
    "unpin": {"id": "a-pin"},
    "announce": {"text": "hello"},
    "cohost:approve": {"user": "fan"},
    "cohost:reject": {"user": "fan"},
    "cohost:invite": {"user": "fan"},
    "cohost:remove": {"user": "fan"},
    "countdown:set": {
        "target_ms": ambient.now_ms() + HOUR_MS,
        "kind": "custom",
        "label": "encore",
        "id": "a-countdown",
    },
    "countdown:clear": {"id": "a-countdown"},
    "names:set": {"names": ["Aurora"]},
}
"""One payload with every field of each command, so that a new command or field cannot be forgotten here."""

KINDS = {
    "text": "text",
    "message": "text",
    "label": "text",
    "token": "text",
    "gift": "id",
    "key": "id",
    "id": "id",
    "user": "id",
    "count": "int",
    "minutes": "int",
    "slow_ms": "int",
    "target_ms": "int",
    "t0": "time",
    "links": "bool",
    "emoji_only": "bool",
    "sales_left": "bool",
    "chat": "word",
    "gifts": "word",
    "cohost": "word",
    "likes": "word",
    "polls": "word",
    "phase": "word",
    "kind": "word",
    "style": "style",
    "names": "names",
}
DEEP: Any = "bottom"
for _ in range(12):
    DEEP = [DEEP]
UNSEEN = [
    "\x00",
    "a\x00b",
    "\u202eevil",
    "zero\u200bwidth",
    "\u2066iso\u2069",
    "line\n",
    "\ufeffbom",
    "\x1b[31m",
    "\u200d",
]
NO_TEXT: list[Any] = [7, 1.5, True, [], ["x"], {}, {"text": "x"}, DEEP, b"binary"]
NO_NAMES: list[Any] = [7, True, {}, "x", [7], [None], [["x"]], {"text": "x"}, DEEP, b"binary"]
ILL_TYPED: dict[str, list[Any]] = {
    "text": NO_TEXT,
    "names": [*NO_NAMES, ["x" * 2401], ["x"] * 51],
    "id": [*NO_TEXT, "", "x" * 65, "x" * 60_000, *UNSEEN],
    "word": [*NO_TEXT, "", "LIVE", "everyone ", "nonsense", "\u202elive", "x" * 60_000],
    "int": ["1", "", 1.5, True, [], {}, DEEP, -1, 2**53 + 1, 2**63, -(2**63), math.nan, math.inf, -math.inf, b"1"],
    "time": ["1", True, [], {}, DEEP, 2**53 + 1, -(2**63), 1e300, math.nan, math.inf, b"1"],
    "bool": ["true", 0, 1, 1.0, [], {}, "", b"\x01"],
    "style": ["red", 7, [], DEEP, {"color": "red"}, {"color": "#12345"}, {"color": "#123456\n"}, {"place": "left"}],
}
TOO_LONG: dict[tuple[str, str], int] = {
    ("danmaku", "text"): 2401,
    ("cohost:request", "message"): 2401,
    ("announce", "text"): 7201,
    ("countdown:set", "label"): 1921,
    ("token:refresh", "token"): 4097,
}
for feature in of_features():
    VALID |= feature.VALID
    KINDS |= feature.KINDS
    ILL_TYPED |= feature.ILL_TYPED
    TOO_LONG |= feature.TOO_LONG
NO_PAYLOAD: list[Any] = ["text", "", 7, 0, 1.5, True, False, [], [{}], [["text"]], DEEP, b"binary", "x" * 60_000]


async def test_every_command_and_every_field_of_it_is_tried_below() -> None:
    assert set(VALID) == set(COMMANDS)
    for name, payload in VALID.items():
        fields = msgspec.structs.fields(COMMANDS[name].payload)
        assert set(payload) == {one.encode_name for one in fields}, name
        assert set(payload) <= set(KINDS), name
        msgspec.convert(payload, COMMANDS[name].payload)
    texts = {(name, field) for name, payload in VALID.items() for field in payload if KINDS[field] == "text"}
    assert set(TOO_LONG) == texts


# ---- the house, and what it holds ------------------------------------------------------------------


@dataclass
class Floor:
    """A live show with a fan inside, a moderator, and a look into its database."""

    show: Evening
    house: Liveroom
    known: dict[str, list[Any]] | None = None
    """The rows as the last test left them, which the next one need not read again."""

    def rows(self) -> dict[str, list[Any]]:
        """Everything in the database."""
        with closing(sqlite3.connect(f"file:{self.house.settings.data_dir}/liveroom.sqlite?mode=ro", uri=True)) as db:
            names = [name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY 1")]
            return {name: sorted(db.execute(f'SELECT * FROM "{name}"'), key=repr) for name in names}  # noqa: S608

    async def quiet(self) -> dict[str, list[Any]]:
        """Everything in the database once nothing waits to be published or stored."""
        async with asyncio.timeout(5):
            while True:
                before = self.rows()
                if not before["outbox"]:
                    await asyncio.sleep(0.02)
                    if self.rows() == before:
                        return before
                await asyncio.sleep(0.02)

    async def check_books(self) -> None:
        """Ledger, seats, rights and money agree."""
        url = self.house.settings.effective_database_url
        database = await Database.open(url, clock=ambient.now_ms, new_id=ambient.new_id)
        try:
            async with database.read() as connection:
                assert await audit_house(connection) == []
        finally:
            await database.close()

    async def socket(self, fan: RawSocket, namespace: str, *, user: str | None = None) -> RawSocket:
        """Inside, as the fan or as the host."""
        who = user or ("fan" if namespace == "/live" else "host")
        await fan.enter(namespace, token=self.show.token(who), room=self.show.room)
        return fan


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def floor(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Floor]:
    settings = {**UNHURRIED, "sockets_per_seat": 50, "danmaku_store_ms": 10, "cohost_every_seconds": 1e-6}
    async with liveroom(tmp_path_factory.mktemp("floor"), **settings) as house, evening(house) as show:
        await show.role("moderator", "moderator")
        watching = await show.fan("fan")
        await done(watching, "danmaku", {"text": "something to lose"})
        await done(show.host, "announce", {"text": "something on top"})
        await done(show.host, "countdown:set", {"target_ms": ambient.now_ms() + HOUR_MS, "label": "soon"})
        ready = Floor(show, house)
        yield ready
        await ready.check_books()


@pytest_asyncio.fixture(loop_scope="module")
async def unchanged(floor: Floor) -> AsyncIterator[None]:
    """Fails the test when a row has changed by its end."""
    before = floor.known or await floor.quiet()
    floor.known = None
    yield
    after = await floor.quiet()
    assert {name: rows for name, rows in after.items() if rows != before[name]} == {}
    floor.known = after


def can_say(codec: str, value: Any) -> bool:
    """Whether a codec has an encoding for a value."""
    if isinstance(value, float) and not math.isfinite(value):
        return False  # msgpack has, and it is refused as no packet
    return not (isinstance(value, int) and abs(value) > 2**63) if codec == "msgpack" else not isinstance(value, bytes)


def bad_payloads(command: AnyCommand) -> Iterator[tuple[str | None, Any]]:
    """Payloads that are none of the command's, each with the field that a refusal may name."""
    valid = VALID[command.name]
    yield from (("payload", payload) for payload in NO_PAYLOAD)
    required = {one.encode_name for one in msgspec.structs.fields(command.payload) if one.required}
    for field in required:
        yield field, {name: value for name, value in valid.items() if name != field}
        yield field, {**valid, field: None}
        yield field, {name.upper(): value for name, value in valid.items()} if len(valid) == 1 else {}
    for field in valid:
        for value in ILL_TYPED[KINDS[field]]:
            yield field, {**valid, field: value}
        if (command.name, field) in TOO_LONG:
            yield field, {**valid, field: "x" * TOO_LONG[command.name, field]}
            yield field, {**valid, field: "x" * 60_000}


def problem(answer: dict[str, Any], field: str | None) -> str | None:
    """What is wrong with an ack that should be BAD_REQUEST and name a field."""
    if answer["ok"] is not False or answer["error"]["code"] != "BAD_REQUEST" or answer["error"]["retryable"]:
        return f"answered {answer}"
    named = answer["error"]["field"].split(".")[0].split("[")[0]
    return None if field is None or named in {field, *VALID} or named in KINDS else f"blamed on {named}"


# ---- payloads ----------------------------------------------------------------------------------------


@every_codec
@every_surface
@pytest.mark.usefixtures("unchanged")
async def test_a_payload_that_is_none_is_a_bad_request_that_names_the_place(
    floor: Floor, codec: str, namespace: str, name: str
) -> None:
    async with raw_socket(floor.house.url, codec=codec) as fan:
        await floor.socket(fan, namespace)
        wrong = []
        for field, payload in bad_payloads(COMMANDS[name]):
            values = payload.values() if isinstance(payload, dict) else [payload]
            if not all(can_say(codec, value) for value in values):
                continue
            answer = await fan.ask(name, payload, namespace=namespace)
            flaw = problem(answer, field)
            if flaw is not None:
                wrong.append(f"{name} {str(payload)[:80]}: {flaw}")
        assert wrong == []
        assert "bye" not in fan.events()


@every_codec
@pytest.mark.parametrize("namespace", ["/live", "/console"])
@pytest.mark.usefixtures("unchanged")
async def test_an_event_has_one_payload(floor: Floor, codec: str, namespace: str) -> None:
    async with raw_socket(floor.house.url, codec=codec) as fan:
        await floor.socket(fan, namespace)
        for name in ON_LIVE if namespace == "/live" else ON_CONSOLE:
            for more in ({}, None, VALID[name], "text", [1, 2, 3]):
                answer = await fan.ask(name, VALID[name], more, namespace=namespace)
                assert answer["error"] == {"code": "BAD_REQUEST", "retryable": False, "field": "payload"}, name


@pytest.mark.usefixtures("unchanged")
async def test_numbers_beyond_every_integer_are_bad_requests(floor: Floor) -> None:
    async with raw_socket(floor.house.url) as fan:
        await floor.socket(fan, "/live")
        for name, payload in (
            ("gift", {"gift": "rose", "key": "a-key-of-this-test", "count": 10**400}),
            ("like", {"count": 10**30}),
            ("clock", {"t0": 10**30}),
            ("clock", {"t0": -(10**400)}),
        ):
            answer = await fan.ask(name, payload)
            assert (answer["ok"], answer.get("error", {}).get("code")) == (False, "BAD_REQUEST"), (name, answer)


@pytest.mark.usefixtures("unchanged")
@pytest.mark.parametrize("name", ["danmaku", "announce", "countdown:set", "mute"])
async def test_a_million_characters_end_a_websocket_and_change_nothing(floor: Floor, name: str) -> None:
    namespace = "/live" if name == "danmaku" else "/console"
    field = next(iter(VALID[name]))
    async with raw_socket(floor.house.url) as fan:
        await floor.socket(fan, namespace)
        await fan.emit(name, {**VALID[name], field: "x" * 10**6}, namespace=namespace)
        assert (await fan.until_end()).code == 1009


@pytest.mark.usefixtures("unchanged")
async def test_a_million_characters_end_polling_and_change_nothing(floor: Floor) -> None:
    async with polling(floor.house.url, PATHS["json"]) as carrier:
        fan = await floor.socket(RawSocket(carrier, "json"), "/live")
        assert isinstance(fan.transport, Polling)
        answer = await fan.transport.post('42/live,1["danmaku",{"text":"' + "x" * 10**6 + '"}]')
        assert answer.status_code == 413


@pytest.mark.usefixtures("unchanged")
@pytest.mark.parametrize("namespace", ["/live", "/console"])
async def test_three_packets_that_are_none_end_the_socket_and_change_nothing(floor: Floor, namespace: str) -> None:
    async with raw_socket(floor.house.url) as fan:
        await floor.socket(fan, namespace)
        for _ in range(3):
            await fan.transport.send(f'42{namespace},["danmaku",{{"text":"\\ud8zz"}}]')
        assert await fan.event("bye") == {"code": "PROTOCOL", "retryable": False}
        assert (await fan.until_end()).reason == "PROTOCOL"


# ---- names -------------------------------------------------------------------------------------------

UNKNOWN = ["", " ", "danmaku ", "DANMAKU", "connect", "disconnect", "connect_error", "welcome", "bye", "sales", "tier"]
UNKNOWN += [
    "__proto__",
    "constructor",
    "*",
    "show:phase\x00",
    "\u202edanmaku",
    "x" * 60_000,
    "'; DROP TABLE orders; --",
]


@every_codec
@pytest.mark.parametrize("namespace", ["/live", "/console"])
@pytest.mark.usefixtures("unchanged")
async def test_an_event_that_does_not_exist_is_a_bad_request(floor: Floor, codec: str, namespace: str) -> None:
    async with raw_socket(floor.house.url, codec=codec) as fan:
        await floor.socket(fan, namespace)
        for name in UNKNOWN:
            answer = await fan.ask(name, {"text": "hello"}, namespace=namespace)
            assert answer["error"] == {"code": "BAD_REQUEST", "retryable": False, "field": "event"}, name[:40]
    metrics = (await floor.house.http.get("/metrics")).text
    assert "DROP TABLE" not in metrics
    assert "__proto__" not in metrics


@pytest.mark.usefixtures("unchanged")
@pytest.mark.parametrize("user", ["fan", "host", "moderator"])
async def test_no_command_of_the_console_works_on_live_whoever_sends_it(floor: Floor, user: str) -> None:
    async with raw_socket(floor.house.url) as fan:
        await floor.socket(fan, "/live", user=user)
        for command in CONSOLE_COMMANDS:
            answer = await fan.ask(command.name, VALID[command.name])
            assert answer["error"] == {"code": "BAD_REQUEST", "retryable": False, "field": "event"}, command.name


@pytest.mark.usefixtures("unchanged")
async def test_what_only_viewers_do_does_not_work_on_the_console(floor: Floor) -> None:
    async with raw_socket(floor.house.url) as steering:
        await floor.socket(steering, "/console")
        for name in set(ON_LIVE) - set(SHARED_COMMANDS):
            answer = await steering.ask(name, VALID[name], namespace="/console")
            assert answer["error"] == {"code": "BAD_REQUEST", "retryable": False, "field": "event"}, name


# ---- roles -------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("unchanged")
async def test_a_moderator_may_not_do_what_is_the_hosts(floor: Floor) -> None:
    async with raw_socket(floor.house.url) as steering:
        await floor.socket(steering, "/console", user="moderator")
        for name in HOST_ONLY:
            answer = await steering.ask(name, VALID[name], namespace="/console")
            assert answer["error"] == {"code": "FORBIDDEN", "retryable": False}, name


@pytest.mark.usefixtures("unchanged")
async def test_nobody_disciplines_whom_they_do_not_outrank(floor: Floor) -> None:
    async with raw_socket(floor.house.url) as steering:
        await floor.socket(steering, "/console", user="moderator")
        for name in ("mute", "ban", "kick"):
            for user in ("host", "moderator", "operator"):
                answer = await steering.ask(name, {"user": user}, namespace="/console")
                assert answer["error"] == {"code": "FORBIDDEN", "retryable": False}, (name, user)


async def taken_by_another_process(floor: Floor, user: str) -> None:
    """SQL has it, and this gateway does not know: what it commits itself it would obey at once."""
    url = floor.house.settings.effective_database_url
    db = await Database.open(url, clock=ambient.now_ms, new_id=ambient.new_id)
    try:
        async with db.write() as uow:
            show, operator = ShowId(floor.show.show), UserId("operator")
            left = await roles_sql.revoke(uow, UserId(user), Role.MODERATOR, show, operator)
        assert left is Role.VIEWER
    finally:
        await db.close()


async def test_a_role_that_was_taken_is_worth_nothing_at_the_very_next_command(
    floor: Floor, monkeypatch: pytest.MonkeyPatch
) -> None:
    floor.known = None
    await floor.show.role("brief", "moderator")
    async with raw_socket(floor.house.url) as steering:
        await floor.socket(steering, "/console", user="brief")
        monkeypatch.setattr(LiveRoom, "deliver", lambda *_: None)  # the news has not come yet
        await taken_by_another_process(floor, "brief")
        before = await floor.quiet()
        for name in ON_CONSOLE:
            answer = await steering.ask(name, VALID[name], namespace="/console")
            assert answer["error"] == {"code": "FORBIDDEN", "retryable": False}, name
        assert await floor.quiet() == before


# ---- sense -------------------------------------------------------------------------------------------

OF_VIEWERS: list[tuple[str, dict[str, Any], str]] = [
    ("danmaku", {"text": ""}, "TEXT_EMPTY"),
    ("danmaku", {"text": " \t\n"}, "TEXT_EMPTY"),
    ("danmaku", {"text": "\x00\x01\x02"}, "TEXT_EMPTY"),
    ("danmaku", {"text": "\u202e\u202d\u2066\u2069"}, "TEXT_EMPTY"),
    ("danmaku", {"text": "\u200b\u200d\ufeff\u2800"}, "TEXT_EMPTY"),
    ("danmaku", {"text": "x" * 101}, "TEXT_TOO_LONG"),
    ("danmaku", {"text": "x" * 1000}, "TEXT_TOO_LONG"),
    ("danmaku", {"text": "\U0001f468\u200d\U0001f469\u200d\U0001f467" * 101}, "TEXT_TOO_LONG"),
    ("danmaku", {"text": "\ufdfa" * 101}, "TEXT_TOO_LONG"),
    ("danmaku", {"text": "\U0001f468" + "\u200d\U0001f468" * 7}, "TEXT_TOO_LONG"),  # one grapheme of 53 bytes
    ("gift", {"gift": "yacht", "key": "a-key-of-this-test"}, "GIFT_UNKNOWN"),
    ("gift", {"gift": "'; DROP TABLE gifts; --", "key": "a-key-of-this-test"}, "GIFT_UNKNOWN"),
    ("gift", {"gift": "castle", "key": "a-key-of-this-test", "count": 999}, "INSUFFICIENT_CREDITS"),
    ("gift", {"gift": "rose", "key": "a-key-of-this-test", "count": 0}, "BAD_REQUEST"),
    ("gift", {"gift": "rose", "key": "a-key-of-this-test", "count": 1000}, "BAD_REQUEST"),
    ("gift", {"gift": "rose", "key": "short"}, "BAD_REQUEST"),
    ("gift", {"gift": "rose", "key": "key\u200bof-this-test"}, "BAD_REQUEST"),
    ("like", {"count": 0}, "BAD_REQUEST"),
    ("like", {"count": 101}, "BAD_REQUEST"),
    ("cohost:request", {"message": "\u202e\x00"}, "TEXT_EMPTY"),
    ("cohost:request", {"message": "x" * 150}, "TEXT_TOO_LONG"),
    ("cohost:cancel", {}, "STAGE_STATE"),
    ("cohost:accept", {}, "STAGE_STATE"),
    ("cohost:leave", {}, "STAGE_STATE"),
    ("token:refresh", {"token": ""}, "TOKEN_INVALID"),
    ("token:refresh", {"token": "a.b.c"}, "TOKEN_INVALID"),
    ("token:refresh", {"token": "\x00"}, "TOKEN_INVALID"),
    ("token:refresh", {"token": "令牌"}, "TOKEN_INVALID"),
]
OF_STAFF: list[tuple[str, dict[str, Any], str]] = [
    ("show:phase", {"phase": "draft"}, "PHASE_TRANSITION"),
    ("show:phase", {"phase": "presale"}, "PHASE_TRANSITION"),
    ("show:phase", {"phase": "live"}, "PHASE_TRANSITION"),
    ("show:phase", {"phase": "replay"}, "PHASE_TRANSITION"),
    ("show:phase", {"phase": "cancelled"}, "PHASE_TRANSITION"),
    ("room:switches", {"slow_ms": 600_001}, "BAD_REQUEST"),
    ("mute", {"user": "fan", "minutes": 0}, "BAD_REQUEST"),
    ("mute", {"user": "fan", "minutes": 10_081}, "BAD_REQUEST"),
    ("mute", {"user": "host"}, "FORBIDDEN"),
    ("ban", {"user": "host"}, "FORBIDDEN"),
    ("kick", {"user": "operator"}, "FORBIDDEN"),
    ("unmute", {"user": "fan"}, "NOT_FOUND"),
    ("unban", {"user": "fan"}, "NOT_FOUND"),
    ("retract", {"id": "nothing"}, "NOT_FOUND"),
    ("retract", {"id": "'; DROP TABLE danmaku; --"}, "NOT_FOUND"),
    ("pin", {"id": "nothing"}, "NOT_FOUND"),
    ("unpin", {"id": "nothing"}, "NOT_FOUND"),
    ("announce", {"text": "\u202e\u200b"}, "TEXT_EMPTY"),
    ("announce", {"text": ""}, "BAD_REQUEST"),
    ("announce", {"text": "x" * 301}, "TEXT_TOO_LONG"),
    ("countdown:set", {"target_ms": 1, "label": "x" * 81}, "BAD_REQUEST"),
    ("cohost:approve", {"user": "fan"}, "STAGE_STATE"),
    ("cohost:reject", {"user": "fan"}, "STAGE_STATE"),
    ("cohost:remove", {"user": "fan"}, "STAGE_STATE"),
    ("countdown:set", {"target_ms": ambient.now_ms() + HOUR_MS, "id": "nothing"}, "NOT_FOUND"),
    ("countdown:set", {"target_ms": 1}, "BAD_REQUEST"),
    ("countdown:set", {"target_ms": ambient.now_ms() // 1000 + 3_600}, "BAD_REQUEST"),
    ("countdown:set", {"target_ms": ambient.now_ms() * 1000}, "BAD_REQUEST"),
    ("countdown:set", {"target_ms": 2**53, "kind": "doors"}, "BAD_REQUEST"),
    ("countdown:set", {"target_ms": 0, "kind": "show"}, "BAD_REQUEST"),
    ("countdown:clear", {"id": "nothing"}, "NOT_FOUND"),
    ("countdown:clear", {"id": "doors"}, "NOT_FOUND"),
    ("names:set", {"names": ["\u202e\u200b"]}, "BAD_REQUEST"),
    ("names:set", {"names": ["x" * 41]}, "BAD_REQUEST"),
    ("danmaku", {"text": "\x00"}, "TEXT_EMPTY"),
]


@every_codec
@pytest.mark.usefixtures("unchanged")
@pytest.mark.parametrize(
    ("namespace", "table"), [("/live", OF_VIEWERS), ("/console", OF_STAFF)], ids=["live", "console"]
)
async def test_what_makes_no_sense_gets_its_code(
    floor: Floor, codec: str, namespace: str, table: list[tuple[str, dict[str, Any], str]]
) -> None:
    async with raw_socket(floor.house.url, codec=codec) as fan:
        await floor.socket(fan, namespace)
        for name, payload, code in table:
            answer = await fan.ask(name, payload, namespace=namespace)
            while answer.get("error", {}).get("code") == "RATE_LIMITED":  # two requests for the stage within one ms
                answer = await fan.ask(name, payload, namespace=namespace)
            assert (answer["ok"], answer.get("error", {}).get("code")) == (False, code), (name, payload, answer)


@every_codec
async def test_a_text_keeps_its_emoji_and_loses_what_would_deceive(floor: Floor, codec: str) -> None:
    family, flag, thumb = "\U0001f468\u200d\U0001f469\u200d\U0001f467", "\U0001f1ef\U0001f1f5", "\U0001f44d\U0001f3fd"
    said = f"a\u202ebc\x00 {family}\u200b{flag}{thumb}\u2066 ok\ufeff"
    floor.known = None
    async with raw_socket(floor.house.url, codec=codec) as fan:
        await floor.socket(fan, "/live")
        answer = await fan.ask("danmaku", {"text": said, "unknown": {"fields": ["are", "ignored"]}})
        assert answer["ok"], answer
        heard = await fan.event("danmaku")
        assert heard["items"][0]["text"] == f"abc {family}{flag}{thumb} ok"
