"""Words that no danmaku may hold, found through the usual disguises."""

import unicodedata
from collections.abc import Iterable
from typing import NamedTuple

from auth.patterns import pattern

_LETTER = pattern(r"[\p{L}\p{N}\p{M}]")
_STRAY_MARK = pattern(r"[\u0300-\u036F\u20D0-\u20FF]")
_UNSPACED = pattern(r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Hangul}\p{Bopomofo}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}]")
"""Scripts in which a word does not end at a space."""

_NO_GAP, _MARK_GAP, _SPACE_GAP = 0, 1, 2


class BlockedWords:
    """Answers whether a text holds one of the words.

    Case, width and compatibility forms do not matter. Punctuation, symbols and invisible characters between
    the letters of a word are ignored; spaces are when every letter stands apart (`b a d`), or in scripts that
    use none. A word of a spaced script is found as a whole word only (`ass` is not in `class`).
    """

    def __init__(self, words: Iterable[str]) -> None:
        self._root = _Node()
        for word in words:
            self._add(_squeeze(word))

    def found_in(self, text: str) -> bool:
        """Whether any blocked word stands in the text."""
        if not self._root.next:
            return False
        squeezed = _squeeze(text)
        return any(self._found_at(squeezed, start) for start in range(len(squeezed.letters)))

    def _add(self, word: "_Squeezed") -> None:
        if not word.letters:
            return
        node = self._root
        for letter in word.letters:
            node = node.next.setdefault(letter, _Node())
        own_gaps = frozenset(index for index, gap in enumerate(word.gaps[1:-1]) if gap)
        node.own_gaps = own_gaps | (node.own_gaps or frozenset())

    def _found_at(self, text: "_Squeezed", start: int) -> bool:
        node = self._root
        for end in range(start, len(text.letters)):
            following = node.next.get(text.letters[end])
            if following is None:
                return False
            node = following
            if node.own_gaps is not None and _stands(text, start, end, node.own_gaps):
                return True
        return False


class _Node:
    """A place in the tree of letters."""

    __slots__ = ("next", "own_gaps")

    def __init__(self) -> None:
        self.next: dict[str, _Node] = {}
        self.own_gaps: frozenset[int] | None = None
        """Where a word ends: after which of its letters it has a separator of its own."""


class _Squeezed(NamedTuple):
    letters: str
    gaps: list[int]
    """What stands before each letter, and last what stands after all of them."""


def parse(lines: str) -> list[str]:
    """The words of an operator's file: one a line; empty lines and those beginning with `#` do not count."""
    stripped = (line.strip() for line in lines.splitlines())
    return [line for line in stripped if line and not line.startswith("#")]


def _squeeze(text: str) -> _Squeezed:
    normal = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    letters: list[str] = []
    gaps = [_NO_GAP]
    for character in normal:
        if _LETTER.match(character) and not _STRAY_MARK.match(character):
            letters.append(character)
            gaps.append(_NO_GAP)
        else:
            gaps[-1] = max(gaps[-1], _SPACE_GAP if character.isspace() else _MARK_GAP)
    return _Squeezed("".join(letters), gaps)


def _stands(text: _Squeezed, start: int, end: int, own_gaps: frozenset[int]) -> bool:
    """Whether the letters from start to end are a word there, and not parts of several."""
    if _joined(text, start) or _joined(text, end + 1):
        return False
    if _UNSPACED.match(text.letters[start]):
        return True
    inner = [text.gaps[start + 1 + index] for index in range(end - start) if index not in own_gaps]
    return _SPACE_GAP not in inner or _NO_GAP not in inner


def _joined(text: _Squeezed, index: int) -> bool:
    """Whether the letters before and at an index belong to one word of a spaced script."""
    if not 0 < index < len(text.letters) or text.gaps[index] == _SPACE_GAP:
        return False
    before, after = text.letters[index - 1], text.letters[index]
    if _UNSPACED.match(before) or _UNSPACED.match(after):
        return False
    return text.gaps[index] == _NO_GAP and before.isdigit() == after.isdigit()


NO_WORDS = BlockedWords(())
