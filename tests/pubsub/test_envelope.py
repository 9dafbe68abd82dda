"""An envelope opens only where it was closed, and only for those who share a secret."""

import pytest

from pubsub.broker import Publication, Retention
from pubsub.envelope import CLOCK_TOLERANCE_MS, Seal, is_fresh
from pubsub.seen import Stamp

OLD, NEW = b"the old secret, thirty-two bytes.", b"the new secret, thirty-two bytes."
GIFT = Publication("id-1", bytes(range(256)), Retention.LONG, 1_234_567_890_123)


def seal(*secrets: bytes) -> Seal:
    return Seal(secrets or [OLD], "here")


def envelope(closing: Seal, publication: Publication = GIFT) -> bytes:
    return closing.close("room", publication, 5_000)[0]


@pytest.mark.parametrize("retention", Retention)
def test_what_was_closed_opens_unchanged(retention: Retention) -> None:
    publication = Publication("😀", b"", retention, 0)
    sealed = seal().open("room", envelope(seal(), publication))
    assert sealed is not None
    assert sealed.publication == publication


def test_the_first_secret_signs_and_each_opens() -> None:
    closed = envelope(seal(NEW, OLD))
    for opening in (seal(OLD, NEW), seal(NEW)):
        sealed = opening.open("room", closed)
        assert sealed is not None
        assert sealed.publication == GIFT
    assert seal(OLD).open("room", closed) is None


def test_an_envelope_of_another_channel_stays_shut() -> None:
    assert seal().open("another", envelope(seal())) is None


def test_every_changed_bit_and_every_cut_keeps_it_shut() -> None:
    opening, closed = seal(), envelope(seal())
    for place in range(len(closed)):
        changed = bytearray(closed)
        changed[place] ^= 1
        assert opening.open("room", bytes(changed)) is None
        assert opening.open("room", closed[:place]) is None


def test_a_short_secret_is_refused() -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        Seal([b"short"], "here")
    with pytest.raises(ValueError, match="32 bytes"):
        Seal([], "here")


def test_a_seal_says_who_closed_it_as_which_of_theirs_and_when() -> None:
    closing = seal()
    stamps = []
    for now_ms in (7, 9):
        closed, stamp = closing.close("room", GIFT, now_ms)
        sealed = seal().open("room", closed)
        assert sealed is not None
        assert sealed.stamp == stamp
        stamps.append(stamp)
    assert stamps == [Stamp("here", 1, 7), Stamp("here", 2, 9)]


def test_an_envelope_of_the_version_before_stays_shut() -> None:
    closed = envelope(seal())
    assert seal().open("room", b"\x01" + closed[1:]) is None


def test_only_what_is_kept_still_is_fresh_on_clocks_that_are_some_seconds_apart() -> None:
    stamp = Stamp("here", 1, 100_000)
    ages = (-CLOCK_TOLERANCE_MS - 1, -CLOCK_TOLERANCE_MS, 0, 60_000 + CLOCK_TOLERANCE_MS, 60_001 + CLOCK_TOLERANCE_MS)
    assert [is_fresh(stamp, 100_000 + age, 60_000) for age in ages] == [False, True, True, True, False]
