"""What may be said in a room: a danmaku's text, and the message of who asks for the stage."""

from typing import Annotated, Final, Literal

from msgspec import Meta, Struct

from auth import text
from auth.denials import Code, Denied
from auth.situation import Switches
from rooms.chat import links
from rooms.chat.blocked_words import BlockedWords

MAX_GRAPHEMES: Final = 100


class DanmakuStyle(Struct, frozen=True, omit_defaults=True):
    """How a danmaku flies; None is as the page likes."""

    color: Annotated[str, Meta(pattern="^#[0-9a-fA-F]{6}$", max_length=7)] | None = None
    place: Literal["fly", "top", "bottom"] | None = None


def check(said: str, switches: Switches, *, staff: bool, blocked: BlockedWords) -> str | Denied:
    """The cleaned text if it may be said. Staff are exempt from switches, not from blocked words."""
    cleaned = text.within(said, MAX_GRAPHEMES)
    if isinstance(cleaned, Denied):
        return cleaned
    if blocked.found_in(cleaned):
        return Denied(Code.TEXT_BLOCKED)
    if switches.emoji_only and not staff and not text.is_emoji_only(cleaned):
        return Denied(Code.EMOJI_ONLY)
    if not switches.links and not staff and links.has_link(cleaned):
        return Denied(Code.LINKS_OFF)
    return cleaned
