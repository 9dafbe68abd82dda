"""Cleaning and checking of danmaku texts."""

import unicodedata

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from auth.denials import Code, Denied
from auth.situation import Switches
from rooms.blocked_words import NO_WORDS, BlockedWords
from rooms.danmaku import MAX_BYTES, MAX_GRAPHEMES, DanmakuStyle, check, clean, has_link, is_emoji_only

FAMILY = "👨\u200d👩\u200d👧\u200d👦"
HEART_ON_FIRE = "❤\ufe0f\u200d🔥"
ENGLAND = "\U0001f3f4\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f"

# Characters that take part in sequences, compose, vanish or turn into others: where cleaning could go wrong.
NASTY = st.text(
    st.sampled_from(
        "a1#e A１Ａﬁ\u0301\u0308\u034f\u00a8\u00ad\u1100\u1161\u1160\u3164\uffa0\u115f"
        "\u200b\u200c\u200d\u200e\u202e\u2066\u2069\ufeff\ufe0e\ufe0f\u20e3\t\n\x00\x85\u2028\u3000\u2800"
        "👨👩❤♂🔥👍🏽🇩🇪🏴㊗‼™©\U000e0067\U000e0062\U000e007f\U000e0101\ue000\ud800。.漢だ\u3099"
    ),
    max_size=40,
)


@given(NASTY | st.text())
def test_cleaning_again_changes_nothing(text: str) -> None:
    once = clean(text)
    assert clean(once) == once


@given(NASTY | st.text())
def test_a_clean_text_has_single_spaces_and_no_control_or_bidi_characters(text: str) -> None:
    cleaned = clean(text)
    assert cleaned == " ".join(cleaned.split())
    assert not {unicodedata.category(character) for character in cleaned} & {"Cc", "Cs", "Co", "Zl", "Zp"}
    assert not set(cleaned) & set("\u200b\u200c\u200e\u200f\u061c\u2060\ufeff\u00ad\u202a\u202b\u202c\u202d\u202e")
    assert not set(cleaned) & set("\u2066\u2067\u2068\u2069")


@given(NASTY)
def test_joiners_stay_between_emoji_only(text: str) -> None:
    cleaned = clean(text)
    for index, character in enumerate(cleaned):
        if character == "\u200d":
            assert 0 < index < len(cleaned) - 1
            assert cleaned[index + 1] in "👨👩❤♂🔥👍‼™©㊗🏴"


@pytest.mark.parametrize(
    "emoji",
    [
        FAMILY,
        HEART_ON_FIRE,
        ENGLAND,
        "❤\u200d🔥",
        "1\ufe0f\u20e3",
        "🇩🇪",
        "👍🏽",
        "☝🏽",
        "🏳\ufe0f\u200d🌈",
        "㊗\ufe0f",
        "🧑🏽\u200d🚒",
    ],
)
def test_emoji_sequences_stay_as_they_were(emoji: str) -> None:
    assert clean(f"a{emoji}b {emoji}{emoji}") == f"a{emoji}b {emoji}{emoji}"


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("ＦＵＬＬ ﬁ ①", "FULL fi 1"),
        ("a\u200bb\u200dc\ufe0fd", "abcd"),
        ("\u202egnp.exe\u202c", "gnp.exe"),
        ("  two\n\n lines\t", "two lines"),
        ("\u3164\u2800\u200b", ""),
        ("e\u034f\u0301", "é"),
        ("nul\x00l", "null"),
    ],
)
def test_disguises_and_unseen_characters_go(text: str, cleaned: str) -> None:
    assert clean(text) == cleaned


def code_of(outcome: str | Denied) -> Code | None:
    return outcome.code if isinstance(outcome, Denied) else None


def checked(text: str, switches: Switches | None = None, *, staff: bool = False, words: str = "") -> str | Denied:
    return check(text, switches or Switches(), staff=staff, blocked=BlockedWords(words.split()))


def test_a_danmaku_is_answered_clean() -> None:
    assert checked(" ｈｉ\u200b ") == "hi"


@pytest.mark.parametrize("text", ["", "   ", "\u200b\u3164", "\u202e"])
def test_a_text_with_nothing_to_see_is_empty(text: str) -> None:
    assert code_of(checked(text)) is Code.TEXT_EMPTY


def test_length_counts_graphemes_and_bytes_after_cleaning() -> None:
    assert checked("漢" * MAX_GRAPHEMES) == "漢" * MAX_GRAPHEMES
    assert code_of(checked("a" * (MAX_GRAPHEMES + 1))) is Code.TEXT_TOO_LONG
    assert code_of(checked(FAMILY * (MAX_BYTES // len(FAMILY.encode()) + 1))) is Code.TEXT_TOO_LONG
    assert checked("a" + "\u200b" * 500) == "a"
    assert code_of(checked("a" + "\u0301" * 400)) is Code.TEXT_TOO_LONG


@pytest.mark.parametrize(
    "text",
    [
        "https://evil.example/x",
        "see www.evil",
        "evil.com",
        "EVIL．ＣＯＭ",
        "evil。com",
        "evil . com",
        "evil[.]com",
        "evil (dot) com",
        "t.me/abc",
        "x.abcde/path",
        "10.0.0.1:8000",
        "me@evil.org",
        "tel://1",
    ],
)
def test_links_are_seen_through_disguises_and_refused_where_off(text: str) -> None:
    assert has_link(clean(text))
    assert code_of(checked(text, Switches(links=False))) is Code.LINKS_OFF
    assert code_of(checked(text)) is None
    assert code_of(checked(text, Switches(links=False), staff=True)) is None


@pytest.mark.parametrize(
    "text", ["I went home. Me too", "3.5 stars", "well...okay", "12:30", "1/2", "走吧。我也是", "v1.2.3"]
)
def test_ordinary_punctuation_is_no_link(text: str) -> None:
    assert not has_link(clean(text))


def test_emoji_only_lets_emoji_through_and_staff_speak() -> None:
    switches = Switches(emoji_only=True)
    assert checked(f"{FAMILY} ❤ 🇩🇪1\ufe0f\u20e3", switches) == f"{FAMILY} ❤ 🇩🇪1\ufe0f\u20e3"
    assert code_of(checked("🔥 hot", switches)) is Code.EMOJI_ONLY
    assert code_of(checked("12", switches)) is Code.EMOJI_ONLY
    assert checked("calm down", switches, staff=True) == "calm down"
    assert not is_emoji_only("1")


def test_blocked_words_hold_for_staff_too() -> None:
    assert code_of(checked("ＢＡＤ day", words="bad")) is Code.TEXT_BLOCKED
    assert code_of(checked("bad day", staff=True, words="bad")) is Code.TEXT_BLOCKED
    assert check("bad day", Switches(), staff=False, blocked=NO_WORDS) == "bad day"


@pytest.mark.parametrize("color", ["red", "#12345", "#1234567", "#12345g", "#123456\n", "url(x)"])
def test_a_style_takes_nothing_but_plain_colors(color: str) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"color": color}, DanmakuStyle)
    assert msgspec.convert({"color": "#12aBcd", "place": "top"}, DanmakuStyle).color == "#12aBcd"
