"""The two encodings of the contract: Socket.IO's own JSON packets and socket.io-msgpack-parser's.

Outgoing frames are built here from structs, once per codec and namespace; incoming packets are decoded by
python-socketio's packet classes, made strict.
"""

from enum import StrEnum
from typing import Any

import msgpack
import msgspec
import orjson
from engineio.packet import MESSAGE
from engineio.packet import Packet as EnginePacket
from socketio import packet as sio
from socketio.msgpack_packet import MsgPackPacket

UNDEFINED_EXT = 0
"""What the JavaScript parser makes of `undefined`."""


class Codec(StrEnum):
    """How a client's path tells packets are encoded."""

    JSON = "json"
    MSGPACK = "msgpack"

    @property
    def is_binary(self) -> bool:
        """Whether packets travel as binary frames."""
        return self is Codec.MSGPACK


class _StrictJson:
    """orjson where python-socketio expects the json module: no NaN, no Infinity, strict UTF-8."""

    @staticmethod
    def dumps(value: object, **_: object) -> str:
        return orjson.dumps(value).decode()

    @staticmethod
    def loads(text: str) -> object:
        return orjson.loads(text)


class JsonPacket(sio.Packet):  # type: ignore[misc]  # python-socketio is untyped
    """Socket.IO's default packet, with a strict JSON codec."""

    json = _StrictJson


class MsgpackPacket(MsgPackPacket):  # type: ignore[misc]  # python-socketio is untyped
    """msgpack packet: ext 0 means absent, any other ext is refused, fields have their types."""

    json = _StrictJson

    def decode(self, encoded_packet: bytes) -> None:
        decoded = msgpack.unpackb(encoded_packet, ext_hook=_absent_or_refused)
        if not isinstance(decoded, dict):
            raise ValueError("a packet is a map")  # noqa: TRY004 - one kind of error for all bad bytes
        kind, namespace, ack_id = decoded.get("type"), decoded.get("nsp"), decoded.get("id")
        if type(kind) is not int or not isinstance(namespace, str) or not (ack_id is None or type(ack_id) is int):
            raise ValueError("a packet has an integer type, a namespace and perhaps an integer id")
        self.packet_type, self.namespace, self.id, self.data = kind, namespace, ack_id, decoded.get("data")


def _absent_or_refused(code: int, _: bytes) -> None:
    if code != UNDEFINED_EXT:
        raise ValueError(f"unexpected msgpack ext type {code}")


class SharedPacket(EnginePacket):  # type: ignore[misc]  # python-engineio is untyped
    """A message for any number of sockets: its binary form and that of a poll (base64) are cached apart.

    Stock keeps whichever was asked for first and hands it to both kinds of transports.
    """

    def __init__(self, data: str | bytes) -> None:
        super().__init__(MESSAGE, data)
        self._forms: dict[bool, Any] = {}

    def encode(self, b64: bool = False) -> Any:  # noqa: FBT001, FBT002 - engineio's signature
        """The frame, for a WebSocket or for a poll."""
        if b64 not in self._forms:
            self.encode_cache = None
            self._forms[b64] = super().encode(b64)
        return self._forms[b64]


PACKETS: dict[Codec, type[Any]] = {Codec.JSON: JsonPacket, Codec.MSGPACK: MsgpackPacket}

DECODE_ERRORS = (ValueError, KeyError, TypeError, AttributeError, IndexError, RecursionError, msgpack.UnpackException)
"""What hostile bytes can raise in either packet class."""


def encode(codec: Codec, kind: int, namespace: str, data: object, ack_id: int | None = None) -> EnginePacket:
    """One Socket.IO packet as an Engine.IO message, ready for any number of sockets.

    `data` may hold msgspec structs. Packets of kind EVENT and ACK carry a list.
    """
    if codec is Codec.MSGPACK:
        fields: dict[str, object] = {"type": kind, "nsp": namespace}
        if data is not None:
            fields["data"] = data
        if ack_id is not None:
            fields["id"] = ack_id
        return SharedPacket(msgspec.msgpack.encode(fields))
    head = f"{kind}{namespace}," if namespace != "/" else str(kind)
    if ack_id is not None:
        head += str(ack_id)
    body = "" if data is None else msgspec.json.encode(data).decode()
    return SharedPacket(head + body)


class Prepared:
    """One event on its way to many sockets: encoded at most once per codec and namespace."""

    __slots__ = ("_frames", "event", "payload")

    def __init__(self, event: str, payload: msgspec.Struct) -> None:
        self.event = event
        self.payload = payload
        self._frames: dict[tuple[Codec, str], EnginePacket] = {}

    def frame(self, codec: Codec, namespace: str) -> EnginePacket:
        """The encoded packet for sockets of this codec and namespace."""
        key = (codec, namespace)
        frame = self._frames.get(key)
        if frame is None:
            frame = encode(codec, sio.EVENT, namespace, [self.event, self.payload])
            self._frames[key] = frame
        return frame
