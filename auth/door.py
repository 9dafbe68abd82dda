"""Who gets through the door of a room, and whom a phase sends out."""

from enum import StrEnum

from auth.denials import Code, Denied
from auth.identity import Role, Tier
from auth.situation import Access, Phase


class Surface(StrEnum):
    """What is being entered; the values are the Socket.IO namespaces."""

    LIVE = "/live"
    CONSOLE = "/console"


_DRAFT_ROLES = frozenset({Role.HOST, Role.OPERATOR})
_FOYER_PHASES = frozenset({Phase.PRESALE, Phase.DOORS})


def enter(role: Role, tier: Tier, access: Access, phase: Phase, surface: Surface) -> Denied | None:
    """None lets in. TICKET_REQUIRED and BALANCE_DUE leave the offer to the caller, who knows the products."""
    if phase is Phase.CANCELLED:
        return Denied(Code.ROOM_CANCELLED)
    if surface is Surface.CONSOLE and not role.is_staff:
        return Denied(Code.FORBIDDEN)
    if phase is Phase.DRAFT:
        return None if role in _DRAFT_ROLES else Denied(Code.FORBIDDEN)
    if phase is Phase.ENDED:
        # the console stays open: the host starts the replay from there
        return None if surface is Surface.CONSOLE else Denied(Code.ROOM_ENDED)
    if role.is_staff or phase in _FOYER_PHASES:
        return None
    return _at_the_show(tier, access, phase)


def expelled_by(phase: Phase, surface: Surface) -> Code | None:
    """Why a socket already inside must leave when the room enters `phase`; None lets it stay."""
    if phase is Phase.CANCELLED:
        return Code.ROOM_CANCELLED
    if phase is Phase.ENDED and surface is Surface.LIVE:
        return Code.ROOM_ENDED
    return None


def _at_the_show(tier: Tier, access: Access, phase: Phase) -> Denied | None:
    """A viewer at a room in live, paused or replay."""
    if tier is Tier.LOBBY and (access is Access.TICKETED or phase is Phase.REPLAY):
        return Denied(Code.BALANCE_DUE)
    if tier is Tier.NONE and access is Access.TICKETED:
        return Denied(Code.TICKET_REQUIRED)
    return None
