"""Flipping the switches of a room, one by one or all at once in a panic."""

from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType, structs

from auth.situation import MAX_SLOW_MS, Scale, Switches

PANIC_SLOW_MS = 5_000

_NARROW_FIRST = (Scale.OFF, Scale.VIP, Scale.TICKET, Scale.EVERYONE)


class SwitchChanges(Struct, frozen=True):
    """Only the named switches change."""

    chat: Scale | UnsetType = UNSET
    gifts: Scale | UnsetType = UNSET
    cohost: Scale | UnsetType = UNSET
    likes: Scale | UnsetType = UNSET
    polls: Scale | UnsetType = UNSET
    slow_ms: Annotated[int, Meta(ge=0, le=MAX_SLOW_MS)] | UnsetType = UNSET
    links: bool | UnsetType = UNSET
    emoji_only: bool | UnsetType = UNSET
    sales_left: bool | UnsetType = UNSET


def flip(switches: Switches, changes: SwitchChanges) -> Switches:
    """The switches with the named ones changed."""
    named = {name: value for name, value in structs.asdict(changes).items() if value is not UNSET}
    return structs.replace(switches, **named)


PANIC = SwitchChanges(chat=Scale.TICKET, gifts=Scale.TICKET, cohost=Scale.TICKET, links=False, slow_ms=PANIC_SLOW_MS)
"""The widest that a room may stand after a panic: slow mode, tickets only, no links."""


def panic(switches: Switches) -> Switches:
    """Narrow every switch down to `PANIC`; one that is narrower already stays."""
    return structs.replace(
        switches,
        chat=_narrower(switches.chat, Scale.TICKET),
        gifts=_narrower(switches.gifts, Scale.TICKET),
        cohost=_narrower(switches.cohost, Scale.TICKET),
        slow_ms=max(switches.slow_ms, PANIC_SLOW_MS),
        links=False,
    )


def _narrower(one: Scale, other: Scale) -> Scale:
    return min(one, other, key=_NARROW_FIRST.index)
