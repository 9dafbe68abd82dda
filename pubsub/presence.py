"""The presence port: how many sockets of each tier are in a room, over all gateways.

Guarantees of every adapter, held by `tests/contracts/presence_suite.py`:

* A node's report of a room replaces that node's earlier one; reports of several nodes add up.
* A report not renewed for `REPORT_MS` counts no more, so a dead gateway's sockets vanish by themselves.
* Counts are approximate in time (a report is as old as its node's interval), never in sum.
"""

from collections.abc import Iterable, Mapping
from typing import Protocol

from auth.identity import RoomId, Tier

REPORT_MS = 15_000
"""How long a report counts; nodes renew theirs at least three times as often."""

Counts = Mapping[Tier, int]
"""Sockets per tier."""


class Presence(Protocol):
    """The port."""

    async def report(self, node: str, rooms: Mapping[RoomId, Counts]) -> Mapping[RoomId, Counts]:
        """Tell how many sockets `node` has in each of some rooms, and hear how many all nodes have there now.

        Empty counts withdraw the node's report of a room. In the answer every tier is a key.
        """
        ...


_NOBODY = dict.fromkeys(Tier, 0)


def added_up(reports: Iterable[Counts]) -> Counts:
    """The sum of what several nodes have in a room."""
    totals = _NOBODY.copy()
    for counts in reports:
        for tier, count in counts.items():
            totals[tier] += count
    return totals
