"""Fan-out: sockets that receive the same events share one log of frames and are written to together.

An audience is a part of a room: everybody in it has the same codec, the same namespace and the same right to read.
Each event is appended to the log of every audience it concerns. A quiet room is written to at once. A busy room is
written to once per `tick`, with everything since the last write in one batch per socket, and fan-out uses at most half
of the loop's time. Before something is sent to one socket alone (an ack, a right, a farewell), that socket first gets
what its audience was told, so that the order of events holds.
"""

import asyncio
from array import array
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import structlog

from gateway.contract.codec import Codec
from gateway.engine import lines
from gateway.sockets.codec import Batch, Prepared, merged
from gateway.sockets.connection import Connection

log = structlog.get_logger(__name__)

SLICE = 32
"""How many sockets are written to before other tasks get the event loop."""
REST = 2
"""After a write of t seconds the next one begins at least (REST - 1) * t later: fan-out takes 1/REST of the loop."""


class Facet(NamedTuple):
    """What the sockets of an audience have in common."""

    codec: Codec
    namespace: str
    reads: bool
    """Whether they may read danmaku."""


class Audience:
    """A log of frames for its sockets.

    The fields that a write needs of each socket lie side by side in lists: a write to ten thousand sockets does not
    touch
    ten thousand objects.
    """

    __slots__ = ("_first", "_lines", "_log", "_told", "facet", "members")

    def __init__(self, facet: Facet) -> None:
        self.facet = facet
        self.members: list[Connection] = []
        """Each member stands at its `place`; when one leaves, the last member moves to its place."""
        self._told: list[int] = []
        """By place: the number of the first frame that this socket has not been sent."""
        self._lines = array("i")
        """By place: the descriptor for direct writes, or `NO_LINE`."""
        self._log: list[Prepared] = []
        self._first = 0
        """The number of the first frame in the log."""

    @property
    def end(self) -> int:
        """The number of the next frame."""
        return self._first + len(self._log)

    @property
    def has_news(self) -> bool:
        """Whether frames wait to be written."""
        return bool(self._log)

    def enter(self, connection: Connection) -> None:
        """Add a socket; it is sent every frame from now on."""
        connection.audience, connection.place = self, len(self.members)
        self.members.append(connection)
        self._told.append(self.end)
        self._lines.append(connection.socket.line)

    def leave(self, connection: Connection) -> None:
        """Send a socket the frames it still misses, and remove it."""
        connection.audience = None  # first: catching up may end the connection, which calls `leave` again
        self.catch_up(connection)
        place, last = connection.place, self.members[-1]
        self.members[place], last.place = last, place
        self.members.pop()
        for each in (self._told, self._lines):
            each[place] = each[-1]
            each.pop()

    def reroute(self, connection: Connection) -> None:
        """Take over the changed descriptor of a socket."""
        self._lines[connection.place] = connection.socket.line

    def append(self, prepared: Prepared) -> None:
        """Add an event to the log; the next write sends it to everybody."""
        if self.members:
            self._log.append(prepared)

    def catch_up(self, connection: Connection) -> None:
        """Send one socket the frames it still misses."""
        told, end = self._told[connection.place], self.end
        if told < end:
            self._told[connection.place] = end
            connection.write(self._batch(told, end))

    def write(self) -> Iterator[bool]:
        """Send everybody what is in the log now; yields after each slice so that other tasks can run.

        While it is suspended, sockets come and leave, so it goes from the last place to the first. A socket that enters
        gets a
        place behind the write and starts at the end of the log. A socket that leaves is replaced by the one at the last
        place,
        which was written to already. In the other direction that one would move to a place already passed, and miss the
        batch.
        """
        end = self.end
        batches: dict[int, Batch] = {}
        try:
            for first in range((len(self.members) - 1) // SLICE * SLICE, -1, -SLICE):
                for place in reversed(range(first, first + SLICE)):
                    if place >= len(self._told) or (told := self._told[place]) >= end:
                        continue
                    batch = batches.get(told)
                    if batch is None:
                        batch = batches[told] = self._batch(told, end)
                    self._told[place] = end
                    taken = lines.write(self._lines[place], batch.wire)
                    if taken < len(batch.wire):
                        self.members[place].write(batch, taken)
                if first:
                    yield True
        except Exception:  # an event that cannot be encoded: skip the batch, so that it does not fail for ever
            self._told = [max(told, end) for told in self._told]
            raise
        finally:
            del self._log[: end - self._first]
            self._first = end

    def _batch(self, told: int, end: int) -> Batch:
        codec, namespace, _ = self.facet
        return Batch(merged(self._log[told - self._first : end - self._first]), codec, namespace)


class Audiences:
    """All audiences of one room, and the schedule of their writes."""

    def __init__(self, tick_seconds: float) -> None:
        self._tick = tick_seconds
        self._by_facet: dict[Facet, Audience] = {}
        self._next = 0.0
        self._timer: asyncio.Handle | None = None
        self._writing: Iterator[bool] | None = None

    def enter(self, connection: Connection, *, reads: bool) -> None:
        """Add a socket to the audience of its facet, or move it there."""
        facet = Facet(connection.codec, connection.namespace, reads)
        audience = self._by_facet.get(facet)
        if audience is None:
            audience = self._by_facet[facet] = Audience(facet)
        elif connection.audience is audience:
            return
        self.leave(connection)
        audience.enter(connection)

    def leave(self, connection: Connection) -> None:
        """Send a socket what it still misses, and remove it. Idempotent."""
        if connection.audience is not None:
            connection.audience.leave(connection)

    def tell(self, prepared: Prepared, *, namespace: str | None = None, reads: bool | None = None) -> int:
        """Tell all audiences, or those of a namespace, or those that may (not) read; answers how many sockets."""
        count = 0
        for facet, audience in self._by_facet.items():
            if (namespace is None or facet.namespace == namespace) and (reads is None or facet.reads is reads):
                audience.append(prepared)
                count += len(audience.members)
        if count and self._timer is None and self._writing is None:
            self._wait()
        return count

    def _wait(self) -> None:
        loop = asyncio.get_running_loop()
        now = loop.time()
        self._timer = loop.call_soon(self._begin) if now >= self._next else loop.call_at(self._next, self._begin)

    def _begin(self) -> None:
        self._next = asyncio.get_running_loop().time() + self._tick
        self._writing = self._all(list(self._by_facet.values()))
        self._timer = None
        self._write()

    def _all(self, audiences: Iterable[Audience]) -> Iterator[bool]:
        for audience in audiences:
            yield from audience.write()

    def _write(self) -> None:
        loop = asyncio.get_running_loop()
        began = loop.time()
        assert self._writing is not None, "a turn of writing is under way"
        try:
            goes_on = next(self._writing, None) is not None
        except Exception:  # a bug of ours: this write is lost, the room goes on
            log.exception("room.write_failed")
            goes_on = False
        now = loop.time()
        self._next = max(self._next, now) + (REST - 1) * (now - began)
        if goes_on:
            self._timer = loop.call_soon(self._write)
            return
        self._writing = self._timer = None
        if any(audience.has_news for audience in self._by_facet.values()):
            self._wait()
