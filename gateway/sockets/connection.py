"""One accepted Socket.IO connection, and the application's side of it."""

from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

import msgspec
from socketio import packet as sio

from auth.denials import RETRYABLE, Code, Denied
from gateway.contract.codec import Codec
from gateway.contract.link import BYE, Bye
from gateway.engine.budget import Allowance, Meter
from gateway.engine.socket import Socket
from gateway.sockets.codec import Batch, Prepared, encode
from gateway.sockets.recent import Recent
from rooms.pace.rates import Bucket

Answer = msgspec.Struct | Denied


def _nothing() -> None:
    pass


class Arrivals:
    """Counts how often a user connects over one transport: two namespaces on it count as one arrival.

    Each counted arrival lets the user's other namespace in without being counted, once.
    """

    __slots__ = ("_left", "_namespace", "_user")

    def __init__(self) -> None:
        self._user = self._namespace = ""
        self._left = 0

    def is_shared(self, user: str, namespace: str) -> bool:
        """Whether an arrival of the user's other namespace covers this one; it then covers no further one."""
        if user != self._user or namespace == self._namespace or not self._left:
            return False
        self._left -= 1
        return True

    def counted(self, user: str, namespace: str) -> None:
        """This arrival was counted, and the user let in."""
        if (user, namespace) != (self._user, self._namespace):
            self._user, self._namespace, self._left = user, namespace, 0
        self._left += 1


@dataclass(frozen=True, slots=True)
class Opening:
    """What is known of a client that asks to be let into a namespace."""

    namespace: str
    auth: Mapping[str, str]
    """The flat map of the CONNECT packet."""
    address: str
    """The key that limits per address count it under: of IPv6 the /64."""
    codec: Codec
    vouch: Callable[[], None] = _nothing
    """To be called once the token is verified: the transport is then not cut in favour of newer ones."""
    arrivals: Arrivals = field(default_factory=Arrivals)
    """The arrivals on its transport."""


def flat_auth(data: object) -> Mapping[str, str] | None:
    """The `auth` of a CONNECT without absent values; None where it is not a map of strings to strings."""
    if data is None:
        return {}
    if not isinstance(data, dict):
        return None
    present = {key: value for key, value in data.items() if value is not None}
    is_flat = all(isinstance(key, str) and isinstance(value, str) for key, value in present.items())
    return present if is_flat else None


class Receiver(Protocol):
    """The application's side of one connection."""

    def opened(self, connection: "Connection") -> None:
        """CONNECT was answered; send `welcome` first. Nothing was sent before."""
        ...

    def received(self, event: str, payload: object) -> Answer | Awaitable[Answer]:
        """Handle one event; the answer becomes the ack, at once where nothing has to be waited for.

        Calls for one connection never overlap and keep their order.
        """
        ...

    def slow(self) -> None:
        """The client does not read what it is sent: say `bye`."""
        ...

    def closed(self) -> None:
        """The connection has ended, whoever ended it. Called once for each that was admitted."""
        ...


Decision = Receiver | Denied
"""The answer to a client that asks to be let in."""
Admit = Callable[[Opening], Decision | Awaitable[Decision]]
"""Answers at once where nothing has to be awaited."""


@dataclass(frozen=True, slots=True)
class SocketLimits:
    """The bounds of one connection above its transport."""

    inbox: int = 32
    """How many events may wait to be handled."""
    packets_per_second: float = 20
    packets_burst: int = 40
    protocol_errors: int = 3
    """After this many faults a namespace ends; a transport, where they name no namespace."""
    protocol_error_seconds: float = 60
    """How long a fault counts."""
    refused_events: Allowance = field(default_factory=lambda: Allowance(5, 1200))
    """Events beyond the rate that are answered RATE_LIMITED; beyond this allowance the namespace ends."""
    refusals: int = 3
    """After this many final refusals of its CONNECTs a transport ends."""
    connect_seconds: float = 5
    """The deadline for a first client to be let in on a transport."""


@dataclass(slots=True)
class Received:
    """An event in the inbox."""

    event: str
    payload: object
    ack_id: int | None


class Log(Protocol):
    """What a connection needs of its audience."""

    def catch_up(self, connection: "Connection") -> None:
        """Send this connection what it still misses, before it is sent something alone."""

    def reroute(self, connection: "Connection") -> None:
        """`connection.socket.line` has changed."""

    def leave(self, connection: "Connection") -> None:
        """Send this connection what it still misses, and remove it."""


Ended = Callable[["Connection", Code, int | None], None]
"""Called when a connection has said `bye`, with its code and the milliseconds after which to reconnect, if any."""


class Connection:
    """An open namespace of one client. All sends are synchronous, ordered and bounded."""

    __slots__ = (
        "_ended",
        "_limits",
        "_refused_events",
        "audience",
        "bucket",
        "codec",
        "faults",
        "inbox",
        "leaving",
        "namespace",
        "place",
        "receiver",
        "sid",
        "socket",
    )

    def __init__(
        self,
        sid: str,
        socket: Socket,
        namespace: str,
        receiver: Receiver,
        *,
        codec: Codec,
        limits: SocketLimits,
        ended: Ended,
    ) -> None:
        """`ended` is called after `bye`, and takes down the connection or its whole transport."""
        self._limits = limits
        self._ended = ended
        self.codec = codec
        self.sid = sid
        self.socket = socket
        self.namespace = namespace
        self.receiver = receiver
        self.audience: Log | None = None
        """The audience that it belongs to, if any."""
        self.place = 0
        """Its place among the members of that audience."""
        self.inbox: deque[Received] | None = None
        """Events that wait while an earlier one is handled; None while no event is being handled."""
        self.leaving = False
        """Whether `bye` was said or the connection has ended; nothing is sent or handled any more."""
        self.faults = Recent(limits.protocol_errors, limits.protocol_error_seconds)
        """Faults in packets that name this namespace."""
        self._refused_events: Meter | None = None
        self.bucket = Bucket(limits.packets_per_second, limits.packets_burst)

    def send(self, prepared: Prepared) -> None:
        """Send an event after all that was sent before; a slow client loses what `loss` allows, or is cut."""
        if not self.leaving:
            self._catch_up()
            self._put(prepared)

    def write(self, batch: Batch, taken: int = 0) -> None:
        """For its audience: send the batch from byte `taken` on, in one write where the client keeps up."""
        if not self.leaving and not self.socket.write(batch.wire[taken:]):
            for prepared in batch.events:
                self._put(prepared)

    def rerouted(self) -> None:
        """Its socket's descriptor for direct writes has changed."""
        if self.audience is not None:
            self.audience.reroute(self)

    def acknowledge(self, ack_id: int | None, answer: Answer) -> None:
        """Answer an event that asked for an ack."""
        if ack_id is None or self.leaving:
            return
        body: dict[str, object] = (
            {"ok": False, "error": answer.as_error()} if isinstance(answer, Denied) else {"ok": True, "data": answer}
        )
        self._catch_up()
        self.socket.send(encode(self.codec, sio.ACK, self.namespace, [body], ack_id), owner=self.namespace)

    def limit(self, ack_id: int | None, wait_ms: int, now: float) -> None:
        """Refuse an event beyond the rate; a client that goes on beyond `refused_events` is disconnected."""
        if self._refused_events is None:
            self._refused_events = Meter(self._limits.refused_events)
        if self._refused_events.take(1, now):
            self.acknowledge(ack_id, Denied(Code.RATE_LIMITED, retry_after_ms=wait_ms))
        else:
            self.bye(Code.PROTOCOL)

    def bye(self, code: Code, retry_after_ms: int | None = None) -> None:
        """Announce the end and end it: DISCONNECT for terminal codes, a closed transport for retryable ones."""
        if self.leaving:
            return
        retryable = code in RETRYABLE
        farewell = Bye(code.value, retryable, msgspec.UNSET if retry_after_ms is None else retry_after_ms)
        self.send(Prepared(BYE, farewell))
        if not retryable:
            self.socket.send(encode(self.codec, sio.DISCONNECT, self.namespace, None), owner=self.namespace)
        self.leaving = True
        self._ended(self, code, retry_after_ms)

    def leave(self) -> None:
        """The transport has dropped it. Its descriptor may be reused for another client: write nothing more to it."""
        self.inbox = None
        self.leaving = True
        if self.audience is not None:
            self.audience.leave(self)

    def _catch_up(self) -> None:
        if self.audience is not None:
            self.audience.catch_up(self)

    def _put(self, prepared: Prepared) -> None:
        frame = prepared.frame(self.codec, self.namespace)
        if not self.socket.write(frame.wire):
            self.socket.send(frame, prepared.loss, prepared.key, self.namespace)
