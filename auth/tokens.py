"""Tokens: the platform's word for who somebody is. Verifying them, and minting them for demo, tests and tools.

The clock is an argument. Roles and tickets are never read from a token.
"""

import base64
import binascii
import hmac
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, TypeVar

import jwt
import msgspec
from jwt.algorithms import HMACAlgorithm

from auth import surrogates, text
from auth.denials import Code, Denied
from auth.identity import Identity, UserId
from auth.keys import KeyRing, check_secret

MAX_TOKEN_BYTES: Final = 4096
MAX_LIFETIME_SECONDS: Final = 24 * 3600
MAX_LEEWAY_SECONDS: Final = 10
MAX_USER_CHARS: Final = 64
MAX_NAME_GRAPHEMES: Final = 40
MAX_TOKEN_ID_CHARS: Final = 128

MAX_HEADS: Final = 64
"""Token headers that are remembered; an issuer uses one per key. Only what a key has signed is."""
SHARED: Final = "HS256"
FROM_URL_SAFE: Final = bytes.maketrans(b"-_+/", b"+/!!")
"""From the alphabet of tokens to the common one; what is of that one alone becomes what a strict reader refuses."""


@dataclass(frozen=True, slots=True)
class Unsigned(Denied):
    """TOKEN_INVALID for what no active key has signed. Everything else is a token that the platform made."""


UNSIGNED: Final = Unsigned(Code.TOKEN_INVALID)


Decoded = TypeVar("Decoded")


class _Claims(msgspec.Struct):
    """The required claims of RFC 7519, typed; anything missing or ill-typed makes the token invalid."""

    iss: str
    aud: str | list[str]
    sub: str
    exp: int | float
    iat: int | float
    jti: str
    nbf: int | float | None = None
    name: msgspec.Raw = msgspec.Raw()
    """Whatever the platform wrote there; nobody is refused for it."""


class _Hmac(HMACAlgorithm):
    """PyJWT looks at every use of a secret whether it is an asymmetric key in disguise: once will do."""

    prepare_key = lru_cache(maxsize=4)(HMACAlgorithm.prepare_key)


class TokenVerifier:
    """Accepts what the active keys signed for this audience. Safe to share; remembers nothing that a key did not sign.

    `keys` is a ring, or a function that gives the current one. `unknown_kid` is told of a token whose key
    is not in the ring, so that a source of keys may look for newer ones; the token is refused all the same. `revoked`
    says of a token that is good otherwise whether it was taken back: then it is TOKEN_INVALID.
    """

    def __init__(
        self,
        keys: KeyRing | Callable[[], KeyRing],
        issuer: str,
        audience: str,
        leeway_seconds: int = MAX_LEEWAY_SECONDS,
        unknown_kid: Callable[[], None] | None = None,
        revoked: Callable[[Identity], bool] = lambda _: False,
    ) -> None:
        if not 0 <= leeway_seconds <= MAX_LEEWAY_SECONDS:
            raise ValueError(f"the leeway is 0 to {MAX_LEEWAY_SECONDS} seconds, not {leeway_seconds}")
        self._ring = keys if callable(keys) else lambda: keys
        self._jws = jwt.PyJWS()  # it builds a table of algorithms: once, not for every token
        self._jws.unregister_algorithm(SHARED)
        self._jws.register_algorithm(SHARED, _Hmac(HMACAlgorithm.SHA256))
        self._heads: dict[str, tuple[str | None, str]] = {}
        """Of the headers of good tokens: the kid, and the algorithm they were verified by."""
        self._issuer = issuer
        self._audience = audience
        self._leeway_seconds = leeway_seconds
        self._unknown_kid = unknown_kid
        self._revoked = revoked

    def verify(self, token: str, now_ms: int) -> Identity | Denied:
        """The bearer, or TOKEN_EXPIRED for a token that only came too late, or TOKEN_INVALID."""
        payload = self._signed_payload(token)
        if payload is None:
            return UNSIGNED
        claims = _decoded(payload, _Claims) or _repaired_claims(payload)
        return Denied(Code.TOKEN_INVALID) if claims is None else self._judge(claims, now_ms)

    def _signed_payload(self, token: str) -> bytes | None:
        """What an active key signed, else None."""
        if len(token) > MAX_TOKEN_BYTES or not token.isascii():
            return None
        head = token.partition(".")[0]
        known = self._heads.get(head)
        if known is not None:
            kid, algorithm = known
        else:
            algorithm = ""
            try:
                kid = self._jws.get_unverified_header(token).get("kid")
            except (jwt.PyJWTError, RecursionError, ValueError):
                return None
        candidates = self._ring().candidates(kid)
        if not candidates and self._unknown_kid is not None:
            self._unknown_kid()
        for key in candidates:
            if algorithm == SHARED == key.algorithm and isinstance(key.material, bytes):
                payload = _signed_by(key.material, token)
                if payload is not None:
                    return payload
            try:
                # the key's algorithm, never the header's: no `none`, no HMAC keyed with a public key
                decoded = self._jws.decode_complete(token, key.material, algorithms=[key.algorithm])
            except (jwt.PyJWTError, RecursionError, ValueError):
                continue
            if len(self._heads) < MAX_HEADS:
                self._heads[head] = kid, key.algorithm
            return bytes(decoded["payload"])
        return None

    def _judge(self, claims: _Claims, now_ms: int) -> Identity | Denied:
        audiences = [claims.aud] if isinstance(claims.aud, str) else claims.aud
        now = now_ms / 1000
        latest_start = now + self._leeway_seconds
        is_for_us = claims.iss == self._issuer and self._audience in audiences
        has_begun = claims.iat <= latest_start and (claims.nbf is None or claims.nbf <= latest_start)
        is_brief = 0 < claims.exp - claims.iat <= MAX_LIFETIME_SECONDS
        is_named = is_user_id(claims.sub) and 0 < len(claims.jti) <= MAX_TOKEN_ID_CHARS
        if not (is_for_us and has_begun and is_brief and is_named):
            return Denied(Code.TOKEN_INVALID)
        if now >= claims.exp + self._leeway_seconds:
            return Denied(Code.TOKEN_EXPIRED)
        written = _decoded(bytes(claims.name), str) or ""
        name = (display_name(written) if written else "") or claims.sub
        identity = Identity(UserId(claims.sub), name, claims.jti, int(claims.exp * 1000), int(claims.iat * 1000))
        return Denied(Code.TOKEN_INVALID) if self._revoked(identity) else identity


def _signed_by(secret: bytes, token: str) -> bytes | None:
    """The payload of a token whose header PyJWT has accepted before, where this secret has signed it.

    It takes a tenth of the time: PyJWT reads the header again, and each part character by character. Whatever is not
    written exactly as an issuer writes it is left to PyJWT.
    """
    signed, _, signature = token.encode("ascii").rpartition(b".")
    wanted = base64.urlsafe_b64encode(hmac.digest(secret, signed, "sha256")).rstrip(b"=")
    if not hmac.compare_digest(wanted, signature):
        return None
    payload = signed.partition(b".")[2].translate(FROM_URL_SAFE)
    try:
        return binascii.a2b_base64(payload + b"=" * (-len(payload) % 4), strict_mode=True)
    except binascii.Error:
        return None


def _decoded(payload: bytes, kind: type[Decoded]) -> Decoded | None:
    try:
        return msgspec.json.decode(payload, type=kind)
    except (msgspec.MsgspecError, RecursionError, ValueError):
        return None


def _repaired_claims(payload: bytes) -> _Claims | None:
    """The claims of a payload with half a character somewhere, as in a name; who it speaks of is never repaired.

    Two ids that differ by such a half would be one after it.
    """
    claims = _decoded(surrogates.repaired_bytes(payload), _Claims)
    if claims is None or surrogates.REPLACEMENT in claims.sub + claims.jti + claims.iss:
        return None
    return claims


def is_user_id(name: str) -> bool:
    """1 to 64 characters, none of them a control or invisible, but for those that emoji and words are joined with."""
    return 0 < len(name) <= MAX_USER_CHARS and not text.has_unseen(name)


def is_token_id(name: str) -> bool:
    """Whether this can be the `jti` of a token that is taken back: 1 to 128 characters that can be printed."""
    return 0 < len(name) <= MAX_TOKEN_ID_CHARS and name.isprintable()


def display_name(name: str) -> str:
    """A name that can stand on one line, cleaned as every text is: at most 40 graphemes."""
    return text.cut(text.clean(name), MAX_NAME_GRAPHEMES)


def mint(
    secret: str,
    user: str,
    name: str | None,
    issuer: str,
    audience: str,
    now_ms: int,
    lifetime_ms: int,
    token_id: str,
) -> str:
    """An HS256 token, as an embedding platform would make it.

    ValueError for a short secret, a user id that no verifier would take, or a life beyond 24 hours.
    """
    if not is_user_id(user):
        raise ValueError(f"a user id has 1 to {MAX_USER_CHARS} characters and no control characters")
    if not 1000 <= lifetime_ms <= MAX_LIFETIME_SECONDS * 1000:
        raise ValueError("a token lives between one second and 24 hours")
    issued = now_ms // 1000
    claims = {
        "iss": issuer,
        "aud": audience,
        "sub": user,
        "iat": issued,
        "exp": issued + lifetime_ms // 1000,
        "jti": token_id,
    }
    if name:
        claims["name"] = name
    return jwt.encode(claims, check_secret(secret), algorithm="HS256")
