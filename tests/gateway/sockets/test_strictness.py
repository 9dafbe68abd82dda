"""What a packet may hold: bounds on depth and keys, nothing twice, nothing that JSON has no word for."""

import json
import math
from typing import Any

import msgpack
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.contract.codec import Codec
from gateway.sockets.codec import DECODE_ERRORS, MAX_DEPTH, MAX_KEYS, PACKETS, event_head

BEYOND = 1.7976931348623157e308


def decoded(codec: Codec, frame: str | bytes) -> Any:
    packet = PACKETS[codec]()
    packet.decode(frame)
    return packet.data


def json_frame(text: str) -> str:
    return f"2/live,7{text}"


def msgpack_frame(data: bytes) -> bytes:
    return b"\x84\xa4type\x02\xa3nsp\xa5/live\xa2id\x07\xa4data" + data


def frame(codec: Codec, data: Any) -> str | bytes:
    return json_frame(json.dumps(data)) if codec is Codec.JSON else msgpack_frame(msgpack.packb(data))


def nested(depth: int, *, maps: bool = False) -> Any:
    value: Any = 1
    for _ in range(depth):
        value = {"k": value} if maps else [value]
    return value


every_codec = pytest.mark.parametrize("codec", list(Codec))


@every_codec
@pytest.mark.parametrize("maps", [False, True])
def test_lists_and_maps_stand_in_one_another_up_to_16_deep(codec: Codec, maps: bool) -> None:
    assert decoded(codec, frame(codec, nested(MAX_DEPTH, maps=maps))) == nested(MAX_DEPTH, maps=maps)
    for depth in (MAX_DEPTH + 1, 300, 900):
        with pytest.raises(DECODE_ERRORS):
            decoded(codec, frame(codec, nested(depth, maps=maps)))


@pytest.mark.parametrize("depth", [1_000, 1_024, 1_025, 30_000])
def test_any_depth_is_an_error_like_others(depth: int) -> None:
    for text in ("[" * depth + "]" * depth, '{"a":' * depth + "1" + "}" * depth, "[" * depth):
        with pytest.raises(DECODE_ERRORS):
            decoded(Codec.JSON, json_frame(text))
    for data in (b"\x91" * depth + b"\x01", b"\x81\xa1a" * depth + b"\x01", b"\x91" * depth):
        with pytest.raises(DECODE_ERRORS):
            decoded(Codec.MSGPACK, msgpack_frame(data))


@every_codec
def test_many_lists_beside_one_another_are_not_deep(codec: Codec) -> None:
    data = ["clock", [[] for _ in range(100)]]
    assert decoded(codec, frame(codec, data)) == data


@every_codec
def test_a_map_has_up_to_64_keys(codec: Codec) -> None:
    full = {f"k{number}": number for number in range(MAX_KEYS)}
    for wrapped in (full, ["clock", full], ["clock", [full, full]]):
        assert decoded(codec, frame(codec, wrapped)) == wrapped
    for wrapped in ({**full, "more": 1}, ["clock", {**full, "more": 1}], ["clock", {"a": {**full, "more": 1}}]):
        with pytest.raises(DECODE_ERRORS):
            decoded(codec, frame(codec, wrapped))


@pytest.mark.parametrize(
    "text",
    [
        '["clock",{"t0":1,"t0":2}]',
        '["clock",{"t0":1,"t0" :2}]',
        '["clock",{"t0":1,"t\\u0030":2}]',
        '["clock",{"a":{"t0":1,"t0":2}}]',
        '["clock",[{"t0":1,"t0":2}]]',
        '{"token":"x","token":"y"}',
        '{"token":"a:b","token":"y","c":1}',
        '["clock",{"a":1,"a":"::","b":":"}]',
    ],
)
def test_a_key_that_comes_twice_is_no_json(text: str) -> None:
    with pytest.raises(DECODE_ERRORS):
        decoded(Codec.JSON, json_frame(text))


@pytest.mark.parametrize("data", [b"\x82\xa1a\x01\xa1a\x02", b"\x92\x01\x82\xa1a\x01\xa1a\x02"])
def test_a_key_that_comes_twice_is_no_msgpack(data: bytes) -> None:
    with pytest.raises(DECODE_ERRORS):
        decoded(Codec.MSGPACK, msgpack_frame(data))
    with pytest.raises(DECODE_ERRORS):
        decoded(Codec.MSGPACK, b"\x85\xa4type\x02\xa4type\x02\xa3nsp\xa5/live\xa2id\x07\xa4data\x90")


@pytest.mark.parametrize(
    "text", ["NaN", "Infinity", "-Infinity", "1e400", "-1e400", "1" * 400, "nan", "01", "1.", "+1"]
)
def test_a_number_without_a_value_is_no_json(text: str) -> None:
    for whole in (text, f"[{text}]", f'["clock",{{"t0":{text},"a":":"}}]'):
        with pytest.raises(DECODE_ERRORS):
            decoded(Codec.JSON, json_frame(f"[{whole}]"))


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
def test_a_number_without_a_value_is_no_msgpack(number: float) -> None:
    for data in (number, [number], ["clock", {"t0": number}]):
        for single in (True, False):
            with pytest.raises(DECODE_ERRORS):
                decoded(Codec.MSGPACK, msgpack_frame(msgpack.packb(data, use_single_float=single)))
    assert decoded(Codec.MSGPACK, msgpack_frame(msgpack.packb([1.5, BEYOND]))) == [1.5, BEYOND]


@pytest.mark.parametrize("code", [-128, -1, 1, 5, 127])
@pytest.mark.parametrize("size", [1, 2, 4, 8, 12, 16, 30, 300])
def test_ext_types_are_no_msgpack(code: int, size: int) -> None:
    # ext -1 is a timestamp, which the library made an object of without asking anybody
    for data in (raw_ext(code, size), b"\x92\xa5clock\x81\xa2t0" + raw_ext(code, size)):
        with pytest.raises(DECODE_ERRORS):
            decoded(Codec.MSGPACK, msgpack_frame(data))


def raw_ext(code: int, size: int) -> bytes:
    fixed = {1: b"\xd4", 2: b"\xd5", 4: b"\xd6", 8: b"\xd7", 16: b"\xd8"}
    head = fixed.get(size) or (b"\xc7" + bytes([size]) if size < 256 else b"\xc8" + size.to_bytes(2, "big"))
    return head + code.to_bytes(1, "big", signed=True) + bytes(size)


def test_ext_0_is_what_javascript_leaves_out() -> None:
    assert decoded(Codec.MSGPACK, msgpack_frame(msgpack.packb(msgpack.ExtType(0, b"\x00")))) is None


@every_codec
def test_the_number_of_the_ack_of_an_unreadable_event_is_known(codec: Codec) -> None:
    packet = PACKETS[codec]()
    with pytest.raises(DECODE_ERRORS):
        packet.decode(frame(codec, ["clock", nested(MAX_DEPTH)]))
    assert (packet.id, packet.namespace) == (7, "/live")


@every_codec
def test_the_head_of_an_event_is_what_decoding_finds(codec: Codec) -> None:
    data = ["clock", {"t0": 1, "nsp": "/no", "id": 3}]
    for namespace, ack_id in (("/live", None), ("/live", 12), ("/console", 0), ("/", 5)):
        if codec is Codec.JSON:
            head = f"{namespace}," if namespace != "/" else ""
            packet: str | bytes = f"2{head}{'' if ack_id is None else ack_id}{json.dumps(data)}"
        else:
            packet = msgpack.packb({"data": data, "type": 2, "id": ack_id, "nsp": namespace})
        found = event_head(packet)
        assert found is not None
        assert (found.nsp, found.id) == (namespace, ack_id)
    odd: list[str | bytes] = ["0/live,{}", "2", "2/live", "2/live,{}", "451-/live,[]", "2/live," + "9" * 200 + "[]"]
    odd += [b"", b"\xc1", msgpack.packb({"type": 0, "nsp": "/live"}), msgpack.packb([1]), b"\x91" * 5000]
    for packet in odd:
        assert event_head(packet) is None


HALVES = [
    ('"\\ud83d"', "\ufffd"),
    ('"a\\uDE00b"', "a\ufffdb"),
    ('"\\ud83d\\ud83d\\ude00"', "\ufffd\U0001f600"),
    ('"\\ud83d\\ude00"', "\U0001f600"),
    ('"\\\\ud83d"', "\\ud83d"),
    ('"\\\\\\ud83d"', "\\\ufffd"),
    ('"\\ud83dx\\ude00"', "\ufffdx\ufffd"),
    ('"\\ud83d\\n\\u0041"', "\ufffd\nA"),
]


@pytest.mark.parametrize(("written", "read"), HALVES)
def test_half_a_character_in_json_is_repaired(written: str, read: str) -> None:
    # three of them, seconds apart, were taken for faults of the protocol
    assert decoded(Codec.JSON, json_frame(f'["danmaku",{{"text":{written},"a":1}}]')) == [
        "danmaku",
        {"text": read, "a": 1},
    ]
    assert decoded(Codec.JSON, f'0/live,{{"token":{written}}}') == {"token": read}


@pytest.mark.parametrize(
    ("written", "read"),
    [
        (b"a\xed\xa0\xbd", "a" + 3 * "\ufffd"),
        (b"\xf0\x9f", "\ufffd"),
        (b"\xff\xfe", 2 * "\ufffd"),
        (b"\xc0\x80", 2 * "\ufffd"),
    ],
)
def test_text_that_is_not_utf_8_in_msgpack_is_repaired(written: bytes, read: str) -> None:
    data = b"\x92\xa7danmaku\x81\xa4text" + bytes([0xA0 | len(written)]) + written
    assert decoded(Codec.MSGPACK, msgpack_frame(data)) == ["danmaku", {"text": read}]


def test_the_name_of_an_event_is_no_content() -> None:
    with pytest.raises(DECODE_ERRORS):
        decoded(Codec.JSON, json_frame('["danmaku\\ud83d",{}]'))
    with pytest.raises(DECODE_ERRORS):
        decoded(Codec.MSGPACK, msgpack_frame(b"\x91\xa2\xff\xfe"))


KEYS = st.text(':"[]{}ab\\', max_size=3)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(':"[]{},a\\弹', max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=20,
)


@given(VALUES)
def test_within_the_bounds_nothing_is_refused_and_nothing_changed(value: Any) -> None:
    data = ["event", value]
    assert decoded(Codec.JSON, json_frame(orjson.dumps(data).decode())) == data
    assert decoded(Codec.MSGPACK, msgpack_frame(msgpack.packb(data))) == data


@given(st.lists(st.tuples(KEYS, st.integers(0, 9) | st.text(':"', max_size=3)), min_size=1, max_size=6))
def test_a_map_is_refused_exactly_where_a_key_comes_twice(pairs: list[tuple[str, Any]]) -> None:
    text = "{" + ",".join(f"{json.dumps(key)}:{json.dumps(value)}" for key, value in pairs) + "}"
    for wrapped, expected in ((text, dict(pairs)), (f'["event",{text}]', ["event", dict(pairs)])):
        if len(dict(pairs)) == len(pairs):
            assert decoded(Codec.JSON, json_frame(wrapped)) == expected
        else:
            with pytest.raises(DECODE_ERRORS):
                decoded(Codec.JSON, json_frame(wrapped))
