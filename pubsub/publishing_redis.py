"""Sends a node's publications to Redis in batches: one script call per channel and batch, pipelined over channels."""

import asyncio
import logging
import time
import uuid
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from pubsub.broker import DEDUPE_MS, Delivery, Position, Publication, Retention
from pubsub.envelope import CLOCK_TOLERANCE_MS, Seal
from pubsub.link import BrokerAwayError
from pubsub.scripts_redis import PUBLISH, STANDING_MS, keys_of
from pubsub.seen import Stamp
from pubsub.wire_redis import Wire

TICK_S = 0.01
"""Batches of posts alone begin at least this far apart; the first after a pause goes at once."""
MAX_BATCH = 256
MAX_BATCH_BYTES = 2**20
MAX_WAITING = 8_192
"""How many publications may wait for their batch; beyond it Redis counts as down."""

_CLASSES = {Retention.NONE: "n", Retention.SHORT: "s", Retention.LONG: "l"}

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Bounds:
    """The bounds of the history, and the arguments that every script call shares."""

    short_ms: int
    short_bytes: int
    long_ms: int
    long_bytes: int

    def kept_ms(self, retention: Retention) -> int:
        """How late a publication of this class may arrive; one that is never kept, as late as one kept briefly."""
        return self.long_ms if retention is Retention.LONG else self.short_ms

    @property
    def horizon_ms(self) -> int:
        """No publication older than this is accepted."""
        return max(self.short_ms, self.long_ms) + 2 * CLOCK_TOLERANCE_MS

    def arguments(self, lead_ms: int, seen: Position) -> tuple[str | int, ...]:
        """What all scripts begin with: `seen` is a position that the channel has had for certain."""
        kept = (self.short_ms, self.short_bytes, self.long_ms, self.long_bytes)
        return (lead_ms, uuid.uuid4().hex, seen.epoch, seen.offset, *kept, STANDING_MS)


@dataclass(frozen=True, slots=True)
class Outgoing:
    """Publications that travel in one script call."""

    channel: str
    publications: tuple[Publication, ...]
    placed: asyncio.Future[Position] | None
    """A future of the position of the last one; None for posts."""
    stamps: list[Stamp] = field(default_factory=list)
    """Their stamps, set when they are sealed."""


class Publisher:
    """Publishes in the order of the calls, kept going by `run`.

    `arrived` takes each publication that Redis has accepted from here, `stranded` each post that it has not.
    """

    def __init__(
        self,
        wire: Wire,
        seal: Seal,
        prefix: str,
        *,
        clock_ms: Callable[[], int],
        arguments: Callable[[str], Sequence[str | int]],
        arrived: Callable[[str, Delivery], None],
        stranded: Callable[[str, Publication], None],
    ) -> None:
        self._wire = wire
        self._seal = seal
        self._prefix = prefix
        self._clock_ms = clock_ms
        self._arguments = arguments
        self._arrived = arrived
        self._stranded = stranded
        self._queue: deque[Outgoing] = deque()
        self._waiting = 0
        """The number of publications in the queue."""
        self._some = asyncio.Event()
        self._urgent = asyncio.Event()

    def publish(self, channel: str, publications: tuple[Publication, ...]) -> asyncio.Future[Position]:
        """The place of the last, once Redis has accepted all; raises BrokerAwayError, now or by the future.

        They travel in one call of the script, however many: Redis takes all or none.
        """
        if not self._takes(channel):
            raise BrokerAwayError("Redis is away, or too slow")
        placed: asyncio.Future[Position] = asyncio.get_running_loop().create_future()
        self._put(Outgoing(channel, publications, placed))
        self._urgent.set()
        return placed

    def post(self, channel: str, publication: Publication) -> None:
        """Send it with the next batch."""
        if self._takes(channel):
            self._put(Outgoing(channel, (publication,), None))
        else:
            self._stranded(channel, publication)

    async def run(self) -> None:
        """Send batches until cancelled."""
        began = 0.0
        batch: list[Outgoing] = []
        try:
            while True:
                await self._some.wait()
                if not self._urgent.is_set():
                    await self._pace(began + TICK_S - time.monotonic())
                began = time.monotonic()
                batch = self._batch()
                await self._send(batch)
                batch = []
        finally:
            batch += self._queue
            self._queue.clear()
            self._waiting = 0
            self._give_up(batch, BrokerAwayError("the broker is closed"))

    def _takes(self, channel: str) -> bool:
        return self._waiting < MAX_WAITING and self._wire.reaches(keys_of(self._prefix, channel)[0])

    def _put(self, outgoing: Outgoing) -> None:
        self._queue.append(outgoing)
        self._waiting += len(outgoing.publications)
        self._some.set()

    async def _pace(self, seconds: float) -> None:
        if seconds > 0:
            try:
                async with asyncio.timeout(seconds):
                    await self._urgent.wait()
            except TimeoutError:
                return

    def _batch(self) -> list[Outgoing]:
        batch: list[Outgoing] = []
        count = size = 0
        while self._queue and count < MAX_BATCH and size < MAX_BATCH_BYTES:
            batch.append(self._queue.popleft())
            count += len(batch[-1].publications)
            size += sum(len(publication.body) for publication in batch[-1].publications)
        self._waiting -= count
        if not self._queue:
            self._some.clear()
            self._urgent.clear()
        return batch

    async def _send(self, batch: list[Outgoing]) -> None:
        by_channel: dict[str, list[Outgoing]] = {}
        for outgoing in batch:
            by_channel.setdefault(outgoing.channel, []).append(outgoing)
        answers: list[tuple[list[Outgoing], asyncio.Future[list[object]]]] = []
        for channel, some in by_channel.items():
            try:
                answers.append((some, self._call(channel, some)))
            except BrokerAwayError as error:
                self._give_up(some, error)
        for some, answer in answers:
            try:
                self._place(some, await answer)
            except BrokerAwayError as error:
                self._give_up(some, error)

    def _call(self, channel: str, some: list[Outgoing]) -> asyncio.Future[list[object]]:
        arguments: list[str | bytes | int] = [*self._arguments(channel), DEDUPE_MS]
        now_ms = self._clock_ms()
        for outgoing in some:
            for publication in outgoing.publications:
                envelope, stamp = self._seal.close(channel, publication, now_ms)
                outgoing.stamps.append(stamp)
                arguments += (publication.id, _CLASSES[publication.retention], len(publication.body), envelope)
        return self._wire.script(PUBLISH, keys_of(self._prefix, channel), *arguments)

    def _place(self, some: list[Outgoing], answer: list[object]) -> None:
        epoch, *places = answer
        assert isinstance(epoch, bytes)
        following = iter(places)
        for outgoing in some:
            positions = [
                self._arrive(outgoing.channel, publication, stamp, epoch, next(following))
                for publication, stamp in zip(outgoing.publications, outgoing.stamps, strict=True)
            ]
            if outgoing.placed is not None and not outgoing.placed.done():
                outgoing.placed.set_result(positions[-1])

    def _arrive(self, channel: str, publication: Publication, stamp: Stamp, epoch: bytes, place: object) -> Position:
        assert isinstance(place, list)
        offset, *known_as = place
        position = Position((known_as[0] if known_as else epoch).decode(), offset)
        if not known_as:
            self._arrived(channel, Delivery(position, publication, stamp=stamp))
        return position

    def _give_up(self, some: list[Outgoing], error: BrokerAwayError) -> None:
        for outgoing in some:
            if outgoing.placed is None:
                for publication in outgoing.publications:
                    self._stranded(outgoing.channel, publication)
            elif not outgoing.placed.done():
                outgoing.placed.set_exception(error)
                outgoing.placed.exception()  # who no longer waits need not be told
