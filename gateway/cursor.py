"""Room positions as the opaque cursors clients keep."""

import base64
import binascii

from pubsub.broker import Position


def to_cursor(position: Position) -> str:
    """A position as a URL-safe text without structure a client could lean on."""
    return base64.urlsafe_b64encode(f"{position.epoch}:{position.offset}".encode()).rstrip(b"=").decode()


def from_cursor(cursor: str) -> Position | None:
    """The position behind a cursor, or None for anything this gateway never handed out."""
    try:
        text = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode("ascii")
    except (binascii.Error, ValueError):
        return None
    epoch, colon, offset = text.rpartition(":")
    if not colon or not epoch or not offset.isdecimal() or len(offset) > 16:
        return None
    return Position(epoch, int(offset))
