"""The presence port: how many sockets of each tier are in a room, over all gateways.

Guarantees of every adapter, held by `tests/contracts/presence_suite.py`:

* A node's report of a room replaces that node's earlier one; reports of several nodes add up.
* A report not renewed for `REPORT_MS` counts no more, so a dead gateway's sockets vanish by themselves.
* Counts are approximate in time (a report is as old as its node's interval), never in sum.
"""

from collections.abc import Mapping
from typing import Protocol

from auth.identity import RoomId, Tier

REPORT_MS = 15_000
"""How long a report counts; nodes renew theirs at least three times as often."""


class Presence(Protocol):
    """The port."""

    async def report(self, room: RoomId, node: str, counts: Mapping[Tier, int]) -> None:
        """Tell how many sockets of each tier `node` has in `room`; an empty mapping withdraws the report."""
        ...

    async def online(self, room: RoomId) -> Mapping[Tier, int]:
        """Sockets per tier now, every tier present as a key."""
        ...
