"""An envelope opens only where it was closed, and only for those who share a secret."""

import pytest

from pubsub.broker import Publication, Retention
from pubsub.envelope import Seal

OLD, NEW = b"the old secret, thirty-two bytes.", b"the new secret, thirty-two bytes."
GIFT = Publication("id-1", bytes(range(256)), Retention.LONG, 1_234_567_890_123)


@pytest.mark.parametrize("retention", Retention)
def test_what_was_closed_opens_unchanged(retention: Retention) -> None:
    publication = Publication("😀", b"", retention, 0)
    assert Seal([OLD]).open("room", Seal([OLD]).close("room", publication)) == publication


def test_the_first_secret_signs_and_each_opens() -> None:
    envelope = Seal([NEW, OLD]).close("room", GIFT)
    assert Seal([OLD, NEW]).open("room", envelope) == GIFT
    assert Seal([NEW]).open("room", envelope) == GIFT
    assert Seal([OLD]).open("room", envelope) is None


def test_an_envelope_of_another_channel_stays_shut() -> None:
    assert Seal([OLD]).open("another", Seal([OLD]).close("room", GIFT)) is None


def test_every_changed_bit_and_every_cut_keeps_it_shut() -> None:
    seal = Seal([OLD])
    envelope = seal.close("room", GIFT)
    for place in range(len(envelope)):
        changed = bytearray(envelope)
        changed[place] ^= 1
        assert seal.open("room", bytes(changed)) is None
        assert seal.open("room", envelope[:place]) is None


def test_a_short_secret_is_refused() -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        Seal([b"short"])
    with pytest.raises(ValueError, match="32 bytes"):
        Seal([])
