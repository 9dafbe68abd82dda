"""Mutes and bans."""

from collections.abc import Mapping

from msgspec import Struct

from auth.denials import Code, Denied
from auth.identity import UserId

MINUTE_MS = 60_000


class Mute(Struct, frozen=True):
    """A viewer is silenced, until a time or until somebody ends it."""

    user: UserId
    until_ms: int | None


class Sanctions(Struct, frozen=True):
    """All mutes and bans of a room; mutes may have run out."""

    mutes: Mapping[UserId, Mute]
    bans: frozenset[UserId]


def mute_until(minutes: int | None, now_ms: int) -> int | None:
    """The end of a mute given now; None is open."""
    return None if minutes is None else now_ms + minutes * MINUTE_MS


def muted(mute: Mute | None, now_ms: int) -> Denied | None:
    """MUTED while a mute holds, with the time it still has to run."""
    if mute is None:
        return None
    if mute.until_ms is None:
        return Denied(Code.MUTED)
    if now_ms >= mute.until_ms:
        return None
    return Denied(Code.MUTED, retry_after_ms=mute.until_ms - now_ms)
