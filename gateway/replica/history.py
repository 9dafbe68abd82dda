"""The latest history of a room as this gateway heard it, and what of it somebody missed who comes back with a cursor.

A storm of reconnects is answered from `Recent`, without the wire.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from msgspec import Struct

from auth.identity import Tier
from gateway.contract.cursor import to_cursor
from gateway.replica.news import AnyEvent, Book, History
from pubsub.broker import Delivery, Position
from rooms.chat.events import DanmakuSaid, Retracted


class HistoryEvent(Protocol):
    """Something that was published to the history of a room."""

    @property
    def id(self) -> str: ...
    @property
    def floor(self) -> Tier:
        """The least tier that may see it."""
        ...


class Past:
    """An event of the history at its place."""

    __slots__ = ("_missed", "_row", "at_ms", "event", "position")

    def __init__(self, row: History[Any], position: Position, at_ms: int, event: HistoryEvent) -> None:
        self._row = row
        self.position = position
        self.at_ms = at_ms
        self.event = event
        self._missed: Any = None

    @property
    def missed(self) -> Struct:
        """As those are told of it who missed it; made once for all of them."""
        if self._missed is None:
            row = self._row
            payload = row.event.payload([row.item(self.event)], to_cursor(self.position))
            self._missed = row.missed(payload)
        missed: Struct = self._missed
        return missed


@dataclass(frozen=True, slots=True)
class Recovered:
    """What was missed, for everybody: each is told of it what their tier let them read at the time."""

    past: Sequence[Past]
    position: Position
    """Continuing from here misses nothing more."""
    short_complete: bool
    long_complete: bool

    @property
    def began_ms(self) -> int:
        """When the earliest of what was missed was published: what tier somebody held before does not matter."""
        return min(one.at_ms for one in self.past)

    def missed_by(self, history: list[tuple[int, Tier]], *, is_staff: bool) -> list[Struct]:
        """The part of somebody with this history of tiers, as (at_ms, tier from then on)."""
        return [one.missed for one in self.past if is_staff or _tier_at(history, one.at_ms) >= one.event.floor]


class Recent:
    """The latest history of a room as it came here, without a gap since `since`; bounded by age and by bytes."""

    def __init__(self, book: Book, since: Position, max_ms: int, max_bytes: int) -> None:
        self.book = book
        self._since = since
        self._max_ms = max_ms
        self._max_bytes = max_bytes
        self._kept: deque[tuple[Past, int, int]] = deque()
        """Each with its bytes, and when it came (milliseconds)."""
        self._bytes = 0
        self._said: dict[str, DanmakuSaid] = {}
        self._unsure = Position("", 0)
        """After what place something was last said that has none, for the wire was away."""

    def add(self, delivery: Delivery, event: AnyEvent, now_ms: int) -> None:
        """Take in what was delivered, in order."""
        position = delivery.position
        if delivery.degraded:
            self._unsure = position
            return
        if position.epoch != self._since.epoch:
            self.restart(Position(position.epoch, position.offset - 1))
        row = self.book.entries[type(event)].history
        if row is None or position.offset <= self._since.offset:
            return
        if isinstance(event, DanmakuSaid):
            self._said[event.id] = event
        elif isinstance(event, Retracted):
            self._said.pop(event.id, None)
        size = len(delivery.publication.body)
        self._kept.append((Past(row, position, delivery.publication.at_ms, event), size, now_ms))
        self._bytes += size
        self._forget(now_ms)

    def past_of(self, delivery: Delivery, event: AnyEvent) -> list[Past]:
        """A publication at its place, where it belongs to the history; else nothing."""
        row = self.book.entries[type(event)].history
        return [] if row is None else [Past(row, delivery.position, delivery.publication.at_ms, event)]

    def restart(self, since: Position) -> None:
        """There may be a gap up to here: what came before counts no more."""
        self._since = since
        self._kept.clear()
        self._said.clear()
        self._bytes = 0

    def find(self, danmaku: str) -> DanmakuSaid | None:
        """A danmaku said lately: the batch that stores it may be on its way still."""
        return self._said.get(danmaku)

    def since(self, after: Position, here: Position, now_ms: int) -> Recovered | None:
        """What came after a place up to `here`; None: that is not all known here."""
        self._forget(now_ms)
        if not after.epoch == here.epoch == self._since.epoch or not self._since.offset <= after.offset <= here.offset:
            return None
        past: list[Past] = []
        for one, _, _ in reversed(self._kept):
            if one.position.offset <= after.offset:
                break
            past.append(one)
        past.reverse()
        return Recovered(past, here, short_complete=self.is_sure(after), long_complete=True)

    def is_sure(self, after: Position) -> bool:
        """Whether nothing was said here after a place that no history has."""
        return after.epoch != self._unsure.epoch or after.offset > self._unsure.offset

    def _forget(self, now_ms: int) -> None:
        while self._kept and (self._bytes > self._max_bytes or now_ms - self._kept[0][2] > self._max_ms):
            past, size, _ = self._kept.popleft()
            self._since = past.position
            self._bytes -= size
            if isinstance(past.event, DanmakuSaid):
                self._said.pop(past.event.id, None)


def _tier_at(history: list[tuple[int, Tier]], at_ms: int) -> Tier:
    tier = Tier.NONE
    for since_ms, held in history:
        if since_ms > at_ms:
            break
        tier = held
    return tier
