"""The subscribers that a node has in one channel, and the order in which they are called."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from pubsub.broker import Delivery, Position, Receive
from pubsub.sequence import Sequence

log = logging.getLogger(__name__)

NOWHERE = Position("", 0)
"""The position of a channel that was never seen. No recovery continues from here."""


class RedisSubscription:
    """Receives until closed."""

    def __init__(
        self, leave: Callable[["RedisSubscription"], Awaitable[None]], channel: "Subscribers", receive: Receive
    ) -> None:
        self.channel = channel
        self.receive = receive
        self.begins_after: Position | None = None
        """Publications up to here precede the subscription; None: that is not known yet."""
        self._leave = leave

    async def close(self) -> None:
        """Stop deliveries. Idempotent."""
        await self._leave(self)


class Subscribers:
    """This node's subscribers of one channel."""

    def __init__(self, name: str, out: str, horizon_ms: int) -> None:
        self.name = name
        self.out = out
        self.order = Sequence(NOWHERE, horizon_ms)
        self.subscriptions: list[RedisSubscription] = []
        self.opening = 0
        """Subscribers whose start position is not known yet."""
        self.is_patient = False
        """Whether a timer runs before the history is asked for missing publications."""
        self._waiting: list[tuple[Position, asyncio.Future[None]]] = []

    def deliver(self, deliveries: list[Delivery]) -> None:
        """Call every subscriber whose start position lies before the delivery, in order."""
        for delivery in deliveries:
            for subscription in tuple(self.subscriptions):
                if subscription not in self.subscriptions or not _is_due(delivery, subscription.begins_after):
                    continue
                try:
                    subscription.receive(delivery)
                except Exception:  # one receiver's fault must not cost the others the publication
                    log.exception("a subscriber broke its promise not to raise")
        if self._waiting:
            still = [(position, future) for position, future in self._waiting if not self._has_passed(position)]
            for position, future in self._waiting:
                if self._has_passed(position) and not future.done():
                    future.set_result(None)
            self._waiting = still

    async def reached(self, position: Position) -> None:
        """Return once everything up to a position was delivered, or reported as a gap."""
        if not self._has_passed(position):
            future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiting.append((position, future))
            await future

    def _has_passed(self, position: Position) -> bool:
        here = self.order.position
        if here.epoch == position.epoch:
            return here.offset >= position.offset
        return here == NOWHERE or not self.order.is_behind


def _is_due(delivery: Delivery, after: Position | None) -> bool:
    if after is None:
        return False
    place = delivery.position
    return delivery.degraded or place.epoch != after.epoch or place.offset > after.offset
