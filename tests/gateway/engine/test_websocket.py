"""A connection whose peer misbehaves below the Engine.IO packets: held against a transport that only counts."""

import sys
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from gateway.engine.budget import Allowance, Traffic
from gateway.engine.engine import Engine
from gateway.engine.frames import Frame
from gateway.engine.limits import EngineLimits
from gateway.engine.requests import Handshake
from gateway.engine.session import Reason, Via
from gateway.engine.socket import Socket
from gateway.engine.websocket import WebSocketConnection
from tests.fuzz.targets import Echo
from tests.fuzz.wire import QUERY, Wire, dial

MASK = bytes(4)
PLENTY = Allowance(1e9, 1e9)
COUNTED = EngineLimits(traffic=Traffic(PLENTY, PLENTY, PLENTY, PLENTY, PLENTY))
PING = b"\x89\xfd" + MASK + bytes(125)


def part(data: bytes, *, first: bool = False, last: bool = False) -> bytes:
    return bytes([(0x80 if last else 0) | (0x01 if first else 0), 0x80 | len(data)]) + MASK + data


@pytest_asyncio.fixture
async def engine() -> AsyncIterator[Engine]:
    made = Engine(Echo(), EngineLimits(unaccepted_per_address=0))
    yield made
    made.close()


@pytest_asyncio.fixture
async def line(engine: Engine) -> tuple[WebSocketConnection, Wire]:
    return dial(engine)


async def test_a_ping_is_answered_while_the_peer_reads(line: tuple[WebSocketConnection, Wire]) -> None:
    connection, wire = line
    before = wire.written
    connection.data_received(PING * 3)
    assert wire.written - before == 3 * (2 + 125)


async def test_pings_of_a_peer_that_does_not_read_are_not_answered_and_not_kept(
    line: tuple[WebSocketConnection, Wire],
) -> None:
    connection, wire = line
    connection.pause_writing()
    before = wire.written
    connection.data_received(PING * 10_000)
    assert wire.written == before
    assert not connection._core.writes


async def test_pings_of_a_peer_that_is_seen_off_are_not_kept(line: tuple[WebSocketConnection, Wire]) -> None:
    # each left its pong behind until the peer had answered the close frame, which it never did
    connection, wire = line
    assert connection._socket is not None
    connection._socket.close("KICKED")
    before = wire.written
    connection.data_received(PING * 10_000)
    assert wire.written == before
    assert not connection._core.writes


async def test_a_message_in_a_thousand_fragments_takes_its_own_size(line: tuple[WebSocketConnection, Wire]) -> None:
    # a list of them took forty times what came, one byte in each
    connection, wire = line
    connection.data_received(part(b"4", first=True) + part(b"x") * 50_000)
    assert sys.getsizeof(connection._fragments) < 100_000
    before = wire.written
    connection.data_received(part(b"", last=True))
    assert wire.written - before == 4 + 50_001


async def test_empty_fragments_take_nothing(line: tuple[WebSocketConnection, Wire]) -> None:
    connection, _ = line
    connection.data_received(part(b"4", first=True) + part(b"") * 100_000)
    assert sys.getsizeof(connection._fragments) < 1_000


async def test_fragments_beyond_the_bound_end_the_socket(line: tuple[WebSocketConnection, Wire]) -> None:
    connection, _ = line
    socket = connection._socket
    assert socket is not None
    connection.data_received(part(b"4", first=True) + part(b"x" * 100) * 700)
    assert socket.ended is Reason.PROTOCOL


async def test_a_whole_frame_is_a_message_only_where_one_may_begin() -> None:
    # it is read without the core, which alone knows what goes on
    whole = part(b"4whole", first=True, last=True)
    engine = Engine(Echo(), COUNTED)
    connection, wire = dial(engine)
    answered = len(whole) - len(MASK)
    for pieces in (
        [whole],
        [whole[:3], whole[3:]],
        [whole + PING],
        [part(b"4", first=True), PING, part(b"", last=True)],
    ):
        before = wire.written
        for piece in pieces:
            connection.data_received(piece)
        assert wire.written > before
    before = wire.written
    connection.data_received(b"\x81\x82\x01\x02\x03\x04" + bytes((ord("4") ^ 1, ord("x") ^ 2)))
    assert wire.written - before == 4
    connection.data_received(whole)
    assert wire.written - before == 4 + answered
    socket = connection._socket
    assert socket is not None
    connection.data_received(part(b"4", first=True))
    connection.data_received(whole)
    assert socket.ended is Reason.PROTOCOL
    engine.close()


@pytest.mark.parametrize("frame", [b"\xc1\x80" + MASK, b"\x83\x80" + MASK, b"\x81\x01x", b"\x80\x80" + MASK])
async def test_a_small_frame_that_is_no_message_is_a_fault(frame: bytes) -> None:
    engine = Engine(Echo(), COUNTED)
    connection, _ = dial(engine)
    socket = connection._socket
    assert socket is not None
    connection.data_received(frame)
    assert socket.ended is Reason.PROTOCOL
    engine.close()


async def test_who_changes_over_to_a_websocket_that_is_full_is_written_to_when_it_is_not(engine: Engine) -> None:
    socket = engine.open(Handshake("127.0.0.1", "/socket.io/", {}, ()), Via.POLLING)
    assert isinstance(socket, Socket)
    engine.announce(socket, Handshake("127.0.0.1", "/socket.io/", {}, ()))
    connection, wire = dial(engine, query={**QUERY, "sid": socket.sid})
    connection.data_received(part(b"2probe", first=True, last=True))
    connection.pause_writing()
    before = wire.written
    connection.data_received(part(b"5", first=True, last=True))
    socket.send(Frame("one"))
    assert not socket.write(Frame("two").wire)
    assert (wire.written, socket.is_stuck(engine.clock() + 3600, 5)) == (before, True)
    connection.resume_writing()
    assert wire.written - before == len(Frame("one").wire)
    assert socket.write(Frame("two").wire)
    assert not socket.is_stuck(engine.clock() + 3600, 5)
