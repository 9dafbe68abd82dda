"""The envelope of a publication on a shared wire: signed, versioned, and bound to its channel.

    version (1 byte) | tag (16 bytes) | msgpack [id, retention, at_ms, body]

The tag is HMAC-SHA256, cut to 128 bits, over version, channel and message. Whoever can write to the wire but knows
no secret can neither invent a publication nor carry one from a channel to another.
"""

import hmac
from collections.abc import Sequence

import msgspec

from pubsub.broker import Publication, Retention

VERSION = 1
TAG_BYTES = 16
SECRET_MIN_BYTES = 32

_CODES = {Retention.NONE: 0, Retention.SHORT: 1, Retention.LONG: 2}
_RETENTIONS = {code: retention for retention, code in _CODES.items()}
_HEAD = bytes([VERSION])

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(tuple[str, int, int, bytes]).decode


class Seal:
    """Closes and opens envelopes. The first secret signs, all of them open: two are active while one is replaced."""

    def __init__(self, secrets: Sequence[bytes]) -> None:
        if not secrets or any(len(secret) < SECRET_MIN_BYTES for secret in secrets):
            raise ValueError(f"a secret of the wire has at least {SECRET_MIN_BYTES} bytes")
        self._secrets = tuple(secrets)

    def close(self, channel: str, publication: Publication) -> bytes:
        """The envelope of a publication in a channel."""
        message = _encode((publication.id, _CODES[publication.retention], publication.at_ms, publication.body))
        return _HEAD + _tag(self._secrets[0], channel, message) + message

    def open(self, channel: str, envelope: bytes) -> Publication | None:
        """What is in an envelope; None when it is none of ours."""
        tag, message = envelope[1 : 1 + TAG_BYTES], envelope[1 + TAG_BYTES :]
        if envelope[:1] != _HEAD:
            return None
        if not any(hmac.compare_digest(tag, _tag(secret, channel, message)) for secret in self._secrets):
            return None
        try:
            publication_id, code, at_ms, body = _decode(message)
            return Publication(publication_id, body, _RETENTIONS[code], at_ms)
        except (msgspec.DecodeError, KeyError):  # signed by a newer version of this code
            return None


def _tag(secret: bytes, channel: str, message: bytes) -> bytes:
    name = channel.encode()
    return hmac.digest(secret, b"%b%d:%b%b" % (_HEAD, len(name), name, message), "sha256")[:TAG_BYTES]
