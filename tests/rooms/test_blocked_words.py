"""Blocked words are found through disguises, and innocent words are left alone."""

import pytest

from rooms.blocked_words import NO_WORDS, BlockedWords, parse

WORDS = BlockedWords(["badword", "ass", "法轮", "kill yourself", "ПЛОХО", "straße", "69"])


@pytest.mark.parametrize(
    "text",
    [
        "badword",
        "a BadWord!",
        "ｂａｄｗｏｒｄ",
        "b.a.d.w.o.r.d",
        "bad-word",
        "bad\u200bword",
        "b a d w o r d",
        "b a-d  w/o r d",
        "b\u0336a\u0336d\u0336word",
        "badword123",
        "我badword你",
        "ass",
        "kiss my ass.",
        "法轮",
        "练法 轮吗",
        "法。轮",
        "kill yourself",
        "KILL-YOURSELF",
        "killyourself",
        "плохо",
        "STRASSE",
        "a 69 b",
    ],
)
def test_a_blocked_word_is_found(text: str) -> None:
    assert WORDS.found_in(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "hello",
        "class",
        "assume",
        "mass",
        "as so",
        "a ss",
        "bad words",
        "bad word",
        "法 国",
        "1690",
        "kill your self",
        "skill yourself",
    ],
)
def test_innocent_texts_are_left_alone(text: str) -> None:
    assert not WORDS.found_in(text)


def test_no_words_block_nothing() -> None:
    assert not NO_WORDS.found_in("anything")
    assert not BlockedWords(["", " ", "!!"]).found_in("anything !!")


def test_a_word_list_file_has_one_word_a_line_and_comments() -> None:
    assert parse("# ours\nbad\n\n  worse word \r\n#x\n") == ["bad", "worse word"]


def test_a_long_list_costs_no_more_than_a_short_one_per_text() -> None:
    many = BlockedWords(f"word{number}x" for number in range(20_000))
    assert many.found_in("so word19999x it is")
    assert not many.found_in("word19999 " * 10)
