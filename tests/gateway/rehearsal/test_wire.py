import msgspec
import pytest

from gateway.contract.codec import Codec
from gateway.rehearsal.wire import (
    Accepted,
    Acked,
    Encoding,
    Ended,
    Frame,
    Memo,
    Opened,
    Pinged,
    Refused,
    Told,
    Unreadable,
    Wire,
)
from gateway.sockets.codec import PACKETS, encode


def wire(encoding: Encoding = Encoding.JSON) -> Wire:
    return Wire(encoding, "/live", Memo())


def frame_of(encoding: Encoding, kind: int, data: object, ack: int | None = None) -> Frame:
    """As the server writes it."""
    form = encode(Codec(encoding.value), kind, "/live", data, ack).payload
    return Frame(form, binary=True) if isinstance(form, bytes) else Frame(b"4" + form.encode())


@pytest.mark.parametrize("encoding", Encoding)
def test_what_the_server_writes_is_understood(encoding: Encoding) -> None:
    reader = wire(encoding)
    assert reader.receive(frame_of(encoding, 0, {"sid": "x"})) == Accepted()
    assert reader.receive(frame_of(encoding, 1, None)) == Ended()
    assert reader.receive(frame_of(encoding, 2, ["like", {"total": 3}])) == Told("like", {"total": 3})
    assert reader.receive(frame_of(encoding, 3, [{"ok": True}], 12)) == Acked(12, {"ok": True})
    refusal = {"message": "BUSY", "data": {"code": "BUSY", "retryable": True}}
    assert reader.receive(frame_of(encoding, 4, refusal)) == Refused("BUSY", refusal["data"])


@pytest.mark.parametrize("encoding", Encoding)
def test_the_server_understands_what_is_written(encoding: Encoding) -> None:
    writer = wire(encoding)
    read = PACKETS[Codec(encoding.value)]

    def packet(frame: Frame) -> tuple[int, str, object, int | None]:
        assert frame.binary is (encoding is Encoding.MSGPACK)
        got = read(encoded_packet=frame.data if frame.binary else frame.data.decode()[1:])
        return got.packet_type, got.namespace, got.data, got.id

    assert packet(writer.connect({"token": "t"})) == (0, "/live", {"token": "t"}, None)
    assert packet(writer.emit("like", {"count": 2}, 7)) == (2, "/live", ["like", {"count": 2}], 7)
    assert packet(writer.emit("streams:refresh", None, 8)) == (2, "/live", ["streams:refresh"], 8)
    assert packet(writer.leave())[:2] == (1, "/live")


def test_the_transports_own_packets_are_understood() -> None:
    reader = wire()
    assert reader.receive(Frame(b'0{"sid":"abc","upgrades":[]}')) == Opened("abc")
    assert reader.receive(Frame(b"2")) == Pinged()
    assert reader.receive(Frame(b"1")) == Ended()
    assert reader.receive(Frame(b"6")) is None


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"9",
        b"4",
        b"42",
        b"42/live,",
        b"42/live,[",
        b"42/other,[1]",
        b"43/live,[]",
        b'42/live,{"a":1}',
        b"47/live,",
    ],
)
def test_bytes_without_meaning_are_told_as_such(data: bytes) -> None:
    assert wire().receive(Frame(data)) == Unreadable(data)


@pytest.mark.parametrize(
    "packet", [{"type": 2, "nsp": "/other", "data": ["x"]}, {"nsp": "/live"}, [1], {"type": 9, "nsp": "/live"}]
)
def test_packed_bytes_without_meaning_are_told_as_such(packet: object) -> None:
    data = msgspec.msgpack.encode(packet)
    assert wire(Encoding.MSGPACK).receive(Frame(data, binary=True)) == Unreadable(data)


def test_each_encoding_takes_its_own_frames_only() -> None:
    packed = frame_of(Encoding.MSGPACK, 2, ["like", {"total": 3}])
    text = frame_of(Encoding.JSON, 2, ["like", {"total": 3}])
    assert wire(Encoding.JSON).receive(packed) == Unreadable(packed.data)
    assert wire(Encoding.MSGPACK).receive(text) == Unreadable(text.data)


def test_the_same_bytes_are_decoded_once_for_a_crowd() -> None:
    memo = Memo()
    frame = frame_of(Encoding.JSON, 2, ["like", {"total": 3}])
    first, second = (Wire(Encoding.JSON, "/live", memo).receive(frame) for _ in range(2))
    assert first is second
