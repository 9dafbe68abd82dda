"""Presence over all nodes of one Redis: a hash per room, a field per node; whoever reads drops what is too old."""

from collections.abc import Callable, Mapping
from urllib.parse import quote

import msgspec

from auth.identity import RoomId, Tier
from pubsub.link import BrokerAwayError
from pubsub.presence import REPORT_MS
from pubsub.wire_redis import Wire

_NOW = """
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000) + tonumber(ARGV[1])
local report_ms = tonumber(ARGV[2])
"""

_REPORT = (
    _NOW
    + """
if ARGV[4] == '' then return redis.call('HDEL', KEYS[1], ARGV[3]) end
redis.call('HSET', KEYS[1], ARGV[3], string.format('%.0f ', now) .. ARGV[4])
return redis.call('PEXPIRE', KEYS[1], 2 * report_ms)
"""
)

_ONLINE = (
    _NOW
    + """
local reports, answer = redis.call('HGETALL', KEYS[1]), {}
for i = 1, #reports, 2 do
  local at_ms, counts = string.match(reports[i + 1], '^(%d+) (.*)$')
  if at_ms and now - tonumber(at_ms) <= report_ms then
    answer[#answer + 1] = counts
  else
    redis.call('HDEL', KEYS[1], reports[i])
  end
end
return answer
"""
)

_decode = msgspec.json.Decoder(dict[Tier, int]).decode


class RedisPresence:
    """Keeps the promises of `pubsub.presence.Presence` among all nodes with the same Redis and prefix.

    While Redis is away nothing raises, and only what was reported through this object counts. `lead_ms` is added to
    the clock of Redis (for tests).
    """

    def __init__(self, wire: Wire, *, prefix: str = "liveroom", lead_ms: Callable[[], int] = lambda: 0) -> None:
        self._wire = wire
        self._prefix = prefix
        self._lead_ms = lead_ms
        self._own: dict[RoomId, dict[str, Mapping[Tier, int]]] = {}

    async def report(self, room: RoomId, node: str, counts: Mapping[Tier, int]) -> None:
        """Replace the node's report of this room."""
        own = self._own.setdefault(room, {})
        own[node] = dict(counts)
        if not counts:
            del own[node]
        if not own:
            del self._own[room]
        try:
            await self._run(_REPORT, room, node, msgspec.json.encode(counts) if counts else b"")
        except BrokerAwayError:
            return  # the next report, soon due, brings it

    async def online(self, room: RoomId) -> Mapping[Tier, int]:
        """Sum the living reports."""
        try:
            reports = [_decode(report) for report in await self._run(_ONLINE, room)]
        except BrokerAwayError:
            reports = [dict(counts) for counts in self._own.get(room, {}).values()]
        totals = dict.fromkeys(Tier, 0)
        for counts in reports:
            for tier, count in counts.items():
                totals[tier] += count
        return totals

    async def _run(self, script: str, room: RoomId, *arguments: str | bytes) -> list[bytes]:
        key = f"{self._prefix}:{{{quote(room, safe='')}}}:online"
        answer: list[bytes] = await self._wire.script(script, (key,), self._lead_ms(), REPORT_MS, *arguments)
        return answer
