"""Engine.IO v4, rule by rule: https://github.com/socketio/socket.io/blob/main/docs/engine.io-protocol/v4-current.md

What the text leaves open is held to the reference implementation, and said so.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from urllib.parse import urlsplit

import httpx2
import pytest
import pytest_asyncio
from websockets.exceptions import ConnectionClosed, InvalidStatus

from tests import protocol_app
from tests.gateway.engine.peers import DEADLINE_SECONDS, Line, Poller, client, dialled, line, poller, probed

pytestmark = pytest.mark.asyncio(loop_scope="module")

PATH = "/engine.io/"
SILENCE_SECONDS = protocol_app.PING_INTERVAL_SECONDS + protocol_app.PING_TIMEOUT_SECONDS
LATE_SECONDS = 2.0
"""How much later than promised a deadline may be noticed on a busy machine."""

UNKNOWN_TRANSPORT = {"code": 0, "message": "Transport unknown"}
UNKNOWN_SESSION = {"code": 1, "message": "Session ID unknown"}
BAD_METHOD = {"code": 2, "message": "Bad handshake method"}
BAD_REQUEST = {"code": 3, "message": "Bad request"}
UNKNOWN_VERSION = {"code": 5, "message": "Unsupported protocol version"}
"""The bodies of the reference implementation."""

NO_PACKETS = ["", "abc", "7", "9hello", "0{}", "2", "2probe", "5", "b!!!!", "bAQI", "4ok\x1eabc", "\x1e", b"\xff\xfe"]
"""Bodies of which at least one packet is none, or is none that a polling client may send."""
NO_FRAMES = ["", "abc", "7", "9hello", "0{}", "2", "2probe", "5", "\x1e", "bAQIDBA=="]
"""The same as text frames."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def url() -> AsyncIterator[str]:
    async with protocol_app.running("engineio") as where:
        yield where


async def is_gone(session: Poller, *, after_words: bool = False) -> bool:
    """Whether the session is not known any more, now or after one poll that fetched its last words."""
    answer = await session.poll()
    if after_words and answer.status_code == 200:
        answer = await session.poll()
    return answer.status_code == 400


# ---- handshake -------------------------------------------------------------------------------------


async def test_a_poll_opens_a_session_and_offers_the_upgrade(url: str) -> None:
    async with client(url) as http:
        answer = await http.get(PATH, params={"EIO": "4", "transport": "polling"})
        assert answer.status_code == 200
        assert answer.headers["content-type"].lower() == "text/plain; charset=utf-8"
    async with poller(url, PATH) as session:
        sid = session.open.pop("sid")
        assert isinstance(sid, str)
        assert sid
        assert session.open == {
            "upgrades": ["websocket"],
            "pingInterval": 300,
            "pingTimeout": 200,
            "maxPayload": 1_000_000,
        }


async def test_a_websocket_opens_a_session_without_upgrades(url: str) -> None:
    async with dialled(url, PATH, "EIO=4&transport=websocket") as opened:
        first = await opened.next()
        assert isinstance(first, str)
        fields = Poller(httpx2.AsyncClient(), PATH, first).open
        assert isinstance(fields.pop("sid"), str)
        assert fields == {"upgrades": [], "pingInterval": 300, "pingTimeout": 200, "maxPayload": 1_000_000}


async def test_no_two_sessions_have_the_same_sid(url: str) -> None:
    async with client(url) as http:
        answers = [await http.get(PATH, params={"EIO": "4", "transport": "polling"}) for _ in range(50)]
    assert len({Poller(http, PATH, answer.text).sid for answer in answers}) == 50


async def test_a_parameter_against_caches_changes_nothing(url: str) -> None:
    async with client(url) as http:
        answer = await http.get(PATH, params={"t": "N8hyd6w", "EIO": "4", "more": "=&", "transport": "polling"})
        assert answer.status_code == 200


@pytest.mark.parametrize(
    ("query", "error"),
    [
        ("transport=polling", UNKNOWN_VERSION),
        ("EIO=abc&transport=polling", UNKNOWN_VERSION),
        ("EIO=3&transport=polling", UNKNOWN_VERSION),
        ("EIO=5&transport=polling", UNKNOWN_VERSION),
        ("EIO=4", UNKNOWN_TRANSPORT),
        ("EIO=4&transport=abc", UNKNOWN_TRANSPORT),
        ("EIO=4&transport=", UNKNOWN_TRANSPORT),
        ("EIO=4&transport=websocket", BAD_REQUEST),
        ("EIO=4&transport=polling&sid=nobody", UNKNOWN_SESSION),
        ("", UNKNOWN_TRANSPORT),
    ],
)
async def test_a_get_that_asks_for_what_is_not_there_is_refused(url: str, query: str, error: dict[str, object]) -> None:
    async with client(url) as http:
        answer = await http.get(f"{PATH}?{query}")
        assert (answer.status_code, answer.json()) == (400, error)
        assert answer.headers["content-type"].split(";")[0] == "application/json"


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
async def test_only_a_get_opens_a_session(url: str, method: str) -> None:
    async with client(url) as http:
        answer = await http.request(method, PATH, params={"EIO": "4", "transport": "polling"})
        assert (answer.status_code, answer.json()) == (400, BAD_METHOD)


async def test_a_method_that_no_session_has_leaves_the_session_alone(url: str) -> None:
    async with poller(url, PATH) as session:
        answer = await session.http.request("PUT", PATH, params=session.query)
        assert answer.status_code == 400
        await session.say("4still here")
        assert await session.hear() == ["4still here"]


async def test_a_post_to_an_unknown_session_is_refused(url: str) -> None:
    async with client(url) as http:
        answer = await http.post(PATH, params={"EIO": "4", "transport": "polling", "sid": "nobody"}, content="4hello")
        assert (answer.status_code, answer.json()) == (400, UNKNOWN_SESSION)


@pytest.mark.parametrize(
    "query",
    [
        "transport=websocket",
        "EIO=abc&transport=websocket",
        "EIO=3&transport=websocket",
        "EIO=4",
        "EIO=4&transport=abc",
        "EIO=4&transport=polling",
        "EIO=4&transport=websocket&sid=nobody",
    ],
)
async def test_a_websocket_that_asks_for_what_is_not_there_is_refused(url: str, query: str) -> None:
    with pytest.raises(InvalidStatus) as refused:
        async with dialled(url, PATH, query):
            pass
    assert refused.value.response.status_code == 400


# ---- messages --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "packets",
    [
        ["4hello"],
        ["4"],
        ["4test1", "4test2", "4test3"],
        ["4hello", "bAQIDBA=="],
        ["bAQIDBA==", "4bAQIDBA==", "b", "4" + "1" * 1000, "b/+8="],
        ["4安可 🎤", "4\n\t\\", '4{"a":[1,"\\u001e"]}'],
        [f"4{number}" for number in range(500)],
    ],
)
async def test_a_payload_of_any_packets_is_said_back_in_order(url: str, packets: list[str]) -> None:
    async with poller(url, PATH) as session:
        await session.say(*packets)
        assert await session.hear_all(len(packets)) == packets


async def test_what_waits_is_fetched_by_one_poll(url: str) -> None:
    async with poller(url, PATH) as session:
        await session.say("4one")
        await session.say("4two", "bAw==")
        assert (await session.poll()).text == "4one\x1e4two\x1ebAw=="


async def test_a_poll_waits_until_there_is_something_to_say(url: str) -> None:
    async with poller(url, PATH) as session:
        waiting = asyncio.create_task(session.poll())
        await asyncio.wait([waiting], timeout=0.05)
        assert not waiting.done()
        await session.say("4at last")
        answer = await waiting
        assert (answer.status_code, answer.text) == (200, "4at last")
        assert answer.headers["content-type"].lower() == "text/plain; charset=utf-8"


async def test_the_answers_of_a_session_may_not_be_stored(url: str) -> None:
    async with poller(url, PATH) as session:
        pushed = await session.post("4x")
        polled = await session.poll()
        assert (pushed.headers["cache-control"], polled.headers["cache-control"]) == ("no-store", "no-store")


@pytest.mark.parametrize(
    "message",
    ["4hello", "4", "4安可 🎤", "4a\x1eb", "4" + "x" * 999_999, b"\x01\x02\x03\x04", b"", b"4", bytes(1_000_000)],
)
async def test_a_message_is_said_back_over_a_websocket(url: str, message: str | bytes) -> None:
    async with line(url, PATH) as opened:
        await opened.say(message)
        assert await opened.hear() == message


async def test_messages_over_a_websocket_keep_their_order(url: str) -> None:
    async with line(url, PATH) as opened:
        said = [f"4{number}" if number % 3 else number.to_bytes(2, "big") for number in range(1, 1001)]
        asking = asyncio.create_task(opened.say(*said))
        assert await opened.hear_all(len(said)) == said
        await asking


async def test_a_message_in_fragments_is_one_message(url: str) -> None:
    async with line(url, PATH) as opened:
        await opened.connection.send(["4he", "l", "", "lo"])
        await opened.connection.send([b"\x01", b"\x02"])
        assert await opened.hear_all(2) == ["4hello", b"\x01\x02"]


async def test_a_ping_of_websocket_itself_is_answered(url: str) -> None:
    async with line(url, PATH) as opened:
        async with asyncio.timeout(DEADLINE_SECONDS):
            await (await opened.connection.ping(b"there?"))


@pytest.mark.parametrize("body", NO_PACKETS)
async def test_a_body_that_is_no_payload_is_refused_and_ends_the_session(url: str, body: str | bytes) -> None:
    async with poller(url, PATH) as session:
        answer = await session.post(body)
        assert (answer.status_code, answer.json()["code"]) == (400, 3)
        assert await is_gone(session, after_words=True)


@pytest.mark.parametrize("frame", NO_FRAMES)
async def test_a_frame_that_is_no_packet_ends_the_session(url: str, frame: str) -> None:
    async with line(url, PATH) as opened:
        await opened.say(frame)
        assert [heard for heard in await opened.until_closed() if heard != "1"] == []


async def test_a_body_beyond_the_bound_is_refused(url: str) -> None:
    async with poller(url, PATH) as session:
        answer = await session.post("4" + "x" * protocol_app.MAX_PAYLOAD)
        assert answer.status_code in {400, 413}  # the text names no status; the reference implementation says 413


async def test_a_body_of_the_bound_is_taken(url: str) -> None:
    async with poller(url, PATH) as session:
        message = "4" + "x" * (protocol_app.MAX_PAYLOAD - 1)
        await session.say(message)
        assert await session.hear() == [message]


async def test_a_frame_beyond_the_bound_closes_the_websocket(url: str) -> None:
    async with line(url, PATH) as opened:
        with suppress(ConnectionClosed):
            await opened.say("4" + "x" * protocol_app.MAX_PAYLOAD)
        assert await opened.until_closed() == []


async def test_a_second_poll_at_once_is_refused_and_ends_the_session(url: str) -> None:
    async with poller(url, PATH) as session:
        first = asyncio.create_task(session.poll())
        await asyncio.wait([first], timeout=0.05)
        second = await session.poll()
        assert second.status_code == 400
        assert (await first).text == "1"
        assert await is_gone(session)


async def test_a_second_post_at_once_is_refused_and_ends_the_session(url: str) -> None:
    where = urlsplit(url)
    async with poller(url, PATH) as session:
        reader, writer = await asyncio.open_connection(where.hostname, where.port)
        head = f"POST {PATH}?EIO=4&transport=polling&sid={session.sid} HTTP/1.1\r\nhost: x\r\ncontent-length: 6\r\n\r\n"
        writer.write(head.encode() + b"4hel")
        await writer.drain()
        # nothing tells when the server has read a head: the ping, which it sends later, has
        assert (await session.poll()).text == "2"
        second = await session.post("3")
        assert second.status_code == 400
        assert await is_gone(session)
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()
        del reader


async def test_a_poll_that_is_broken_off_ends_the_session(url: str) -> None:
    # what was on its way to it may be lost, and nobody could tell
    async with poller(url, PATH) as session:
        waiting = asyncio.create_task(session.poll())
        await asyncio.wait([waiting], timeout=0.05)
        waiting.cancel()
        await asyncio.wait([waiting])
        assert await is_gone(session)


# ---- heartbeat -------------------------------------------------------------------------------------


async def test_a_polling_session_that_answers_its_pings_lives_on(url: str) -> None:
    async with poller(url, PATH) as session:
        for _ in range(3):
            asked = time.monotonic()
            assert (await session.poll()).text == "2"
            assert time.monotonic() - asked > protocol_app.PING_INTERVAL_SECONDS - 0.05
            await session.say("3")
        await session.say("4alive")
        assert await session.hear() == ["4alive"]


async def test_a_websocket_that_answers_its_pings_lives_on(url: str) -> None:
    async with line(url, PATH) as opened:
        for _ in range(3):
            assert await opened.next() == "2"
            await opened.say("3")
        await opened.say("4alive")
        assert await opened.hear() == "4alive"


async def test_a_websocket_that_leaves_a_ping_unanswered_is_closed_in_time(url: str) -> None:
    began = time.monotonic()
    async with line(url, PATH) as opened:
        assert await opened.until_closed(answer_pings=False) == ["2"]
        assert SILENCE_SECONDS - 0.05 < time.monotonic() - began < SILENCE_SECONDS + LATE_SECONDS


async def test_a_pong_saves_a_websocket_only_once(url: str) -> None:
    began = time.monotonic()
    async with line(url, PATH) as opened:
        assert await opened.next() == "2"
        await opened.say("3")
        assert await opened.until_closed(answer_pings=False) == ["2"]
        assert time.monotonic() - began > SILENCE_SECONDS + protocol_app.PING_INTERVAL_SECONDS - 0.05


async def test_a_polling_session_that_nobody_polls_is_gone_in_time(url: str) -> None:
    async with poller(url, PATH) as session:
        await asyncio.sleep(SILENCE_SECONDS)  # the rule is about this very moment; nothing else can be asked meanwhile
        assert await is_gone(session)


async def test_a_polling_session_that_leaves_a_ping_unanswered_is_gone_and_its_poll_released(url: str) -> None:
    began = time.monotonic()
    async with poller(url, PATH) as session:
        assert (await session.poll()).text == "2"
        released = await session.poll()
        assert time.monotonic() - began < SILENCE_SECONDS + LATE_SECONDS
        assert released.status_code == 400 or released.text in {"1", "6"}
        assert await is_gone(session)


# ---- upgrade ---------------------------------------------------------------------------------------


async def test_an_upgrade_probes_releases_the_poll_and_carries_on(url: str) -> None:
    async with poller(url, PATH) as session:
        waiting = asyncio.create_task(session.poll())
        await asyncio.wait([waiting], timeout=0.05)
        async with probed(url, session) as opened:
            assert (await waiting).text == "6"
            # nothing holds a poll any more until the upgrade is complete
            assert (await session.poll()).text == "6"
            await opened.say("5", "4hello")
            assert await opened.next() == "4hello"


async def test_what_nobody_has_fetched_comes_over_the_websocket(url: str) -> None:
    async with poller(url, PATH) as session:
        await session.say("4one", "bAg==", "4three")
        async with probed(url, session) as opened:
            await opened.say("5", "4four")
            assert await opened.hear_all(4) == ["4one", b"\x02", "4three", "4four"]


async def test_a_poll_during_the_probe_fetches_what_waits(url: str) -> None:
    async with poller(url, PATH) as session, probed(url, session) as opened:
        await session.say("4one")
        heard: list[str | bytes] = [packet for packet in await session.hear() if packet != "6"]
        await opened.say("5", "4two")
        heard += await opened.hear_all(2 - len(heard))
        assert heard == ["4one", "4two"]


async def upgrades_while_talking(url: str) -> tuple[list[str], list[str | bytes]]:
    """A client as the text wants it, talking all the time; what it has said and what it has heard."""
    said, heard = list[str](), list[str | bytes]()
    paused = False

    def more() -> list[str]:
        fresh = [f"4{number}" for number in range(len(said), len(said) + 3)]
        said.extend(fresh)
        return fresh

    async def speak() -> None:
        while not paused:
            await session.say(*more())

    async def listen() -> None:
        while not paused:
            heard.extend(packet for packet in await session.hear() if packet != "6")

    async with poller(url, PATH) as session, asyncio.timeout(DEADLINE_SECONDS):
        speaking, listening = asyncio.create_task(speak()), asyncio.create_task(listen())
        while len(heard) < 10:
            await asyncio.sleep(0.001)
        async with probed(url, session) as opened:
            paused = True
            await asyncio.gather(speaking, listening)
            await opened.say("5", *more(), *more())
            heard += await opened.hear_all(len(said) - len(heard))
            await opened.say("4last")
            heard.append(await opened.hear())
    return [*said, "4last"], heard


async def test_an_upgrade_loses_and_doubles_no_message(url: str) -> None:
    for _ in range(3):
        said, heard = await upgrades_while_talking(url)
        assert heard == said


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_polling_is_over_after_the_upgrade(url: str, method: str) -> None:
    async with poller(url, PATH) as session, probed(url, session) as opened:
        await opened.say("5", "4there")
        assert await opened.next() == "4there"
        answer = await session.http.request(method, PATH, params=session.query, content=b"4twice" * (method == "POST"))
        assert (answer.status_code, answer.json()["code"]) == (400, 3)
        await opened.say("4still here")
        assert await opened.hear() == "4still here"


@pytest.mark.parametrize("upgraded", [True, False])
async def test_a_second_websocket_of_a_session_is_closed_and_the_first_goes_on(url: str, upgraded: bool) -> None:
    async with poller(url, PATH) as session, probed(url, session) as first:
        if upgraded:
            await first.say("5", "4there")
            assert await first.next() == "4there"
        # accepted and closed, as the reference implementation does it: a browser shows no status anyway
        async with dialled(url, PATH, f"EIO=4&transport=websocket&sid={session.sid}") as second:
            assert await second.until_closed() == []
        await first.say(*[] if upgraded else ["5"], "4hello")
        assert await first.hear() == "4hello"


async def test_a_websocket_that_never_probes_leaves_polling_alone(url: str) -> None:
    query = "EIO=4&transport=websocket&sid="
    async with poller(url, PATH) as session, dialled(url, PATH, query + session.sid):
        for number in range(3):
            await session.say(f"4{number}")
            assert await session.hear() == [f"4{number}"]


async def test_a_probe_that_is_given_up_leaves_polling_alone(url: str) -> None:
    async with poller(url, PATH) as session:
        async with probed(url, session):
            await session.say("4one")
        assert [packet for packet in await session.hear() if packet != "6"] == ["4one"]
        await session.say("4two")
        while (heard := await session.hear()) == ["6"]:
            pass
        assert heard == ["4two"]
        # and another one may come
        async with probed(url, session) as opened:
            await opened.say("5", "4three")
            assert await opened.hear() == "4three"


@pytest.mark.parametrize("first", ["5", "4hello", "3", "2", "2prob", "abc", b"\x01"])
async def test_a_websocket_beside_polling_that_does_not_probe_first_is_closed(url: str, first: str | bytes) -> None:
    query = "EIO=4&transport=websocket&sid="
    async with poller(url, PATH) as session, dialled(url, PATH, query + session.sid) as opened:
        await opened.say(first)
        assert [heard for heard in await opened.until_closed() if heard != "1"] == []


async def test_an_upgraded_session_has_its_heartbeat_on_the_websocket(url: str) -> None:
    async with poller(url, PATH) as session, probed(url, session) as opened:
        await opened.say("5")
        for _ in range(3):
            assert await opened.next() == "2"
            await opened.say("3")
        assert await opened.until_closed(answer_pings=False) == ["2"]


# ---- the end ---------------------------------------------------------------------------------------


async def test_close_over_polling_ends_the_session_and_releases_the_poll(url: str) -> None:
    async with poller(url, PATH) as session:
        waiting = asyncio.create_task(session.poll())
        await asyncio.wait([waiting], timeout=0.05)
        await session.say("1")
        answer = await waiting
        assert (answer.status_code, answer.text) == (200, "6")
        assert await is_gone(session)


async def test_close_over_a_websocket_closes_it(url: str) -> None:
    async with line(url, PATH) as opened:
        await opened.say("1")
        assert await opened.until_closed() == []


async def test_the_session_of_a_closed_websocket_is_gone(url: str) -> None:
    async with poller(url, PATH) as session:
        async with probed(url, session) as opened:
            await opened.say("5", "4there")
            assert await opened.next() == "4there"
        assert await is_gone(session)


async def test_a_session_ends_alone(url: str) -> None:
    async with line(url, PATH) as stays, poller(url, PATH) as polls:
        async with line(url, PATH) as leaves:
            await leaves.say("1")
            await leaves.until_closed()
        async with line(url, PATH) as errs:
            await errs.say("abc")
            await errs.until_closed()
        await both_answer(stays, polls)


async def both_answer(opened: Line, session: Poller) -> None:
    await opened.say("4here")
    assert await opened.hear() == "4here"
    await session.say("4here")
    assert await session.hear() == ["4here"]
