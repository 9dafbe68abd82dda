"""What a text of a person may be made of: danmaku, messages, names, titles. Multilingual and hostile; pure.

Pages show texts as plain text only. What filters see of a text is in `rooms/chat/folding.py`.
"""

import unicodedata
from typing import Final

from auth.denials import Code, Denied
from auth.patterns import Match, pattern

MAX_GRAPHEME_BYTES: Final = 48
"""Of one grapheme in UTF-8; a family of four with a skin tone each takes 41."""
MAX_MARKS: Final = 3
"""Marks kept on one letter; Hebrew with points, Arabic with vowels and Thai with a tone take no more."""
MAX_STACKED_MARKS: Final = 6
"""The same in scripts that write consonants and vowels as marks, one on the other."""

_PART = r"\p{Extended_Pictographic}\uFE0F?\p{Emoji_Modifier}?"
EMOJI: Final = pattern(
    r"[0-9#*]\uFE0F?\u20E3"  # keycaps
    r"|\p{Regional_Indicator}{2}"  # flags of countries
    r"|\U0001F3F4[\U000E0030-\U000E0039\U000E0061-\U000E007A]{1,12}\U000E007F"  # flags of regions
    r"|(?:\p{Emoji_Presentation}[\uFE0E\uFE0F]?|\p{Extended_Pictographic}(?:\uFE0F|(?=\p{Emoji_Modifier})"
    rf"|(?=\u200D{_PART})))\p{{Emoji_Modifier}}?(?:\u200D{_PART})*"
)
_PICTOGRAPH = pattern(r"\p{Extended_Pictographic}")
"""Also the ones shown as text where no variation selector follows."""
_JOINING = (
    r"\p{Arabic}\p{Syriac}\p{Mongolian}\p{Devanagari}\p{Bengali}\p{Gurmukhi}\p{Gujarati}\p{Oriya}\p{Tamil}\p{Telugu}"
    r"\p{Kannada}\p{Malayalam}\p{Sinhala}"
)
"""Scripts that spell with joiners: Persian has a ZWNJ within many a word."""
_JOINER = (
    rf"(?<=[{_JOINING}\u064B-\u065F\u0670])[\u200C\u200D](?=[{_JOINING}])(?=[\p{{L}}\u09CD])"
    r"|(?<=\u0D4D)\u200D"  # half letters of Malayalam as they were written before Unicode 5.1
)
"""One between two letters."""
_SELECTOR = (
    r"(?<=[\p{Extended_Pictographic}0-9#*])[\uFE0E\uFE0F]"
    r"|(?<=[\p{Han}\p{Myanmar}\p{Phags_Pa}\p{Sm}0\u2018\u2019\u201C\u201D\u3001\u3002\uFF01\uFF0C\uFF0E\uFF1A\uFF1B\uFF1F])"
    r"[\uFE00-\uFE0D]"
    r"|(?<=\p{Han})[\U000E0100-\U000E01EF]"  # names of people and places are told apart by them
    r"|(?<=[\u1820-\u1878\u1880-\u18AA])[\u180B-\u180F]"
)
"""A variation selector behind a character that takes one; the next selector of a run has none before it."""
_UNSEEN = pattern(
    rf"(?!{_JOINER}|{_SELECTOR})"
    r"[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Default_Ignorable_Code_Point}]"
)
_UNSEEN_IN_ID = pattern(rf"(?!{_JOINER})[\p{{Cc}}\p{{Cf}}\p{{Cs}}\p{{Zl}}\p{{Zp}}]")
_BLANK = pattern(r"[\s\u2800]+")
_ODD = pattern(
    r"[\p{M}\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\u00A0\u1680\u2000-\u200A"
    r"\u202F\u205F\u3000\u2800]|  |^ | \Z"
)
"""Without any of these a text in NFC is clean."""
_GRAPHEME = pattern(r"\X")
_MARKED = pattern(r"(?:\P{M}|^)\p{M}{2,}|[\u00C0-\u024F\u0370-\u03FF\u0400-\u04FF\u1E00-\u1FFF]\p{M}")
"""A letter with so many marks that they have to be counted."""
_STACKING = pattern(r"[\p{Myanmar}\p{Tibetan}\p{Khmer}\p{Balinese}\p{Javanese}\p{Tai_Tham}]")


def clean(text: str) -> str:
    """The text as it may be stored and shown; cleaning it again changes nothing.

    NFC; without control, bidi, zero-width and other unseen characters, at most three marks on a letter, spaces single
    and none at the ends. Emoji sequences, with their joiners and variation selectors, stay as they were, and so do the
    joiners within words of scripts that spell with them and one variation selector on a character that takes one.
    """
    if text.isascii() and text.isprintable():  # most of what is said in many a room; nothing unseen, one form
        return " ".join(text.split())
    if _ODD.search(text) is None and unicodedata.is_normalized("NFC", text):  # as most of the rest
        return text
    parts: list[str] = []
    end = 0
    for emoji in EMOJI.finditer(text):
        parts += (_clean_plain(text[end : emoji.start()]), emoji.group())
        end = emoji.end()
    parts.append(_clean_plain(text[end:]))
    return _BLANK.sub(" ", "".join(parts)).strip(" ")


def within(written: str, max_graphemes: int) -> str | Denied:
    """A text cleaned, or TEXT_EMPTY, or TEXT_TOO_LONG."""
    cleaned = clean(written)
    if not cleaned:
        return Denied(Code.TEXT_EMPTY)
    if not fits(cleaned, max_graphemes):
        return Denied(
            Code.TEXT_TOO_LONG, detail={"max_graphemes": max_graphemes, "max_grapheme_bytes": MAX_GRAPHEME_BYTES}
        )
    return cleaned


def fits(cleaned: str, max_graphemes: int) -> bool:
    """Whether a cleaned text has at most so many graphemes, none of them too large."""
    if cleaned.isascii() or len(cleaned) * 4 <= MAX_GRAPHEME_BYTES:
        return len(cleaned) <= max_graphemes or len(_GRAPHEME.findall(cleaned)) <= max_graphemes
    found = _GRAPHEME.findall(cleaned)
    return len(found) <= max_graphemes and not any(map(_is_large, found))


def cut(cleaned: str, max_graphemes: int) -> str:
    """The first graphemes of a cleaned text, without those that are too large."""
    if cleaned.isascii():
        return cleaned[:max_graphemes].rstrip(" ")
    kept = [grapheme for grapheme in _GRAPHEME.findall(cleaned) if not _is_large(grapheme)]
    return clean("".join(kept[:max_graphemes]))


def is_emoji_only(cleaned: str) -> bool:
    """Whether nothing but emoji and spaces is in a cleaned text."""
    return not _PICTOGRAPH.sub("", EMOJI.sub("", cleaned)).strip(" ")


def has_unseen(text: str) -> bool:
    """Whether a control, direction or zero-width character stands in it, other than within emoji and joined words."""
    if text.isascii():  # of ASCII only the controls are invisible, and they alone are not printable
        return not text.isprintable()
    return _UNSEEN_IN_ID.search(EMOJI.sub("", text)) is not None


def _is_large(grapheme: str) -> bool:
    return len(grapheme) * 4 > MAX_GRAPHEME_BYTES and len(grapheme.encode()) > MAX_GRAPHEME_BYTES


def _clean_plain(text: str) -> str:
    """Unseen characters go first, for they may stand between ones that compose.

    Joiners are judged again at last, for the marks beside them may have gone.
    """
    if not text:
        return text
    composed = unicodedata.normalize("NFC", _UNSEEN.sub("", _BLANK.sub(" ", text)))
    if composed.isascii():
        return composed
    return _UNSEEN.sub("", _MARKED.sub(_few_marks, composed))


def _few_marks(found: Match) -> str:
    """A letter with its first marks; those within a composed letter count."""
    letter, marks = found.group()[0], found.group()[1:]
    if unicodedata.category(letter)[0] == "M":  # the text begins with it
        letter, marks = "", found.group()
    own = len(unicodedata.normalize("NFD", letter)) - 1 if letter else 0
    bound = MAX_STACKED_MARKS if _STACKING.match(letter) else MAX_MARKS
    if own + len(marks) > bound:
        marks = "".join(dict.fromkeys(marks))  # a vowel after a stack of one accent is still read
    return letter + marks[: max(0, bound - own)]
