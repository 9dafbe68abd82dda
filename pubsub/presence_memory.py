"""Presence within one process."""

import time
from collections.abc import Callable, Mapping

from auth.identity import RoomId
from pubsub.presence import REPORT_MS, Counts, added_up


class MemoryPresence:
    """Keeps the promises of `pubsub.presence.Presence` for the gateways of one process."""

    def __init__(self, *, monotonic_ms: Callable[[], int] = lambda: time.monotonic_ns() // 1_000_000) -> None:
        self._monotonic_ms = monotonic_ms
        self._reports: dict[RoomId, dict[str, tuple[int, Counts]]] = {}

    async def report(self, node: str, rooms: Mapping[RoomId, Counts]) -> Mapping[RoomId, Counts]:
        """Replace the node's reports, and add up the living ones."""
        now_ms = self._monotonic_ms()
        return {room: self._report(node, room, counts, now_ms) for room, counts in rooms.items()}

    def _report(self, node: str, room: RoomId, counts: Counts, now_ms: int) -> Counts:
        nodes = self._reports.setdefault(room, {})
        if counts:
            nodes[node] = (now_ms, counts)
        else:
            nodes.pop(node, None)
        for silent in [name for name, (at_ms, _) in nodes.items() if now_ms - at_ms > REPORT_MS]:
            del nodes[silent]
        if not nodes:
            del self._reports[room]
        return added_up(counts for _, counts in nodes.values())
