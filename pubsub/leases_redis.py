"""Leases over all nodes of one Redis: a field per seat in a hash of the room, and beside it the last fence and an era.

Keys, both of a room in one slot of a cluster:

    :seats   hash: f the last fence, e the era, r the replication id that the era belongs to
    :leases  hash: by seat, msgpack: the floor (the greatest fence that found no room), then holder, device, fence, end
             of each; it goes when nobody has held a seat of the room for the length of a lease

So a batch costs Redis a handful of commands, however many leases are in it.
"""

import time
import uuid
from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import quote

from auth.identity import RoomId
from pubsub.leases import LEASE_MS, HolderId, Lease, SeatId, Verdict
from pubsub.link import BrokerAwayError
from pubsub.wire_redis import Wire

BATCH = 500
"""How many leases one script call processes; Redis serves other commands between calls."""
STANDING_MS = 600_000
"""How long a room without seats keeps its era and last fence; later fences are greater by the clock."""

_NOW = """
local clock = redis.call('TIME')
local now_us = clock[1] * 1000000 + clock[2] + tonumber(ARGV[1]) * 1000
local now = math.floor(now_us / 1000)
local function standing(value)
  local seat = value and cmsgpack.unpack(value) or {0}
  local living = {}
  for i = 2, #seat do
    if seat[i][4] > now then living[#living + 1] = seat[i] end
  end
  return living, seat[1]
end
"""

_HOLD = (
    _NOW
    + """
local lease_ms = tonumber(ARGV[2])
local last = tonumber(redis.call('HGET', KEYS[1], 'f') or 0)
local answer = {}

-- adds a lease to the living, smallest fence first; answers whether it stands, the new floor, and who lost
local function settle(living, floor, mine, devices)
  local ousted, others, place = {}, {}, 1
  for _, one in ipairs(living) do
    if one[2] ~= mine[2] then others[#others + 1] = one
    elseif one[3] > mine[3] then return living, floor, 0, {}
    else ousted[#ousted + 1] = one[1] end
  end
  while others[place] and others[place][3] < mine[3] do place = place + 1 end
  table.insert(others, place, mine)
  local stands = 1
  while #others > devices do
    local lost = table.remove(others, 1)
    if lost == mine then stands = 0 else ousted[#ousted + 1] = lost[1] end
    if lost[3] > floor then floor = lost[3] end
  end
  return others, floor, stands, ousted
end

local seats = {}
for at = 4, #ARGV, 5 do seats[#seats + 1] = ARGV[at] end
local known, kept = redis.call('HMGET', KEYS[2], unpack(seats)), {}
local met = {}
for i, seat in ipairs(seats) do
  local at = 5 * i
  local device, holder = ARGV[at], ARGV[at + 1]
  local devices, fence = tonumber(ARGV[at + 2]), tonumber(ARGV[at + 3])
  local living, floor = standing(met[seat] or known[i])
  local stands, ousted = nil, {}
  for _, one in ipairs(living) do
    if one[1] == holder then
      stands, fence, one[4] = 1, one[3], now + lease_ms
    end
  end
  if not stands then
    if fence == 0 then fence = math.max(now_us, last + 1) end
    if fence > last then last = fence end
    if fence <= floor then
      stands = 0
    else
      living, floor, stands, ousted = settle(living, floor, {holder, device, fence, now + lease_ms}, devices)
    end
  end
  met[seat] = cmsgpack.pack({floor, unpack(living)})
  answer[i] = {fence, stands, unpack(ousted)}
end
for seat, value in pairs(met) do
  kept[#kept + 1] = seat
  kept[#kept + 1] = value
end
redis.call('HSET', KEYS[2], unpack(kept))
redis.call('PEXPIRE', KEYS[2], lease_ms)
redis.call('HSET', KEYS[1], 'f', string.format('%.0f', last))
redis.call('PEXPIRE', KEYS[1], tonumber(ARGV[3]))
return answer
"""
)
"""Arguments: lead, length of a lease, how long the first key is kept, then seat, device, holder, devices and fence of
each lease. Answers for each its fence, whether it stands, and who was ousted."""

_RELEASE = (
    _NOW
    + """
for at = 2, #ARGV, 2 do
  local seat, holder = ARGV[at], ARGV[at + 1]
  local value = redis.call('HGET', KEYS[1], seat)
  local living, floor = standing(value)
  local others = {}
  for _, one in ipairs(living) do
    if one[1] ~= holder then others[#others + 1] = one end
  end
  if #others == 0 and floor == 0 then
    redis.call('HDEL', KEYS[1], seat)
  elseif value then
    redis.call('HSET', KEYS[1], seat, cmsgpack.pack({floor, unpack(others)}))
  end
end
return 0
"""
)

_OTHERS = (
    _NOW
    + """
local seen, count = {[ARGV[3]] = true}, 0
for _, one in ipairs((standing(redis.call('HGET', KEYS[1], ARGV[2])))) do
  if not seen[one[2]] then
    seen[one[2]], count = true, count + 1
  end
end
return count
"""
)

_ERA = """
local replication = string.match(redis.call('INFO', 'replication'), 'master_replid:(%x+)')
local known = redis.call('HMGET', KEYS[1], 'e', 'r')
local era = known[1]
if not era or known[2] ~= replication then
  era = ARGV[1]
  redis.call('HSET', KEYS[1], 'e', era, 'r', replication)
end
redis.call('PEXPIRE', KEYS[1], tonumber(ARGV[2]))
return era
"""


class RedisLeases:
    """Keeps the promises of `pubsub.leases.Leases` among all nodes with the same Redis and prefix.

    `lead_ms` is added to the clock of Redis (for tests).
    """

    def __init__(
        self,
        wire: Wire,
        *,
        lease_ms: int = LEASE_MS,
        prefix: str = "liveroom",
        clock_us: Callable[[], int] = lambda: time.time_ns() // 1_000,
        lead_ms: Callable[[], int] = lambda: 0,
    ) -> None:
        self._wire = wire
        self._lease_ms = lease_ms
        self._prefix = prefix
        self._clock_us = clock_us
        self._lead_ms = lead_ms
        self._last = 0
        """The greatest fence seen so far."""
        self._guesses = 0
        """How often a lease was granted while the store was down; part of the era."""

    async def hold(self, room: RoomId, leases: Sequence[Lease]) -> list[Verdict]:
        """Claim, renew or restore; in batches."""
        verdicts: list[Verdict] = []
        for batch in _batches(leases):
            verdicts += await self._hold(room, batch)
            self._last = max(self._last, *(verdict.fence for verdict in verdicts[-len(batch) :]))
        return verdicts

    async def release(self, room: RoomId, leases: Sequence[Lease]) -> None:
        """Give up; in batches."""
        for batch in _batches(leases):
            given_up = (word for lease in batch for word in (lease.seat, lease.holder))
            try:
                await self._wire.script(_RELEASE, (self._key(room, "leases"),), self._lead_ms(), *given_up)
            except BrokerAwayError:
                return  # they end by themselves

    async def others(self, room: RoomId, seat: SeatId, device: str) -> int:
        """How many other devices use the seat now."""
        try:
            count: int = await self._wire.script(_OTHERS, (self._key(room, "leases"),), self._lead_ms(), seat, device)
        except BrokerAwayError:
            return 0
        return count

    async def era(self, room: RoomId) -> str | None:
        """A new value whenever the store has lost the last one, or another server took over."""
        try:
            era: bytes = await self._wire.script(_ERA, (self._key(room, "seats"),), uuid.uuid4().hex, STANDING_MS)
        except BrokerAwayError:
            return None
        return f"{era.decode()}.{self._guesses}"

    async def _hold(self, room: RoomId, batch: Sequence[Lease]) -> list[Verdict]:
        keys = (self._key(room, "seats"), self._key(room, "leases"))
        asked = (
            word for lease in batch for word in (lease.seat, lease.device, lease.holder, lease.devices, lease.fence)
        )
        try:
            answers: list[list[Any]] = await self._wire.script(
                _HOLD, keys, self._lead_ms(), self._lease_ms, STANDING_MS, *asked
            )
        except BrokerAwayError:
            self._guesses += 1
            return [Verdict(lease.fence or self._fence_by_the_clock(), holds=True) for lease in batch]
        return [
            Verdict(fence, bool(stands), tuple(HolderId(holder.decode()) for holder in ousted))
            for fence, stands, *ousted in answers
        ]

    def _fence_by_the_clock(self) -> int:
        self._last = max(self._last + 1, self._clock_us())
        return self._last

    def _key(self, room: RoomId, name: str) -> str:
        return f"{self._prefix}:{{{quote(room, safe='')}}}:{name}"


def _batches(leases: Sequence[Lease]) -> list[Sequence[Lease]]:
    return [leases[start : start + BATCH] for start in range(0, len(leases), BATCH)]
