"""What everybody in a room has used of their rates: one budget per person, however many sockets they hold. Pure.

A person's budget outlives their sockets: who leaves and comes back finds it as they left it. It is forgotten once it
tells nothing, that is, when all of it is there again and slow mode would not hold its owner back.
"""

from collections import OrderedDict
from collections.abc import Mapping
from itertools import islice

from auth.identity import UserId
from rooms.pace.rates import Bucket, Rate, slow_wait

MAX_PERSONS = 100_000
"""Budgets kept per room, some 500 bytes each. Of more, those longest unused are forgotten, which only lets them in."""
MAX_OWN = 20_000
"""Publications of this gateway whose return is awaited, at most; they are back within milliseconds."""
FORGOTTEN_AT_ONCE = 1_000
"""Budgets looked at by one call of `forget`."""


class Persons:
    """The budgets of one room, by person and by kind of what they do."""

    def __init__(self, rates: Mapping[str, Rate], *, most: int = MAX_PERSONS) -> None:
        self._rates = rates
        self._most = most
        self._used: OrderedDict[UserId, _Used] = OrderedDict()
        """Longest unused first."""
        self._own: set[str] = set()
        self._older_own: set[str] = set()

    def __len__(self) -> int:
        """How many budgets are kept."""
        return len(self._used)

    def take(self, user: UserId, kind: str, now_ms: int) -> int:
        """0: somebody may do this now, and it was counted. Else the least wait in ms. Free where a kind has no rate."""
        rate = self._rates.get(kind)
        return 0 if rate is None else self._of(user).bucket(kind, rate).take(now_ms)

    def wait(self, user: UserId, now_ms: int, slow_ms: int) -> int:
        """How long slow mode holds somebody back still, in ms."""
        used = self._used.get(user)
        return 0 if used is None else slow_wait(used.said_ms, now_ms, slow_ms)

    def said(self, user: UserId, at_ms: int) -> None:
        """Somebody has spoken: slow mode counts from here."""
        used = self._of(user)
        if used.said_ms is None or at_ms > used.said_ms:
            used.said_ms = at_ms

    def expect(self, publication: str) -> None:
        """What carries this name was counted here already: it is not counted again when it comes back."""
        if len(self._own) >= MAX_OWN // 2:
            self._own, self._older_own = set(), self._own
        self._own.add(publication)

    def heard(self, user: UserId, kind: str, publication: str, at_ms: int) -> bool:
        """Count what somebody did elsewhere, whether they had it left or not; False: it was done here."""
        for own in (self._own, self._older_own):
            if publication in own:
                own.remove(publication)
                return False
        rate = self._rates.get(kind)
        if rate is not None:
            # beyond the bucket's bottom, too: else somebody at many gateways had the whole rate at each of them
            self._of(user).bucket(kind, rate).charge(at_ms)
        return True

    def forget(self, now_ms: int, slow_ms: int) -> None:
        """Forget the budgets that tell nothing, some at a time, those longest unused first.

        One that still tells something keeps those behind it, but no longer than its own rest takes.
        """
        for _ in range(FORGOTTEN_AT_ONCE):
            user = next(iter(self._used), None)
            if user is None or not self._used[user].is_rested(now_ms, slow_ms):
                return
            del self._used[user]

    def _of(self, user: UserId) -> "_Used":
        used = self._used.get(user)
        if used is not None:
            self._used.move_to_end(user)
            return used
        if len(self._used) >= self._most:
            for unused in list(islice(self._used, max(1, self._most // 10))):
                del self._used[unused]
        used = self._used[user] = _Used()
        return used


class _Used:
    """What one person has used."""

    __slots__ = ("_buckets", "said_ms")

    def __init__(self) -> None:
        self._buckets: dict[str, Bucket] = {}
        self.said_ms: int | None = None
        """When they spoke last."""

    def bucket(self, kind: str, rate: Rate) -> Bucket:
        """Of one kind; full at first."""
        bucket = self._buckets.get(kind)
        if bucket is None:
            bucket = self._buckets[kind] = Bucket(*rate)
        return bucket

    def is_rested(self, now_ms: int, slow_ms: int) -> bool:
        """Whether a new one would tell the same."""
        return not slow_wait(self.said_ms, now_ms, slow_ms) and all(
            bucket.is_full(now_ms) for bucket in self._buckets.values()
        )
