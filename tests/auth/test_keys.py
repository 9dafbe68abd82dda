import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm

from auth.keys import KeyRing
from tests.auth.signing import JWKS, OTHER_SECRET, SECRET, SIGNERS


def test_a_short_secret_is_refused_with_advice() -> None:
    with pytest.raises(ValueError, match=r"at least 32 bytes and this one has 31: make one with"):
        KeyRing(["x" * 31])


def test_at_most_two_secrets_are_active() -> None:
    assert len(KeyRing([SECRET, OTHER_SECRET]).candidates(None)) == 2
    with pytest.raises(ValueError, match="remove the oldest"):
        KeyRing([SECRET, OTHER_SECRET, SECRET + "x"])


def test_each_key_has_the_one_algorithm_of_its_kind() -> None:
    ring = KeyRing([SECRET], JWKS)
    found = {
        kid: [key.algorithm for key in ring.candidates(kid)] for kid in (None, "key-RS256", "key-ES256", "key-EdDSA")
    }
    assert found == {None: ["HS256"], "key-RS256": ["RS256"], "key-ES256": ["ES256"], "key-EdDSA": ["EdDSA"]}
    assert ring.candidates("unknown") == ()


def test_the_published_document_holds_the_public_keys_and_no_secret() -> None:
    ring = KeyRing([SECRET], JWKS)
    assert ring.public_jwks() == KeyRing([], ring.public_jwks()).public_jwks()
    assert [key["kid"] for key in ring.public_jwks()["keys"]] == ["key-RS256", "key-ES256", "key-EdDSA"]
    assert not {"d", "p", "q", "k"} & {member for key in ring.public_jwks()["keys"] for member in key}
    assert KeyRing([SECRET]).public_jwks() == {"keys": []}


def test_a_private_key_published_by_mistake_is_not_taken_in() -> None:
    private = RSAAlgorithm.to_jwk(SIGNERS["RS256"].private, as_dict=True)
    ring = KeyRing([], {"keys": [{**private, "kid": "k"}]})
    assert set(ring.public_jwks()["keys"][0]) == {"kty", "n", "e", "alg", "use", "kid"}
    assert not hasattr(ring.candidates("k")[0].material, "private_numbers")


def test_keys_for_other_purposes_are_passed_over() -> None:
    weak_key = rsa.generate_private_key(65537, 1024)  # noqa: S505 - weak on purpose
    weak = RSAAlgorithm.to_jwk(weak_key.public_key(), as_dict=True)
    good = SIGNERS["RS256"].jwk
    others = [
        {"kty": "oct", "k": "c2VjcmV0", "kid": "k"},
        {**good, "use": "enc", "kid": "k"},
        {**good, "alg": "RS512", "kid": "k"},
        {**SIGNERS["ES256"].jwk, "crv": "P-384", "kid": "k"},
        {**SIGNERS["ES256"].jwk, "x": "AAAA", "kid": "k"},
        {**weak, "kid": "k"},
        {"kty": "RSA", "kid": "k"},
        {"kty": ["RSA"], "kid": "k"},
        {**good, "kid": 7},
        "key",
    ]
    assert KeyRing([], {"keys": [*others, good]}).candidates("k") == ()


@pytest.mark.parametrize("document", [{}, {"keys": {}}, {"keys": []}, {"keys": [{"kty": "oct"}]}, {"keys": [{}] * 17}])
def test_a_document_without_use_is_refused(document: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="JWKS"):
        KeyRing([SECRET], document)
