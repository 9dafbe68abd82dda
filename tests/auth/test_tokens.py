import base64
import hashlib
import hmac
import json
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from auth.denials import Code, Denied
from auth.identity import Identity
from auth.keys import KeyRing
from auth.tokens import TokenVerifier, display_name, is_user_id, mint
from tests.auth.signing import (
    AUDIENCE,
    ISSUER,
    JWKS,
    NOW,
    NOW_MS,
    OTHER_SECRET,
    SECRET,
    SIGNERS,
    claims,
    shared,
    signer,
)

VERIFIER = TokenVerifier(KeyRing([SECRET], JWKS), ISSUER, AUDIENCE)


def verdict(token: str, now_ms: int = NOW_MS, verifier: TokenVerifier = VERIFIER) -> Code | str:
    found = verifier.verify(token, now_ms)
    return found.code if isinstance(found, Denied) else found.user


def by_hand(header: dict[str, Any], payload: bytes, key: bytes) -> str:
    """A token assembled without the library, which would refuse to make it."""

    def part(data: bytes) -> bytes:
        return base64.urlsafe_b64encode(data).rstrip(b"=")

    signed = part(json.dumps(header).encode()) + b"." + part(payload)
    return (signed + b"." + part(hmac.digest(key, signed, hashlib.sha256) if key else b"")).decode()


def test_a_good_token_names_its_bearer() -> None:
    assert VERIFIER.verify(shared(), NOW_MS) == Identity("user-1", "Mei", "token-1", (NOW + 3600) * 1000, NOW * 1000)  # type: ignore[arg-type]


@pytest.mark.parametrize("algorithm", list(SIGNERS))
def test_the_platforms_own_keys_are_accepted(algorithm: str) -> None:
    assert verdict(SIGNERS[algorithm].sign(claims())) == "user-1"


def test_what_mint_makes_verify_takes() -> None:
    token = mint(SECRET, "user-9", "Nine", ISSUER, AUDIENCE, NOW_MS, 60_000, "t9")
    found = VERIFIER.verify(token, NOW_MS)
    assert isinstance(found, Identity)
    assert (found.user, found.name, found.token_id, found.expires_ms) == ("user-9", "Nine", "t9", NOW_MS + 60_000)


def test_an_unsigned_token_is_refused() -> None:
    for algorithm in ("none", "None", "NONE"):
        assert verdict(by_hand({"alg": algorithm}, json.dumps(claims()).encode(), b"")) is Code.TOKEN_INVALID


@pytest.mark.parametrize("headers", [{}, {"kid": "key-RS256"}])
def test_a_public_key_is_no_shared_secret(headers: dict[str, str]) -> None:
    """The classic confusion: HS256 keyed with the RSA public key, which everybody has."""
    public = SIGNERS["RS256"].private.public_key()
    for encoding, form in ((Encoding.PEM, PublicFormat.SubjectPublicKeyInfo), (Encoding.PEM, PublicFormat.PKCS1)):
        key = public.public_bytes(encoding, form)
        token = by_hand({"alg": "HS256", **headers}, json.dumps(claims()).encode(), key)
        assert verdict(token) is Code.TOKEN_INVALID


def test_the_header_cannot_choose_another_algorithm_of_the_same_key() -> None:
    token = jwt.encode(claims(), SIGNERS["RS256"].private, "PS256", headers={"kid": "key-RS256"})
    assert verdict(token) is Code.TOKEN_INVALID
    assert verdict(jwt.encode(claims(), SECRET, "HS384")) is Code.TOKEN_INVALID


def test_the_kid_selects_and_an_unknown_one_is_reported() -> None:
    asked: list[None] = []
    verifier = TokenVerifier(KeyRing([SECRET], JWKS), ISSUER, AUDIENCE, unknown_kid=lambda: asked.append(None))
    assert verdict(SIGNERS["RS256"].sign(claims(), kid="key-ES256"), verifier=verifier) is Code.TOKEN_INVALID
    assert asked == []
    assert verdict(SIGNERS["RS256"].sign(claims(), kid="key-unknown"), verifier=verifier) is Code.TOKEN_INVALID
    assert verdict(shared(headers={"kid": "key-unknown"}), verifier=verifier) is Code.TOKEN_INVALID
    assert len(asked) == 2


def test_keys_in_the_header_are_not_listened_to() -> None:
    stranger = signer("RS256", "key-RS256")
    token = stranger.sign(claims(), jwk=stranger.jwk, jku="http://127.0.0.1:1/keys")
    assert verdict(token) is Code.TOKEN_INVALID


@pytest.mark.parametrize("claim", ["iss", "aud", "sub", "exp", "iat", "jti"])
def test_every_required_claim_is_required(claim: str) -> None:
    assert verdict(jwt.encode(claims(**{claim: None}), SECRET, "HS256")) is Code.TOKEN_INVALID


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "https://elsewhere.example"},
        {"iss": 1},
        {"aud": "elsewhere"},
        {"aud": []},
        {"aud": {"liveroom": 1}},
        {"sub": ""},
        {"sub": "u" * 65},
        {"sub": "a\nb"},
        {"sub": "a\u202eb"},
        {"sub": 7},
        {"jti": ""},
        {"jti": 7},
        {"jti": "t" * 129},
        {"exp": True},
        {"exp": str(NOW + 60)},
        {"exp": NOW, "iat": NOW},
        {"iat": "now"},
        {"iat": NOW + 11},
        {"nbf": NOW + 11},
        {"iat": NOW, "exp": NOW + 24 * 3600 + 1},
        {"exp": 10**300},
        {"exp": float("nan")},
        {"exp": float("inf")},
    ],
)
def test_claims_that_do_not_hold_are_refused(changes: dict[str, Any]) -> None:
    assert (
        verdict(by_hand({"alg": "HS256"}, json.dumps(claims(**changes)).encode(), SECRET.encode()))
        is Code.TOKEN_INVALID
    )


@pytest.mark.parametrize(
    "changes",
    [
        {"aud": ["other", AUDIENCE]},
        {"iat": NOW + 10},
        {"nbf": NOW + 10},
        {"iat": NOW - 60, "exp": NOW - 60 + 24 * 3600},
        {"exp": NOW + 60.5},
        {"name": None},
        {"role": "operator", "tier": "vip"},
    ],
)
def test_claims_at_their_bounds_hold(changes: dict[str, Any]) -> None:
    assert verdict(shared(**changes)) == "user-1"


def test_the_leeway_forgives_ten_seconds_and_no_more() -> None:
    token = shared(exp=NOW + 60)
    assert verdict(token, NOW_MS + 69_999) == "user-1"
    assert verdict(token, NOW_MS + 70_000) is Code.TOKEN_EXPIRED
    strict = TokenVerifier(KeyRing([SECRET]), ISSUER, AUDIENCE, leeway_seconds=0)
    assert verdict(token, NOW_MS + 60_000, strict) is Code.TOKEN_EXPIRED
    with pytest.raises(ValueError, match="leeway"):
        TokenVerifier(KeyRing([SECRET]), ISSUER, AUDIENCE, leeway_seconds=11)


def test_an_expired_forgery_is_invalid_and_not_expired() -> None:
    assert verdict(shared(OTHER_SECRET, exp=NOW - 3000, iat=NOW - 3600)) is Code.TOKEN_INVALID


def test_a_token_above_4_kib_is_refused_unread() -> None:
    fitting = shared(pad="x" * 2700)
    assert len(fitting) <= 4096
    assert verdict(fitting) == "user-1"
    assert verdict(shared(pad="x" * 3000)) is Code.TOKEN_INVALID


@pytest.mark.parametrize(
    "token",
    [
        "",
        "a.b.c",
        "....",
        "é.é.é",
        by_hand({"alg": "HS256"}, b"[" * 2500, SECRET.encode()),
        by_hand({"alg": "HS256"}, b"null", SECRET.encode()),
        by_hand({"alg": "HS256", "crit": ["exp"]}, json.dumps(claims()).encode(), SECRET.encode()),
        by_hand({"alg": "HS256", "kid": 7}, json.dumps(claims()).encode(), SECRET.encode()),
        base64.urlsafe_b64encode(b"[" * 2900).decode().rstrip("=") + ".e30.e30",
        base64.urlsafe_b64encode(b'{"alg":' * 400).decode().rstrip("=") + ".e30.e30",
    ],
    ids=range(10),
)
def test_rubbish_is_refused_without_a_fault(token: str) -> None:
    assert verdict(token) is Code.TOKEN_INVALID


@given(
    st.one_of(
        st.text(max_size=200),
        st.builds(lambda at, by: shared()[:at] + by + shared()[at + 1 :], st.integers(0, 300), st.characters()),
    )
)
def test_no_text_brings_the_verifier_down(token: str) -> None:
    found = VERIFIER.verify(token, NOW_MS)
    assert isinstance(found, Denied) or found.user == "user-1"


def test_a_header_that_was_seen_before_makes_no_token_good() -> None:
    good = shared()
    warm = TokenVerifier(KeyRing([SECRET], JWKS), ISSUER, AUDIENCE)
    assert verdict(good, verifier=warm) == "user-1"
    head, payload, signature = good.split(".")
    altered = [good[:at] + ("A" if good[at] != "A" else "B") + good[at + 1 :] for at in range(0, len(good) - 1, 3)]
    others = [
        shared(secret=OTHER_SECRET),
        f"{head}.{payload}.",
        f"{head}.{payload}",
        f"{head}..{signature}",
        f"{good}.",
        f"{good}=",
        f"{good}!",
        f"{head}.{payload}.{payload}.{signature}",
    ]
    for token in [*altered, *others]:
        fresh = TokenVerifier(KeyRing([SECRET], JWKS), ISSUER, AUDIENCE)
        assert verdict(token, verifier=warm) == verdict(token, verifier=fresh)
    assert all(verdict(token, verifier=warm) == Code.TOKEN_INVALID for token in altered)


@pytest.mark.parametrize("payload", [b"e30.e30", b"e+0", b"e/0", b"e30=", b"e", b"e\n30"])
def test_a_signed_payload_in_another_alphabet_is_read_as_strictly_under_a_header_seen_before(payload: bytes) -> None:
    head = shared().partition(".")[0].encode()
    warm = TokenVerifier(KeyRing([SECRET], JWKS), ISSUER, AUDIENCE)
    assert verdict(shared(), verifier=warm) == "user-1"
    signed = head + b"." + payload
    mac = hmac.digest(SECRET.encode(), signed, hashlib.sha256)
    token = (signed + b"." + base64.urlsafe_b64encode(mac).rstrip(b"=")).decode()
    fresh = TokenVerifier(KeyRing([SECRET], JWKS), ISSUER, AUDIENCE)
    assert warm.verify(token, NOW_MS) == fresh.verify(token, NOW_MS)


def test_rotation_takes_effect_with_the_next_token() -> None:
    ring = KeyRing([SECRET])
    verifier = TokenVerifier(lambda: ring, ISSUER, AUDIENCE)
    old, new = shared(SECRET), shared(OTHER_SECRET)
    assert (verdict(old, verifier=verifier), verdict(new, verifier=verifier)) == ("user-1", Code.TOKEN_INVALID)
    ring = KeyRing([OTHER_SECRET, SECRET])
    assert (verdict(old, verifier=verifier), verdict(new, verifier=verifier)) == ("user-1", "user-1")
    ring = KeyRing([OTHER_SECRET])
    assert (verdict(old, verifier=verifier), verdict(new, verifier=verifier)) == (Code.TOKEN_INVALID, "user-1")


@pytest.mark.parametrize(
    ("given_name", "shown"),
    [
        ("Mei", "Mei"),
        ("  two \n words\t", "two words"),
        ("evil\u202etxt\u0000", "eviltxt"),
        ("👩‍👩‍👧 family", "👩‍👩‍👧 family"),
        ("名" * 50, "名" * 40),
        ("é" * 41, "é" * 40),
        ("\u200b\u200d", ""),
        ("a" + "\u0301" * 400, "á\u0301"),
        ("\u200d".join("👨" * 9), ""),
        ("می\u200cخواهم", "می\u200cخواهم"),
        ("\ud800x", "x"),
    ],
)
def test_names_fit_on_one_line(given_name: str, shown: str) -> None:
    assert display_name(given_name) == shown
    assert len(display_name(given_name).encode()) <= 40 * 48


ODD_NAMES: list[tuple[object, str]] = [
    ("half \ud83d", "half \ufffd"),
    ("\ude00\ud83d", "\ufffd\ufffd"),
    ("a\x00b", "ab"),
    (7, "user-1"),
    (["n"], "user-1"),
    ({"first": "n\ud83d"}, "user-1"),
    (True, "user-1"),
    ("x" * 2000, "x" * 40),
]


@pytest.mark.parametrize(("given_name", "shown"), ODD_NAMES)
def test_no_token_is_refused_for_its_name(given_name: object, shown: str) -> None:
    # half an emoji in a name kept its bearer out for ever
    found = VERIFIER.verify(shared(name=given_name), NOW_MS)
    assert isinstance(found, Identity), found
    assert (found.user, found.name) == ("user-1", shown)


@pytest.mark.parametrize("claim", ["sub", "jti", "iss"])
def test_who_somebody_is_is_never_repaired(claim: str) -> None:
    changes: dict[str, Any] = {claim: "a\ud83d"}
    assert verdict(shared(**changes)) is Code.TOKEN_INVALID


def test_without_a_name_the_user_id_is_shown() -> None:
    for changes in ({"name": None}, {"name": ""}, {"name": " \u200b "}):
        found = VERIFIER.verify(shared(**changes), NOW_MS)
        assert isinstance(found, Identity)
        assert found.name == "user-1"


def test_user_ids_may_be_of_any_language_but_visible() -> None:
    assert all(map(is_user_id, ["u", "用户", "auth0|1/2", "u" * 64, "👨\u200d👩\u200d👧"]))
    assert not any(map(is_user_id, ["", "u" * 65, "a\u0000", "a\u200bb", "a\u200db", "\u2028"]))


@pytest.mark.parametrize(
    ("user", "secret", "lifetime_ms", "word"),
    [("", SECRET, 60_000, "user id"), ("u", "short", 60_000, "32 bytes"), ("u", SECRET, 86_400_001, "24 hours")],
)
def test_mint_refuses_what_no_verifier_would_take(user: str, secret: str, lifetime_ms: int, word: str) -> None:
    with pytest.raises(ValueError, match=word):
        mint(secret, user, None, ISSUER, AUDIENCE, NOW_MS, lifetime_ms, "t")
