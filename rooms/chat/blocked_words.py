"""Words that no danmaku and no name may hold, found through the usual disguises."""

import string
import unicodedata
from collections.abc import Iterable
from functools import cache, lru_cache

from ahocorasick_rs import AhoCorasick

from auth.patterns import pattern
from rooms.chat import folding
from rooms.chat.folding import Letter

_UNSPACED = pattern(r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Hangul}\p{Bopomofo}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}]")
"""Scripts in which a word does not end at a space."""
_ALNUM = frozenset(string.ascii_letters + string.digits)
_FLAG_LETTERS = 2

_APOSTROPHES = frozenset("'\u2018\u2019\u2032`")
_NUMERIC = frozenset(".,:/-\u2010\u2011\u2012\u2013\u2044")
"""What stands within dates, scores and times."""
_DECIMAL = frozenset(".,:")
"""What joins digits to one number."""
_OBFUSCATING = frozenset("*_^\u00b7\u2022")
"""Marks that end no clause and stand between no two words."""
_ENUMERATED = 3
"""So many letters, each apart from the next by the same, are no accident."""

_Candidate = tuple[int, int, int]
"""Which word, and the letters it would take: the first, and the one behind the last."""


class BlockedWords:
    """Answers whether a cleaned text holds one of the words.

    Case, width, squares and circles, accents, points, traditional or simplified characters do not matter; an accent in
    a word of the list does (`lồn` is not `lớn`). A word of a spaced script is found as a whole word only (`ass` is not
    in `class`).

    What stands between the letters of a word hides it unless people write so without a thought:

    * Spaced scripts: punctuation and symbols hide a word (`b.ad`), spaces and apostrophes only where every letter
      stands apart (`b a d`, `b'a'd`): `he'll` is not `hell`.
    * Scripts without spaces, where words and clauses end anywhere: `*`, `_`, `^` and dots in the middle of the
      line hide a word; anything else does where every letter stands apart by one and the same, and either they are
      three or nothing touches the first and the last one (`操 你`; not `体操，你好`, not `方法 轮流`).
    * Numbers: what dates, scores and times are written with does not hide one (`6.4`, `6:4`, `6-4` are not `64`), and
      nothing hides two digits. `.`, `,` and `:` belong to a number: `18` is not in `18.50`.

    Letters that look like others count where a word mixes scripts (`bаd` with a Cyrillic а), and where all of it looks
    so and the text has no other letter of that script: `сор` is `cop`, but not in `вынеси сор`. A 0 or 1 counts as a
    letter among letters (`p0rn`), a capital I as an l after a small letter.
    """

    def __init__(self, words: Iterable[str]) -> None:
        found_as: dict[str, set[str]] = {}
        for word in words:
            normal = folding.normal(word)
            for case in _cases(normal):
                if sought := folding.sought(case):
                    found_as.setdefault(sought, set()).add(normal)
        self._words = list(found_as.values())
        self._finder = AhoCorasick(list(found_as)) if found_as else None
        self._count = len(set().union(*self._words))

    def __len__(self) -> int:
        """How many different words are in force."""
        return self._count

    def found_in(self, text: str) -> bool:
        """Whether any blocked word stands in the text."""
        if self._finder is None:
            return False
        normal = folding.normal(text)
        candidates = self._finder.find_matches_as_indexes(folding.sought(normal), overlapping=True)
        if candidates and normal.isascii():
            candidates = _whole(normal, candidates)
        if not candidates:
            return False
        spelled = _Spelled(normal)
        return any(
            _stands(spelled, start, _spelled_word(word))
            for index, start, _ in candidates
            for word in self._words[index]
        )


class _Spelled:
    """A normal text, letter by letter."""

    __slots__ = ("gaps", "letters", "marks")

    def __init__(self, normal: str) -> None:
        self.letters: list[Letter] = []
        self.gaps = [""]
        """The characters before each letter, and last those after all of them."""
        self.marks: list[frozenset[str]] = []
        """The accents on each letter."""
        for character in normal:
            letters = folding.letters_of(character)
            if letters:
                marks = folding.marks_of(character)
                for letter in letters:
                    self.letters.append(letter)
                    self.gaps.append("")
                    self.marks.append(marks)
            elif folding.parts(character):
                self.gaps[-1] += character
            elif self.marks:
                self.marks[-1] |= {character}


@lru_cache(maxsize=4096)
def _spelled_word(word: str) -> _Spelled:
    return _Spelled(word)


def _whole(text: str, candidates: list[_Candidate]) -> list[_Candidate]:
    """Those that are no part of a longer word; most are, and in ASCII that is soon known."""
    places = [index for index, character in enumerate(text) if character in _ALNUM]

    def joined(letter: int) -> bool:
        if not 0 < letter < len(places) or places[letter - 1] != places[letter] - 1:
            return False
        return text[places[letter] - 1].isdigit() == text[places[letter]].isdigit()

    return [candidate for candidate in candidates if not joined(candidate[1]) and not joined(candidate[2])]


def _cases(normal: str) -> set[str]:
    """The word as it may be written: a capital may look like another letter than the small one does."""
    if normal.isascii() or normal.lower() == normal.upper():
        return {normal}
    return {normal, normal.lower(), normal.upper(), normal.capitalize()}


def _stands(text: _Spelled, start: int, word: _Spelled) -> bool:
    """Whether a word stands in a text at a letter, and not parts of several."""
    end = start + len(word.letters) - 1
    if _joined(text, start) or _joined(text, end + 1):
        return False
    disguised: list[int] = []
    for offset, sought in enumerate(word.letters):
        written = text.letters[start + offset]
        if not word.marks[offset] <= text.marks[start + offset]:
            return False
        if offset and word.gaps[offset] in _APOSTROPHES and not text.gaps[start + offset]:
            return False  # hell is not he'll
        if written.meant != sought.meant:
            if not _looks_like(written, sought):
                return False
            disguised.append(start + offset)
    if disguised and not _passes(text, start, end, disguised):
        return False
    if end - start + 1 == _FLAG_LETTERS and all(map(_is_flag_letter, text.letters[start : end + 1])):
        return False  # a flag is a picture
    return _holds_together(text, start, end, word)


def _holds_together(text: _Spelled, start: int, end: int, word: _Spelled) -> bool:
    """Whether what stands between the letters from start to end is nothing, or a disguise."""
    inner = [text.gaps[start + 1 + index] for index in range(end - start) if not word.gaps[index + 1]]
    if not any(inner):
        return True
    if any(_UNSPACED.match(letter.meant) for letter in text.letters[start : end + 1]):
        if all(not gap or _OBFUSCATING.issuperset(gap) for gap in inner):
            return True
        is_touched = _touches(text, start) or _touches(text, end + 1)
        return len(set(inner)) == 1 and (len(inner) >= _ENUMERATED - 1 or not is_touched)
    is_apart = "" not in inner
    if all(letter.meant.isdigit() for letter in text.letters[start : end + 1]):
        is_plain = any(_NUMERIC.issuperset(gap) for gap in inner if gap)
        goes_on = _next_to_digit(text, start) or _next_to_digit(text, end + 1)
        return is_apart and len(inner) >= _ENUMERATED - 1 and not is_plain and not goes_on
    if any(gap in _APOSTROPHES for gap in inner):
        return is_apart and len(inner) >= _ENUMERATED - 1
    return is_apart or not any(character.isspace() for gap in inner for character in gap)


def _touches(text: _Spelled, index: int) -> bool:
    """Whether nothing is between the letters before and at an index of a script without spaces."""
    if not 0 < index < len(text.letters) or text.gaps[index]:
        return False
    return all(_UNSPACED.match(text.letters[beside].meant) for beside in (index - 1, index))


def _next_to_digit(text: _Spelled, index: int) -> bool:
    """Whether the letters before and at an index are digits, whatever is between them."""
    return 0 < index < len(text.letters) and all(text.letters[beside].meant.isdigit() for beside in (index - 1, index))


def _looks_like(written: Letter, sought: Letter) -> bool:
    """Whether one letter may have been written for another, be it the one in Latin script or the other."""
    if sought.meant.isascii():
        return sought.meant in (written.looks, written.passes)
    latin = sought.looks or sought.passes
    return latin != "" and latin in (written.meant, written.looks, written.passes)


def _passes(text: _Spelled, start: int, end: int, disguised: list[int]) -> bool:
    """Whether a reader of the letters from start to end takes the disguised ones for what they look like."""
    span = text.letters[start : end + 1]
    plain = [letter for index, letter in enumerate(span, start) if index not in disguised and letter.meant.isalpha()]
    foreign = False
    for index in disguised:
        letter = text.letters[index]
        if letter.written == "I":
            if index == start or not text.letters[index - 1].written.islower():
                return False
            plain.append(letter)
        elif letter.meant.isdigit():
            if 2 * len(plain) < len(span):
                return False
        elif _script(letter.written) == "LATIN" and not letter.written.isascii():
            plain.append(letter)  # ø is an o with a stroke
        else:
            foreign = True
    if plain or not foreign:
        return True
    scripts = {_script(text.letters[index].written) for index in disguised}
    others = (*text.letters[:start], *text.letters[end + 1 :])
    is_shown = all(text.letters[index].looks or text.letters[index].meant.isascii() for index in disguised)
    return is_shown and not any(
        _script(letter.written) in scripts and (letter.meant.isascii() or not letter.looks) for letter in others
    )


def _joined(text: _Spelled, index: int) -> bool:
    """Whether the letters before and at an index belong to one word of a spaced script."""
    if not 0 < index < len(text.letters):
        return False
    gap, before, after = text.gaps[index], text.letters[index - 1].meant, text.letters[index].meant
    if gap:
        return gap in _DECIMAL and before.isdigit() and after.isdigit()
    if _UNSPACED.match(before) or _UNSPACED.match(after):
        return False
    return before.isdigit() == after.isdigit()


def _is_flag_letter(letter: Letter) -> bool:
    return "\U0001f1e6" <= letter.written <= "\U0001f1ff"


@cache
def _script(character: str) -> str:
    return unicodedata.name(character, "").partition(" ")[0]


NO_WORDS = BlockedWords(())
