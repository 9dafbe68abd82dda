"""Packets of Engine.IO v4 as text, and several of them in the body of a poll."""

import base64
import binascii
from typing import Final

OPEN: Final = "0"
CLOSE: Final = "1"
PING: Final = "2"
PONG: Final = "3"
MESSAGE: Final = "4"
UPGRADE: Final = "5"
NOOP: Final = "6"

PROBE: Final = "probe"
"""Follows PING and PONG while a WebSocket is tried out."""
BINARY: Final = "b"
"""Begins a binary message in a poll; base64 follows."""
SEPARATOR: Final = "\x1e"
"""Between the packets of a poll."""


def count_in(body: bytes) -> int:
    """How many packets a poll's body says it holds, which is known before any is looked at."""
    return body.count(SEPARATOR.encode()) + 1


def read_payload(body: bytes) -> list[str | bytes | None]:
    """The packets of a poll's body in their order: text as it is, binary messages decoded, None for what is neither."""
    try:
        text = body.decode()
    except UnicodeDecodeError:
        return [None]
    return [_read_binary(packet) if packet.startswith(BINARY) else packet for packet in text.split(SEPARATOR)]


def _read_binary(packet: str) -> bytes | None:
    try:
        return base64.b64decode(packet[1:].encode(), validate=True)
    except binascii.Error:
        return None


def write_binary(data: bytes) -> str:
    """A binary message as it stands in a poll."""
    return BINARY + base64.b64encode(data).decode()
