"""Tokens that were taken back before their time."""

from auth.denials import Code, Denied
from auth.identity import Identity
from auth.keys import KeyRing
from auth.revocations import LIFTED, LONGEST_MS, Kind, Revocation, Revocations
from auth.tokens import MAX_LEEWAY_SECONDS, MAX_LIFETIME_SECONDS, TokenVerifier
from tests.auth.signing import AUDIENCE, ISSUER, NOW, NOW_MS, SECRET, shared

DAY = MAX_LIFETIME_SECONDS


def revocation(kind: Kind, subject: str, until_ms: int = NOW_MS, version: int = 1) -> Revocation:
    return Revocation(kind, subject, until_ms, until_ms + LONGEST_MS, version)


def verifier(*revoked: Revocation) -> TokenVerifier:
    known = Revocations()
    known.take(revoked)
    return TokenVerifier(KeyRing([SECRET]), ISSUER, AUDIENCE, revoked=known.refuses)


def is_refused(by: TokenVerifier, token: str, now_ms: int = NOW_MS) -> bool:
    found = by.verify(token, now_ms)
    if isinstance(found, Denied):
        assert found.code is Code.TOKEN_INVALID
        return True
    return False


def test_a_token_is_taken_back_by_its_jti_with_every_other_that_has_the_same() -> None:
    by = verifier(revocation(Kind.JTI, "stolen"))
    assert is_refused(by, shared(jti="stolen"))
    assert is_refused(by, shared(jti="stolen", sub="user-2", iat=NOW + 5))
    assert not is_refused(by, shared(jti="token-1"))
    assert not is_refused(by, shared(sub="stolen"))


def test_of_a_user_all_tokens_are_taken_back_that_were_issued_until_that_moment_and_no_later_one() -> None:
    by = verifier(revocation(Kind.USER, "user-1", NOW_MS + 400))
    for issued in (NOW - 3600, NOW - 1, NOW, NOW + 0.4):
        assert is_refused(by, shared(iat=issued)), issued
    for issued in (NOW + 0.5, NOW + 1, NOW + 5):  # a platform whose clock goes ahead a little
        assert not is_refused(by, shared(iat=issued)), issued
    assert not is_refused(by, shared(sub="user-2"))
    assert not is_refused(by, shared(jti="user-1", sub="user-2"))


def test_a_later_revocation_of_a_user_replaces_the_earlier_one() -> None:
    by = verifier(revocation(Kind.USER, "user-1", NOW_MS - 60_000), revocation(Kind.USER, "user-1", NOW_MS, 2))
    assert is_refused(by, shared(iat=NOW - 30))


def test_what_is_lifted_is_taken_again_and_can_be_revoked_again() -> None:
    known = Revocations()
    by = TokenVerifier(KeyRing([SECRET]), ISSUER, AUDIENCE, revoked=known.refuses)
    known.take([revocation(Kind.JTI, "stolen"), revocation(Kind.USER, "user-1", version=2)])
    known.take([revocation(Kind.JTI, "stolen", LIFTED, 3)])
    assert is_refused(by, shared(jti="stolen")), "its user is still revoked"
    known.take([revocation(Kind.USER, "user-1", LIFTED, 4)])
    assert not is_refused(by, shared(jti="stolen"))
    assert (len(known), known.version) == (0, 4)
    known.take([revocation(Kind.USER, "user-2", LIFTED, 5)])  # of which a process that starts later knows no more
    known.take([revocation(Kind.JTI, "stolen", version=6)])
    assert is_refused(by, shared(jti="stolen"))


def test_a_revocation_lasts_as_long_as_any_token_that_it_means_and_is_forgotten_then() -> None:
    latest_issue = NOW + MAX_LEEWAY_SECONDS  # by a clock that goes ahead as far as it may
    last_moment = latest_issue + DAY + MAX_LEEWAY_SECONDS
    known = Revocations()
    known.take([revocation(Kind.JTI, "stolen"), revocation(Kind.USER, "user-1", version=2)])
    known.forget(last_moment * 1000)
    assert known.refuses(Identity("user-9", "", "stolen", 0, NOW_MS))  # type: ignore[arg-type]
    assert len(known) == 2
    known.forget(NOW_MS + LONGEST_MS)
    assert len(known) == 0
    assert known.version == 2, "what was forgotten is not read again"
