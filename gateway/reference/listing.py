"""The order in which pages list events and commands: that of version 1.0, then that of the features."""

from collections.abc import Iterable, Sequence
from typing import Any, TypeVar

from gateway.contract.rows import ServerEvent
from gateway.features import registry
from gateway.replica.feature import AnyCommand

_EVENTS = """
welcome danmaku gift retract room stage pins countdown sales leaderboard presence like tier order wallet inbox cohost
streams admission position degraded token:expiring draining bye audit revenue cohost:queue names health
"""
_COMMANDS = """
danmaku gift like cohost:request cohost:cancel cohost:accept cohost:leave streams:refresh token:refresh clock
show:phase room:switches panic mute unmute ban unban kick retract pin unpin announce
cohost:approve cohost:reject cohost:invite cohost:remove countdown:set names:set countdown:clear
"""
# Whoever reads a change of a page sees what changed, and not what moved.

Row = TypeVar("Row", ServerEvent[Any], AnyCommand)


def _in_order(rows: Iterable[Row], listed: Sequence[str]) -> tuple[Row, ...]:
    ranks = {name: rank for rank, name in enumerate(listed)}
    return tuple(sorted(rows, key=lambda row: ranks.get(row.name, len(ranks))))


SERVER_EVENTS = _in_order(registry.SERVER_EVENTS, _EVENTS.split())
VIEWER_COMMANDS = _in_order(registry.VIEWER_COMMANDS, _COMMANDS.split())
CONSOLE_COMMANDS = _in_order(registry.CONSOLE_COMMANDS, _COMMANDS.split())
COMMANDS = (*VIEWER_COMMANDS, *CONSOLE_COMMANDS)
SHARED_COMMANDS = tuple(command.name for command in VIEWER_COMMANDS if command.is_shared)
