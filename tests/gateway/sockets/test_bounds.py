"""How much a client may send at once, and what is left of a socket that sends more, or what no packet is."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from auth.identity import UserId
from tests.gateway.sockets.raw import (
    EVENT,
    PATHS,
    Closed,
    Polling,
    RawSocket,
    WebSocket,
    polling,
    raw_socket,
    websocket,
)
from tests.gateway.sockets.venue import Venue, venue

pytestmark = pytest.mark.asyncio(loop_scope="module")

LIMIT = 65536
TOO_BIG = 1009


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def hall(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Venue]:
    async with venue(tmp_path_factory.mktemp("hall"), connect_seconds=60) as running:
        assert running.house.settings.packet_bytes == LIMIT
        yield running


async def gone(hall: Venue, user: str) -> None:
    """Wait until no socket of a user is in the room, nor its transport on the server."""
    room = await hall.house.live_rooms.get(hall.room)
    assert room is not None

    def is_here() -> bool:
        return bool(room.of_user(UserId(user))) or any(server.engine.sockets for server in hall.house.socket_servers)

    async with asyncio.timeout(5):
        while is_here():
            await asyncio.sleep(0.01)


async def test_compression_is_not_negotiated_with_a_client_that_offers_it(hall: Venue) -> None:
    for path in PATHS.values():
        async with websocket(hall.url, path, compression="deflate") as carrier:
            assert carrier.connection.request is not None
            assert "permessage-deflate" in carrier.connection.request.headers["sec-websocket-extensions"]
            assert carrier.connection.response is not None
            assert "sec-websocket-extensions" not in carrier.connection.response.headers
            assert carrier.connection.protocol.extensions == []


def padded(size: int) -> str:
    """A frame of exactly so many bytes that carries an event with ack 7."""
    head, tail = '42/live,7["clock",{"t0":1,"pad":"', '"}]'
    return head + "x" * (size - len(head) - len(tail)) + tail


async def test_a_frame_of_just_the_limit_is_handled(hall: Venue) -> None:
    async with raw_socket(hall.url) as fan:
        await fan.enter(token=hall.token("full"), room=hall.room)
        await fan.transport.send(padded(LIMIT))
        assert (await fan.ack(7))["ok"]


@pytest.mark.parametrize("codec", ["json", "msgpack"])
async def test_a_larger_frame_ends_the_websocket(hall: Venue, codec: str) -> None:
    async with raw_socket(hall.url, codec=codec) as fan:
        await fan.enter(token=hall.token("large"), room=hall.room)
        await fan.transport.send(padded(LIMIT + 1) if codec == "json" else b"x" * (LIMIT + 1))
        assert (await fan.until_end()).code == TOO_BIG
        await gone(hall, "large")


async def test_a_message_in_small_fragments_is_measured_as_a_whole(hall: Venue) -> None:
    async with raw_socket(hall.url) as fan:
        await fan.enter(token=hall.token("fragments"), room=hall.room)
        assert isinstance(fan.transport, WebSocket)
        frame = padded(LIMIT + 1)
        await fan.transport.connection.send([frame[:40000], frame[40000:]])
        assert (await fan.until_end()).code == TOO_BIG
        await gone(hall, "fragments")


@pytest.mark.parametrize("codec", ["json", "msgpack"])
async def test_a_larger_polling_body_is_refused_and_ends_the_socket(hall: Venue, codec: str) -> None:
    async with polling(hall.url, PATHS[codec]) as carrier:
        fan = RawSocket(carrier, codec)
        await fan.enter(token=hall.token("large"), room=hall.room)
        assert (await carrier.post(padded(LIMIT + 1))).status_code == 413
        await gone(hall, "large")
        # what a client posts before it has fetched its last words is no fault of its own; afterwards nobody is there
        assert (await carrier.http.get(carrier.path, params=carrier.query)).status_code == 200
        assert (await carrier.post(padded(100))).status_code == 400


async def chunks(*parts: str) -> AsyncIterator[bytes]:
    for part in parts:
        yield part.encode()


async def test_a_polling_body_without_a_length_is_measured_too(hall: Venue) -> None:
    async with polling(hall.url) as carrier:
        fan = RawSocket(carrier, "json")
        await fan.enter(token=hall.token("chunks"), room=hall.room)
        frame = padded(1000)
        small = await carrier.http.post(carrier.path, params=carrier.query, content=chunks(frame[:500], frame[500:]))
        assert small.status_code == 200
        assert (await fan.ack(7))["ok"]
        large = await carrier.http.post(carrier.path, params=carrier.query, content=chunks(*["x" * 8192] * 9))
        assert large.status_code == 413
        await gone(hall, "chunks")


async def test_many_packets_in_one_polling_body_are_all_answered(hall: Venue) -> None:
    # stock python-engineio takes 16 and answers 200 for a body of more that it has thrown away
    async with polling(hall.url) as carrier:
        fan = RawSocket(carrier, "json")
        await fan.enter(token=hall.token("many"), room=hall.room)
        body = "\x1e".join(f'42/live,{number}["clock",{{"t0":{number}}}]' for number in range(100, 130))
        assert (await carrier.post(body)).status_code == 200
        answers = [await fan.ack(number) for number in range(100, 130)]
        assert [answer["data"]["t0"] for answer in answers] == list(range(100, 130))


NO_PACKETS = [
    "",
    "x",
    "9",
    "4",
    "4[]",
    "4{}",
    "4null",
    "4-1",
    "4" + "[" * 5000,
    "2" + "[" * 5000,
    "0{}",
    "b!!!",
    "b",
    "²",
    "42/live,1",
    '42/live,{"danmaku":1}',
    "42/live,[]",
    "42/live,[1]",
    "42/live,[null]",
    '42/live,["clock"',
    '42/live,["clock",NaN]',
    "42/live," + "9" * 200 + '["clock",{"t0":1}]',
    "42/live," + "[" * 5000 + "]" * 5000,
    '43/live,7["ack of nothing"]',
    '44/live,{"message":"no"}',
    '451-/live,["danmaku",{"_placeholder":true,"num":0}]',
    '459999999999-/live,["danmaku"]',
    "461-/live,1[]",
    "47/live,",
    "40/live,{}",
    b"",
    b"\x00",
    b"bytes on the JSON path",
]


def said(frame: object) -> str:
    text = repr(frame)
    return text if len(text) < 40 else text[:40] + "..."


@pytest.mark.parametrize("frame", NO_PACKETS, ids=said)
async def test_what_is_no_packet_closes_a_websocket_at_the_third_time(hall: Venue, frame: str | bytes) -> None:
    async with raw_socket(hall.url) as fan:
        await fan.enter(token=hall.token("wild"), room=hall.room)
        for _ in range(2):
            await fan.transport.send(frame)
        assert (await fan.ask("clock", {"t0": 1}))["ok"]  # still here after two
        await fan.transport.send(frame)
        bye = await fan.event("bye")
        assert bye == {"code": "PROTOCOL", "retryable": False}
        assert await fan.until_end() == Closed(1000, "PROTOCOL")
        await gone(hall, "wild")


@pytest.mark.parametrize(
    "frame", [frame for frame in NO_PACKETS if isinstance(frame, str) and frame not in {"", "b"}], ids=said
)
async def test_what_is_no_packet_closes_polling_at_the_third_time(hall: Venue, frame: str) -> None:
    async with polling(hall.url) as carrier:
        fan = RawSocket(carrier, "json")
        await fan.enter(token=hall.token("wild"), room=hall.room)
        for _ in range(2):
            assert (await carrier.post(frame)).status_code == 200
        assert (await fan.ask("clock", {"t0": 1}))["ok"]
        await carrier.post(frame)
        assert await fan.event("bye") == {"code": "PROTOCOL", "retryable": False}
        await fan.until_end()
        await gone(hall, "wild")


MSGPACK_NO_PACKETS: list[bytes] = [
    b"",
    b"\xc1",
    b"\x01",
    b"\x80",
    b"\x90",
    b"\x81\xa4type\x02",
    b"\x82\xa4type\xa12\xa3nsp\xa5/live",
    b"\x83\xa4type\x02\xa3nsp\xa5/live\xa4data\x80",
    b"\x83\xa4type\x02\xa3nsp\xa5/live\xa4data\x91\xa2\xff\xfe",  # not UTF-8
    b"\x83\xa4type\x02\xa3nsp\xa5/live\xa4data\x91\xd4\x05\x00",  # an ext of ours is 0 only
    b"\x83\xa4type\x02\xa3nsp\xa5/live\xa4data" + b"\x91" * 3000 + b"\xc0",
    b"\x83\xa4type\x02\xa3nsp\xa5/live\xa4data\xdd\xff\xff\xff\xff",  # an array of 2^32 items, none there
    b"\x84\xa4type\x02\xa3nsp\xa5/live\xa2id\xa11\xa4data\x91\xa5clock",  # an id that is text
]


@pytest.mark.parametrize("frame", MSGPACK_NO_PACKETS, ids=said)
async def test_what_is_no_msgpack_packet_closes_the_socket_at_the_third_time(hall: Venue, frame: bytes) -> None:
    async with raw_socket(hall.url, codec="msgpack") as fan:
        await fan.enter(token=hall.token("wild"), room=hall.room)
        for _ in range(2):
            await fan.transport.send(frame)
        assert (await fan.ask("clock", {"t0": 1}))["ok"]
        await fan.transport.send(frame)
        assert await fan.event("bye") == {"code": "PROTOCOL", "retryable": False}
        assert await fan.until_end() == Closed(1000, "PROTOCOL")
        await gone(hall, "wild")


@pytest.mark.parametrize(
    "data",
    [None, {}, {"clock": 1}, [], [1], [None, {}], [["clock"]], ["clock", {"t0": 1}, {"t0": 2}], "clock"],
    ids=said,
)
@pytest.mark.parametrize("codec", ["json", "msgpack"])
async def test_an_event_that_is_none_is_acked_where_an_ack_was_asked_for(hall: Venue, codec: str, data: Any) -> None:
    async with raw_socket(hall.url, codec=codec) as fan:
        await fan.enter(token=hall.token("odd"), room=hall.room)
        await fan.say(EVENT, "/live", data, 5)
        answer = await fan.ack(5)
        assert answer["ok"] is False
        assert (answer["error"]["code"], answer["error"]["retryable"]) == ("BAD_REQUEST", False)


@pytest.mark.parametrize(
    "frame",
    [
        '42/live,5["danmaku",{"text":"\\ud8zz"}]',
        '42/live,5["clock",{"t0":NaN}]',
        '42/live,5["clock",{"t0":1}',
        '451-/live,5["danmaku",{"_placeholder":true,"num":0}]',
    ],
    ids=said,
)
async def test_an_unreadable_event_is_acked_where_its_number_could_be_read(hall: Venue, frame: str) -> None:
    async with raw_socket(hall.url) as fan:
        await fan.enter(token=hall.token("odd"), room=hall.room)
        await fan.transport.send(frame)
        assert (await fan.ack(5))["error"]["code"] == "BAD_REQUEST"


async def test_a_binary_event_is_one_fault_whatever_follows_it(hall: Venue) -> None:
    # its attachment was a second one
    async with raw_socket(hall.url) as fan:
        await fan.enter(token=hall.token("binary"), room=hall.room)
        event = '-/live,5["danmaku",{"_placeholder":true,"num":0}]'
        for attachments in (1, 2):
            await fan.transport.send(f"45{attachments}{event}")
            for _ in range(attachments):
                await fan.transport.send(b"\x00")
        assert (await fan.ask("clock", {"t0": 1}))["ok"]  # two faults
        await fan.transport.send(b"\x00")
        assert await fan.event("bye") == {"code": "PROTOCOL", "retryable": False}


async def test_attachments_without_end_are_not_waited_for(hall: Venue) -> None:
    async with raw_socket(hall.url) as fan:
        await fan.enter(token=hall.token("bomb"), room=hall.room)
        await fan.transport.send('459999999999-/live,["danmaku",{"_placeholder":true,"num":0}]')
        for _ in range(12):
            await fan.transport.send(b"\x00")
        assert await fan.event("bye") == {"code": "PROTOCOL", "retryable": False}


@pytest.mark.parametrize("codec", ["json", "msgpack"])
async def test_half_an_emoji_is_an_answer_and_no_fault(hall: Venue, codec: str) -> None:
    async with raw_socket(hall.url, codec=codec) as fan:
        await fan.enter(token=hall.token("half"), room=hall.room)
        for number in range(5):
            if codec == "json":
                await fan.transport.send(f'42/live,{number}["danmaku",{{"text":"half \\ud83d"}}]')
            else:
                fields = b"\x84\xa4type\x02\xa3nsp\xa5/live\xa2id" + bytes([number])
                await fan.transport.send(fields + b"\xa4data\x92\xa7danmaku\x81\xa4text\xa8half \xed\xa0\xbd")
            assert (await fan.ack(number))["error"]["code"] not in {"BAD_REQUEST", "INTERNAL"}
        assert (await fan.ask("clock", {"t0": 1}))["ok"]


async def test_a_frame_that_is_no_packet_before_connect_ends_the_transport_at_the_third_time(hall: Venue) -> None:
    async with raw_socket(hall.url) as stranger:
        for _ in range(3):
            await stranger.transport.send("nonsense")
        assert await stranger.until_end() == Closed(1000, "PROTOCOL")
        assert stranger.heard == []


async def test_a_second_polling_session_is_not_reachable_by_a_guessed_id(hall: Venue) -> None:
    async with polling(hall.url) as carrier:
        stranger = Polling(carrier.http, carrier.path, '0{"sid":"AAAAAAAAAAAAAAAAAAAA"}')
        assert (await stranger.post("40/live,{}")).status_code == 400
        assert isinstance(await stranger.receive(), Closed)
