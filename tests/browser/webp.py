"""An animated WebP out of still ones (RIFF container, developers.google.com/speed/webp/docs/riff_container)."""

import struct
from collections.abc import Iterator, Sequence
from typing import NamedTuple

ANIMATED = 0x02
DO_NOT_BLEND = 0x02
FOREVER = 0


class Frame(NamedTuple):
    """A still picture, and how long it stands."""

    still: bytes
    milliseconds: int


def animation(frames: Sequence[Frame]) -> bytes:
    """Frames of one size, lossy and without transparency, as one picture that repeats for ever."""
    width, height = size(frames[0].still)
    body = _chunk(b"VP8X", struct.pack("<BxxxHBHB", ANIMATED, *_three(width - 1), *_three(height - 1)))
    body += _chunk(b"ANIM", struct.pack("<IH", 0, FOREVER))
    for still, milliseconds in frames:
        assert size(still) == (width, height)
        place = struct.pack("<HBHB", 0, 0, 0, 0)
        extent = struct.pack("<HBHB", *_three(width - 1), *_three(height - 1))
        lasts = struct.pack("<HBB", *_three(milliseconds), DO_NOT_BLEND)
        body += _chunk(b"ANMF", place + extent + lasts + _chunk(b"VP8 ", _lossy(still)))
    return b"RIFF" + struct.pack("<I", len(body) + 4) + b"WEBP" + body


def size(still: bytes) -> tuple[int, int]:
    """Width and height in pixels."""
    width, height = struct.unpack_from("<HH", _lossy(still), 6)
    return width & 0x3FFF, height & 0x3FFF


def _lossy(still: bytes) -> bytes:
    return next(data for name, data in _chunks(still) if name == b"VP8 ")


def _chunks(riff: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = 12
    while at < len(riff):
        (length,) = struct.unpack_from("<I", riff, at + 4)
        yield riff[at : at + 4], riff[at + 8 : at + 8 + length]
        at += 8 + length + length % 2


def _chunk(name: bytes, data: bytes) -> bytes:
    return name + struct.pack("<I", len(data)) + data + b"\0" * (len(data) % 2)


def _three(number: int) -> tuple[int, int]:
    """A number of three bytes, little end first, as a short and a byte."""
    return number & 0xFFFF, number >> 16
