"""What the socket server knows of one transport, and of each namespace on it."""

from dataclasses import dataclass
from typing import Final, NamedTuple

from gateway.engine.wheel import Alarm
from gateway.sockets.codec import event_head
from gateway.sockets.connection import Arrivals, Connection, SocketLimits
from gateway.sockets.recent import Recent

NOTHING: Final = object()


@dataclass(slots=True)
class Knock:
    """A CONNECT that is being decided, and what the client has sent for its namespace meanwhile."""

    is_withdrawn: bool = False
    """Whether the client has disconnected meanwhile, or sent another CONNECT."""
    again: object = NOTHING
    """The `auth` of the newest CONNECT for this namespace; it is decided next."""


class Limited(NamedTuple):
    """An event beyond the rate."""

    connection: Connection
    ack_id: int | None
    wait_ms: int


class Peer:
    """What the server knows of one transport, which several namespaces may share.

    A namespace that ends leaves the others untouched; only the end of the transport ends them all.
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
        """The connections, by namespace."""
        self.knocks: dict[str, Knock] = {}
        """The CONNECTs that are being decided, by namespace."""
        self.arrivals = Arrivals()
        self.faults = Recent(limits.protocol_errors, limits.protocol_error_seconds)
        """Faults in packets that name no connected namespace."""
        self.refusals = 0
        self.deadline: Alarm | None = None
        """The deadline for a client to be let in; set when the transport opens or its last connection leaves."""
        self.is_late = False
        """Whether the deadline passed while a CONNECT was being decided."""
        self.limited_until_ms = 0
        """Until when some namespace may send no event; 0: none is limited."""
        self.attachments = 0
        """How many binary frames of a refused event are still to be skipped."""

    def faults_of(self, connection: Connection, now: float) -> int:
        """How many faults count against a namespace: its own, and those that named no namespace."""
        return self.faults.count(now) + connection.faults.count(now)

    def limited_event(self, packet: str | bytes, now_ms: int) -> Limited | None:
        """The head of an event whose namespace is over its rate, without decoding the rest; else None."""
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
        """A client was let in, or the transport has ended: cancel the deadline."""
        self.is_late = False
        if self.deadline is not None:
            self.deadline.discard()
            self.deadline = None
