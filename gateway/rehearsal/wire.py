"""The client's side of Socket.IO over one Engine.IO transport, as bytes in and values out. No I/O.

Written from the protocols, not from the server's code, so that the two check each other.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NamedTuple

import msgspec

MEMO_FRAMES = 512
"""How many decoded frames are cached: every socket of an encoding receives the same bytes."""

_CONNECT, _DISCONNECT, _EVENT, _ACK, _REFUSED = range(5)
_MESSAGE = 0x34
_OPEN, _CLOSE, _PING, _PONG, _NOOP = b"0"[0], b"1"[0], b"2"[0], b"3"[0], b"6"[0]


class Encoding(StrEnum):
    """How packets are written; each has its path."""

    JSON = "json"
    MSGPACK = "msgpack"

    @property
    def path(self) -> str:
        """Where the server takes this encoding."""
        return "/socket.io/" if self is Encoding.JSON else "/socket.io-msgpack/"


class Frame(NamedTuple):
    """What a transport carries: a WebSocket message, or a packet of a poll."""

    data: bytes
    binary: bool = False


@dataclass(frozen=True, slots=True)
class Opened:
    """The transport is open: send CONNECT."""

    sid: str


@dataclass(frozen=True, slots=True)
class Pinged:
    """Answer with `PONG`."""


@dataclass(frozen=True, slots=True)
class Accepted:
    """The namespace let us in."""


@dataclass(frozen=True, slots=True)
class Refused:
    """The namespace did not."""

    code: str
    data: Any


@dataclass(frozen=True, slots=True)
class Told:
    """An event. The payload is shared between sockets: read it only."""

    event: str
    payload: Any


@dataclass(frozen=True, slots=True)
class Acked:
    """The answer to an event of ours."""

    ack: int
    body: Any


@dataclass(frozen=True, slots=True)
class Ended:
    """The server has closed the namespace or the transport."""


@dataclass(frozen=True, slots=True)
class Unreadable:
    """No packet of the contract."""

    data: bytes


Incoming = Opened | Pinged | Accepted | Refused | Told | Acked | Ended | Unreadable

PONG = Frame(b"3")
FAREWELL = Frame(b"1")


class Memo:
    """Events decoded lately, by their bytes; shared by the sockets of one crowd."""

    def __init__(self) -> None:
        self._told: dict[bytes, Told] = {}

    def get(self, data: bytes) -> Told | None:
        """The event of these very bytes, if they came lately."""
        return self._told.get(data)

    def keep(self, data: bytes, told: Told) -> Told:
        """Remember an event, forgetting all when there are too many."""
        if len(self._told) >= MEMO_FRAMES:
            self._told.clear()
        self._told[data] = told
        return told


class Wire:
    """Encodes and decodes for one namespace."""

    __slots__ = ("_head", "_memo", "_namespace", "encoding")

    def __init__(self, encoding: Encoding, namespace: str, memo: Memo) -> None:
        self.encoding = encoding
        self._namespace = namespace
        self._head = f"{namespace},".encode()
        self._memo = memo

    def connect(self, auth: dict[str, str]) -> Frame:
        """The CONNECT packet."""
        return self._frame(_CONNECT, auth, None)

    def emit(self, event: str, payload: object, ack: int) -> Frame:
        """An event that asks for an answer."""
        return self._frame(_EVENT, [event] if payload is None else [event, payload], ack)

    def leave(self) -> Frame:
        """The DISCONNECT packet."""
        return self._frame(_DISCONNECT, None, None)

    def receive(self, frame: Frame) -> Incoming | None:
        """What a frame says; None for one without meaning."""
        data, binary = frame
        known = self._memo.get(data)
        if known is not None:
            return known
        try:
            return self._packed(data) if binary else self._text(data)
        except (ValueError, LookupError, TypeError, msgspec.DecodeError):
            return Unreadable(data)

    def _text(self, data: bytes) -> Incoming | None:
        kind = data[0]
        if kind == _MESSAGE:
            return self._message(data)
        if kind == _PING:
            return Pinged()
        if kind == _OPEN:
            return Opened(msgspec.json.decode(data[1:])["sid"])
        if kind == _CLOSE:
            return Ended()
        return None if kind in (_NOOP, _PONG) else Unreadable(data)

    def _message(self, data: bytes) -> Incoming:
        if self.encoding is not Encoding.JSON:
            return Unreadable(data)
        kind = data[1] - 0x30
        rest = data[2:]
        if rest == self._head[:-1]:
            rest = b""
        elif rest.startswith(self._head):
            rest = rest[len(self._head) :]
        else:
            return Unreadable(data)
        digits = 0
        while digits < len(rest) and 0x30 <= rest[digits] <= 0x39:
            digits += 1
        ack = int(rest[:digits]) if digits else None
        body = msgspec.json.decode(rest[digits:]) if len(rest) > digits else None
        return self._meaning(data, kind, body, ack)

    def _packed(self, data: bytes) -> Incoming:
        if self.encoding is not Encoding.MSGPACK:
            return Unreadable(data)
        packet = msgspec.msgpack.decode(data)
        if packet["nsp"] != self._namespace:
            return Unreadable(data)
        return self._meaning(data, packet["type"], packet.get("data"), packet.get("id"))

    def _meaning(self, data: bytes, kind: int, body: Any, ack: int | None) -> Incoming:
        if kind == _EVENT:
            told = Told(body[0], body[1] if len(body) > 1 else None)
            return told if told.event == "welcome" else self._memo.keep(data, told)
        if kind == _ACK and ack is not None:
            return Acked(ack, body[0])
        if kind == _CONNECT:
            return Accepted()
        if kind == _REFUSED:
            return Refused(body["message"], body.get("data"))
        return Ended() if kind == _DISCONNECT else Unreadable(data)

    def _frame(self, kind: int, body: object, ack: int | None) -> Frame:
        if self.encoding is Encoding.MSGPACK:
            packet: dict[str, object] = {"type": kind, "nsp": self._namespace}
            if body is not None:
                packet["data"] = body
            if ack is not None:
                packet["id"] = ack
            return Frame(msgspec.msgpack.encode(packet), binary=True)
        number = b"" if ack is None else str(ack).encode()
        text = b"" if body is None else msgspec.json.encode(body)
        return Frame(b"4%d%s%s%s" % (kind, self._head, number, text))
