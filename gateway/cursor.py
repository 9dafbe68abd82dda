"""Room positions as the opaque cursors clients keep, and the stamp in those of viewers who were inside.

The stamp says in which room its holder was, and when, signed with the secret of stream grants: whoever shows a fresh
one is back, and does not start at the end of the queue (see adr/0020). A cursor without one is as good a position.
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Callable, Sequence

from auth.identity import RoomId
from pubsub.broker import Position

STAMP_MS = 8_000
"""A stamp is made once in so long."""
TIME_DIGITS = 8
SIGNATURE_DIGITS = 8


def to_cursor(position: Position, stamp: str = "") -> str:
    """A position as a URL-safe text without structure a client could lean on."""
    text = f"{position.epoch}:{position.offset}{stamp and '~'}{stamp}"
    return base64.urlsafe_b64encode(text.encode()).rstrip(b"=").decode()


def from_cursor(cursor: str) -> Position | None:
    """The position behind a cursor, or None for anything this gateway never handed out."""
    place, _, _ = _parted(cursor)
    epoch, colon, offset = place.rpartition(":")
    if not colon or not epoch or not offset.isdecimal() or len(offset) > 16:
        return None
    return Position(epoch, int(offset))


class Stamps:
    """Makes and reads the stamps of all rooms."""

    def __init__(self, secrets: Sequence[str], clock: Callable[[], int]) -> None:
        self._keys = [hashlib.blake2b(secret.encode(), person=b"cursor-stamp").digest() for secret in secrets]
        self._clock = clock
        self._made: dict[RoomId, tuple[int, str]] = {}
        """The latest stamp of each room, and when it was made."""

    def stamp(self, room: RoomId) -> str:
        """For the cursors of those who are inside now."""
        turn = self._clock() // STAMP_MS
        made = self._made.get(room)
        if made is None or made[0] != turn:
            when = f"{turn:0{TIME_DIGITS}x}"
            made = self._made[room] = (turn, when + _signature(self._keys[0], room, when))
        return made[1]

    def inside_ms(self, cursor: str, room: RoomId) -> int | None:
        """Until when at least the holder of a cursor was inside; None: it does not say so."""
        _, _, stamp = _parted(cursor)
        when, signature = stamp[:TIME_DIGITS], stamp[TIME_DIGITS:]
        if not any(hmac.compare_digest(signature, _signature(key, room, when)) for key in self._keys):
            return None
        return int(when, 16) * STAMP_MS


def _signature(key: bytes, room: RoomId, when: str) -> str:
    return hashlib.blake2b(f"{when}{room}".encode(), key=key, digest_size=SIGNATURE_DIGITS // 2).hexdigest()


def _parted(cursor: str) -> tuple[str, str, str]:
    """Position, separator and stamp; empty ones for what is no cursor."""
    try:
        text = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode("ascii")
    except (binascii.Error, ValueError):
        return "", "", ""
    return text.partition("~")
