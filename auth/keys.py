"""The keys that tokens may be signed with. Each key has one algorithm; a token's header never chooses it.

A ring is a value: rotation means handing the verifier another ring.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from jwt import PyJWK
from jwt.algorithms import AllowedPublicKeys, get_default_algorithms
from jwt.exceptions import PyJWTError

MIN_SECRET_BYTES: Final = 32
MAX_SECRETS: Final = 2
MAX_PUBLIC_KEYS: Final = 16
MIN_RSA_BITS: Final = 2048

# (kty, crv) -> the one algorithm, and the members that make up the public key (RFC 7518 section 6, RFC 8037)
_KINDS: Mapping[tuple[str, str | None], tuple[str, tuple[str, ...]]] = {
    ("RSA", None): ("RS256", ("kty", "n", "e")),
    ("EC", "P-256"): ("ES256", ("kty", "crv", "x", "y")),
    ("OKP", "Ed25519"): ("EdDSA", ("kty", "crv", "x")),
}


@dataclass(frozen=True, slots=True, repr=False)
class Key:
    """A key that verifies signatures of one algorithm."""

    algorithm: str
    kid: str | None
    material: bytes | AllowedPublicKeys


class KeyRing:
    """All keys active now: up to two shared HS256 secrets and the public keys of a JWKS document.

    Raises ValueError, with what to do about it, for secrets or documents that cannot be used.
    """

    def __init__(self, secrets: Sequence[str] = (), jwks: Mapping[str, object] | None = None) -> None:
        if len(secrets) > MAX_SECRETS:
            raise ValueError(f"at most {MAX_SECRETS} secrets are active at once: remove the oldest")
        self._keys = (*(_shared(secret) for secret in secrets), *(_public_keys(jwks) if jwks is not None else ()))

    def candidates(self, kid: str | None) -> tuple[Key, ...]:
        """The keys that may have signed a token with this `kid`; empty for an unknown one.

        Shared secrets carry no kid, so only a token without one can be theirs.
        """
        return tuple(key for key in self._keys if key.kid == kid)

    def public_jwks(self) -> dict[str, list[dict[str, str]]]:
        """The public keys as a JWKS document; never a secret or a private member."""
        return {"keys": [_as_jwk(key) for key in self._keys if key.algorithm != "HS256"]}


def check_secret(secret: str) -> bytes:
    """The secret's bytes; ValueError when it is too short to resist guessing."""
    encoded = secret.encode()
    if len(encoded) < MIN_SECRET_BYTES:
        raise ValueError(
            f"a secret needs at least {MIN_SECRET_BYTES} bytes and this one has {len(encoded)}: "
            "make one with `python3 -c 'import secrets; print(secrets.token_urlsafe(48))'`"
        )
    return encoded


def _shared(secret: str) -> Key:
    return Key("HS256", None, check_secret(secret))


def _public_keys(document: Mapping[str, object]) -> tuple[Key, ...]:
    """The usable keys of the document; what it holds for other purposes is passed over (RFC 7517 section 5)."""
    entries = document.get("keys")
    if not isinstance(entries, list):
        raise ValueError('not a JWKS document: it has no list "keys"')  # noqa: TRY004 - the document is wrong, not the caller
    if len(entries) > MAX_PUBLIC_KEYS:
        raise ValueError(f"a JWKS document may hold at most {MAX_PUBLIC_KEYS} keys: publish only the active ones")
    keys = tuple(key for entry in entries if isinstance(entry, dict) and (key := _public_key(entry)) is not None)
    if not keys:
        raise ValueError("the JWKS document holds no signing key for RS256 (2048 bits), ES256 or EdDSA (Ed25519)")
    return keys


def _public_key(entry: dict[object, object]) -> Key | None:
    kty, crv, kid = entry.get("kty"), entry.get("crv"), entry.get("kid")
    if not isinstance(kty, str) or not isinstance(crv, str | None) or not isinstance(kid, str | None):
        return None
    algorithm, members = _KINDS.get((kty, crv), (None, ()))
    if algorithm is None or entry.get("alg", algorithm) != algorithm or entry.get("use", "sig") != "sig":
        return None
    try:
        # the public members alone: a private key published by mistake is not taken in
        material = PyJWK.from_dict({member: entry[member] for member in members}, algorithm=algorithm).key
    except (PyJWTError, KeyError, ValueError, TypeError):
        return None
    if algorithm == "RS256" and material.key_size < MIN_RSA_BITS:
        return None
    return Key(algorithm, kid, material)


def _as_jwk(key: Key) -> dict[str, str]:
    _, members = next(kind for kind in _KINDS.values() if kind[0] == key.algorithm)
    described = get_default_algorithms()[key.algorithm].to_jwk(key.material, as_dict=True)
    public = {member: str(described[member]) for member in members}
    return {**public, "alg": key.algorithm, "use": "sig"} | ({"kid": key.kid} if key.kid is not None else {})
