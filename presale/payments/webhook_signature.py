"""Standard Webhooks signatures: `webhook-signature: v1,<base64 HMAC-SHA256(id.timestamp.body)>`.

Several secrets may be active at once, so that a secret can be changed without losing a delivery: the first signs, any
verifies. https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NewType

TOLERANCE_SECONDS = 300
SECRET_PREFIX = "whsec_"  # noqa: S105  the public prefix, not a secret
MIN_SECRET_BYTES = 24
MAX_SECRETS = 2
MAX_SIGNATURES = 8
MAX_ID_LENGTH = 128

Secret = NewType("Secret", bytes)


class Flaw(StrEnum):
    """Why a delivery is not believed."""

    INCOMPLETE = "incomplete"
    """A header is missing or malformed."""
    FORGED = "forged"
    """No signature matches any active secret."""
    STALE = "stale"
    """Genuine, but signed more than `TOLERANCE_SECONDS` away from now: a replay, or a clock gone wrong."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """A genuine and fresh delivery. Its id stays the same when it is sent again."""

    id: str
    timestamp_seconds: int


def parse_secret(text: str) -> Secret:
    """The key bytes of `whsec_<base64>`, or of any other text itself. ValueError when malformed or too short."""
    try:
        encoded = text.removeprefix(SECRET_PREFIX)
        key = base64.b64decode(encoded, validate=True) if encoded != text else text.encode()
    except binascii.Error:
        raise ValueError(f"a webhook secret is base64 after {SECRET_PREFIX}") from None
    if len(key) < MIN_SECRET_BYTES:
        raise ValueError(f"a webhook secret has at least {MIN_SECRET_BYTES} bytes")
    return Secret(key)


def parse_secrets(texts: Sequence[str]) -> tuple[Secret, ...]:
    """One or two active secrets, the signing one first. ValueError as `parse_secret`."""
    if not 1 <= len(texts) <= MAX_SECRETS:
        raise ValueError(f"one or {MAX_SECRETS} webhook secrets may be active")
    return tuple(parse_secret(text) for text in texts)


def sign(secret: Secret, *, delivery: str, timestamp_seconds: int, body: bytes) -> dict[str, str]:
    """The three headers that make `body` a signed delivery; its id holds no dot."""
    assert "." not in delivery, "the dot ends the id in what is signed"
    return {
        "webhook-id": delivery,
        "webhook-timestamp": str(timestamp_seconds),
        "webhook-signature": _signature(secret, delivery, str(timestamp_seconds), body),
    }


def verify(secrets: Sequence[Secret], headers: Mapping[str, str], body: bytes, now_ms: int) -> Delivery | Flaw:
    """Whether this body was signed by a holder of one of the secrets, about now.

    Header names match in any case. The body is not parsed, comparisons take constant time, freshness is judged last,
    so that `STALE` is only ever said of a genuine delivery.
    """
    named = {name.lower(): value for name, value in headers.items()}
    delivery = named.get("webhook-id", "")
    timestamp = named.get("webhook-timestamp", "")
    offered = named.get("webhook-signature", "").split()
    # id.timestamp.body is the standard's: one with a dot in its id could be cut elsewhere, into another delivery
    if not _is_plain_number(timestamp) or not 1 <= len(delivery) <= MAX_ID_LENGTH or "." in delivery or not offered:
        return Flaw.INCOMPLETE
    matches = [
        hmac.compare_digest(_signature(secret, delivery, timestamp, body).encode(), signature.encode())
        for secret in secrets
        for signature in offered[:MAX_SIGNATURES]
    ]
    if not any(matches):
        return Flaw.FORGED
    if abs(now_ms - int(timestamp) * 1000) > TOLERANCE_SECONDS * 1000:
        return Flaw.STALE
    return Delivery(delivery, int(timestamp))


def request_content(method: str, path: str, body: bytes) -> bytes:
    """What is signed for a call to a provider: the body bound to its method and path (query string included)."""
    return f"{method.upper()} {path}\n".encode() + body


def _signature(secret: Secret, delivery: str, timestamp: str, body: bytes) -> str:
    digest = hmac.digest(secret, f"{delivery}.{timestamp}.".encode() + body, hashlib.sha256)
    return "v1," + base64.b64encode(digest).decode()


def _is_plain_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 12
