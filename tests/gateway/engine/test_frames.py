"""Frames as a client reads them, encoded once per transport."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.frames import Frame as WebSocketFrame
from websockets.frames import Opcode
from websockets.protocol import Protocol, Side

from gateway.engine import frames
from gateway.engine.frames import Frame, websocket_frame

SIZES = [0, 1, 124, 125, 126, 127, 65_535, 65_536, 70_000]


def read(wire: bytes) -> list[tuple[Opcode, bytes]]:
    """What a client of the `websockets` library makes of bytes, all of it whole frames."""
    client = Protocol(Side.CLIENT, max_size=None)
    client.receive_data(wire)
    assert client.parser_exc is None
    read = []
    for event in client.events_received():
        assert isinstance(event, WebSocketFrame)
        assert event.fin
        read.append((event.opcode, bytes(event.data)))
    return read


@pytest.mark.parametrize("size", SIZES)
def test_a_message_of_any_size_is_one_frame(size: int) -> None:
    assert read(Frame("x" * size).wire) == [(Opcode.TEXT, b"4" + b"x" * size)]
    assert read(Frame(b"\xff" * size).wire) == [(Opcode.BINARY, b"\xff" * size)]


@pytest.mark.parametrize("size", SIZES)
def test_lengths_are_written_in_the_shortest_form(size: int) -> None:
    head = len(websocket_frame(frames.BINARY, bytes(size))) - size
    assert head == (2 if size < 126 else 4 if size < 65_536 else 10)


@given(st.text() | st.binary())
def test_frames_one_after_another_are_told_apart(payload: str | bytes) -> None:
    frame = Frame(payload)
    opcode = Opcode.BINARY if isinstance(payload, bytes) else Opcode.TEXT
    data = payload if isinstance(payload, bytes) else b"4" + payload.encode()
    assert read(frame.wire * 3 + frames.PING.wire) == [(opcode, data)] * 3 + [(Opcode.TEXT, b"2")]


def test_a_poll_carries_text_as_it_is_and_bytes_in_base64() -> None:
    assert Frame('2["弹幕"]').polled == '42["弹幕"]'
    assert Frame(b"\x01\x02\x03\x04").polled == "bAQIDBA=="


@pytest.mark.parametrize(
    ("control", "packet"),
    [(frames.PING, "2"), (frames.NOOP, "6"), (frames.CLOSE, "1"), (frames.PROBED, "3probe")],
)
def test_packets_that_are_no_messages_have_no_4_in_front(control: Frame, packet: str) -> None:
    assert read(control.wire) == [(Opcode.TEXT, packet.encode())]
    assert control.polled == packet


@pytest.mark.parametrize("payload", ["text", b"bytes"])
def test_a_frame_is_encoded_once_per_transport(payload: str | bytes) -> None:
    frame = Frame(payload)
    assert frame.wire is frame.wire
    assert frame.polled is frame.polled
