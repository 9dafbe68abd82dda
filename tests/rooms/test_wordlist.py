"""A file of blocked words is understood whole, or told line by line."""

import pytest

from rooms.wordlist import parse


def test_a_file_has_one_word_a_line_with_comments_weights_and_categories() -> None:
    lines = "\ufeff# ours\r\nbad\r\n\r\n  worse word \r\n// theirs\r\nworst,0.5\r\nspam|ads\r\n敏感词,3|政治\rbad\n#x"
    assert parse(lines.encode()) == (("bad", "worse word", "worst", "spam", "敏感词"), ())


@pytest.mark.parametrize(
    ("line", "word"),
    [
        ("word,heavy", "weight"),
        ("one,two,three", "weight"),
        ("hello, world", "weight"),
        ("10,000", "number"),
        ("word|", "category"),
        ("|ads", "no letter"),
        (",5", "no letter"),
        ("word|a|b", "category"),
        ("!!!", "no letter"),
        ("bad*", "`*`"),
        ("a\0b", "NUL"),
        ("x" * 101, "longer"),
    ],
)
def test_what_is_not_understood_is_told_with_its_line(line: str, word: str) -> None:
    words, flaws = parse(f"# ours\nfine\n{line}\nalso fine".encode())
    assert words == ("fine", "also fine")
    assert [flaw.line for flaw in flaws] == [3]
    assert word in str(flaws[0])
    assert str(flaws[0]).startswith("line 3: ")


@pytest.mark.parametrize(
    ("data", "says"),
    [
        ("敏感词\n坏话".encode("gbk"), "GBK"),
        ("bad\n".encode("utf-16"), "UTF-16"),
        (b"fine\nbad\xff\xff\n", "line 2: this is not UTF-8"),
    ],
)
def test_a_file_in_another_encoding_is_told_in_one_sentence(data: bytes, says: str) -> None:
    words, flaws = parse(data)
    assert words == ()
    assert len(flaws) == 1
    assert says in str(flaws[0])
