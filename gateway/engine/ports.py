"""What a socket needs of those around it, and what the engine serves, so that neither imports the other.

`ports <- socket <- engine <- websocket, polling <- http`: whoever stands further right knows all to its left.
"""

from typing import Protocol, TypeVar

from gateway.engine.limits import EngineLimits
from gateway.engine.requests import Handshake
from gateway.engine.session import Reason
from gateway.engine.wheel import Wheel

S_contra = TypeVar("S_contra", contravariant=True)
"""The engine's socket, which imports this module."""


class Application(Protocol[S_contra]):
    """What the engine serves. Calls are synchronous, and for one socket in the order in which things happened."""

    def opened(self, socket: S_contra, handshake: Handshake) -> None:
        """A session has begun."""

    def received(self, socket: S_contra, data: str | bytes) -> None:
        """A message came."""

    def faulted(self, socket: S_contra, *, is_final: bool) -> bool:
        """What came is no Engine.IO. Whether to go on; a final fault ends the session after what is sent now."""

    def rerouted(self, socket: S_contra) -> None:
        """`socket.line` is another one. Not told of one that is over: it has none."""

    def slow(self, socket: S_contra) -> None:
        """The peer does not read: the session ends after what is sent now, if it can be sent at all."""

    def closed(self, socket: S_contra, reason: Reason) -> None:
        """The session is over, whoever ended it. Called once for each that was opened."""


class Keeper(Protocol[S_contra]):
    """What a socket needs of its engine."""

    @property
    def application(self) -> Application[S_contra]:
        """Who is told what happens."""

    @property
    def limits(self) -> EngineLimits:
        """The bounds of every socket."""

    @property
    def wheel(self) -> Wheel:
        """Who keeps the deadlines."""

    def clock(self) -> float:
        """Seconds of a monotonic clock, the wheel's."""

    def accepted(self, socket: S_contra) -> None:
        """The application knows who this is. Called once for each socket, at its end at the latest."""

    def heard(self, socket: S_contra) -> None:
        """The peer of a socket that is not accepted has said who it is: the silent ones give way before it."""

    def watch(self, socket: S_contra) -> None:
        """End the socket with `give_up` unless its peer takes what waits for it."""

    def linger(self, socket: S_contra) -> None:
        """Keep an ended polling session for its last request."""

    def forget(self, socket: S_contra) -> None:
        """The socket has ended."""


class Carrier(Protocol):
    """What a socket needs of a WebSocket that carries its session, or is tried out beside polling."""

    @property
    def is_full(self) -> bool:
        """Whether the transport holds bytes that the kernel does not take."""

    @property
    def line(self) -> int:
        """Where the kernel takes the same bytes as `write`, as long as the transport holds none."""

    def write(self, wire: bytes, /) -> None:
        """Take whole frames. It never waits and takes all that it is given."""

    def confirmed(self) -> None:
        """It carries the session from now on."""

    def finish(self, text: str, last: bytes) -> None:
        """Write what is left and a close frame with `text`, and see the peer off."""

    def abort(self) -> None:
        """Drop the connection and what it still holds."""


class Request(Protocol):
    """What a socket needs of an HTTP request that waits for packets."""

    def ready(self) -> None:
        """Packets are there: collect them when the request has its turn."""

    def release(self, packet: str) -> None:
        """Answer with this packet and nothing else."""
