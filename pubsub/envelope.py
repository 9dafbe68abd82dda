"""The envelope of a publication on a shared wire: signed, versioned, bound to its channel, and known when played back.

    version (1 byte) | tag (16 bytes) | msgpack [id, retention, at_ms, body, publisher, number, sealed_ms]

The tag is HMAC-SHA256, cut to 128 bits, over version, channel and message. Whoever can write to the wire but knows
no secret can neither invent a publication nor carry one from a channel to another. Nor play one back: each publisher
counts what it seals, and says when. A publication may be much older than its seal, one that waited for an outage to
end is sealed after it. Where a channel stands is counted later, by the wire, and is not sealed.
"""

import hmac
from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from pubsub.broker import Publication, Retention
from pubsub.seen import Stamp

VERSION = 2
TAG_BYTES = 16
SECRET_MIN_BYTES = 32
CLOCK_TOLERANCE_MS = 30_000
"""The largest clock difference between two machines plus the time on the wire."""

_CODES = {Retention.NONE: 0, Retention.SHORT: 1, Retention.LONG: 2}
_RETENTIONS = {code: retention for retention, code in _CODES.items()}
_HEAD = bytes([VERSION])

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(tuple[str, int, int, bytes, str, int, int]).decode


class Sealed(NamedTuple):
    """What was in an envelope."""

    publication: Publication
    stamp: Stamp


class Seal:
    """Signs and opens envelopes. The first secret signs, all of them verify: two are active during a rotation.

    `publisher` names this process alone and is never used again; its publications are numbered from one.
    """

    def __init__(self, secrets: Sequence[bytes], publisher: str) -> None:
        if not secrets or any(len(secret) < SECRET_MIN_BYTES for secret in secrets):
            raise ValueError(f"a secret of the wire has at least {SECRET_MIN_BYTES} bytes")
        self._secrets = tuple(secrets)
        self._publisher = publisher
        self._count = 0

    def close(self, channel: str, publication: Publication, now_ms: int) -> tuple[bytes, Stamp]:
        """A signed envelope around a publication in a channel; each call makes another one."""
        self._count += 1
        stamp = Stamp(self._publisher, self._count, now_ms)
        code = _CODES[publication.retention]
        message = _encode((publication.id, code, publication.at_ms, publication.body, *stamp))
        return _HEAD + _tag(self._secrets[0], channel, message) + message, stamp

    def open(self, channel: str, envelope: bytes) -> Sealed | None:
        """The content of an envelope; None when none of our secrets signed it for this channel."""
        tag, message = envelope[1 : 1 + TAG_BYTES], envelope[1 + TAG_BYTES :]
        if envelope[:1] != _HEAD:
            return None
        if not any(hmac.compare_digest(tag, _tag(secret, channel, message)) for secret in self._secrets):
            return None
        try:
            publication_id, code, at_ms, body, publisher, number, sealed_ms = _decode(message)
            publication = Publication(publication_id, body, _RETENTIONS[code], at_ms)
            return Sealed(publication, Stamp(publisher, number, sealed_ms))
        except (msgspec.DecodeError, KeyError):  # signed by a newer version of this code
            return None


def is_fresh(stamp: Stamp, now_ms: int, kept_ms: int) -> bool:
    """Whether a publication with this retention may still arrive; false for too old ones and for the future."""
    return -CLOCK_TOLERANCE_MS <= now_ms - stamp.at_ms <= kept_ms + CLOCK_TOLERANCE_MS


def _tag(secret: bytes, channel: str, message: bytes) -> bytes:
    name = channel.encode()
    return hmac.digest(secret, b"%b%d:%b%b" % (_HEAD, len(name), name, message), "sha256")[:TAG_BYTES]
