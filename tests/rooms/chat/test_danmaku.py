"""Cleaning and checking of danmaku texts."""

import msgspec
import pytest

from auth.denials import Code, Denied
from auth.situation import Switches
from rooms.chat.blocked_words import NO_WORDS, BlockedWords
from rooms.chat.danmaku import MAX_GRAPHEMES, DanmakuStyle, check

FAMILY = "👨\u200d👩\u200d👧\u200d👦"


def code_of(outcome: str | Denied) -> Code | None:
    return outcome.code if isinstance(outcome, Denied) else None


def checked(text: str, switches: Switches | None = None, *, staff: bool = False, words: str = "") -> str | Denied:
    return check(text, switches or Switches(), staff=staff, blocked=BlockedWords(words.split()))


def test_a_danmaku_is_answered_clean() -> None:
    assert checked(" ｈｉ\u200b ") == "ｈｉ"


@pytest.mark.parametrize("text", ["", "   ", "\u200b\u3164", "\u202e"])
def test_a_text_with_nothing_to_see_is_empty(text: str) -> None:
    assert code_of(checked(text)) is Code.TEXT_EMPTY


def test_length_counts_graphemes_and_bytes_after_cleaning() -> None:
    assert checked("漢" * MAX_GRAPHEMES) == "漢" * MAX_GRAPHEMES
    assert code_of(checked("a" * (MAX_GRAPHEMES + 1))) is Code.TEXT_TOO_LONG
    assert checked(FAMILY * MAX_GRAPHEMES) == FAMILY * MAX_GRAPHEMES
    assert code_of(checked(FAMILY * (MAX_GRAPHEMES + 1))) is Code.TEXT_TOO_LONG
    assert checked("a" + "\u200b" * 500) == "a"
    assert checked("a" + "\u0301" * 400) == "á\u0301"
    assert code_of(checked("\u200d".join("👨" * 8))) is Code.TEXT_TOO_LONG


def test_links_are_refused_where_off_but_for_staff() -> None:
    for text in ("https://evil.example/x", "EVIL．ＣＯＭ", "example.store"):
        assert code_of(checked(text, Switches(links=False))) is Code.LINKS_OFF
        assert code_of(checked(text)) is None
        assert code_of(checked(text, Switches(links=False), staff=True)) is None


def test_emoji_only_lets_emoji_through_and_staff_speak() -> None:
    switches = Switches(emoji_only=True)
    assert checked(f"{FAMILY} ❤ 🇩🇪1\ufe0f\u20e3", switches) == f"{FAMILY} ❤ 🇩🇪1\ufe0f\u20e3"
    assert code_of(checked("🔥 hot", switches)) is Code.EMOJI_ONLY
    assert code_of(checked("12", switches)) is Code.EMOJI_ONLY
    assert checked("calm down", switches, staff=True) == "calm down"


def test_blocked_words_hold_for_staff_too() -> None:
    assert code_of(checked("ＢＡＤ day", words="bad")) is Code.TEXT_BLOCKED
    assert code_of(checked("bad day", staff=True, words="bad")) is Code.TEXT_BLOCKED
    assert check("bad day", Switches(), staff=False, blocked=NO_WORDS) == "bad day"


@pytest.mark.parametrize("color", ["red", "#12345", "#1234567", "#12345g", "#123456\n", "url(x)"])
def test_a_style_takes_nothing_but_plain_colors(color: str) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"color": color}, DanmakuStyle)
    assert msgspec.convert({"color": "#12aBcd", "place": "top"}, DanmakuStyle).color == "#12aBcd"
