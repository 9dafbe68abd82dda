"""The scripts that Redis runs, and the shape of what they read and write. Redis 7.0 command set.

Keys of a channel, all in one slot of a cluster, every one with a time to live:

    :at      hash: e epoch, o offset, r replication id, and per class the last offset (so, lo) and bytes so far (sc, lc)
    :short   stream of what is kept for a short time, entry ids are `<offset>-0`
    :long    the same, for a long time
    :ids0/1  hash: publication id -> offset, time, epoch; each for every other span of the dedupe time
    :out     the sharded pub/sub channel

An entry of a stream has t (when it was accepted), p (the offset before it in its class), b (its bytes), c (bytes of
the class up to and with it) and e (the envelope). So what fell out needs no bookkeeping: it is what the first entry
calls its predecessor, or the last offset of the class where nothing is left, whoever removed it.
"""

import struct
from functools import lru_cache
from urllib.parse import quote

STANDING_MS = 86_400_000
"""A channel without publications for this long is dropped by Redis and restarts with a new epoch."""

_HEAD = struct.Struct(">H")
_ITEM = struct.Struct(">II")

_STANDING = """
local at, out = KEYS[1], KEYS[6]
local clock = redis.call('TIME')
local lead, fresh, seen_epoch, seen_offset = tonumber(ARGV[1]), ARGV[2], ARGV[3], tonumber(ARGV[4])
local now = clock[1] * 1000 + math.floor(clock[2] / 1000) + lead
local keep = {
  s = {key = KEYS[2], ms = tonumber(ARGV[5]), bytes = tonumber(ARGV[6])},
  l = {key = KEYS[3], ms = tonumber(ARGV[7]), bytes = tonumber(ARGV[8])},
}
local standing_ms = tonumber(ARGV[9])

local function whole(number) return string.format('%.0f', number) end

-- another server than the one that counted last, or a count behind what was seen: writes may be lost
local replication = string.match(redis.call('INFO', 'replication'), 'master_replid:(%x+)')
local known = redis.call('HMGET', at, 'e', 'o', 'r', 'so', 'sc', 'lo', 'lc')
local epoch, offset = known[1], tonumber(known[2] or 0)
if not epoch or known[3] ~= replication or (epoch == seen_epoch and offset < seen_offset) then
  redis.call('DEL', at, keep.s.key, keep.l.key)
  epoch, offset, known = fresh, 0, {}
  redis.call('HSET', at, 'e', epoch, 'o', 0, 'r', replication)
end
redis.call('PEXPIRE', at, standing_ms)
keep.s.last, keep.s.total = tonumber(known[4] or 0), tonumber(known[5] or 0)
keep.l.last, keep.l.total = tonumber(known[6] or 0), tonumber(known[7] or 0)

local function entry_from(class, id)
  local entry = redis.call('XRANGE', class.key, id, '+', 'COUNT', 1)[1]
  if not entry then return nil end
  local fields = entry[2]
  return {
    offset = tonumber(string.match(entry[1], '^%d+')),
    before = tonumber(fields[4]),
    kept = now - tonumber(fields[2]) <= class.ms
      and class.total - tonumber(fields[8]) + tonumber(fields[6]) <= class.bytes,
  }
end

-- drops what is too old or too much; answers the last offset of the class that fell out
local function trim(class)
  local first = entry_from(class, '-')
  if not first then return class.last end
  if first.kept then return first.before end
  local low, step = first.offset, 1
  local high = low + step
  while high <= class.last do
    local entry = entry_from(class, whole(high))
    if not entry or entry.kept then break end
    low, step = entry.offset, step * 2
    high = low + step
  end
  while high - low > 1 do
    local middle = math.floor((low + high) / 2)
    local entry = entry_from(class, whole(middle))
    if entry and not entry.kept then low = entry.offset else high = middle end
  end
  redis.call('XTRIM', class.key, 'MINID', whole(high))
  first = entry_from(class, '-')
  if first then return first.before end
  redis.call('DEL', class.key)
  return class.last
end
"""

PUBLISH = (
    _STANDING
    + """
local dedupe_ms = tonumber(ARGV[10])
local span = math.floor(now / dedupe_ms)
local ids, older_ids = KEYS[4 + span % 2], KEYS[4 + (span + 1) % 2]
local answer, parts, touched = {epoch}, {}, {}

local function accepted(id)
  for _, key in ipairs({ids, older_ids}) do
    local value = redis.call('HGET', key, id)
    if value then
      local old_offset, at_ms, old_epoch = string.match(value, '^(%d+) (%d+) (.*)$')
      if now - tonumber(at_ms) <= dedupe_ms then return tonumber(old_offset), old_epoch end
    end
  end
end

for i = 11, #ARGV, 4 do
  local id, class, bytes, envelope = ARGV[i], keep[ARGV[i + 1]], tonumber(ARGV[i + 2]), ARGV[i + 3]
  local old_offset, old_epoch = accepted(id)
  if old_offset then
    answer[#answer + 1] = {old_offset, old_epoch}
  else
    offset = offset + 1
    redis.call('HSET', ids, id, whole(offset) .. ' ' .. whole(now) .. ' ' .. epoch)
    if class then
      class.total = class.total + bytes
      redis.call('XADD', class.key, whole(offset) .. '-0', 't', whole(now), 'p', whole(class.last),
        'b', bytes, 'c', whole(class.total), 'e', envelope)
      class.last = offset
      touched[ARGV[i + 1]] = class
    end
    parts[#parts + 1] = struct.pack('>I4I4', offset, #envelope) .. envelope
    answer[#answer + 1] = {offset}
  end
end

if #parts > 0 then
  redis.call('HSET', at, 'o', whole(offset))
  redis.call('PEXPIREAT', ids, whole((span + 2) * dedupe_ms - lead))
  for name, class in pairs(touched) do
    trim(class)
    redis.call('PEXPIRE', class.key, class.ms + 1000)
    redis.call('HSET', at, name .. 'o', whole(class.last), name .. 'c', whole(class.total))
  end
  redis.call('SPUBLISH', out, struct.pack('>I2', #epoch) .. epoch .. table.concat(parts))
end
return answer
"""
)
"""Counts, appends and publishes. Answers the epoch, then per publication its offset and, if it was known, its epoch."""

RECOVER = (
    _STANDING
    + """
local after_epoch, after, page = ARGV[10], tonumber(ARGV[11]), tonumber(ARGV[12])
if after_epoch ~= epoch or after > offset then return {epoch, offset, offset, 0, 0, '', ''} end
local answer, found, reached = {epoch, offset}, {}, offset
for index, class in ipairs({keep.s, keep.l}) do
  answer[index + 3] = after >= trim(class) and 1 or 0
  local entries = redis.call('XRANGE', class.key, whole(after + 1), '+', 'COUNT', page)
  for i, entry in ipairs(entries) do entries[i] = {tonumber(string.match(entry[1], '^%d+')), entry[2][10]} end
  if #entries == page then reached = math.min(reached, entries[page][1]) end
  found[index] = entries
end
for index, entries in ipairs(found) do
  local parts = {}
  for i, entry in ipairs(entries) do
    if entry[1] > reached then break end
    parts[i] = struct.pack('>I4I4', entry[1], #entry[2]) .. entry[2]
  end
  answer[index + 5] = table.concat(parts)
end
answer[3] = reached
return answer
"""
)
"""Answers epoch, offset, the offset up to which this page of the history goes, whether short and long are complete
after a place, and the items of both."""

STAND = _STANDING + "return {epoch, offset}"
"""Answers the epoch and the offset."""


@lru_cache(10_000)
def keys_of(prefix: str, channel: str) -> tuple[str, ...]:
    """The keys of a channel as the scripts want them; the last is its pub/sub channel."""
    tagged = f"{prefix}:{{{quote(channel, safe='')}}}"
    return tuple(f"{tagged}:{part}" for part in ("at", "short", "long", "ids0", "ids1", "out"))


def unpack(message: bytes) -> tuple[str, list[tuple[int, bytes]]]:
    """Epoch, and offset and envelope of each publication; raises ValueError for what no script has packed."""
    if len(message) < _HEAD.size:
        raise ValueError("cut short")
    (length,) = _HEAD.unpack_from(message)
    place = _HEAD.size + length
    return message[_HEAD.size : place].decode(), unpack_items(message[place:])


def unpack_items(message: bytes) -> list[tuple[int, bytes]]:
    """Offset and envelope of each publication; raises ValueError for what no script has packed."""
    items, place = [], 0
    while place < len(message):
        if place + _ITEM.size > len(message):
            raise ValueError("cut short")
        offset, length = _ITEM.unpack_from(message, place)
        place += _ITEM.size + length
        items.append((offset, message[place - length : place]))
    if place != len(message):
        raise ValueError("cut short")
    return items
