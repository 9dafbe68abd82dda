"""Presence within one process."""

import time
from collections.abc import Callable, Mapping

from auth.identity import RoomId, Tier
from pubsub.presence import REPORT_MS


class MemoryPresence:
    """Keeps the promises of `pubsub.presence.Presence` for the gateways of one process."""

    def __init__(self, *, monotonic_ms: Callable[[], int] = lambda: time.monotonic_ns() // 1_000_000) -> None:
        self._monotonic_ms = monotonic_ms
        self._reports: dict[RoomId, dict[str, tuple[int, Mapping[Tier, int]]]] = {}

    async def report(self, room: RoomId, node: str, counts: Mapping[Tier, int]) -> None:
        """Replace the node's report of this room."""
        nodes = self._reports.setdefault(room, {})
        nodes[node] = (self._monotonic_ms(), dict(counts))
        if not counts:
            del nodes[node]
        self._forget_expired(room)

    async def online(self, room: RoomId) -> Mapping[Tier, int]:
        """Sum the living reports."""
        self._forget_expired(room)
        totals = dict.fromkeys(Tier, 0)
        for _, counts in self._reports.get(room, {}).values():
            for tier, count in counts.items():
                totals[tier] += count
        return totals

    def _forget_expired(self, room: RoomId) -> None:
        oldest = self._monotonic_ms() - REPORT_MS
        living = {node: report for node, report in self._reports.get(room, {}).items() if report[0] >= oldest}
        if living:
            self._reports[room] = living
        else:
            self._reports.pop(room, None)
