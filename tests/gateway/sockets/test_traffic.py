"""What a transport may carry: counted before it is parsed, and never met by a client that keeps to the contract."""

import asyncio
import json
import struct
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from gateway.engine.websocket import WebSocketConnection
from tests.gateway.sockets.raw import ACK, PATHS, Closed, RawSocket, WebSocket, polling, raw_socket, websocket
from tests.gateway.sockets.venue import Venue, venue

pytestmark = pytest.mark.asyncio(loop_scope="module")

BYE = {"code": "PROTOCOL", "retryable": False}
MASK = bytes(4)
QUERY = "EIO=4&transport=websocket"
KEPT = 1000
"""Events that an app has kept while its phone was offline."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def hall(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Venue]:
    async with venue(tmp_path_factory.mktemp("hall"), farewell_seconds=0.5) as running:
        yield running


def frame(payload: bytes, first: int = 0x81) -> bytes:
    size = len(payload)
    head = bytes((first, 0x80 | size)) if size < 126 else bytes((first, 0x80 | 126)) + struct.pack("!H", size)
    return head + MASK + payload


FLOODS = {
    "pongs": frame(b"3"),
    "stray namespaces": frame(b'42/nowhere,["x"]'),
    "refused events": frame(b'42/live,["clock",{"t0":1}]'),
    "acked refusals": frame(b'42/live,7["clock",{"t0":1}]'),
    "websocket pings": frame(b"", 0x89),
    "websocket pongs": frame(b"", 0x8A),
    "one byte fragments": frame(b"4", 0x01) + frame(b"2", 0x00) * 98 + frame(b"[", 0x80),
    "large garbage": frame(b"4" + b"x" * 60_000),
}


@asynccontextmanager
async def stream(hall: Venue) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """A WebSocket of which only bytes are known, after its handshake."""
    reader, writer = await asyncio.open_connection("127.0.0.1", hall.house.settings.port)
    writer.write(
        f"GET {PATHS['json']}?{QUERY} HTTP/1.1\r\nhost: a\r\nupgrade: websocket\r\nconnection: upgrade\r\n"
        "sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n".encode()
    )
    await reader.readuntil(b"\r\n\r\n")
    try:
        yield reader, writer
    finally:
        writer.transport.abort()


async def until_told(reader: asyncio.StreamReader, word: bytes) -> bytes:
    """Everything up to this word; AssertionError where the line ends before."""
    heard = b""
    async with asyncio.timeout(5):
        while word not in heard:
            more = await reader.read(65536)
            assert more, heard[-200:]
            heard += more
    return heard


async def pour(writer: asyncio.StreamWriter, flood: bytes, seconds: float = 5.0) -> None:
    """Send until the line is closed; TimeoutError where it is not."""
    chunk = flood * (1 + 20_000 // len(flood))
    async with asyncio.timeout(seconds):
        try:
            while True:
                writer.write(chunk)
                await writer.drain()
                await asyncio.sleep(0.001)
        except ConnectionError:
            return


@pytest.mark.parametrize("kind", list(FLOODS))
async def test_who_was_let_in_and_floods_hears_bye_and_is_cut(hall: Venue, kind: str) -> None:
    # pongs and stray namespaces of three sockets at 8 Mbit/s made the loop late by 4.5 s
    async with stream(hall) as (reader, writer):
        auth = json.dumps({"token": hall.token("flood"), "room": hall.room})
        writer.write(frame(f"40/live,{auth}".encode()))
        await until_told(reader, b'42/live,["welcome"')
        pouring = asyncio.create_task(pour(writer, FLOODS[kind]))
        heard = await until_told(reader, b"\x88")
        assert json.dumps(BYE, separators=(",", ":")).encode() in heard
        assert heard.endswith(b"\x88\x0a\x03\xe8PROTOCOL")
        await pouring
    assert not hall.house.socket_servers[0].engine.sockets


@pytest.mark.parametrize("kind", list(FLOODS))
async def test_who_was_not_let_in_and_floods_is_cut(hall: Venue, kind: str) -> None:
    async with stream(hall) as (reader, writer):
        pouring = asyncio.create_task(pour(writer, FLOODS[kind]))
        await until_told(reader, b"\x88\x0a\x03\xe8PROTOCOL")
        await pouring


async def test_of_a_chunk_beyond_the_budget_nothing_is_parsed(hall: Venue, monkeypatch: pytest.MonkeyPatch) -> None:
    from gateway.sockets.server import SocketServer  # noqa: PLC0415 - what is counted is its method

    received: list[object] = []
    monkeypatch.setattr(SocketServer, "received", lambda _, __, data: received.append(data))
    async with stream(hall) as (reader, writer):
        writer.write(frame(b"4x") * 3000)
        await until_told(reader, b"\x88\x0a\x03\xe8PROTOCOL")
    assert len(received) <= hall.house.settings.packets_burst


async def test_who_does_not_read_is_reset_and_not_waited_for(hall: Venue) -> None:
    engine = hall.house.socket_servers[0].engine
    async with raw_socket(hall.url) as fan:
        await fan.enter(token=hall.token("deaf"), room=hall.room)
        (socket,) = engine.sockets.values()
        connection = socket._websocket
        assert isinstance(connection, WebSocketConnection)
        connection.pause_writing()  # as uvloop does where the peer takes nothing
        connection.data_received(frame(b"3") * 3000)
        assert connection._transport.is_closing()


@pytest.mark.parametrize("codec", ["json", "msgpack"])
async def test_events_beyond_their_rate_are_refused_undecoded_and_a_named_number_of_them_ends_the_socket(
    hall: Venue, codec: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # one socket cost 39 % of a core with them
    server = next(one for one in hall.house.socket_servers if one.codec.value == codec)
    limits = hall.house.settings
    async with raw_socket(hall.url, codec=codec) as fan:
        await fan.enter(token=hall.token("eager"), room=hall.room)
        decoded: list[bool] = []
        kind = server.packet_class

        def decoding() -> Any:
            decoded.append(True)
            return kind()

        monkeypatch.setattr(server, "packet_class", decoding)
        for _ in range(limits.packets_burst + limits.refused_events_burst + 30):
            await fan.emit("clock", {"t0": 1})
        assert await fan.event("bye") == BYE
        assert (await fan.until_end()).reason == "PROTOCOL"
    answers = [packet.data[0]["error"]["code"] for packet in fan.heard if packet.kind == 3 and not packet.data[0]["ok"]]
    assert set(answers) == {"RATE_LIMITED"}
    assert limits.refused_events_burst <= len(answers) <= limits.refused_events_burst + 20
    assert len(decoded) < limits.packets_burst + 40


# ---- polling ---------------------------------------------------------------------------------------


async def test_polls_beyond_the_budget_end_the_session(hall: Venue) -> None:
    for body in ("3", "42/nowhere,[1]", '42/live,["clock",{"t0":1}]'):
        async with polling(hall.url) as carrier:
            fan = RawSocket(carrier, "json")
            await fan.enter(token=hall.token("poller"), room=hall.room)
            settings, began, taken = hall.house.settings, time.monotonic(), 0
            async with asyncio.timeout(30):
                while (last := (await carrier.post(body)).status_code) == 200:
                    taken += 1
            seconds = time.monotonic() - began
            assert taken <= settings.transport_requests_burst + settings.transport_requests_per_second * seconds + 1
            assert last in (400, 429)


async def test_a_poll_of_very_many_packets_is_refused_before_they_are_taken_apart(hall: Venue) -> None:
    async with polling(hall.url) as carrier:
        fan = RawSocket(carrier, "json")
        await fan.enter(token=hall.token("splitter"), room=hall.room)
        assert (await carrier.post("3\x1e" * 30_000)).status_code == 200  # for the bye is only fetched after that
        assert await fan.event("bye") == BYE


LAST_POSTS: dict[str, str | bytes] = {
    "no packets": "xx\x1e\x00\x1e9",
    "no base64": "b!\x1eb!\x1eb!",
    "no UTF-8, thrice": b"\xff",
    "events that are none": "\x1e".join(["42/live,{}"] * 3),
    "refused events": "\x1e".join(['42/live,7["clock",{"t0":1}]'] * 1400),
}


@pytest.mark.parametrize("kind", list(LAST_POSTS))
async def test_a_post_that_ends_a_session_is_answered_ok_and_the_next_poll_brings_the_bye(
    hall: Venue, kind: str
) -> None:
    # official clients drop the line at a POST that is answered 400, before their poll brings the words
    async with polling(hall.url) as carrier:
        fan = RawSocket(carrier, "json")
        await fan.enter(token=hall.token("last"), room=hall.room)
        for _ in range(3 if "thrice" in kind else 1):
            assert (await carrier.post(LAST_POSTS[kind])).status_code == 200
        assert (await carrier.post("3")).status_code == 200  # what comes behind the end changes nothing
        assert await fan.event("bye") == BYE
        assert isinstance(await fan.until_end(), Closed)


async def test_a_connection_that_asks_for_sockets_again_and_again_is_closed(hall: Venue) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", hall.house.settings.port)
    request = f"GET {PATHS['json']}?EIO=4&transport=polling&sid=nobody HTTP/1.1\r\nhost: a\r\n\r\n".encode()
    writer.write(request * 1000)
    async with asyncio.timeout(5):
        heard = await reader.read()
    assert heard.count(b"HTTP/1.1 ") <= hall.house.settings.transport_requests_burst + 1
    writer.transport.abort()
    # what is no path of sockets has no such bound: a platform's own server keeps its connections
    reader, writer = await asyncio.open_connection("127.0.0.1", hall.house.settings.port)
    for _ in range(hall.house.settings.transport_requests_burst + 50):
        writer.write(b"GET /livez HTTP/1.1\r\nhost: a\r\n\r\n")
        async with asyncio.timeout(5):
            assert b" 200 " in await reader.readuntil(b"\r\n\r\n")
    writer.transport.abort()


# ---- clients that keep to the contract -------------------------------------------------------------


async def until_answered(fan: RawSocket) -> None:
    """Ask until the bucket gives something again."""
    async with asyncio.timeout(5):
        while not (await fan.ask("clock", {"t0": 1}))["ok"]:
            await asyncio.sleep(0.05)


@pytest.mark.parametrize("transport", ["websocket", "polling"])
async def test_a_busy_client_within_its_rate_never_meets_the_budget(hall: Venue, transport: str) -> None:
    settings = hall.house.settings
    async with raw_socket(hall.url, transport=transport) as fan:
        await fan.enter(token=hall.token("busy"), room=hall.room)
        for _ in range(settings.packets_burst):
            assert (await fan.ask("clock", {"t0": 1}))["ok"]
        for _ in range(3 * round(settings.packets_per_second)):
            await asyncio.sleep(1 / settings.packets_per_second)
            assert (await fan.ask("clock", {"t0": 1}))["ok"]


async def test_who_says_a_hundred_things_at_once_is_refused_some_and_stays(hall: Venue) -> None:
    async with raw_socket(hall.url) as host:
        await host.enter(token=hall.token("talker"), room=hall.room)
        numbers = [await host.emit("clock", {"t0": 1}) for _ in range(100)]
        answers = [await host.ack(number) for number in numbers]
        refused = [answer for answer in answers if not answer["ok"]]
        assert {answer["error"]["code"] for answer in refused} <= {"RATE_LIMITED"}
        await until_answered(host)


async def test_what_a_network_held_back_for_ten_seconds_comes_at_once_and_is_taken(hall: Venue) -> None:
    async with raw_socket(hall.url) as fan:
        await fan.enter(token=hall.token("tunnel"), room=hall.room)
        assert isinstance(fan.transport, WebSocket)
        for _ in range(180):
            await fan.emit("clock", {"t0": 1})
        await until_answered(fan)


@pytest.mark.parametrize("codec", ["json", "msgpack"])
async def test_what_an_app_kept_in_a_tunnel_comes_at_once_and_ends_nothing(hall: Venue, codec: str) -> None:
    # official clients keep what is emitted without a connection and send it all behind the answer to CONNECT
    async with raw_socket(hall.url, codec=codec) as fan:
        await fan.enter(token=hall.token("tunnel"), room=hall.room)
        numbers = [await fan.emit("danmaku", {"text": "還在嗎？" * 20}) for _ in range(KEPT)]
        answers = [await fan.ack(number) for number in numbers]
        codes = {answer["error"]["code"] for answer in answers if not answer["ok"]}
        assert {"RATE_LIMITED"} <= codes <= {"RATE_LIMITED", "BUSY", "TICKET_REQUIRED"}
        await until_answered(fan)


@pytest.mark.parametrize("at_once", [16, KEPT], ids=["as the Python client", "as browsers"])
async def test_what_an_app_kept_in_a_tunnel_may_come_by_polling(hall: Venue, at_once: int) -> None:
    async with polling(hall.url) as carrier:
        fan = RawSocket(carrier, "json")
        await fan.enter(token=hall.token("tunneller"), room=hall.room)
        packets = [f'42/live,{number}["clock",{{"t0":1}}]' for number in range(KEPT)]

        async def flush() -> None:
            for start in range(0, KEPT, at_once):
                assert (await carrier.post("\x1e".join(packets[start : start + at_once]))).status_code == 200

        _, *answers = await asyncio.gather(flush(), *[fan.ack(KEPT - 1)])
        answers += [packet.data[0] for packet in fan.heard if packet.kind == ACK]
        assert len(answers) == KEPT + 1
        assert {answer["error"]["code"] for answer in answers if not answer["ok"]} == {"RATE_LIMITED"}
        await until_answered(fan)


async def test_who_raises_the_rate_of_events_raises_what_a_transport_carries(
    tmp_path: Path,
) -> None:
    async with (
        venue(tmp_path, packets_per_second=2000, packets_burst=2000) as fast,
        websocket(fast.url) as carrier,
    ):
        fan = RawSocket(carrier, "json")
        await fan.enter(token=fast.token("fast"), room=fast.room)
        numbers = [await fan.emit("clock", {"t0": 1}) for _ in range(1000)]
        assert [(await fan.ack(number))["ok"] for number in numbers] == [True] * 1000


async def test_the_end_of_a_flood_is_told_to_its_own_socket_alone(hall: Venue) -> None:
    async with raw_socket(hall.url) as fan, stream(hall) as (reader, writer):
        await fan.enter(token=hall.token("quiet"), room=hall.room)
        writer.write(frame(b"3") * 3000)
        await until_told(reader, b"PROTOCOL")
        assert (await fan.ask("clock", {"t0": 1}))["ok"]
        assert not any(isinstance(packet, Closed) for packet in fan.heard)
