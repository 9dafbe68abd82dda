"""Who may go in now, who waits and in which order, and who must come back later. Pure: time and chance come in.

One `WaitingRoom` serves all rooms of a process, because what it spares is the process. Those who were inside a moment
ago go first, then vip, main and everybody else; within a kind rooms take turns, and within a room first come is first
served. A place belongs to a user, not to a socket, and is kept for a while when its user drops out.
"""

from bisect import bisect_left, insort
from collections import Counter, OrderedDict, deque
from dataclasses import dataclass
from enum import IntEnum
from typing import Final, NamedTuple

from auth.identity import RoomId, Tier, UserId
from rooms.pace.level import Level

KEPT_FOR_BETTER: Final = 0.1
"""Which part of the places main and those below it leave to those above."""
LOOK_SECONDS: Final = 0.1
"""How often the queue is looked at, at least."""
LEAST_RETRY_MS: Final = 1_000
MOST_RETRY_MS: Final = 300_000
MOST_ETA_MS: Final = 3_600_000
PACE_MS: Final = 1_000
SLOW_PACE_MS: Final = 10_000
PACE_COUNT: Final = 5
"""The pace of admissions is measured over the first and so many of them, or over the second."""
PACE_WEIGHT: Final = 0.3
"""Of the newest measurement."""


class Lane(IntEnum):
    """Kinds of waiting, the first to go in first."""

    RETURNING = 0
    """Inside a moment ago: cut off, or sent here by another gateway that goes down."""
    VIP = 1
    MAIN = 2
    OPEN = 3
    """Without a ticket that is paid in full."""


_LANES: Final = {Tier.NONE: Lane.OPEN, Tier.LOBBY: Lane.OPEN, Tier.MAIN: Lane.MAIN, Tier.VIP: Lane.VIP}


class Key(NamedTuple):
    """Whose place it is."""

    room: RoomId
    user: UserId


class Entry(IntEnum):
    """What becomes of somebody who comes."""

    ADMITTED = 0
    WAITS = 1
    REFUSED = 2


class Standing(NamedTuple):
    """Where somebody stands in the queue of their room, from 1, and about how long it will take."""

    position: int
    eta_ms: int


class AdmissionBudget:
    """A token bucket of admissions: `per_second` on average, `burst` at once after a rest, less while we are late.

    The queue is looked at a few times a second: a burst smaller than what comes in between would slow it down.
    """

    def __init__(self, per_second: float, burst: int) -> None:
        self._level = Level(per_second, max(burst, per_second * LOOK_SECONDS))

    @property
    def refill(self) -> float:
        """How many a second it gives at the moment."""
        return self._level.refill

    def take(self, now_ms: int) -> bool:
        """Whether one more may go in; counted where they may."""
        return self._level.take(1, now_ms)

    def has(self, now_ms: int) -> bool:
        """Whether one more may go in."""
        return self._level.left(now_ms) >= 1

    def slow_down(self, lag_ms: int) -> None:
        """Take in how late the event loop ran."""
        self._level.slow_down(lag_ms)


@dataclass(slots=True)
class _Place:
    number: int
    """Of arrival, over all rooms."""
    tier: Tier
    lane: Lane
    absent_since_ms: int | None = None


class WaitingRoom:
    """The queue. Whoever waits is admitted by `next` and by nothing else, and once."""

    def __init__(self, budget: AdmissionBudget, returns: AdmissionBudget, *, places: int, grace_ms: int) -> None:
        self._budget = budget
        self._returns = returns
        """Those who come back have a budget of their own: a restart next door must not wait behind the crowd."""
        self._bounds = {lane: places - (int(places * KEPT_FOR_BETTER) if lane >= Lane.MAIN else 0) for lane in Lane}
        self._grace_ms = grace_ms
        self._places: dict[Key, _Place] = {}
        self._keys: dict[int, Key] = {}
        """By number, of those who are there."""
        self._queues: dict[Lane, OrderedDict[RoomId, list[int]]] = {lane: OrderedDict() for lane in Lane}
        """Numbers of those who are there, in order; the room whose turn it is first."""
        self._present = Counter[Lane]()
        self._tiers = Counter[Tier]()
        self._absent: deque[tuple[int, Key]] = deque()
        """Since when, oldest first; some are back or gone."""
        self._next_number = 0
        self._pace = _Pace()

    def __len__(self) -> int:
        """How many wait and are there."""
        return len(self._keys)

    @property
    def taken(self) -> int:
        """Places taken, those of the absent included."""
        return len(self._places)

    def waiting(self) -> dict[Tier, int]:
        """How many wait and are there, by ticket."""
        return {tier: self._tiers[tier] for tier in Tier}

    def is_open(self, now_ms: int) -> bool:
        """Whether somebody new would be admitted at once."""
        return not self._keys and self._budget.has(now_ms)

    def holds(self, key: Key) -> bool:
        """Whether somebody has a place."""
        return key in self._places

    def come(self, key: Key, tier: Tier, now_ms: int, *, returning: bool) -> Entry:
        """Somebody is at the door, and may come in. Who has a place keeps it, with what the ticket is worth now."""
        lane = Lane.RETURNING if returning else _LANES[tier]
        place = self._places.get(key)
        if place is not None:
            self._remove(key, place)
            place.tier, place.absent_since_ms = tier, None
            if place.lane is not Lane.RETURNING:
                place.lane = lane
            self._insert(key, place)
            return Entry.WAITS
        if returning and self._returns.take(now_ms):
            return Entry.ADMITTED
        if not self._keys and self._budget.take(now_ms):
            return Entry.ADMITTED
        if len(self._places) >= self._bounds[lane]:
            return Entry.REFUSED
        if not self._keys:
            self._pace.begin(now_ms)
        self._next_number += 1
        self._places[key] = place = _Place(self._next_number, tier, lane)
        self._insert(key, place)
        return Entry.WAITS

    def retier(self, key: Key, tier: Tier) -> None:
        """The ticket is worth something else now: its holder stands where they would, had it always been so."""
        place = self._places.get(key)
        if place is None:
            return
        self._remove(key, place)
        place.tier = tier
        if place.lane is not Lane.RETURNING:
            place.lane = _LANES[tier]
        if place.absent_since_ms is None:
            self._insert(key, place)

    def drop_out(self, key: Key, now_ms: int) -> None:
        """Gone, perhaps for a moment: the place is kept for as long as the grace lasts, and holds up nobody."""
        place = self._places.get(key)
        if place is not None and place.absent_since_ms is None:
            self._remove(key, place)
            place.absent_since_ms = now_ms
            self._absent.append((now_ms, key))

    def forget(self, key: Key) -> None:
        """Give a place up at once: its holder is inside by another way, or sent away."""
        place = self._places.pop(key, None)
        if place is not None:
            self._remove(key, place)

    def next(self, now_ms: int) -> Key | None:
        """Whoever goes in now, who has no place any more; None: nobody waits, or the budget is spent."""
        self._expire(now_ms)
        if not self._keys:
            return None
        lane = next(lane for lane in Lane if self._present[lane])
        if not (lane is Lane.RETURNING and self._returns.take(now_ms)) and not self._budget.take(now_ms):
            self._pace.measure(now_ms)
            return None
        room, numbers = next(iter(self._queues[lane].items()))
        key = self._keys[numbers[0]]
        self._remove(key, self._places.pop(key))
        if room in self._queues[lane]:
            self._queues[lane].move_to_end(room)
        self._pace.count += 1
        self._pace.measure(now_ms)
        return key

    def standing(self, key: Key) -> Standing | None:
        """Where somebody stands who waits and is there."""
        place = self._places.get(key)
        if place is None or place.absent_since_ms is not None:
            return None
        mine = self._queues[place.lane]
        index = bisect_left(mine[key.room], place.number)
        position = 1 + index + sum(len(self._queues[lane].get(key.room, ())) for lane in Lane if lane < place.lane)
        others = self._present[place.lane] - len(mine[key.room])
        # rooms take turns: of each other room about as many go in as of this one
        ahead = sum(self._present[lane] for lane in Lane if lane < place.lane)
        ahead += index + min(others, index * (len(mine) - 1))
        return Standing(position, self._after(ahead + 1))

    def retry_ms(self, chance: float) -> int:
        """When somebody who was refused should come back: spread over the time the queue needs, by a chance in 0..1."""
        return min(MOST_RETRY_MS, LEAST_RETRY_MS + round(chance * self._after(len(self._places))))

    def slow_down(self, lag_ms: int) -> None:
        """Take in how late the event loop ran: a process that is late admits fewer."""
        self._budget.slow_down(lag_ms)
        self._returns.slow_down(lag_ms)

    def _after(self, admissions: int) -> int:
        pace = self._pace.per_second or self._budget.refill
        return max(1, min(MOST_ETA_MS, round(admissions / pace * 1000)))

    def _expire(self, now_ms: int) -> None:
        while self._absent and now_ms - self._absent[0][0] >= self._grace_ms:
            since_ms, key = self._absent.popleft()
            place = self._places.get(key)
            if place is not None and place.absent_since_ms == since_ms:
                del self._places[key]

    def _insert(self, key: Key, place: _Place) -> None:
        insort(self._queues[place.lane].setdefault(key.room, []), place.number)
        self._keys[place.number] = key
        self._present[place.lane] += 1
        self._tiers[place.tier] += 1

    def _remove(self, key: Key, place: _Place) -> None:
        """Out of its queue, if it is in one."""
        if self._keys.pop(place.number, None) is None:
            return
        numbers = self._queues[place.lane][key.room]
        del numbers[bisect_left(numbers, place.number)]
        if not numbers:
            del self._queues[place.lane][key.room]
        self._present[place.lane] -= 1
        self._tiers[place.tier] -= 1


class _Pace:
    """How many go in a second, as measured while somebody waits."""

    def __init__(self) -> None:
        self.count = 0
        self.per_second = 0.0
        """0: not measured yet."""
        self._since_ms = 0

    def begin(self, now_ms: int) -> None:
        """The queue was empty: what was measured before says nothing of now."""
        self.count, self.per_second, self._since_ms = 0, 0.0, now_ms

    def measure(self, now_ms: int) -> None:
        """Take in the time since the last measurement, once there is enough of it."""
        elapsed_ms = now_ms - self._since_ms
        if elapsed_ms < (PACE_MS if self.count >= PACE_COUNT else SLOW_PACE_MS):
            return
        measured = max(0.5, self.count) / elapsed_ms * 1000
        known = self.per_second
        self.per_second = known + PACE_WEIGHT * (measured - known) if known else measured
        self.count, self._since_ms = 0, now_ms
