"""The packets of a poll's body, whatever the body holds."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.engine.frames import Frame
from gateway.engine.packets import SEPARATOR, read_payload, write_binary


@pytest.mark.parametrize(
    ("body", "packets"),
    [
        (b"", [""]),
        (b"4hello", ["4hello"]),
        ("4弹幕".encode(), ["4弹幕"]),
        (b"2\x1e4hello\x1e3", ["2", "4hello", "3"]),
        (b"\x1e", ["", ""]),
        (b"\x1e\x1e4x\x1e", ["", "", "4x", ""]),
        (b"bAQIDBA==", [b"\x01\x02\x03\x04"]),
        (b"b", [b""]),
        (b"4a\x1ebAQID\x1e4b", ["4a", b"\x01\x02\x03", "4b"]),
        (b"4bAQID", ["4bAQID"]),
        (b"b!!!!", [None]),
        (b"bAQI", [None]),
        (b"bAQIDBA", [None]),
        (b"bAQ ID", [None]),
        (b"bAQID\n", [None]),
        ("b弹".encode(), [None]),
        ("b\ud800".encode("utf-8", "surrogatepass"), [None]),
        (b"\xff\xfe", [None]),
        (b"4fine\x1e\xff", [None]),
    ],
)
def test_a_body_is_read_as_its_packets_and_what_is_none_as_none(body: bytes, packets: list[str | bytes | None]) -> None:
    assert read_payload(body) == packets


@given(st.lists(st.text(st.characters(exclude_characters=SEPARATOR, exclude_categories=["Cs"])) | st.binary()))
def test_what_was_written_is_read(payloads: list[str | bytes]) -> None:
    body = SEPARATOR.join(Frame(payload).polled for payload in payloads).encode()
    expected = [payload if isinstance(payload, bytes) else "4" + payload for payload in payloads]
    assert read_payload(body) == (expected or [""])


@given(st.binary())
def test_no_bytes_raise(body: bytes) -> None:
    for packet in read_payload(body) + read_payload(b"b" + body):
        assert packet is None or isinstance(packet, str | bytes)


@given(st.binary())
def test_binary_is_base64_with_a_b_in_front(data: bytes) -> None:
    written = write_binary(data)
    assert written[0] == "b"
    assert base64.b64decode(written[1:], validate=True) == data
