"""A platform that signs tokens of every kind, good and bad, for the tests of auth/."""

from dataclasses import dataclass
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

NOW_MS = 1_800_000_000_000
NOW = NOW_MS // 1000
ISSUER = "https://platform.example"
AUDIENCE = "liveroom"
SECRET = "a secret for tests, far longer than the 32 bytes it needs"
OTHER_SECRET = "another secret for tests, also long enough"


@dataclass(frozen=True)
class Signer:
    """A private key of the platform, and how the platform publishes it."""

    algorithm: str
    private: Any
    jwk: dict[str, Any]

    def sign(self, claims: dict[str, Any], **headers: Any) -> str:
        return jwt.encode(claims, self.private, self.algorithm, headers={"kid": self.jwk["kid"], **headers})


def signer(algorithm: str, kid: str) -> Signer:
    private: PrivateKeyTypes
    match algorithm:
        case "RS256":
            private = rsa.generate_private_key(65537, 2048)
            jwk = RSAAlgorithm.to_jwk(private.public_key(), as_dict=True)
        case "ES256":
            private = ec.generate_private_key(ec.SECP256R1())
            jwk = ECAlgorithm.to_jwk(private.public_key(), as_dict=True)
        case _:
            private = ed25519.Ed25519PrivateKey.generate()
            jwk = OKPAlgorithm.to_jwk(private.public_key(), as_dict=True)
    return Signer(algorithm, private, {**jwk, "kid": kid, "alg": algorithm, "use": "sig"})


SIGNERS = {algorithm: signer(algorithm, f"key-{algorithm}") for algorithm in ("RS256", "ES256", "EdDSA")}
JWKS = {"keys": [each.jwk for each in SIGNERS.values()]}


def claims(**changes: Any) -> dict[str, Any]:
    """Good claims; a change to None removes one."""
    good = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": "user-1",
        "iat": NOW,
        "exp": NOW + 3600,
        "jti": "token-1",
        "name": "Mei",
    }
    return {name: value for name, value in {**good, **changes}.items() if value is not None}


def shared(secret: str = SECRET, headers: dict[str, Any] | None = None, **changes: Any) -> str:
    return jwt.encode(claims(**changes), secret, "HS256", headers=headers)
