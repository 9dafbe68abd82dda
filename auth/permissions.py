"""What somebody may do in a room now: one table over role, tier, access, phase and switches."""

from collections.abc import Mapping
from enum import StrEnum
from typing import NamedTuple

from auth.identity import Role, Tier
from auth.situation import Access, Phase, Scale, Switches


class Permission(StrEnum):
    """A right as clients see it in `you.permissions`."""

    STREAM_MAIN = "stream:main"
    STREAM_VIP = "stream:vip"
    CHAT_READ = "chat:read"
    DANMAKU = "danmaku"
    GIFT = "gift"
    LIKE = "like"
    COHOST = "cohost"
    VOTE = "vote"


Permissions = frozenset[Permission]


class _Row(NamedTuple):
    """A phase: who is inside (by least tier), what they get, and what the staff gets."""

    inside_ticketed: Tier | None
    inside_open: Tier | None
    streams: bool
    actions: Permissions
    acting_from: Tier
    staff: Permissions


_NOBODY = None
_ALL = frozenset(Permission)
_NOTHING: Permissions = frozenset()
_READ = frozenset({Permission.CHAT_READ})
_TALK = frozenset({Permission.DANMAKU})
_JOIN = frozenset({Permission.DANMAKU, Permission.GIFT, Permission.LIKE, Permission.VOTE})
_STAGE = _JOIN | {Permission.COHOST}

# fmt: off
_TABLE: Mapping[Phase, _Row] = {
    #                     inside from           streams  those inside may,    but only   staff may
    #                     ticketed   open       run      if the switches let  from tier
    Phase.DRAFT:     _Row(_NOBODY,   _NOBODY,   False,   _NOTHING,            Tier.NONE, _ALL),
    Phase.PRESALE:   _Row(_NOBODY,   _NOBODY,   False,   _NOTHING,            Tier.NONE, _ALL),
    Phase.DOORS:     _Row(Tier.MAIN, Tier.MAIN, False,   _STAGE,              Tier.NONE, _ALL),
    Phase.LIVE:      _Row(Tier.MAIN, Tier.NONE, True,    _STAGE,              Tier.NONE, _ALL),
    Phase.PAUSED:    _Row(Tier.MAIN, Tier.NONE, True,    _JOIN,               Tier.NONE, _ALL),
    Phase.ENDED:     _Row(_NOBODY,   _NOBODY,   False,   _NOTHING,            Tier.NONE, _READ),
    Phase.REPLAY:    _Row(Tier.MAIN, Tier.NONE, True,    _TALK,               Tier.MAIN, _ALL),
    Phase.CANCELLED: _Row(_NOBODY,   _NOBODY,   False,   _NOTHING,            Tier.NONE, _NOTHING),
}
# fmt: on

_LEAST_TIER: Mapping[Scale, Tier | None] = {
    Scale.OFF: _NOBODY,
    Scale.VIP: Tier.VIP,
    Scale.TICKET: Tier.MAIN,
    Scale.EVERYONE: Tier.NONE,
}


def permissions(role: Role, tier: Tier, access: Access, phase: Phase, switches: Switches) -> Permissions:
    """Everything allowed now. A foyer (below the reading floor) allows nothing, whatever the switches say."""
    row = _TABLE[phase]
    if role.is_staff:
        return row.staff
    if not _reaches(tier, reading_floor(access, phase)):
        return _NOTHING
    scales = {
        Permission.DANMAKU: switches.chat,
        Permission.GIFT: switches.gifts,
        Permission.LIKE: switches.likes,
        Permission.COHOST: switches.cohost,
        Permission.VOTE: switches.polls,
    }
    actions = {
        action for action in row.actions if tier >= row.acting_from and _reaches(tier, _LEAST_TIER[scales[action]])
    }
    return frozenset({Permission.CHAT_READ} | _streams(tier, phase) | actions)


def reading_floor(access: Access, phase: Phase) -> Tier | None:
    """The least tier that may read the chat now; None: nobody but staff."""
    row = _TABLE[phase]
    return row.inside_open if access is Access.OPEN else row.inside_ticketed


def _streams(tier: Tier, phase: Phase) -> set[Permission]:
    """The streams of somebody inside."""
    if not _TABLE[phase].streams or (phase is Phase.REPLAY and tier is Tier.LOBBY):
        return set()  # a replay waits for the balance even where a stranger may watch (contract.md, the door)
    return {Permission.STREAM_MAIN, Permission.STREAM_VIP} if tier is Tier.VIP else {Permission.STREAM_MAIN}


def _reaches(tier: Tier, floor: Tier | None) -> bool:
    return floor is not None and tier >= floor
