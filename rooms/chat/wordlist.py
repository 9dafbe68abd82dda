"""An operator's file of blocked words, read strictly: what is not understood is told, never guessed."""

import re
from typing import Final, NamedTuple

from auth import text
from auth.patterns import pattern
from rooms.chat import folding

MAX_WORD_GRAPHEMES: Final = 100
"""A longer one could never be found: no danmaku is longer."""
MAX_CATEGORY_CHARS: Final = 64

_END_OF_LINE = re.compile(r"\r\n|\r|\n")
_WEIGHT = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)")
_COMMENTS = ("#", "//")
_BOMS = {
    b"\xff\xfe\0\0": "UTF-32",
    b"\0\0\xfe\xff": "UTF-32",
    b"\xff\xfe": "UTF-16",
    b"\xfe\xff": "UTF-16",
}
_NULS_OF_TEXT: Final = 4
"""One byte in so many is NUL in UTF-16 and UTF-32, whatever the language writes beside ASCII."""
_FULL_WIDTH: Final = str.maketrans("，｜", ",|")
_BEGINS = pattern(r"[\p{L}\p{N}]")
_NOT_SEARCHED = pattern(
    r"[^\p{L}\p{M}\p{N}\u200C\u200D '\u2019\u02BC.\-\u2010\u2011"
    r"\u00B7\u30FB\u05F3\u05F4\u0E2F]"
)
"""What stands in no word; apostrophes, hyphens and dots do."""
_ENDS = pattern(r"[.\-\u2010\u2011\u00B7\u30FB]$")
_PARTED_NUMBER = pattern(r"\p{N}[^\p{L}\p{M}\p{N}]+\p{N}")


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

    A line whose symbols would be left out in the search is refused: `c++` would block every `c`. Comma and bar may be
    of full width. Lines may end in LF, CR LF or CR; a byte-order mark, empty lines and lines that begin with `#` or
    `//` do not count. Weight and category are read and not used: every word in the file is blocked.
    """
    try:
        lines = _END_OF_LINE.split(data.decode("utf-8").translate(_FULL_WIDTH))
    except UnicodeDecodeError as error:
        return WordList((), (_encoding(data, error),))
    if _NULS_OF_TEXT * data.count(b"\0") >= len(data) > 0:
        return WordList((), (_other_encoding("UTF-16 or UTF-32"),))
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
    if not word.isalnum() and (flaw := _left_out(word, has_tab="\t" in written.strip())):
        return flaw
    if not text.fits(word, MAX_WORD_GRAPHEMES):
        return Flaw(None, f"longer than {MAX_WORD_GRAPHEMES} graphemes, so it would never be found")
    return word


def _left_out(word: str, *, has_tab: bool) -> Flaw | None:
    """What a search would leave out of a word, so that another word were blocked, or none."""
    if not folding.sought(folding.normal(word)):
        return Flaw(None, "no letter and no digit in it, so it would never be found")
    if has_tab:
        return Flaw(None, "a tab: one word a line, a weight behind a comma")
    if symbol := _NOT_SEARCHED.search(word):
        return Flaw(None, f"`{symbol.group()}` is not searched, so another word would be blocked")
    if not _BEGINS.match(word) or _ENDS.search(word):
        return Flaw(None, "a mark at its end is not searched, so another word would be blocked")
    if _PARTED_NUMBER.search(word):
        return Flaw(None, "what parts the digits is not searched, so another number would be blocked")
    return None


def _encoding(data: bytes, error: UnicodeDecodeError) -> Flaw:
    for mark, name in _BOMS.items():
        if data.startswith(mark):
            return _other_encoding(name)
    if _NULS_OF_TEXT * data.count(b"\0") >= len(data):
        return _other_encoding("UTF-16 or UTF-32")
    try:
        data.decode("gb18030")
    except UnicodeDecodeError:
        line = len(_END_OF_LINE.split(data[: error.start].decode("utf-8")))
        return Flaw(line, "this is not UTF-8, which the file has to be in")
    return Flaw(None, "it has to be in UTF-8 and is not; if it is in GBK, convert it with `iconv -f GBK -t UTF-8`")


def _other_encoding(name: str) -> Flaw:
    source = name.partition(" ")[0]
    return Flaw(None, f"it has to be in UTF-8 and is in {name}: convert it, as with `iconv -f {source} -t UTF-8`")
