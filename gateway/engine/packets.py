"""Encodes and decodes Engine.IO v4 packets as text, singly and as the body of a poll."""

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
"""The text after PING and PONG while a WebSocket is probed."""
BINARY: Final = "b"
"""The first character of a binary message in a poll; base64 follows."""
SEPARATOR: Final = "\x1e"
"""The character between the packets of a poll."""


def count_in(body: bytes) -> int:
    """How many packets a poll's body holds, by its separators, before any packet is parsed."""
    return body.count(SEPARATOR.encode()) + 1


def read_payload(body: bytes) -> list[str | bytes | None]:
    """The packets of a poll's body: text unchanged, binary messages decoded, None for each malformed one."""
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
    """A binary message as text for a poll."""
    return BINARY + base64.b64encode(data).decode()
