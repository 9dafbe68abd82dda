"""Fan-out: sockets that are told the same things share one log of frames and are written to together.

An audience is a part of a room: everybody in it has the same codec, the same surface and may read the same. What is
published is appended to the log of each audience it concerns. A quiet room is written to at once; a busy one every
`tick` with all that came meanwhile in one write per socket, and never so often that writing takes more than half of the
process's time. Whoever must be told something alone (an ack, a right, a farewell) is first told what its audience was.
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
"""Sockets written to before others have their turn on the event loop."""
REST = 2
"""A room that took so long to write to rests for as many times as long."""


class Facet(NamedTuple):
    """What the sockets of an audience have in common."""

    codec: Codec
    namespace: str
    reads: bool
    """Whether they may read what is said."""


class Audience:
    """A log of frames for its sockets.

    What a write needs of each lies side by side: the members themselves may be ten thousand objects, and it leaves them
    alone.
    """

    __slots__ = ("_first", "_lines", "_log", "_told", "facet", "members")

    def __init__(self, facet: Facet) -> None:
        self.facet = facet
        self.members: list[Connection] = []
        """Each at its `place`; the last one takes the place of one that leaves."""
        self._told: list[int] = []
        """How many frames since the audience began, by place."""
        self._lines = array("i")
        """Where each may be written to straight, by place."""
        self._log: list[Prepared] = []
        self._first = 0
        """Number of the first frame in the log."""

    @property
    def end(self) -> int:
        """Number of the next frame."""
        return self._first + len(self._log)

    @property
    def has_news(self) -> bool:
        """Whether something waits to be written."""
        return bool(self._log)

    def enter(self, connection: Connection) -> None:
        """Tell a socket everything from now on."""
        connection.audience, connection.place = self, len(self.members)
        self.members.append(connection)
        self._told.append(self.end)
        self._lines.append(connection.socket.line)

    def leave(self, connection: Connection) -> None:
        """Forget a socket, with the last word of what it was still to be told."""
        connection.audience = None  # first: the last word may end it, and it leaves once
        self.catch_up(connection)
        place, last = connection.place, self.members[-1]
        self.members[place], last.place = last, place
        self.members.pop()
        for each in (self._told, self._lines):
            each[place] = each[-1]
            each.pop()

    def reroute(self, connection: Connection) -> None:
        """Its socket has another line."""
        self._lines[connection.place] = connection.socket.line

    def append(self, prepared: Prepared) -> None:
        """Tell this to everybody with the next write."""
        if self.members:
            self._log.append(prepared)

    def catch_up(self, connection: Connection) -> None:
        """Write what one socket was not told yet."""
        told, end = self._told[connection.place], self.end
        if told < end:
            self._told[connection.place] = end
            connection.write(self._batch(told, end))

    def write(self) -> Iterator[bool]:
        """Write to everybody what is in the log now; yields after each slice, when others may have their turn.

        It begins with the last: who comes meanwhile has heard it all, and who takes the place of one that leaves was
        written to already.
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
        except Exception:  # something in the log cannot be written: whoever was not told goes on after it
            self._told = [max(told, end) for told in self._told]
            raise
        finally:
            del self._log[: end - self._first]
            self._first = end

    def _batch(self, told: int, end: int) -> Batch:
        codec, namespace, _ = self.facet
        return Batch(merged(self._log[told - self._first : end - self._first]), codec, namespace)


class Audiences:
    """All audiences of one room, and the moment at which they are written to."""

    def __init__(self, tick_seconds: float) -> None:
        self._tick = tick_seconds
        self._by_facet: dict[Facet, Audience] = {}
        self._next = 0.0
        self._timer: asyncio.Handle | None = None
        self._writing: Iterator[bool] | None = None

    def enter(self, connection: Connection, *, reads: bool) -> None:
        """Put a socket among those that it shares everything with, or move it there."""
        facet = Facet(connection.codec, connection.namespace, reads)
        audience = self._by_facet.get(facet)
        if audience is None:
            audience = self._by_facet[facet] = Audience(facet)
        elif connection.audience is audience:
            return
        self.leave(connection)
        audience.enter(connection)

    def leave(self, connection: Connection) -> None:
        """Tell a socket what it was still to be told, then forget it. Idempotent."""
        if connection.audience is not None:
            connection.audience.leave(connection)

    def tell(self, prepared: Prepared, *, namespace: str | None = None, reads: bool | None = None) -> int:
        """Tell everybody, or only those of a namespace, or only those who may (not) read; answers how many."""
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
        except Exception:  # a fault of ours: one write is lost, and not the room
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
