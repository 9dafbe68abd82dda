"""An operator's file of blocked words, read strictly: what is not understood is told, never guessed."""

import re
from typing import Final, NamedTuple

from auth import text
from rooms import folding

MAX_WORD_GRAPHEMES: Final = 100
"""A longer one could never be found: no danmaku is longer."""
MAX_CATEGORY_CHARS: Final = 64

_END_OF_LINE = re.compile(r"\r\n|\r|\n")
_WEIGHT = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)")
_COMMENTS = ("#", "//")
_UTF16 = (b"\xff\xfe", b"\xfe\xff")


class Flaw(NamedTuple):
    """Something in a file that is not understood."""

    line: int | None
    """From 1; None: the file as a whole."""
    says: str

    def __str__(self) -> str:
        return self.says if self.line is None else f"line {self.line}: {self.says}"


class WordList(NamedTuple):
    """What a file holds."""

    words: tuple[str, ...]
    """In the order of the file, each once."""
    flaws: tuple[Flaw, ...]


def parse(data: bytes) -> WordList:
    """The words of a file in UTF-8, one a line: `word`, `word,weight`, `word|category` or `word,weight|category`.

    Lines may end in LF, CR LF or CR; a byte-order mark, empty lines and lines that begin with `#` or `//` do not count.
    Weight and category are read and not used: every word in the file is blocked.
    """
    try:
        lines = _END_OF_LINE.split(data.decode("utf-8"))
    except UnicodeDecodeError as error:
        return WordList((), (_encoding(data, error),))
    words: dict[str, None] = {}
    flaws = []
    for number, line in enumerate(lines, 1):
        found = _word(line.strip().lstrip("\ufeff").strip())
        if found is None:
            flaws.append(Flaw(number, "a NUL character: is this a text file?"))
        elif isinstance(found, Flaw):
            flaws.append(found._replace(line=number))
        elif found:
            words[found] = None
    return WordList(tuple(words), tuple(flaws))


def _word(line: str) -> str | Flaw | None:
    """The word of a line; empty for a line that has none to give, None for one that is no text."""
    if not line or line.startswith(_COMMENTS):
        return ""
    if "\0" in line:
        return None
    before, bar, category = line.partition("|")
    written, comma, weight = before.partition(",")
    if bar and not (0 < len(category.strip()) <= MAX_CATEGORY_CHARS and "|" not in category and "," not in category):
        return Flaw(None, "behind `|` stands one category, of 1 to 64 characters")
    if comma and not _WEIGHT.fullmatch(weight.strip()):
        return Flaw(None, "behind a comma stands a weight, which is a number; one word a line")
    if comma and written.strip().isdigit():
        return Flaw(None, "a number with a comma: is it a word and its weight, or one number?")
    if written.strip().startswith("*") or written.strip().endswith("*"):
        return Flaw(None, "`*` stands for nothing here: write the word itself")
    word = text.clean(written)
    if not word.isalnum() and not folding.sought(folding.normal(word)):
        return Flaw(None, "no letter and no digit in it, so it would never be found")
    if not text.fits(word, MAX_WORD_GRAPHEMES):
        return Flaw(None, f"longer than {MAX_WORD_GRAPHEMES} graphemes, so it would never be found")
    return word


def _encoding(data: bytes, error: UnicodeDecodeError) -> Flaw:
    if data.startswith(_UTF16):
        return Flaw(None, "it is in UTF-16: convert it with `iconv -f UTF-16 -t UTF-8`")
    try:
        data.decode("gb18030")
    except UnicodeDecodeError:
        line = len(_END_OF_LINE.split(data[: error.start].decode("utf-8")))
        return Flaw(line, "this is not UTF-8")
    return Flaw(None, "it is not in UTF-8 but seems to be in GBK: convert it with `iconv -f GBK -t UTF-8`")
