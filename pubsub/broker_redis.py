"""The broker of many processes: one order per room, counted and kept by Redis, fanned out by sharded pub/sub.

While Redis is away, `publish` raises `BrokerAwayError` after at most `COMMAND_TIMEOUT_S`, posts reach this node's
subscribers alone (`Delivery.degraded`), a position is the last one known and a recovery is complete in nothing.
Redis must not evict (`maxmemory-policy noeviction`): evicted ids are not dropped when they come again.
"""

import asyncio
import logging
import time
import uuid
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from pubsub.broker import Delivery, Position, Publication, Receive, Recovery
from pubsub.broker_memory import LONG_BYTES, LONG_MS, SHORT_BYTES, SHORT_MS
from pubsub.envelope import Seal, is_fresh
from pubsub.link import BrokerAwayError, Gap, LinkListener, Unheard
from pubsub.publishing_redis import Bounds, Publisher
from pubsub.scripts_redis import RECOVER, STAND, keys_of, unpack, unpack_items
from pubsub.seen import Stamp
from pubsub.subscribers_redis import NOWHERE, RedisSubscription, Subscribers
from pubsub.topology_redis import wire_to

log = logging.getLogger(__name__)

PATIENCE_S = 0.02
"""How long a delivery waits for a missing predecessor before the history is read."""
DELIVERY_TIMEOUT_S = 5.0
"""How long a publication that Redis accepted may wait for the deliveries before it."""
COMPLAINT_S = 1.0
"""The shortest time between two warnings about messages that are not ours."""
RESTART_S = 1.0
PAGE = 500
"""How many publications of each class one page of a recovery holds; Redis serves other commands between pages."""
MAX_RECOVERIES = 4
"""How many recoveries run at a time; others wait."""
MAX_KNOWN = 10_000
"""For how many channels without subscribers the last position is remembered."""


class RedisBroker:
    """Keeps the promises of `pubsub.broker.Broker` among all nodes with the same Redis, prefix and secrets.

    Made by `open`. `wire` may serve other adapters too, while the broker is open. `clock_ms` says since when the
    link is down; `lead_ms` is added to the clock of Redis (for tests).
    """

    def __init__(
        self,
        url: str,
        secrets: Sequence[bytes],
        *,
        prefix: str = "liveroom",
        short_ms: int = SHORT_MS,
        short_bytes: int = SHORT_BYTES,
        long_ms: int = LONG_MS,
        long_bytes: int = LONG_BYTES,
        listener: LinkListener | None = None,
        clock_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
        lead_ms: Callable[[], int] = lambda: 0,
    ) -> None:
        self.degraded_since_ms: int | None = None
        """The value that the listener was last told."""
        self._bounds = Bounds(short_ms, short_bytes, long_ms, long_bytes)
        self._prefix = prefix
        self._seal = Seal(secrets, uuid.uuid4().hex)
        self.listener: LinkListener = listener or Unheard()
        """Is told of the state of the link; may be set until `start`."""
        self._clock_ms = clock_ms
        self._lead_ms = lead_ms
        self._channels: dict[str, Subscribers] = {}
        self._by_out: dict[str, Subscribers] = {}
        self._known: OrderedDict[str, Position] = OrderedDict()
        self._behind: dict[str, None] = {}
        """Channels that need a recovery, in the order in which that was found."""
        self._fell_behind = asyncio.Event()
        self._unsure: set[str] = set()
        """Channels that may have lost publications in an outage, until that is known."""
        self._complained_s = 0.0
        self._outages = 0
        self._recovering = asyncio.Semaphore(MAX_RECOVERIES)
        self._tasks: list[asyncio.Task[None]] = []
        self._is_open = False
        self.wire = wire_to(url, prefix, self._heard, self._link_changed)
        self._publisher = Publisher(
            self.wire,
            self._seal,
            prefix,
            clock_ms=self._now_ms,
            arguments=self._arguments,
            arrived=self._arrived,
            stranded=self._deliver_here,
        )

    @classmethod
    async def open(cls, url: str, secrets: Sequence[bytes], **options: Any) -> "RedisBroker":
        """A running broker; degraded from the start when Redis is away."""
        broker = cls(url, secrets, **options)
        await broker.start()
        return broker

    async def start(self) -> None:
        """Connect, and stay connected until closed."""
        self._is_open = True
        self._tasks = [
            asyncio.create_task(_forever(work)) for work in (self.wire.run, self._publisher.run, self._recover_behind)
        ]
        await self.wire.tried.wait()
        self._tell_degraded()

    # ---- the port ------------------------------------------------------------------------------------

    async def publish(self, channel: str, *publications: Publication) -> Position:
        """Append and deliver everywhere. BrokerAwayError: publish all of it again later, under the same ids."""
        self._check_open()
        position = await self._publisher.publish(channel, publications)
        self._know(channel, position)
        subscribed = self._channels.get(channel)
        if subscribed is not None:
            try:
                await asyncio.wait_for(subscribed.reached(position), DELIVERY_TIMEOUT_S)
            except TimeoutError as error:
                raise BrokerAwayError("accepted by Redis, but what came before it is not to be had") from error
        return position

    def post(self, channel: str, publication: Publication) -> None:
        """Publish with the next batch; on this node alone while Redis is away."""
        self._check_open()
        self._publisher.post(channel, publication)

    async def subscribe(self, channel: str, receive: Receive) -> RedisSubscription:
        """Deliver everything published from the return of this call on; a gap that comes with an outage is told."""
        self._check_open()
        state = self._channels.get(channel)
        if state is None:
            state = self._channels[channel] = Subscribers(
                channel, keys_of(self._prefix, channel)[-1], self._bounds.horizon_ms
            )
            self._by_out[state.out] = state
        subscription = RedisSubscription(self._leave, state, receive)
        state.subscriptions.append(subscription)  # of no effect until it has a place to begin after
        state.opening += 1
        try:
            await self.wire.listen(state.out)
            position = await self.position(channel)
        finally:
            state.opening -= 1
        if state.order.position == NOWHERE and position != NOWHERE:
            state.deliver(state.order.jump(position))
        subscription.begins_after = position
        if not self.wire.is_up:
            self._unsure.add(channel)
            self._link_changed()
        return subscription

    async def position(self, channel: str) -> Position:
        """Where the channel stands now; while Redis is away, where it stood last."""
        self._check_open()
        try:
            epoch, offset = await self.wire.script(STAND, keys_of(self._prefix, channel), *self._arguments(channel))
        except BrokerAwayError:
            return self._seen(channel)
        position = Position(epoch.decode(), offset)
        self._know(channel, position)
        return position

    async def recover(self, channel: str, after: Position) -> Recovery:
        """What was published after a position, as far as it is kept; nothing while Redis is away."""
        self._check_open()
        try:
            return await self._recover(channel, after)
        except BrokerAwayError:
            return Recovery((), self._seen(channel), short_complete=False, long_complete=False)

    async def close(self) -> None:
        """End all subscriptions and free everything; any later call but this one raises RuntimeError."""
        self._is_open = False
        self._channels.clear()
        self._by_out.clear()
        tasks, self._tasks = self._tasks, []
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _leave(self, subscription: RedisSubscription) -> None:
        state = subscription.channel
        if subscription in state.subscriptions:
            state.subscriptions.remove(subscription)
        if not state.subscriptions and self._channels.get(state.name) is state:
            del self._channels[state.name]
            del self._by_out[state.out]
            self._unsure.discard(state.name)
            self._know(state.name, state.order.position)
            await self.wire.ignore(state.out)

    # ---- what comes in -------------------------------------------------------------------------------

    def _heard(self, out: str, message: bytes) -> None:
        state = self._by_out.get(out)
        if state is None:
            return
        try:
            epoch, items = unpack(message)
        except ValueError:
            self._complain(state.name)
            return
        for delivery in self._unseal(state.name, epoch, items):
            if delivery is not None:
                self._take(state, delivery)

    def _arrived(self, channel: str, delivery: Delivery) -> None:
        state = self._channels.get(channel)
        if state is not None:
            self._take(state, delivery)

    def _take(self, state: Subscribers, delivery: Delivery) -> None:
        state.deliver(state.order.take(delivery))
        if state.order.is_behind:
            self._recover_soon(state)

    def _deliver_here(self, channel: str, publication: Publication) -> None:
        """Deliver a post to this node's subscribers only, because Redis is down."""
        state = self._channels.get(channel)
        if state is not None and state.order.delivers_locally(publication):
            state.deliver([Delivery(state.order.position, publication, degraded=True)])

    def _complain(self, channel: str) -> None:
        now = time.monotonic()
        if now - self._complained_s >= COMPLAINT_S:
            self._complained_s = now
            log.warning("ignored a message in channel %s that is none of ours, or too old: compare the clocks", channel)

    # ---- what is missing -----------------------------------------------------------------------------

    def _recover_soon(self, state: Subscribers) -> None:
        """Start a recovery unless the missing publications arrive within `PATIENCE_S`."""
        if not state.is_patient:
            state.is_patient = True
            asyncio.get_running_loop().call_later(PATIENCE_S, self._lose_patience, state)

    def _lose_patience(self, state: Subscribers) -> None:
        state.is_patient = False
        if self._channels.get(state.name) is state and state.order.is_behind and not state.opening:
            self._behind[state.name] = None
            self._fell_behind.set()

    async def _recover_behind(self) -> None:
        """Recover channels that are behind, one after another, until cancelled."""
        while True:
            await self._fell_behind.wait()
            self._fell_behind.clear()
            for name in list(self._behind):
                state, outages = self._channels.get(name), self._outages
                try:
                    if state is not None:
                        await self._catch_up(state)
                except BrokerAwayError:
                    continue  # due again when the link is up
                except Exception:
                    log.exception("a channel could not be recovered")
                if outages == self._outages:
                    self._behind.pop(name, None)
                    self._unsure.discard(name)
            self._tell_degraded()

    async def _catch_up(self, state: Subscribers) -> None:
        doubted = state.order.waiting()
        start = state.order.position
        recovery = await self._recover(state.name, start)
        if recovery.position.epoch != start.epoch and start != NOWHERE:
            recovery = await self._recover(state.name, Position(recovery.position.epoch, 0))
        # what Redis sent before it answered may still be unread; it must not be taken for lost
        await self.wire.barrier(state.out)
        if start == NOWHERE:
            gap: Gap | None = Gap(start, recovery.position, short_complete=False, long_complete=False)
            deliveries = state.order.jump(recovery.position)
        else:
            gap, deliveries = state.order.catch_up(recovery, doubted)
        self._know(state.name, state.order.position)
        if gap is not None:
            log.warning("channel %s has a gap after %s", state.name, gap.after)
            self.listener.gap(state.name, gap)
        state.deliver(deliveries)
        if state.order.is_behind:
            self._recover_soon(state)

    async def _recover(self, channel: str, after: Position) -> Recovery:
        deliveries: list[Delivery] = []
        stamps: set[Stamp | None] = set()
        complete = [True, True]
        async with self._recovering:
            while True:
                answer = await self.wire.script(
                    RECOVER, keys_of(self._prefix, channel), *self._arguments(channel), after.epoch, after.offset, PAGE
                )
                position, reached = Position(answer[0].decode(), answer[1]), Position(answer[0].decode(), answer[2])
                if deliveries and position.epoch != after.epoch:
                    return Recovery((), position, short_complete=False, long_complete=False)
                page: list[Delivery] = []
                for index, items in enumerate(answer[5:]):
                    found = self._unseal(channel, position.epoch, unpack_items(items))
                    complete[index] = complete[index] and bool(answer[3 + index]) and None not in found
                    page += [delivery for delivery in found if delivery is not None]
                for delivery in sorted(page, key=lambda delivery: delivery.position.offset):
                    if delivery.stamp not in stamps:  # else somebody has written it into the history a second time
                        stamps.add(delivery.stamp)
                        deliveries.append(delivery)
                if reached == position:
                    return Recovery(tuple(deliveries), position, short_complete=complete[0], long_complete=complete[1])
                after = reached

    def _unseal(self, channel: str, epoch: str, items: list[tuple[int, bytes]]) -> list[Delivery | None]:
        """The deliveries; None for each message that is not signed by us, or is too old."""
        deliveries: list[Delivery | None] = []
        now_ms = self._now_ms()
        for offset, envelope in items:
            sealed = self._seal.open(channel, envelope)
            if sealed is None or not is_fresh(sealed.stamp, now_ms, self._bounds.kept_ms(sealed.publication.retention)):
                self._complain(channel)
                deliveries.append(None)
            else:
                deliveries.append(Delivery(Position(epoch, offset), sealed.publication, stamp=sealed.stamp))
        return deliveries

    def _now_ms(self) -> int:
        return self._clock_ms() + self._lead_ms()

    # ---- the link ------------------------------------------------------------------------------------

    def _link_changed(self) -> None:
        if not self.wire.is_heard:
            self._outages += 1
            self._unsure.update(self._channels)
        if self.wire.is_up and (self._unsure or self._behind):
            self._behind.update(dict.fromkeys(self._unsure))
            self._fell_behind.set()
        self._tell_degraded()

    def _tell_degraded(self) -> None:
        is_well = self.wire.is_up and not self._unsure
        if not self._is_open or is_well is (self.degraded_since_ms is None):
            return
        if not self.wire.tried.is_set():
            return
        self.degraded_since_ms = None if is_well else self._clock_ms()
        self.listener.degraded(self.degraded_since_ms)

    def _arguments(self, channel: str) -> tuple[str | int, ...]:
        return self._bounds.arguments(self._lead_ms(), self._seen(channel))

    def _seen(self, channel: str) -> Position:
        state = self._channels.get(channel)
        if state is not None and state.order.position != NOWHERE:
            return state.order.position
        return self._known.get(channel, NOWHERE)

    def _know(self, channel: str, position: Position) -> None:
        self._known[channel] = position
        self._known.move_to_end(channel)
        if len(self._known) > MAX_KNOWN:
            self._known.popitem(last=False)

    def _check_open(self) -> None:
        if not self._is_open:
            raise RuntimeError("the broker is closed")


async def _forever(work: Callable[[], Awaitable[None]]) -> None:
    """Restart a task that failed by a bug: a room must not fall silent for good."""
    while True:
        try:
            await work()
        except Exception:
            log.exception("a task of the broker failed")
        await asyncio.sleep(RESTART_S)
