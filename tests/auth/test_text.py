"""What is stored and shown of a text: its own form (NFC), without what nobody sees."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auth.denials import Code, Denied
from auth.text import MAX_GRAPHEME_BYTES, MAX_MARKS, clean, cut, fits, has_unseen, is_emoji_only, within

FAMILY = "👨\u200d👩\u200d👧\u200d👦"
TONED_FAMILY = "👨🏽\u200d👩🏽\u200d👧🏽\u200d👦🏽"
HEART_ON_FIRE = "❤\ufe0f\u200d🔥"
ENGLAND = "\U0001f3f4\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f"

# Characters that take part in sequences, compose, vanish or turn into others: where cleaning could go wrong.
NASTY = st.text(
    st.sampled_from(
        "a1#e A１Ａﬁ\u0301\u0308\u034f\u00a8\u00ad\u1100\u1161\u1160\u3164\uffa0\u115f"
        "\u200b\u200c\u200d\u200e\u202e\u2066\u2069\ufeff\ufe0e\ufe0f\u20e3\t\n\x00\x85\u2028\u3000\u2800"
        "\u05e9\u05bc\u05b8\u0627\u0651\u064e\u0915\u093c\u094d\u0e01\u0e49\u1fa2\u0600"
        "👨👩❤♂🔥👍🏽🇩🇪🏴㊗‼™©\U000e0067\U000e0062\U000e007f\U000e0101\ue000\ud800。.漢だ\u3099"
        "\ufe00\u180b\u180eᠯ∩\u0338=\U000e0100\uf900"
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
    assert not set(cleaned) & set("\u200b\u200e\u200f\u061c\u2060\ufeff\u00ad\u202a\u202b\u202c\u202d\u202e")
    assert not set(cleaned) & set("\u2066\u2067\u2068\u2069")


@given(NASTY | st.text())
def test_a_clean_text_is_nfc(text: str) -> None:
    assert unicodedata.is_normalized("NFC", clean(text))


@given(NASTY)
def test_joiners_stay_between_emoji_and_in_joined_words_only(text: str) -> None:
    cleaned = clean(text)
    for index, character in enumerate(cleaned):
        if character in "\u200c\u200d":
            assert 0 < index < len(cleaned) - 1
            assert cleaned[index + 1] in "👨👩❤♂🔥👍‼™©㊗🏴\u05e9\u0627\u0915"


@given(st.text(st.sampled_from("aéệᾢ\u05e9\u0915\u0e01 \u0301\u0336\u05bc\u064e\u093c\u0e49"), max_size=40))
def test_no_letter_keeps_more_than_three_marks(text: str) -> None:
    run = 0
    for character in unicodedata.normalize("NFD", clean(text)):
        run = run + 1 if unicodedata.combining(character) else 0
        assert run <= MAX_MARKS


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


@pytest.mark.parametrize(
    "text",
    [
        "你好，世界！",
        "(´・ω・`)",
        "10²",
        "ＦＵＬＬ ﬁ ①",
        "½ ℃ ™ ㊙ ㎏ ﷺ",
        "ﾊﾟﾋﾟ…",
        "שָׁלוֹם עֲלֵיכֶם",  # Hebrew with its points
        "ٱلسَّلَامُ عَلَيْكُمْ",  # Arabic with its vowels
        "नमस्ते हिन्दी में",
        "สวัสดีครับ น้ำผึ้ง",
        "வணக்கம் நண்பர்களே",
        "မြန်မာ မြွှေး",
        "བསྒྲུབས",
        "Tiếng Việt ở đây",
        "می\u200cخواهم",  # Persian spells it with a ZWNJ
        "ක්\u200dෂ ශ්\u200dරී",
        "葛\U000e0100城市、辻\U000e0101さん",  # ideographic variants
        "神\ufe00 ，\ufe01",
        "❤\ufe0e ☎\ufe0e 😀\ufe0e ©\ufe0f",
        "0\ufe00 ∩\ufe00",
        "ᠮᠣᠩᠭᠣᠯ\u180b ᠰᠠᠢ\u180eᠨ",
    ],
)
def test_what_people_write_is_shown_as_they_wrote_it(text: str) -> None:
    """NFKC once made `你好，世界！` into `你好,世界!` and `10²` into `102`."""
    assert clean(text) == unicodedata.normalize("NFC", text)


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("a" + "\u0336\u0301" * 40, "á\u0336\u0301"),
        ("ก" + "\u0e49" * 20, "ก้"),
        ("\u0336" * 30 + "x", "\u0336x"),
        ("ש" + "\u05bc\u05b8" * 9, "שָּ"),
        ("é" + "\u0301" * 9, "é\u0301"),
        ("क" + "\u093c" * 9 + "ि", "क़ि"),
        ("a" + "\u0301\u0302\u0303\u0304\u0305\u0306", "á\u0302\u0303"),
        ("👍" + "\u0336" * 9, "👍\u0336"),
        ("葛" + "\U000e0100" * 9 + "\ufe00", "葛\U000e0100"),
        ("a\ufe0e\U000e0100b\u180b", "ab"),
        ("❤" + "\ufe0e" * 9, "❤\ufe0e"),
        ("ᠯ\u180b\u180c\u180b", "ᠯ\u180b"),
    ],
)
def test_stacks_of_marks_are_cut(text: str, cleaned: str) -> None:
    assert clean(text) == cleaned


def test_a_hundred_graphemes_of_any_script_fit() -> None:
    for grapheme in ("क्षि", "ที่", "நொ", FAMILY, TONED_FAMILY, ENGLAND, "é", "漢"):
        text = clean(grapheme * 100)
        assert fits(text, 100), grapheme
        assert not fits(clean(grapheme * 101), 100), grapheme


def test_a_grapheme_has_a_bound_of_its_own() -> None:
    chain = "\u200d".join("👨" * 8)
    assert len(chain.encode()) > MAX_GRAPHEME_BYTES
    assert not fits(clean(chain), 100)
    assert cut(clean(f"a{chain}b"), 40) == "ab"
    denied = within(chain, 100)
    assert isinstance(denied, Denied)
    assert denied.code is Code.TEXT_TOO_LONG
    assert denied.detail == {"max_graphemes": 100, "max_grapheme_bytes": 48}


def test_emoji_only_means_emoji_and_spaces() -> None:
    assert is_emoji_only(f"{FAMILY} ❤ 🇩🇪1\ufe0f\u20e3")
    assert not is_emoji_only("1")
    assert not is_emoji_only("🔥 hot")


def test_what_is_unseen_is_told_from_what_joins() -> None:
    assert not any(map(has_unseen, ["u", FAMILY, ENGLAND, "می\u200cخواهم", "auth0|1/2"]))
    assert all(map(has_unseen, ["a\u200bb", "a\u200db", "\u202ea", "\u2028", "a\x00", "\ufeffü"]))
