"""A file of blocked words is understood whole, or told line by line."""

import pytest

from rooms.chat.wordlist import parse


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
        ("c++", "`+`"),
        ("18+", "`+`"),
        ("@all", "`@`"),
        (".com", "mark at its end"),
        ("bad.", "mark at its end"),
        ("-- x", "mark at its end"),
        ("AT&T", "`&`"),
        ("🖕bad", "`🖕`"),
        ("🇨🇳", "`🇨`"),
        ("a$$", "`$`"),
        ("6.4", "parts the digits"),
        ("1989-6-4", "parts the digits"),
        ("bad\t5", "tab"),
        ("bad # note", "`#`"),
        ("bad;5", "`;`"),
        ("bad:5", "`:`"),
        ("bad=5", "`=`"),
        ("bad、5", "`、`"),
        ('"bad"', '`"`'),
        ("“bad”", "`“`"),
        ("b*d", "`*`"),
        ("/re.*/", "`/`"),
        ("[section]", "`[`"),
        (";x", "`;`"),
        ("你好，世界", "weight"),
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
        ("bad\n".encode("utf-16-le"), "UTF-8 and is in UTF-16"),
        ("坏话\nbad word\n".encode("utf-16-be"), "UTF-16"),
        ("坏话\n".encode("utf-32"), "-f UTF-32"),
        ("bad\n".encode("utf-32-be"), "UTF-8"),
        (b"fine\nbad\xff\xff\n", "line 2: this is not UTF-8"),
    ],
)
def test_a_file_in_another_encoding_is_told_in_one_sentence(data: bytes, says: str) -> None:
    words, flaws = parse(data)
    assert words == ()
    assert len(flaws) == 1
    assert says in str(flaws[0])


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("髒話\n敏感詞", "big5"),
        ("ばか\nアホ", "shift-jis"),
        ("바보\n새끼", "euc-kr"),
        ("плохо\nслово", "cp1251"),
        ("größe\nañejo", "latin-1"),
    ],
)
def test_no_other_encoding_is_told_to_be_gbk(text: str, encoding: str) -> None:
    words, flaws = parse(text.encode(encoding))
    assert words == ()
    assert len(flaws) == 1
    assert "UTF-8" in str(flaws[0])
    assert "GBK" not in str(flaws[0]) or "if it is in GBK" in str(flaws[0])


def test_comma_and_bar_may_be_of_full_width_and_words_hold_what_words_are_spelt_with() -> None:
    lines = "坏话，5\nbad｜cat\nhe'll\nwell-known\nSt. Louis\n穆罕默德·阿里\nहरामी\nnothin'\nشَر\nlồn\nかが"
    words, flaws = parse(lines.encode())
    assert flaws == ()
    assert words[:2] == ("坏话", "bad")
    assert len(words) == 11
