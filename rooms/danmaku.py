"""What a danmaku may be made of. Texts are multilingual and hostile; pages show them as plain text only."""

import unicodedata
from typing import Annotated, Literal

from msgspec import Meta, Struct

from auth.denials import Code, Denied
from auth.situation import Switches
from rooms.blocked_words import BlockedWords
from rooms.patterns import pattern

MAX_GRAPHEMES = 100
MAX_BYTES = 400

_PART = r"\p{Extended_Pictographic}\uFE0F?\p{Emoji_Modifier}?"
_EMOJI = pattern(
    r"[0-9#*]\uFE0F?\u20E3"  # keycaps
    r"|\p{Regional_Indicator}{2}"  # flags of countries
    r"|\U0001F3F4[\U000E0030-\U000E0039\U000E0061-\U000E007A]{1,12}\U000E007F"  # flags of regions
    r"|(?:\p{Emoji_Presentation}\uFE0F?|\p{Extended_Pictographic}(?:\uFE0F|(?=\p{Emoji_Modifier})"
    rf"|(?=\u200D{_PART})))\p{{Emoji_Modifier}}?(?:\u200D{_PART})*"
)
_PICTOGRAPH = pattern(r"\p{Extended_Pictographic}")
"""Also the ones shown as text where no variation selector follows."""
_UNSEEN = pattern(r"[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Default_Ignorable_Code_Point}]")
_BLANK = pattern(r"[\s\u2800]+")
_GRAPHEME = pattern(r"\X")
_DOT = r"(?:[.\u3002]| [.\u3002] | ?[\[(] ?(?:[.\u3002]|dot) ?[\])] ?)"
"""Tight or set apart on purpose; a full stop before the next sentence has a space on one side only."""
_LINK = pattern(
    r"[a-z][a-z0-9+.-]*://"
    r"|\bwww\."
    rf"|[\p{{L}}\p{{N}}-]{_DOT}(?:com|net|org|info|biz|xyz|top|shop|site|online|live|club|link|vip|app|dev|"
    r"io|cn|me|tv|cc|gg|ly|co|to|ru|tk|hk|tw|jp|kr|uk|de|eu|xn--[a-z0-9-]+)(?![\p{L}\p{N}])"
    r"|[\p{L}\p{N}-]\.\p{L}{2,}/"
    r"|(?<!\d)(?:\d{1,3}\.){3}\d{1,3}(?!\d)",
    ignore_case=True,
)


class DanmakuStyle(Struct, frozen=True, omit_defaults=True):
    """How a danmaku flies; None is as the page likes."""

    color: Annotated[str, Meta(pattern="^#[0-9a-fA-F]{6}$", max_length=7)] | None = None
    place: Literal["fly", "top", "bottom"] | None = None


def clean(text: str) -> str:
    """The text as it may be shown; cleaning it again changes nothing.

    Normalised (NFKC); without control, bidi, zero-width and other unseen characters; spaces single and none at
    the ends. Emoji sequences, with their joiners and variation selectors, stay as they were.
    """
    if text.isascii() and text.isprintable():  # most of what is said in many a room; nothing unseen, one form
        return " ".join(text.split())
    parts: list[str] = []
    end = 0
    for emoji in _EMOJI.finditer(text):
        parts += (_clean_plain(text[end : emoji.start()]), emoji.group())
        end = emoji.end()
    parts.append(_clean_plain(text[end:]))
    return _BLANK.sub(" ", "".join(parts)).strip(" ")


def check(text: str, switches: Switches, *, staff: bool, blocked: BlockedWords) -> str | Denied:
    """The cleaned text if it may be said. Staff are exempt from switches, not from blocked words."""
    cleaned = clean(text)
    if not cleaned:
        return Denied(Code.TEXT_EMPTY)
    if len(cleaned.encode()) > MAX_BYTES or _graphemes(cleaned) > MAX_GRAPHEMES:
        return Denied(Code.TEXT_TOO_LONG, detail={"max_graphemes": MAX_GRAPHEMES, "max_bytes": MAX_BYTES})
    if blocked.found_in(cleaned):
        return Denied(Code.TEXT_BLOCKED)
    if switches.emoji_only and not staff and not is_emoji_only(cleaned):
        return Denied(Code.EMOJI_ONLY)
    if not switches.links and not staff and has_link(cleaned):
        return Denied(Code.LINKS_OFF)
    return cleaned


def is_emoji_only(cleaned: str) -> bool:
    """Whether nothing but emoji and spaces is in a cleaned text."""
    return not _PICTOGRAPH.sub("", _EMOJI.sub("", cleaned)).strip(" ")


def has_link(cleaned: str) -> bool:
    """Whether a cleaned text holds something that a reader could follow: a URL, a domain name, an address."""
    return _LINK.search(cleaned) is not None


def _graphemes(cleaned: str) -> int:
    return len(cleaned) if cleaned.isascii() else len(_GRAPHEME.findall(cleaned))


def _clean_plain(text: str) -> str:
    """Unseen characters go first, for they may stand between ones that compose; none comes out of NFKC."""
    return unicodedata.normalize("NFKC", _UNSEEN.sub("", _BLANK.sub(" ", text)))
