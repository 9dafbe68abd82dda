"""The broker of one process: the embedded default, and the reference for the contract suite."""

import logging
import time
import uuid
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from heapq import merge

from pubsub.broker import DEDUPE_MS, Delivery, Position, Publication, Receive, Recovery, Retention

log = logging.getLogger(__name__)

SHORT_MS = 120_000
SHORT_BYTES = 8 * 2**20
LONG_MS = 3_600_000
LONG_BYTES = 4 * 2**20
MAX_CHANNELS = 10_000
"""How many channels are kept; beyond it the oldest without subscribers is dropped, and restarts with a new epoch."""


class MemoryBroker:
    """Keeps the promises of `pubsub.broker.Broker` among the tasks of one event loop.

    `monotonic_ms` measures the age of what is kept; `new_epoch` must never answer the same twice.
    """

    def __init__(
        self,
        *,
        short_ms: int = SHORT_MS,
        short_bytes: int = SHORT_BYTES,
        long_ms: int = LONG_MS,
        long_bytes: int = LONG_BYTES,
        max_channels: int = MAX_CHANNELS,
        monotonic_ms: Callable[[], int] = lambda: time.monotonic_ns() // 1_000_000,
        new_epoch: Callable[[], str] = lambda: uuid.uuid4().hex,
    ) -> None:
        self._bounds = {Retention.SHORT: (short_ms, short_bytes), Retention.LONG: (long_ms, long_bytes)}
        self._max_channels = max_channels
        self._monotonic_ms = monotonic_ms
        self._new_epoch = new_epoch
        self._channels: dict[str, _Channel] = {}
        self._closed = False

    async def publish(self, channel: str, *publications: Publication) -> Position:
        """Append and deliver without yielding to the loop, so that no other publication comes between."""
        to, now_ms = self._channel(channel), self._monotonic_ms()
        return [to.publish(publication, now_ms) for publication in publications][-1]

    def post(self, channel: str, publication: Publication) -> None:
        """Append and deliver at once."""
        self._channel(channel).publish(publication, self._monotonic_ms())

    async def subscribe(self, channel: str, receive: Receive) -> "MemorySubscription":
        """Deliver everything published from the return of this call on."""
        subscription = MemorySubscription(self._channel(channel), receive)
        subscription.channel.subscriptions.append(subscription)
        return subscription

    async def position(self, channel: str) -> Position:
        """Where the channel stands now."""
        return self._channel(channel).position

    async def recover(self, channel: str, after: Position) -> Recovery:
        """What was published after a position, as far as it is kept."""
        return self._channel(channel).recover(after, self._monotonic_ms())

    async def close(self) -> None:
        """End all subscriptions and free everything; any later call but this one raises RuntimeError."""
        self._closed = True
        for channel in self._channels.values():
            channel.subscriptions.clear()
        self._channels.clear()

    def _channel(self, name: str) -> "_Channel":
        if self._closed:
            raise RuntimeError("the broker is closed")
        channel = self._channels.get(name)
        if channel is None:
            self._forget_idle()
            channel = self._channels[name] = _Channel(
                self._new_epoch(), {retention: _History(*bounds) for retention, bounds in self._bounds.items()}
            )
        return channel

    def _forget_idle(self) -> None:
        excess = len(self._channels) - self._max_channels + 1
        if excess > 0:
            idle = [name for name, channel in self._channels.items() if not channel.subscriptions]
            for name in idle[:excess]:
                del self._channels[name]


class MemorySubscription:
    """Receives until closed."""

    def __init__(self, channel: "_Channel", receive: Receive) -> None:
        self.channel = channel
        self.receive = receive

    async def close(self) -> None:
        """Stop deliveries. Idempotent."""
        if self in self.channel.subscriptions:
            self.channel.subscriptions.remove(self)


@dataclass(frozen=True, slots=True)
class _Kept:
    delivery: Delivery
    accepted_ms: int


class _History:
    """The kept publications of one retention class."""

    def __init__(self, max_ms: int, max_bytes: int) -> None:
        self._max_ms = max_ms
        self._max_bytes = max_bytes
        self._kept: deque[_Kept] = deque()
        self._bytes = 0
        self._lost_offset = 0
        """The offset of the newest publication that was dropped."""

    def append(self, delivery: Delivery, now_ms: int) -> None:
        self._kept.append(_Kept(delivery, now_ms))
        self._bytes += len(delivery.publication.body)
        self._drop(now_ms)

    def after(self, offset: int, now_ms: int) -> tuple[list[Delivery], bool]:
        """What is kept after an offset, and whether nothing after it was dropped."""
        self._drop(now_ms)
        newer: list[Delivery] = []
        for kept in reversed(self._kept):
            if kept.delivery.position.offset <= offset:
                break
            newer.append(kept.delivery)
        newer.reverse()
        return newer, offset >= self._lost_offset

    def _drop(self, now_ms: int) -> None:
        while self._kept and (self._bytes > self._max_bytes or now_ms - self._kept[0].accepted_ms > self._max_ms):
            delivery = self._kept.popleft().delivery
            self._bytes -= len(delivery.publication.body)
            self._lost_offset = delivery.position.offset


class _Channel:
    def __init__(self, epoch: str, histories: dict[Retention, _History]) -> None:
        self.subscriptions: list[MemorySubscription] = []
        self._epoch = epoch
        self._offset = 0
        self._histories = histories
        self._accepted: dict[str, tuple[int, int]] = {}
        """Publication id -> (offset, accepted_ms), oldest first."""

    @property
    def position(self) -> Position:
        return Position(self._epoch, self._offset)

    def publish(self, publication: Publication, now_ms: int) -> Position:
        self._forget_accepted(now_ms)
        if publication.id in self._accepted:
            return Position(self._epoch, self._accepted[publication.id][0])
        self._offset += 1
        self._accepted[publication.id] = (self._offset, now_ms)
        delivery = Delivery(self.position, publication)
        if publication.retention is not Retention.NONE:
            self._histories[publication.retention].append(delivery, now_ms)
        for subscription in tuple(self.subscriptions):
            if subscription not in self.subscriptions:  # closed by an earlier receiver of this delivery
                continue
            try:
                subscription.receive(delivery)
            except Exception:  # one receiver's fault must not cost the others the publication
                log.exception("a subscriber broke its promise not to raise")
        return delivery.position

    def recover(self, after: Position, now_ms: int) -> Recovery:
        if after.epoch != self._epoch or after.offset > self._offset:
            return Recovery((), self.position, short_complete=False, long_complete=False)
        short, short_complete = self._histories[Retention.SHORT].after(after.offset, now_ms)
        long, long_complete = self._histories[Retention.LONG].after(after.offset, now_ms)
        deliveries = merge(short, long, key=lambda delivery: delivery.position.offset)
        return Recovery(tuple(deliveries), self.position, short_complete=short_complete, long_complete=long_complete)

    def _forget_accepted(self, now_ms: int) -> None:
        expired = []
        for publication_id, (_, accepted_ms) in self._accepted.items():
            if now_ms - accepted_ms <= DEDUPE_MS:
                break
            expired.append(publication_id)
        for publication_id in expired:
            del self._accepted[publication_id]
