"""Which role may send which console event."""

from collections.abc import Mapping

from auth.identity import Role

_HOSTS = frozenset({Role.HOST, Role.OPERATOR})
_STAFF = _HOSTS | {Role.MODERATOR}

CONSOLE_EVENTS: Mapping[str, frozenset[Role]] = {
    "mute": _STAFF,
    "unmute": _STAFF,
    "ban": _STAFF,
    "unban": _STAFF,
    "kick": _STAFF,
    "retract": _STAFF,
    "pin": _STAFF,
    "unpin": _STAFF,
    "cohost:approve": _STAFF,
    "cohost:reject": _STAFF,
    "cohost:invite": _STAFF,
    "cohost:remove": _STAFF,
    "panic": _STAFF,
    "show:phase": _HOSTS,
    "room:switches": _HOSTS,
    "announce": _HOSTS,
    "names:set": _HOSTS,
    "countdown:set": _HOSTS,
    "countdown:clear": _HOSTS,
}


def may(role: Role, event: str) -> bool:
    """Whether the role may send the event; an unknown event is nobody's."""
    return role in CONSOLE_EVENTS.get(event, frozenset())
