"""What the socket server knows of one transport, and of each namespace that shares it."""

from dataclasses import dataclass
from typing import Final, NamedTuple

from gateway.engine.wheel import Alarm
from gateway.sockets.codec import event_head
from gateway.sockets.connection import Arrivals, Connection, SocketLimits
from gateway.sockets.recent import Recent

NOTHING: Final = object()


@dataclass(slots=True)
class Knock:
    """A CONNECT that is being decided, and what the peer has said of its namespace meanwhile."""

    is_withdrawn: bool = False
    """Whether the peer has taken it back, or has asked anew."""
    again: object = NOTHING
    """The `auth` of the newest CONNECT for this namespace; it is decided next."""


class Limited(NamedTuple):
    """An event that is one too many."""

    connection: Connection
    ack_id: int | None
    wait_ms: int


class Peer:
    """What this server knows of one transport, which several namespaces may share.

    Whatever a namespace does, and whatever becomes of it, the others go on; only a transport's own end ends them all.
    """

    __slots__ = (
        "arrivals",
        "attachments",
        "connections",
        "deadline",
        "faults",
        "is_late",
        "knocks",
        "limited_until_ms",
        "refusals",
    )

    def __init__(self, limits: SocketLimits) -> None:
        self.connections: dict[str, Connection] = {}
        """By namespace."""
        self.knocks: dict[str, Knock] = {}
        """By namespace."""
        self.arrivals = Arrivals()
        self.faults = Recent(limits.protocol_errors, limits.protocol_error_seconds)
        """What came that names no namespace which stands here."""
        self.refusals = 0
        self.deadline: Alarm | None = None
        """For somebody to be let in; set when the transport opens or the last one leaves it, and moved by nothing."""
        self.is_late = False
        """Whether the deadline has passed while a CONNECT was being decided."""
        self.limited_until_ms = 0
        """Until when one of its namespaces may send no event; 0: all may."""
        self.attachments = 0
        """Binary frames that belong to an event which was refused."""

    def faults_of(self, connection: Connection, now: float) -> int:
        """How many faults count against a namespace: its own, and those that named none."""
        return self.faults.count(now) + connection.faults.count(now)

    def limited_event(self, packet: str | bytes, now_ms: int) -> Limited | None:
        """An event of a namespace that may send none now, of which no more than the head is decoded; else None."""
        if now_ms >= self.limited_until_ms:
            self.limited_until_ms = 0
            return None
        head = event_head(packet)
        connection = self.connections.get(head.nsp) if head is not None else None
        wait_ms = connection.bucket.wait_ms(now_ms) if connection is not None else 0
        return (
            Limited(connection, head.id, wait_ms) if head is not None and connection is not None and wait_ms else None
        )

    def met(self) -> None:
        """Somebody was let in, or the transport is gone."""
        self.is_late = False
        if self.deadline is not None:
            self.deadline.discard()
            self.deadline = None
