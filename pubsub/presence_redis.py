"""Presence over all nodes of one Redis: a hash per room, a field per node; whoever reports drops what is too old."""

import asyncio
from collections.abc import Callable, Mapping
from urllib.parse import quote

import msgspec

from auth.identity import RoomId, Tier
from pubsub.link import BrokerAwayError
from pubsub.presence import REPORT_MS, Counts, added_up
from pubsub.wire_redis import Wire

_REPORT = """
local key, report_ms, node, own = KEYS[1], tonumber(ARGV[2]), ARGV[3], ARGV[4]
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000) + tonumber(ARGV[1])
if own == '' then
  redis.call('HDEL', key, node)
else
  redis.call('HSET', key, node, string.format('%.0f ', now) .. own)
  redis.call('PEXPIRE', key, 2 * report_ms)
end
local reports, answer = redis.call('HGETALL', key), {}
for i = 1, #reports, 2 do
  local at_ms, counts = string.match(reports[i + 1], '^(%d+) (.*)$')
  if at_ms and now - tonumber(at_ms) <= report_ms then
    answer[#answer + 1] = counts
  else
    redis.call('HDEL', key, reports[i])
  end
end
return answer
"""

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
        self._own: dict[RoomId, dict[str, Counts]] = {}

    async def report(self, node: str, rooms: Mapping[RoomId, Counts]) -> Mapping[RoomId, Counts]:
        """Replace the node's reports, one script call a room and all of them at once, and add up the living ones."""
        for room, counts in rooms.items():
            self._remember(node, room, counts)
        answers = [self._ask(node, room, counts) for room, counts in rooms.items()]
        return {room: await self._heard(room, answer) for room, answer in zip(rooms, answers, strict=True)}

    def _remember(self, node: str, room: RoomId, counts: Counts) -> None:
        own = self._own.setdefault(room, {})
        own[node] = counts
        if not counts:
            del own[node]
        if not own:
            del self._own[room]

    def _ask(self, node: str, room: RoomId, counts: Counts) -> asyncio.Future[list[bytes]] | None:
        key = f"{self._prefix}:{{{quote(room, safe='')}}}:online"
        own = msgspec.json.encode(counts) if counts else b""
        try:
            return self._wire.script(_REPORT, (key,), self._lead_ms(), REPORT_MS, node, own)
        except BrokerAwayError:
            return None  # the next report, soon due, brings it

    async def _heard(self, room: RoomId, answer: asyncio.Future[list[bytes]] | None) -> Counts:
        if answer is not None:
            try:
                return added_up(map(_decode, await answer))
            except BrokerAwayError:
                pass
        return added_up(self._own.get(room, {}).values())
