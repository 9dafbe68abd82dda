"""The broker port: publications of one channel in one order, a bounded history, honest recovery.

Guarantees of every adapter, held by `tests/contracts/broker_suite.py`:

* Order: all subscribers of a channel receive its publications in the order of their offsets, each once.
* Position: offsets of one epoch grow by one per publication. A new epoch starts whenever offsets may
  have been lost; positions of different epochs do not compare.
* Dedupe: a publication whose id the channel has accepted within the last `DEDUPE_MS` is not delivered
  again; publishing it answers the position it already has.
* History: bounded by age and bytes per retention class, oldest first out. `NONE` is never kept.
* Recovery: `recover` returns every kept publication after a position and says for each retention class
  whether anything of it fell out since. It never passes a partial answer off as a whole one.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from pubsub.seen import Stamp

DEDUPE_MS = 300_000


class Retention(StrEnum):
    """How long a publication can be replayed."""

    NONE = "none"
    SHORT = "short"
    """Danmaku: `short_ms` and `short_bytes` of the adapter."""
    LONG = "long"
    """Gifts and retractions: `long_ms` and `long_bytes`."""


@dataclass(frozen=True, slots=True)
class Publication:
    """One message through the broker; the body is opaque here."""

    id: str
    body: bytes
    retention: Retention
    at_ms: int
    """When it was accepted, milliseconds since the epoch, by the publisher's clock."""


@dataclass(frozen=True, slots=True)
class Position:
    """A place in a channel's history."""

    epoch: str
    offset: int


@dataclass(frozen=True, slots=True)
class Delivery:
    """A publication at its place."""

    position: Position
    publication: Publication
    degraded: bool = False
    """The wire was down: only this node received it. It has no offset; `position` is that of its predecessor."""
    stamp: Stamp | None = field(default=None, compare=False, repr=False)
    """The publisher's stamp from the signed envelope, where there is one."""


@dataclass(frozen=True, slots=True)
class Recovery:
    """What a channel still knows after a position."""

    deliveries: tuple[Delivery, ...]
    """In order, all after the requested position."""
    position: Position
    """The current end of the channel; continuing from here misses nothing."""
    short_complete: bool
    long_complete: bool


Receive = Callable[[Delivery], None]
"""Called in order on the event loop; must not block or raise."""


class Subscription(Protocol):
    """A running subscription."""

    async def close(self) -> None:
        """Stop deliveries. Idempotent."""
        ...


class Broker(Protocol):
    """The port. Channels are room ids; they need no creation."""

    async def publish(self, channel: str, *publications: Publication) -> Position:
        """Append and deliver one or more, in this order and with nothing in between; answers the position of the last.

        On return every subscriber in this process has been called. If it raises, either all or none was accepted:
        publish all
        of it again, with the same ids.
        """
        ...

    def post(self, channel: str, publication: Publication) -> None:
        """Publish without waiting, best effort: in the order of calls, at the latest with the node's next batch.

        Use `publish` for what must not be lost.
        """
        ...

    async def subscribe(self, channel: str, receive: Receive) -> Subscription:
        """Deliver everything published from the return of this call on."""
        ...

    async def position(self, channel: str) -> Position:
        """The current end of the channel. A fresh channel is at offset 0."""
        ...

    async def recover(self, channel: str, after: Position) -> Recovery:
        """What was published after a position; for a foreign epoch or a future offset no class is complete."""
        ...

    async def close(self) -> None:
        """End all subscriptions and free everything. Idempotent."""
        ...
