"""Stream grants as signed paths: the token stands in the path, so that every segment of a playlist inherits it.

    /hls/{token}/{room}/{stream}/index.m3u8        (and every segment beside it)
    /ingest/{token}/{room}/{user}

A token is base64url(expiry ms, 8 bytes big endian + HMAC-SHA256 cut to 16 bytes + the viewer's id); the MAC
covers right, room, stream, viewer and expiry.
"""

import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from functools import lru_cache
from typing import Final
from urllib.parse import quote, unquote

from auth.denials import Code, Denied
from auth.grants import PUBLISHED_STREAM, Grant, GrantClaims, Right
from auth.identity import RoomId, UserId
from auth.keys import MAX_SECRETS, check_secret

MAC_BYTES: Final = 16
EXPIRY_BYTES: Final = 8
MAX_PATH_CHARS: Final = 2048
_INVALID: Final = Denied(Code.TOKEN_INVALID)


class HlsGrants:
    """The adapter. One or two active secrets: the first one signs, all of them verify.

    `base_url` stands before the paths, for a media server that lives elsewhere.
    """

    def __init__(self, secrets: Sequence[str], lifetime_seconds: int = 120, base_url: str = "") -> None:
        if not 1 <= len(secrets) <= MAX_SECRETS:
            raise ValueError(f"stream grants take one or {MAX_SECRETS} active secrets, not {len(secrets)}")
        self._secrets = tuple(check_secret(secret) for secret in secrets)
        self._lifetime_ms = lifetime_seconds * 1000
        self._base_url = base_url.rstrip("/")

    def play(self, viewer: UserId, room: RoomId, stream: str, now_ms: int) -> Grant:
        claims = GrantClaims(viewer, room, stream, "play", now_ms + self._lifetime_ms)
        path = f"/hls/{self._token(claims)}/{_segment(room)}/{_segment(stream)}/index.m3u8"
        return Grant(stream, "play", "hls", self._base_url + path, claims.expires_ms)

    def publish(self, viewer: UserId, room: RoomId, now_ms: int) -> Grant:
        claims = GrantClaims(viewer, room, PUBLISHED_STREAM, "publish", now_ms + self._lifetime_ms)
        path = f"/ingest/{self._token(claims)}/{_segment(room)}/{_segment(viewer)}"
        return Grant(PUBLISHED_STREAM, "publish", "ingest", self._base_url + path, claims.expires_ms)

    def verify(self, shown: str, now_ms: int) -> GrantClaims | Denied:
        """`shown` is the path of the request, percent-encoded as it came."""
        match _segments(shown):
            case ["hls", token, room, stream, _, *_] as segments if all(map(_stays_put, segments[4:])):
                return self._judge(token, room, stream, "play", now_ms)
            case ["ingest", token, room, user]:
                judged = self._judge(token, room, PUBLISHED_STREAM, "publish", now_ms)
                return judged if isinstance(judged, Denied) or judged.viewer == user else _INVALID
            case _:
                return _INVALID

    def _judge(self, token: str, room: str, stream: str, right: Right, now_ms: int) -> GrantClaims | Denied:
        opened = _open(token)
        if opened is None:
            return _INVALID
        expires_ms, mac, viewer = opened
        claims = GrantClaims(UserId(viewer), RoomId(room), stream, right, expires_ms)
        # every secret is tried whatever the first one says: time tells nothing about which one signed
        if not any([hmac.compare_digest(mac, _mac(secret, claims)) for secret in self._secrets]):  # noqa: C419
            return _INVALID
        return claims if now_ms < expires_ms else Denied(Code.TOKEN_EXPIRED)

    def _token(self, claims: GrantClaims) -> str:
        expiry = claims.expires_ms.to_bytes(EXPIRY_BYTES, "big")
        raw = expiry + _mac(self._secrets[0], claims) + claims.viewer.encode()
        return urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")


def _mac(secret: bytes, claims: GrantClaims) -> bytes:
    signed = _scope(claims.right, claims.room, claims.stream) + _fields(claims.viewer, str(claims.expires_ms))
    return hmac.digest(secret, signed, "sha256")[:MAC_BYTES]


@lru_cache(maxsize=256)
def _scope(right: Right, room: RoomId, stream: str) -> bytes:
    """The fields that all grants of one stream sign."""
    return _fields("liveroom grant 1", right, room, stream)


def _fields(*fields: str) -> bytes:
    """The fields, each with its length, so that no two lists of fields give the same bytes."""
    encoded = [field.encode() for field in fields]
    return b"".join([part for one in encoded for part in (len(one).to_bytes(4, "big"), one)])


def _open(token: str) -> tuple[int, bytes, str] | None:
    """Expiry, MAC and viewer, as the unverified token claims them."""
    try:
        raw = urlsafe_b64decode(token + "=" * (-len(token) % 4))
        viewer = raw[EXPIRY_BYTES + MAC_BYTES :].decode()
    except ValueError:
        return None
    if not viewer or urlsafe_b64encode(raw).rstrip(b"=").decode("ascii") != token:
        return None  # one grant has one spelling, so that caches and logs cannot be led astray
    return int.from_bytes(raw[:EXPIRY_BYTES], "big"), raw[EXPIRY_BYTES : EXPIRY_BYTES + MAC_BYTES], viewer


def _segments(path: str) -> list[str]:
    """The decoded segments of an absolute path."""
    if len(path) > MAX_PATH_CHARS or not path.startswith("/"):
        return []
    return [unquote(segment, errors="replace") for segment in path[1:].split("/")]


def _stays_put(segment: str) -> bool:
    """Whether the path stays within the stream's folder."""
    return segment not in {"", ".", ".."} and not any(char in segment for char in "/\\%")


@lru_cache(maxsize=256)
def _segment(text: str) -> str:
    return quote(text, safe="")
