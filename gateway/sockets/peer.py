"""What the server knows of one transport: who is on it, and how much of what came was wrong."""

from collections import deque

from gateway.engine.budget import Meter
from gateway.engine.wheel import Alarm
from gateway.sockets.connection import Connection, SocketLimits


class Recent:
    """Looks whether something has happened too often in too short a time. What is longer ago is forgotten."""

    __slots__ = ("_seconds", "_times")

    def __init__(self, limit: int, seconds: float) -> None:
        self._seconds = seconds
        self._times: deque[float] = deque(maxlen=limit)

    def add(self, now: float) -> bool:
        """Whether this makes `limit` of them within the time."""
        self._times.append(now)
        return len(self._times) == self._times.maxlen and now - self._times[0] <= self._seconds


class Peer:
    """One transport. What counts faults is made when there is a first one."""

    __slots__ = (
        "_faults",
        "_refusals",
        "_refused_events",
        "attachments",
        "connections",
        "deadline",
        "is_admitting",
        "is_late",
        "limited_until_ms",
    )

    def __init__(self) -> None:
        self.connections: dict[str, Connection] = {}
        """By namespace."""
        self.is_admitting = False
        """Whether a CONNECT is being decided."""
        self.deadline: Alarm | None = None
        """For somebody to be let in; set when the transport opens or the last one leaves it, and moved by nothing."""
        self.is_late = False
        """Whether the deadline has passed while a CONNECT was being decided."""
        self.limited_until_ms = 0
        """Until when one of its sockets has no packets left; 0: none."""
        self.attachments = 0
        """Binary frames that belong to an event which was refused."""
        self._faults: Recent | None = None
        self._refusals: Recent | None = None
        self._refused_events: Meter | None = None

    def is_faulty(self, limits: SocketLimits, now: float) -> bool:
        """Count a fault of the protocol; True where that is one too many."""
        if self._faults is None:
            self._faults = Recent(limits.protocol_errors, limits.protocol_error_seconds)
        return self._faults.add(now)

    def is_refused_for_good(self, limits: SocketLimits, now: float) -> bool:
        """Count a final refusal of CONNECT; True where that was the last one which this transport may ask for."""
        if self._refusals is None:
            self._refusals = Recent(limits.refusals, limits.protocol_error_seconds)
        return self._refusals.add(now)

    def is_deaf(self, limits: SocketLimits, now: float) -> bool:
        """Count an event refused as one too many; True where the peer takes no notice of the refusals."""
        if self._refused_events is None:
            self._refused_events = Meter(limits.refused_events)
        return not self._refused_events.take(1, now)

    def met(self) -> None:
        """Somebody was let in, or the transport is gone."""
        self.is_late = False
        if self.deadline is not None:
            self.deadline.discard()
            self.deadline = None
