"""Room positions as the opaque cursors clients keep, and the stamp in those that one viewer alone is told.

The stamp says who was inside, in which room and when, signed with the secret of stream grants: whoever shows a
fresh one of their own is back, and does not start at the end of the queue (see adr/0020). A cursor without one is as
good a position.
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Callable, Sequence

from auth.composed import composed_key
from auth.identity import RoomId, UserId
from pubsub.broker import Position

STAMP_MS = 8_000
"""How coarsely a stamp tells the time."""
TIME_DIGITS = 8
SIGNATURE_DIGITS = 16


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

    def stamp(self, room: RoomId, user: UserId) -> str:
        """For a cursor that is told to this user alone, who is inside now."""
        when = f"{self._clock() // STAMP_MS:0{TIME_DIGITS}x}"
        return when + _signature(self._keys[0], when, room, user)

    def inside_ms(self, cursor: str, room: RoomId, user: UserId) -> int | None:
        """Until when at least this user was inside; None: the cursor does not say so of them."""
        _, _, stamp = _parted(cursor)
        when, signature = stamp[:TIME_DIGITS], stamp[TIME_DIGITS:]
        if not any(hmac.compare_digest(signature, _signature(key, when, room, user)) for key in self._keys):
            return None
        return int(when, 16) * STAMP_MS


def _signature(key: bytes, when: str, room: RoomId, user: UserId) -> str:
    signed = composed_key("inside", when, room, user).encode()
    return hashlib.blake2b(signed, key=key, digest_size=SIGNATURE_DIGITS // 2).hexdigest()


def _parted(cursor: str) -> tuple[str, str, str]:
    """Position, separator and stamp; empty ones for what is no cursor."""
    try:
        text = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode("ascii")
    except (binascii.Error, ValueError):
        return "", "", ""
    return text.partition("~")
