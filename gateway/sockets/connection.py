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
    """How often a user has come over one transport: two namespaces that are multiplexed on it arrive once.

    Each arrival that was counted lets the user's other namespace in, once; who connects to both again is counted again.
    """

    __slots__ = ("_left", "_namespace", "_user")

    def __init__(self) -> None:
        self._user = self._namespace = ""
        self._left = 0

    def is_shared(self, user: str, namespace: str) -> bool:
        """Whether an arrival of the user's other namespace stands for this one, too; no other one then."""
        if user != self._user or namespace == self._namespace or not self._left:
            return False
        self._left -= 1
        return True

    def counted(self, user: str, namespace: str) -> None:
        """This one was counted, and let in."""
        if (user, namespace) != (self._user, self._namespace):
            self._user, self._namespace, self._left = user, namespace, 0
        self._left += 1


@dataclass(frozen=True, slots=True)
class Opening:
    """What is known of a socket that asks to be let in."""

    namespace: str
    auth: Mapping[str, str]
    """The flat map of the CONNECT packet."""
    address: str
    """As limits count it: of IPv6 the /64."""
    codec: Codec
    vouch: Callable[[], None] = _nothing
    """To be called once its token is good: from then on it gives way to nobody behind its address."""
    arrivals: Arrivals = field(default_factory=Arrivals)
    """Those of its transport."""


def flat_auth(data: object) -> Mapping[str, str] | None:
    """The `auth` of a CONNECT: names and strings, without those that are absent; None where it is something else."""
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
        """It does not read what it is sent: say `bye`."""
        ...

    def closed(self) -> None:
        """The connection is gone, whoever ended it. Called once for each that was admitted."""
        ...


Decision = Receiver | Denied
"""Of who asks to be let in."""
Admit = Callable[[Opening], Decision | Awaitable[Decision]]
"""Answers at once where nothing has to be waited for."""


@dataclass(frozen=True, slots=True)
class SocketLimits:
    """The bounds of one socket above its transport."""

    inbox: int = 32
    """Events waiting to be handled."""
    packets_per_second: float = 20
    packets_burst: int = 40
    protocol_errors: int = 3
    """Faults with which a namespace ends, or a transport where they name none."""
    protocol_error_seconds: float = 60
    """Within which they count."""
    refused_events: Allowance = field(default_factory=lambda: Allowance(5, 1200))
    """Events of a namespace beyond their rate that are answered RATE_LIMITED; one more ends it."""
    refusals: int = 3
    """Final ones, of its CONNECTs, with which a transport ends."""
    connect_seconds: float = 5
    """For somebody to be let in on a transport."""


@dataclass(slots=True)
class Received:
    """An event in the inbox."""

    event: str
    payload: object
    ack_id: int | None


class Log(Protocol):
    """What a connection needs of the audience that it is told things with."""

    def catch_up(self, connection: "Connection") -> None:
        """Write what this one was not told yet, before it is told something alone."""

    def reroute(self, connection: "Connection") -> None:
        """`connection.socket.line` is another one."""

    def leave(self, connection: "Connection") -> None:
        """Forget this one, with the last word of what it was still to be told."""


Ended = Callable[["Connection", Code, int | None], None]
"""Told of a connection that has said `bye`, of its code, and of the milliseconds after which to come back, if any."""


class Connection:
    """An open socket of one namespace. All sends are synchronous, ordered and bounded."""

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
        """`ended` is called once `bye` was said: it takes the connection, or its whole transport, away."""
        self._limits = limits
        self._ended = ended
        self.codec = codec
        self.sid = sid
        self.socket = socket
        self.namespace = namespace
        self.receiver = receiver
        self.audience: Log | None = None
        """Whom it is told things with."""
        self.place = 0
        """Among the members of that audience."""
        self.inbox: deque[Received] | None = None
        """Events that wait while an earlier one is handled; None while none is."""
        self.leaving = False
        """Whether `bye` was said, or it is gone; nothing is sent or handled any more."""
        self.faults = Recent(limits.protocol_errors, limits.protocol_error_seconds)
        """Packets that name this namespace and say nothing of the contract."""
        self._refused_events: Meter | None = None
        self.bucket = Bucket(limits.packets_per_second, limits.packets_burst)

    def send(self, prepared: Prepared) -> None:
        """Send an event after all that was sent before; one that cannot take it loses what its loss allows, or ends."""
        if not self.leaving:
            self._catch_up()
            self._put(prepared)

    def write(self, batch: Batch, taken: int = 0) -> None:
        """Its audience's: send all of these beyond the bytes `taken`, in one write where the peer keeps up."""
        if not self.leaving and not self.socket.write(batch.wire[taken:]):
            for prepared in batch.events:
                self._put(prepared)

    def rerouted(self) -> None:
        """Its socket has another line."""
        if self.audience is not None:
            self.audience.reroute(self)

    def acknowledge(self, ack_id: int | None, answer: Answer) -> None:
        """Answer an event that asked for it."""
        if ack_id is None or self.leaving:
            return
        body: dict[str, object] = (
            {"ok": False, "error": answer.as_error()} if isinstance(answer, Denied) else {"ok": True, "data": answer}
        )
        self._catch_up()
        self.socket.send(encode(self.codec, sio.ACK, self.namespace, [body], ack_id), owner=self.namespace)

    def limit(self, ack_id: int | None, wait_ms: int, now: float) -> None:
        """Refuse an event as one too many; who goes on and on all the same is sent away."""
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
        """It is off its transport, whose descriptor may be somebody else's next: nothing goes there from now on."""
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
