"""The commands in the order in which pages list them: as version 1.0 of the contract did, then as features follow."""

from collections.abc import Iterable

from gateway.features import registry
from gateway.features.registry import AnyCommand

_LISTED = [
    "danmaku",
    "gift",
    "like",
    "cohost:request",
    "cohost:cancel",
    "cohost:accept",
    "cohost:leave",
    "streams:refresh",
    "token:refresh",
    "clock",
    "show:phase",
    "room:switches",
    "panic",
    "mute",
    "unmute",
    "ban",
    "unban",
    "kick",
    "retract",
    "pin",
    "unpin",
    "announce",
    "cohost:approve",
    "cohost:reject",
    "cohost:invite",
    "cohost:remove",
    "countdown:set",
    "names:set",
    "countdown:clear",
]
"""Whoever reads a change of a page sees what changed, and not what moved."""


def _in_order(commands: Iterable[AnyCommand]) -> tuple[AnyCommand, ...]:
    ranks = {name: rank for rank, name in enumerate(_LISTED)}
    return tuple(sorted(commands, key=lambda command: ranks.get(command.name, len(ranks))))


VIEWER_COMMANDS = _in_order(registry.VIEWER_COMMANDS)
CONSOLE_COMMANDS = _in_order(registry.CONSOLE_COMMANDS)
COMMANDS = (*VIEWER_COMMANDS, *CONSOLE_COMMANDS)
SHARED_COMMANDS = tuple(command.name for command in VIEWER_COMMANDS if command.is_shared)
