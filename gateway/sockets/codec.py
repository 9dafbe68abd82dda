"""The two encodings of the contract: Socket.IO's own JSON packets and socket.io-msgpack-parser's.

Outgoing frames are built here from structs, once per codec and namespace; incoming packets are decoded by
python-socketio's packet classes, made strict.
"""

import json
import math
import re
from collections.abc import Sequence
from typing import Any, Final

import msgpack
import msgspec
import orjson
from msgspec import structs
from socketio import packet as sio
from socketio.msgpack_packet import MsgPackPacket

from auth import surrogates
from gateway.contract.codec import Codec
from gateway.contract.rows import Payload, ServerEvent
from gateway.engine.backlog import Loss
from gateway.engine.frames import Frame

UNDEFINED_EXT = 0
"""The msgpack extension type with which the JavaScript parser encodes `undefined`."""


MAX_DEPTH: Final = 16
"""How deep lists and maps may be nested."""
MAX_KEYS: Final = 64
"""How many keys one map may have."""
MAX_ATTACHMENTS: Final = 10
"""How many binary frames are skipped after a refused event; more are protocol errors of their own."""


class _StrictJson:
    """orjson where python-socketio expects the json module: no NaN, no Infinity, strict UTF-8, and our bounds."""

    @staticmethod
    def dumps(value: object, **_: object) -> str:
        return orjson.dumps(value).decode()

    @staticmethod
    def loads(text: str) -> object:
        try:
            value = orjson.loads(text)
        except orjson.JSONDecodeError:
            whole = surrogates.repaired(text)
            if whole is text:
                raise
            text, value = whole, orjson.loads(whole)
            _require_name(value)
        colons = text.count(":")
        if text.count("[") + text.count("{") > MAX_DEPTH:
            _require_shallow(value)
        if colons > 1:
            payload = value[1] if type(value) is list and len(value) == 2 else value
            # a map with as many keys as there are colons has lost none to a duplicate
            if type(payload) is not dict or len(payload) != colons or colons > MAX_KEYS:
                _BY_PAIRS.decode(text)
        return value


class JsonPacket(sio.Packet):  # type: ignore[misc]  # python-socketio is untyped
    """Socket.IO's default packet, with a strict JSON codec."""

    json = _StrictJson


class MsgpackPacket(MsgPackPacket):  # type: ignore[misc]  # python-socketio is untyped
    """msgpack packet: ext 0 means absent, any other ext is refused, fields have their types."""

    json = _StrictJson

    def decode(self, encoded_packet: bytes) -> None:
        try:
            decoded = _unpacked(encoded_packet, "strict")
        except UnicodeDecodeError:
            decoded = _unpacked(encoded_packet, "replace")
            _require_name(decoded.get("data") if isinstance(decoded, dict) else None)
        if not isinstance(decoded, dict):
            raise ValueError("a packet is a map")  # noqa: TRY004 - one kind of error for all bad bytes
        kind, namespace, ack_id = decoded.get("type"), decoded.get("nsp"), decoded.get("id")
        if type(kind) is not int or not isinstance(namespace, str) or not (ack_id is None or type(ack_id) is int):
            raise ValueError("a packet has an integer type, a namespace and perhaps an integer id")
        self.packet_type, self.namespace, self.id, self.data = kind, namespace, ack_id, decoded.get("data")
        if encoded_packet.translate(None, _PLAIN):
            _require_plain(self.data)
        if len(encoded_packet.translate(None, _NO_HEADS)) > MAX_DEPTH:
            _require_shallow(self.data)


def _unpacked(packet: bytes, unicode_errors: str) -> Any:
    return msgpack.unpackb(
        packet, ext_hook=_absent_or_refused, object_pairs_hook=_map_of, unicode_errors=unicode_errors
    )


def _require_name(data: object) -> None:
    """Refuse an event whose name needed repair: a payload may hold half a surrogate pair, an event's name may not."""
    if isinstance(data, list) and data and isinstance(data[0], str) and surrogates.REPLACEMENT in data[0]:
        raise ValueError("the name of an event is not Unicode")


def _absent_or_refused(code: int, _: bytes) -> None:
    if code != UNDEFINED_EXT:
        raise ValueError(f"unexpected msgpack ext type {code}")


def _map_of(pairs: list[tuple[Any, Any]]) -> dict[Any, Any]:
    made = dict(pairs)
    if len(made) != len(pairs) or len(pairs) > MAX_KEYS:
        raise ValueError(f"a map has at most {MAX_KEYS} keys, each once")
    return made


_BY_PAIRS: Final = json.JSONDecoder(object_pairs_hook=_map_of)
"""Several times slower than orjson; used only when counting cannot rule out a duplicate key."""


_PLAIN: Final = bytes(byte for byte in range(256) if byte not in b"\xc7\xca\xcb\xd6\xd7")
_NO_HEADS: Final = bytes(byte for byte in range(256) if not 0x80 <= byte <= 0x9F and not 0xDC <= byte <= 0xDF)
"""Bytes that cannot begin a float or timestamp (`_PLAIN`), or a list or map (`_NO_HEADS`), for `bytes.translate`."""


def _within(level: list[Any]) -> list[Any]:
    return [inner for outer in level for inner in (outer.values() if type(outer) is dict else outer)]


def _require_shallow(value: object) -> None:
    level = [value]
    for _ in range(MAX_DEPTH + 1):
        level = [one for one in level if type(one) is dict or type(one) is list]
        if not level:
            return
        level = _within(level)
    raise ValueError(f"deeper than {MAX_DEPTH}")


def _require_plain(value: object) -> None:
    """No number without a value, and no timestamp, which the library makes of ext -1 by itself."""
    level = [value]
    while level:
        if any(type(one) is msgpack.Timestamp or (type(one) is float and not math.isfinite(one)) for one in level):
            raise ValueError("neither JSON nor one of the contract's types")
        level = _within([one for one in level if type(one) is dict or type(one) is list])


class EventHead(msgspec.Struct, frozen=True):
    """The namespace of an event, and the number of the ack that it asks for."""

    type: int
    nsp: str
    id: int | None = None


_TEXT_EVENT: Final = re.compile(rf"{sio.EVENT}(?:(/[^,?]*),)?(\d{{1,15}})?\[")
_WITH_ATTACHMENTS: Final = re.compile(rf"[{sio.BINARY_EVENT}{sio.BINARY_ACK}](\d{{1,10}})-")
_PACKED_HEAD: Final = msgspec.msgpack.Decoder(EventHead)


def event_head(packet: str | bytes) -> EventHead | None:
    """The head of an event, without decoding its payload; None for any other or malformed packet."""
    if isinstance(packet, str):
        found = _TEXT_EVENT.match(packet)
        return EventHead(sio.EVENT, found[1] or "/", int(found[2]) if found[2] else None) if found else None
    try:
        head = _PACKED_HEAD.decode(packet)
    except (msgspec.MsgspecError, RecursionError):
        return None
    return head if head.type == sio.EVENT else None


def announced_attachments(packet: str | bytes) -> int:
    """How many binary frames follow a refused packet, and are refused with it."""
    found = _WITH_ATTACHMENTS.match(packet) if isinstance(packet, str) else None
    return min(int(found[1]), MAX_ATTACHMENTS) if found else 0


PACKETS: dict[Codec, type[Any]] = {Codec.JSON: JsonPacket, Codec.MSGPACK: MsgpackPacket}

DECODE_ERRORS = (ValueError, KeyError, TypeError, AttributeError, IndexError, RecursionError, msgpack.UnpackException)
"""The exceptions that malformed bytes can raise in either packet class."""


def encode(codec: Codec, kind: int, namespace: str, data: object, ack_id: int | None = None) -> Frame:
    """One Socket.IO packet, ready for any number of sockets.

    `data` may hold msgspec structs. Packets of kind EVENT and ACK carry a list.
    """
    if codec is Codec.MSGPACK:
        fields: dict[str, object] = {"type": kind, "nsp": namespace}
        if data is not None:
            fields["data"] = data
        if ack_id is not None:
            fields["id"] = ack_id
        return Frame(msgspec.msgpack.encode(fields))
    head = f"{kind}{namespace}," if namespace != "/" else str(kind)
    if ack_id is not None:
        head += str(ack_id)
    body = "" if data is None else msgspec.json.encode(data).decode()
    return Frame(head + body)


class Prepared:
    """One event for many sockets, encoded at most once per codec and namespace."""

    __slots__ = ("_frames", "event", "loss", "payload")

    def __init__(self, event: ServerEvent[Payload], payload: Payload) -> None:
        self.event: ServerEvent[Any] = event
        self.payload: Any = payload
        self.loss = Loss.SHEDDABLE if event.may_be_shed else Loss.COUNTER if event.is_whole else Loss.CONTROL
        self._frames: dict[tuple[Codec, str], Frame] = {}

    @property
    def key(self) -> str:
        """A later event of the same key replaces this one in a backlog."""
        return f"{self.event.name} {getattr(self.payload, 'id', '')}"

    def frame(self, codec: Codec, namespace: str) -> Frame:
        """The encoded packet for sockets of this codec and namespace."""
        key = (codec, namespace)
        frame = self._frames.get(key)
        if frame is None:
            frame = encode(codec, sio.EVENT, namespace, [self.event.name, self.payload])
            self._frames[key] = frame
        return frame


MERGED_ITEMS = 64
"""How many events are merged into one at most."""


class Batch:
    """Consecutive events for the sockets of one codec and namespace, encoded as one piece of bytes."""

    __slots__ = ("events", "wire")

    def __init__(self, events: Sequence[Prepared], codec: Codec, namespace: str) -> None:
        self.events = events
        self.wire = b"".join(prepared.frame(codec, namespace).wire for prepared in events)


def merged(log: Sequence[Prepared]) -> list[Prepared]:
    """The same events, with neighbours of one kind that carry items merged into one: all items, and the last cursor."""
    events: list[Prepared] = []
    alike: list[Prepared] = []
    for prepared in log:
        if alike and (prepared.event is not alike[0].event or len(alike) >= MERGED_ITEMS):
            events.append(_one(alike))
            alike = []
        if prepared.event.has_items:
            alike.append(prepared)
        else:
            events.append(prepared)
    if alike:
        events.append(_one(alike))
    return events


def _one(alike: list[Prepared]) -> Prepared:
    if len(alike) == 1:
        return alike[0]
    items = [item for prepared in alike for item in prepared.payload.items]
    return Prepared(alike[0].event, structs.replace(alike[-1].payload, items=items))
