"""Where each request ends: as others on the way see it, however it is cut into packets; and one answer for each."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from gateway.engine.engine import Engine
from gateway.engine.limits import EngineLimits
from gateway.engine.websocket import WebSocketConnection
from tests.fuzz.requests import AFTER, HEAD_END, Exchange, Reader, Seen
from tests.fuzz.targets import Echo, masked
from tests.fuzz.wire import KEY

PATH = "/socket.io/"
BODY = b'{"show":"s","items":[{"product":"p"}]}'
READYZ = b"GET /readyz HTTP/1.1\r\nhost: a\r\n\r\n"
H2C = b"connection: Upgrade, HTTP2-Settings\r\nupgrade: h2c\r\nhttp2-settings: AAMAAABkAAQAoAAAAAIAAAAA\r\n"
SOCKET = b"/socket.io/?EIO=4&transport=websocket"
WEBSOCKET = (
    b"upgrade: websocket\r\nconnection: Upgrade\r\nsec-websocket-version: 13\r\nsec-websocket-key: " + KEY + b"\r\n"
)


def post(more: bytes = b"", body: bytes = BODY, path: bytes = b"/api/v1/orders", version: bytes = b"1.1") -> bytes:
    head = b"POST " + path + b" HTTP/" + version + b"\r\nhost: a\r\ncontent-type: application/json\r\n"
    return head + b"content-length: %d\r\n" % len(body) + more + b"\r\n" + body


def chunked(more: bytes = b"", chunks: bytes = b"5\r\nhello\r\n0\r\n\r\n", version: bytes = b"1.1") -> bytes:
    return b"POST /x HTTP/" + version + b"\r\nhost: a\r\ntransfer-encoding: chunked\r\n" + more + b"\r\n" + chunks


def cuts(stream: bytes) -> dict[str, list[bytes]]:
    """The same bytes as the network may deliver them."""
    head, _, rest = stream.partition(HEAD_END)
    middle = len(stream) // 2
    return {
        "whole": [stream],
        "head, rest": [head + HEAD_END, rest],
        "halves": [stream[:middle], stream[middle:]],
        "bytes": [stream[at : at + 1] for at in range(len(stream))],
    }


each_cut = pytest.mark.parametrize("cut", list(cuts(b"")))


@pytest_asyncio.fixture
async def reader() -> AsyncIterator[Reader]:
    engine = Engine(Echo(), EngineLimits(unaccepted_per_address=0))
    yield Reader(engine, PATH)
    engine.close()


async def read(reader: Reader, stream: bytes, cut: str) -> Exchange:
    return await reader.exchange(*cuts(stream)[cut])


ORDER = Seen("POST", "/api/v1/orders", BODY)
HELLO = Seen("POST", "/x", b"hello")
THE_NEXT = Seen("GET", "/after", b"")

FOREIGN = {
    "h2c": H2C,
    "h2c, in capitals": H2C.replace(b"upgrade: h2c", b"UPGRADE: H2C"),
    "another": b"connection: upgrade\r\nupgrade: TLS/1.0, foo\r\n",
    "a list": b"connection: upgrade\r\nupgrade: websocket, h2c\r\n",
    "two": b"connection: upgrade\r\nupgrade: h2c\r\nupgrade: websocket\r\n",
    "kept alive": b"connection: keep-alive\r\nconnection: upgrade\r\nupgrade: h2c\r\n",
}


@each_cut
@pytest.mark.parametrize("upgrade", FOREIGN.values(), ids=FOREIGN)
async def test_a_foreign_upgrade_is_ignored_and_the_body_read(reader: Reader, cut: str, upgrade: bytes) -> None:
    # `curl --http2` asks for one; its body was thrown away where it came with the head, else read as a request
    told = await read(reader, post(upgrade) + AFTER, cut)
    assert (told.whole, told.statuses, told.is_closed) == ([ORDER, THE_NEXT], [200, 200], False)
    told = await read(reader, chunked(upgrade) + post(upgrade) + AFTER, cut)
    assert (told.whole, told.statuses) == ([HELLO, ORDER, THE_NEXT], [200] * 3)
    told = await read(reader, b"GET /a HTTP/1.1\r\nhost: a\r\n" + upgrade + b"\r\n" + AFTER, cut)
    assert (told.whole, told.statuses) == ([Seen("GET", "/a", b""), THE_NEXT], [200] * 2)


@each_cut
@pytest.mark.parametrize("upgrade", FOREIGN.values(), ids=FOREIGN)
async def test_a_body_that_looks_like_a_request_is_none(reader: Reader, cut: str, upgrade: bytes) -> None:
    told = await read(reader, post(upgrade, READYZ), cut)
    assert (told.whole, told.statuses) == ([Seen("POST", "/api/v1/orders", READYZ)], [200])


AMBIGUOUS = {
    "length and chunks": chunked(b"content-length: 5\r\n"),
    "length and chunks, other way round": post(b"transfer-encoding: chunked\r\n", b"0\r\n\r\n" + READYZ),
    "two lengths": post(b"content-length: 3\r\n"),
    "a length twice": post(b"content-length: %d\r\n" % len(BODY)),
    "a list of lengths": post().replace(b"length: 38", b"length: 38, 38"),
    "a signed length": post().replace(b"length: 38", b"length: +38"),
    "a negative length": post().replace(b"length: 38", b"length: -38"),
    "a length in hex": post().replace(b"length: 38", b"length: 0x26"),
    "a length with a space in it": post().replace(b"length: 38", b"length: 3 8"),
    "a length beyond any": post().replace(b"length: 38", b"length: 99999999999999999999"),
    "an empty length": post().replace(b"length: 38", b"length:"),
    "a space before the colon": post().replace(b"content-length:", b"content-length :"),
    "a folded length": post().replace(b"length: 38", b"length:\r\n 38"),
    "a folded coding": chunked().replace(b"encoding: chunked", b"encoding:\r\n chunked"),
    "a folded header": post(b"x-a: b\r\n c\r\n"),
    "gzip in chunks": chunked().replace(b": chunked", b": gzip, chunked"),
    "gzip and chunks": chunked(b"transfer-encoding: gzip\r\n"),
    "chunks and gzip": chunked().replace(b": chunked", b": chunked, gzip"),
    "chunks twice": chunked(b"transfer-encoding: chunked\r\n"),
    "chunks in chunks": chunked().replace(b": chunked", b": chunked, chunked"),
    "identity": chunked().replace(b": chunked", b": identity"),
    "nearly chunks": chunked().replace(b": chunked", b": xchunked"),
    "chunks with a tab": chunked().replace(b": chunked", b": \x0bchunked"),
    "chunks in HTTP/1.0": chunked(version=b"1.0"),
    "a chunk's size in words": chunked(chunks=b"five\r\nhello\r\n0\r\n\r\n"),
    "a chunk's size beyond any": chunked(chunks=b"ffffffffffffffffff\r\nhello\r\n0\r\n\r\n"),
    "a chunk's size with a sign": chunked(chunks=b"-5\r\nhello\r\n0\r\n\r\n"),
    "a chunk's size in 0x": chunked(chunks=b"0x5\r\nhello\r\n0\r\n\r\n"),
    "a chunk longer than it says": chunked(chunks=b"4\r\nhello\r\n0\r\n\r\n"),
    "a length behind the chunks": chunked(chunks=b"5\r\nhello\r\n0\r\ncontent-length: 3\r\n\r\n"),
    "an empty coding": chunked().replace(b": chunked", b":"),
    "a NUL": post(b"x-a: \x00\r\n"),
    "a bare CR": post(b"x-a: b\rcontent-length: 3\r\n"),
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "CONNECT": b"CONNECT a:443 HTTP/1.1\r\nhost: a\r\n\r\n",
    "CONNECT somewhere": b"CONNECT /x HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\n\r\nhello",
    "h2c, gzip in chunks": chunked(H2C).replace(b": chunked", b": gzip, chunked"),
    "h2c, length and chunks": chunked(H2C + b"content-length: 5\r\n"),
    "h2c, a chunk's size in words": chunked(H2C, b"five\r\nhello\r\n0\r\n\r\n"),
}


@each_cut
@pytest.mark.parametrize("stream", AMBIGUOUS.values(), ids=AMBIGUOUS)
async def test_what_could_be_read_in_two_ways_is_refused_once_and_ends_the_connection(
    reader: Reader, cut: str, stream: bytes
) -> None:
    told = await read(reader, stream + READYZ, cut)
    assert (told.whole, told.statuses, told.is_closed) == ([], [400], True)


FINE = {
    "chunks": (chunked(), [HELLO]),
    "chunks in capitals": (chunked().replace(b": chunked", b": Chunked"), [HELLO]),
    "extensions": (chunked(chunks=b'5;name=value;x="y"\r\nhello\r\n0;last\r\n\r\n'), [HELLO]),
    "a size with zeros": (chunked(chunks=b"005\r\nhello\r\n000\r\n\r\n"), [HELLO]),
    "a body on GET": (post().replace(b"POST", b"GET", 1), [Seen("GET", "/api/v1/orders", BODY)]),
    "a body on DELETE": (post(body=READYZ).replace(b"POST", b"DELETE", 1), [Seen("DELETE", "/api/v1/orders", READYZ)]),
    "no body": (post(body=b""), [Seen("POST", "/api/v1/orders", b"")]),
    "no length": (b"POST /x HTTP/1.1\r\nhost: a\r\n\r\n", [Seen("POST", "/x", b"")]),
    "an upgrade that no connection names": (post(b"upgrade: h2c\r\n"), [ORDER]),
    "a connection that upgrades to nothing": (post(b"connection: upgrade\r\n"), [ORDER]),
    "three": (post() + chunked() + post(), [ORDER, HELLO, ORDER]),
}


@each_cut
@pytest.mark.parametrize(("stream", "requests"), FINE.values(), ids=FINE)
async def test_what_can_be_read_in_one_way_is_read(
    reader: Reader, cut: str, stream: bytes, requests: list[Seen]
) -> None:
    told = await read(reader, stream + AFTER, cut)
    assert (told.whole, told.is_closed) == ([*requests, THE_NEXT], False)
    assert told.statuses == [200] * (len(requests) + 1)


@each_cut
async def test_what_stands_behind_a_body_in_chunks_is_no_header(reader: Reader, cut: str) -> None:
    trailers = b"5\r\nhello\r\n0\r\nauthorization: Bearer x\r\nx-forwarded-for: 192.0.2.1\r\n\r\n"
    told = await read(reader, chunked(chunks=trailers) + AFTER, cut)
    assert told.whole == [HELLO, THE_NEXT]
    assert [name for name, _ in told.headers[0]] == [b"host", b"transfer-encoding"]


@each_cut
@pytest.mark.parametrize(
    "more", [b"connection: keep-alive\r\n", b"", b"connection: keep-alive, upgrade\r\nupgrade: h2c\r\n"]
)
async def test_a_connection_of_http_1_0_ends_with_its_answer(reader: Reader, cut: str, more: bytes) -> None:
    told = await read(reader, post(more, version=b"1.0") + AFTER, cut)
    assert (told.whole, told.statuses, told.is_closed) == ([ORDER], [200], True)


@each_cut
async def test_a_connection_that_is_to_close_closes_before_what_follows_is_answered(reader: Reader, cut: str) -> None:
    for upgrade in (b"", b"connection: upgrade\r\nupgrade: h2c\r\n"):
        told = await read(reader, post(b"connection: close\r\n" + upgrade) + AFTER, cut)
        assert (told.whole, told.statuses, told.is_closed) == ([ORDER], [200], True)


EXPECT = b"expect: 100-continue\r\n"


@pytest.mark.parametrize("upgrade", [b"", H2C], ids=["", "h2c"])
async def test_who_waits_to_be_asked_for_the_body_is_asked_once(reader: Reader, upgrade: bytes) -> None:
    stream = post(EXPECT + upgrade)
    head = stream[: -len(BODY)]
    told = await reader.exchange(head, BODY + AFTER)
    assert told.text.startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 ")
    assert (told.whole, told.statuses, told.is_closed) == ([ORDER, THE_NEXT], [200, 200], False)


@pytest.mark.parametrize("upgrade", [b"", H2C], ids=["", "h2c"])
async def test_who_is_answered_without_being_asked_for_the_body_has_to_come_anew(
    reader: Reader, upgrade: bytes
) -> None:
    # it may leave the body out, and its next request would be read as one
    stream = post(EXPECT + upgrade, path=b"/early")
    told = await reader.exchange(stream[: -len(BODY)], AFTER)
    assert (told.begun, told.statuses, told.is_closed) == (1, [200], True)


@each_cut
async def test_an_answer_that_comes_before_the_body_is_the_only_one(reader: Reader, cut: str) -> None:
    told = await read(reader, post(path=b"/early") + AFTER, cut)
    assert (told.whole, told.statuses) == ([THE_NEXT], [200, 200])
    head, _, _ = chunked().replace(b"/x", b"/early").partition(HEAD_END)
    told = await reader.exchange(head + HEAD_END, b"five\r\n", AFTER)
    assert (told.begun, told.statuses, told.is_closed) == (1, [200], True)


async def test_a_body_that_breaks_off_is_answered_once_whatever_the_app_says_later(reader: Reader) -> None:
    head, _, _ = chunked().replace(b"/x", b"/never").partition(HEAD_END)
    wire = reader.connect()
    for piece in (head + HEAD_END, b"five\r\n"):
        wire.protocol.data_received(piece)
        await reader.settle()
    assert wire.is_closing()
    assert wire.bytes.startswith(b"HTTP/1.1 400 ")
    wire._is_closing = False  # as long as the peer has not taken the answer, the transport takes more
    answered = wire.bytes
    reader.released.set()
    await reader.settle()
    assert wire.bytes == answered
    wire.protocol.connection_lost(None)


@pytest.mark.parametrize(
    "follows", [b"no request\r\n\r\n", b"GET " + SOCKET + b" HTTP/1.1\r\nhost: a\r\n" + WEBSOCKET + b"\r\n"]
)
@pytest.mark.parametrize("at_once", [True, False])
async def test_what_follows_a_request_that_is_being_answered_does_not_take_its_answer(
    reader: Reader, follows: bytes, at_once: bool
) -> None:
    # a 400, or the 101 of a WebSocket, once was the answer to the request before, whose own came after it
    wire = reader.connect()
    first = wire.protocol
    for piece in (
        (b"GET /never HTTP/1.1\r\nhost: a\r\n\r\n" + follows,)
        if at_once
        else (b"GET /never HTTP/1.1\r\nhost: a\r\n\r\n", follows)
    ):
        wire.protocol.data_received(piece)
        await reader.settle()
    assert (wire.bytes, wire.is_closing(), wire.protocol) == (b"", False, first)
    wire.protocol.data_received(AFTER)
    reader.released.set()
    await reader.settle()
    assert wire.bytes.startswith(b"HTTP/1.1 200 ")
    assert wire.bytes.count(b"HTTP/1.1 ") == 1
    assert wire.is_closing()
    wire.protocol.connection_lost(None)


def upgrade(more: bytes = b"", method: bytes = b"GET", path: bytes = SOCKET, version: bytes = b"1.1") -> bytes:
    return method + b" " + path + b" HTTP/" + version + b"\r\nhost: a\r\n" + more + WEBSOCKET + b"\r\n"


@each_cut
@pytest.mark.parametrize("more", [b"content-length: 5\r\n", b"transfer-encoding: chunked\r\n"])
async def test_a_websocket_whose_request_has_a_body_is_refused(reader: Reader, cut: str, more: bytes) -> None:
    # nginx takes the body for one, we took it for frames
    told = await read(reader, upgrade(more) + b"hello" + READYZ, cut)
    assert (told.begun, told.statuses, told.is_closed, told.protocol) == (0, [400], True, None)


@each_cut
async def test_a_websocket_where_there_is_none_is_ignored_as_any_upgrade(reader: Reader, cut: str) -> None:
    # `GET /readyz` with one was 404
    told = await read(reader, upgrade(path=b"/api/v1/shows") + READYZ, cut)
    assert (told.begun, told.statuses, told.is_closed) == (2, [200, 200], False)
    told = await read(reader, upgrade(b"content-length: 5\r\n", b"POST", b"/api/v1/shows") + b"hello" + READYZ, cut)
    assert ([seen.body for seen in told.whole], told.statuses) == ([b"hello", b""], [200, 200])


@each_cut
async def test_a_websocket_is_asked_for_with_get_and_nothing_more_is_read(reader: Reader, cut: str) -> None:
    for method in (b"POST", b"HEAD", b"OPTIONS"):
        told = await read(reader, upgrade(method=method, path=SOCKET + b"&sid=x") + READYZ, cut)
        assert (told.begun, told.statuses, told.is_closed) == (0, [400], True)


@each_cut
async def test_http_1_0_knows_no_websocket(reader: Reader, cut: str) -> None:
    told = await read(reader, upgrade(version=b"1.0"), cut)
    assert (told.whole, told.statuses, told.is_closed) == ([Seen("GET", SOCKET.decode(), b"")], [200], True)


async def test_a_length_of_0_is_no_body_of_a_websocket(reader: Reader) -> None:
    told = await reader.exchange(upgrade(b"content-length: 0\r\n"))
    assert isinstance(told.protocol, WebSocketConnection)


@each_cut
async def test_frames_right_behind_the_request_are_heard_however_they_come(reader: Reader, cut: str) -> None:
    told = await read(reader, upgrade() + masked(0x81, b"4hello"), cut)
    assert isinstance(told.protocol, WebSocketConnection)
    assert told.text.endswith(b"\x81\x064hello")
