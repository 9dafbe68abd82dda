"""What filters see of a text: one spelling for all that a reader takes for the same. Pure; nothing of it is shown.

A letter is folded to what it means (case, width, squares, accents and points, traditional to simplified characters).
Beside that it may look like a Latin letter; whether it passes for one is judged where a word is found.
"""

import re
import unicodedata
from collections.abc import Iterable
from functools import cache
from typing import Final, NamedTuple

from confusable_homoglyphs import confusables
from opencc import OpenCC

from auth.patterns import pattern

_PICTURED = pattern(
    r"(?:REGIONAL INDICATOR SYMBOL|(?:NEGATIVE )?(?:CIRCLED|SQUARED) LATIN CAPITAL|LATIN LETTER SMALL CAPITAL|"
    r"(?:CROSSED )?NEGATIVE SQUARED LATIN CAPITAL|LATIN SMALL CAPITAL|TAG LATIN SMALL|MODIFIER LETTER SMALL)"
    r"(?: LETTER)? ([A-Z])$"
)
"""Names of characters that are pictures of one Latin letter, of which NFKC knows nothing."""
_SQUARED_WORD = pattern(r"(?:NEGATIVE )?SQUARED ([A-Z]{2,4})$")
_SPACING_MARKS: Final = {
    code: "\u00b7"
    for code in range(0x3000)
    if (form := unicodedata.normalize("NFKC", chr(code)))[0] == " " and len(form) > 1
}
"""Accents that stand alone: NFKC makes a space of them, and a space ends a word."""
_SPACING_MARKS.update(dict.fromkeys((0xB4, 0x1FBD, 0x1FBF, 0x1FFD, 0x1FFE), "'"))
"""Some are typed as apostrophes."""
_COMPOSED = pattern(r"[\p{Hiragana}\p{Katakana}\p{Hangul}йЙ]")
"""Letters of their own, whose marks are no ornament: が is not か."""
_REPEATED_MARK = re.compile(
    "([" + "".join(chr(c) for c in range(0x300, 0xAC00) if unicodedata.category(chr(c)) in {"Mn", "Mc"}) + r"])\1+"
)
"""A tone or a vowel twice on one letter is seen once."""
_LETTER_OR_NUMBER = pattern(r"[\p{L}\p{N}]")
_UNSEEN = pattern(r"[\p{Cf}\p{Default_Ignorable_Code_Point}\u0640]")
"""What stands between two letters without parting them, the stroke that lengthens an Arabic word too."""
_SAME: Final = {"ک": "ك", "ی": "ي", "ى": "ي", "ँ": "ं", "ঁ": "ং"}
"""Letters that are typed one for the other, by the keyboard."""
_CLASSES: Final = str.maketrans({"i": "l", "1": "l", "0": "o"})
"""For finding candidates: Latin letters and digits that may be read as one another."""


class Letter(NamedTuple):
    """One letter of a folded text."""

    meant: str
    """What it is."""
    looks: str
    """The Latin letter that it looks like, as written; empty where it looks like itself only."""
    passes: str
    """The same, of its other case: `т` passes for a `t` within a word, not on its own."""
    found_as: str
    """By what candidates are found: equal for all that may pass for one another."""
    written: str
    """The character it stands in."""


def normal(text: str) -> str:
    """A cleaned text in the one form that `letters_of` takes, character by character."""
    if text.isascii():
        return text
    if not unicodedata.is_normalized("NFKC", text):
        text = unicodedata.normalize("NFKC", text.translate(_SPACING_MARKS))
    return _REPEATED_MARK.sub(r"\1", text) if _REPEATED_MARK.search(text) else text


@cache
def letters_of(character: str) -> tuple[Letter, ...]:
    """The letters in a character of a normal text; none in a mark that is dropped, a separator, a symbol."""
    return tuple(
        letter
        for base in _bases(character)
        for meant in _simplified(unicodedata.normalize("NFKC", base.casefold()))
        for letter in (_letter(meant, base, character),)
    )


@cache
def parts(character: str) -> bool:
    """Whether a character without letters stands between two words or letters; else it is as good as not there."""
    return not letters_of(character) and not _UNSEEN.match(character) and unicodedata.category(character)[0] != "M"


@cache
def marks_of(character: str) -> frozenset[str]:
    """The marks that a Latin or Cyrillic letter is written with, where they tell it from another letter.

    Not those of ё, which is written as е too; in Greek capitals the accents are left out.
    """
    if _COMPOSED.match(character) or character in "ёЁ":
        return frozenset()
    spelt = unicodedata.normalize("NFD", character)
    is_alphabet = unicodedata.name(spelt[0], "").split(" ")[0] in {"LATIN", "CYRILLIC"}
    return frozenset(spelt[1:]) if is_alphabet else frozenset()


class _Sought(dict[int, str | None]):
    """A table for `str.translate`, made as it is used: a normal text as candidates are found in it."""

    def __missing__(self, code: int) -> str | None:
        found = self[code] = "".join(letter.found_as for letter in letters_of(chr(code))) or None
        return found


_SOUGHT: Final = _Sought()


def sought(normal_text: str) -> str:
    """The letters of a normal text as candidates are found by; equal texts in disguise are equal here."""
    return normal_text.translate(_SOUGHT)


def as_latin(text: str) -> str:
    """A text with everything that looks like a Latin letter as that letter, and the rest as NFKC has it."""
    return "".join(map(_latin, normal(text)))


@cache
def _latin(character: str) -> str:
    if character.isascii():
        return character
    letters = letters_of(character)
    latin = "".join(letter.looks or letter.meant for letter in letters)
    latin = latin.upper() if character.isupper() else latin
    return latin if latin.isascii() and letters else "" if letters == () and not parts(character) else character


def _letter(meant: str, base: str, character: str) -> Letter:
    if meant.isascii():
        looks = "l" if base == "I" else {"0": "o", "1": "l"}.get(meant, "")
        return Letter(meant, looks, "i" if meant == "1" else "", meant.translate(_CLASSES), character)
    looks = _look_of(base)
    passes = "" if looks else _look_of(base.swapcase())
    return Letter(meant, looks, passes, (looks or passes).translate(_CLASSES) or meant, character)


@cache
def _look_of(letter: str) -> str:
    """The one Latin letter that a letter looks like, in lower case."""
    for _ in range(2):  # т looks like a small capital T, which looks like a t
        for alike in confusables.confusables_data.get(letter, ()):
            plain = "".join(_bases(alike["c"]))
            if len(plain) == 1 and plain.isascii() and plain.isalpha():
                return plain.lower()
        alikes = confusables.confusables_data.get(letter, ())
        if len(alikes) != 1 or len(alikes[0]["c"]) != 1:
            return ""
        letter = alikes[0]["c"]
        if (pictured := _pictured(letter)) and len(pictured) == 1:
            return pictured
    return ""


def _bases(text: str) -> Iterable[str]:
    """The letters and numbers of a text as they are written, and the marks that belong to them."""
    for character in text:
        if pictured := _pictured(character):
            yield from pictured
        elif _COMPOSED.match(character):
            yield character
        else:
            for base in unicodedata.normalize("NFKD", character):
                is_mark = unicodedata.category(base)[0] == "M"
                if not _is_ornament(base) if is_mark else _LETTER_OR_NUMBER.match(base) and not _UNSEEN.match(base):
                    yield _SAME.get(base, base)


def _is_ornament(mark: str) -> bool:
    """Whether a mark is left out where people write in haste: accents, points and vowels of Hebrew and Arabic, nukta.

    Not the vowels of Devanagari and its like, a virama, the tones of Thai or the marks of kana: they make other words.
    """
    place = unicodedata.combining(mark)
    return (
        place in {1, 7}
        or 10 <= place <= 36
        or place >= 200
        or _UNSEEN.match(mark) is not None
        or (unicodedata.category(mark) == "Me")
    )


@cache
def _pictured(character: str) -> str:
    if character.isascii():
        return ""
    name = unicodedata.name(character, "")
    found = _PICTURED.match(name) or _SQUARED_WORD.match(name)
    return name.rpartition(" ")[2].lower() if found else ""


@cache
def _simplified(letter: str) -> str:
    if not "\u3400" <= letter <= "\U000323af":
        return letter
    simplified: str = _converter().convert(letter)
    return simplified


@cache
def _converter() -> OpenCC:
    return OpenCC("t2s")
