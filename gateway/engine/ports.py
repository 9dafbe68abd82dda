"""The interfaces between a socket, its engine, its transports and the application.

They keep imports one-way: `ports <- socket <- engine <- websocket, polling <- http`; each imports only from its left.
"""

from typing import Protocol, TypeVar

from gateway.engine.limits import EngineLimits
from gateway.engine.requests import Handshake
from gateway.engine.session import Reason
from gateway.engine.wheel import Wheel

S_contra = TypeVar("S_contra", contravariant=True)
"""Stands for the engine's socket, whose module imports this one."""


class Application(Protocol[S_contra]):
    """What the engine serves. Calls are synchronous and, for each socket, in the order of events."""

    def opened(self, socket: S_contra, handshake: Handshake) -> None:
        """A session has begun."""

    def received(self, socket: S_contra, data: str | bytes) -> None:
        """A message arrived."""

    def faulted(self, socket: S_contra, *, is_final: bool) -> bool:
        """Something that is not Engine.IO arrived. Answer whether to go on; a final fault ends the session."""

    def rerouted(self, socket: S_contra) -> None:
        """`socket.line` has changed. Not called for an ended socket."""

    def slow(self, socket: S_contra) -> None:
        """The peer does not read: the session ends after what this call sends, if that can be sent."""

    def closed(self, socket: S_contra, reason: Reason) -> None:
        """The session has ended, whoever ended it. Called once for each `opened`."""


class Keeper(Protocol[S_contra]):
    """What a socket needs of its engine."""

    @property
    def application(self) -> Application[S_contra]:
        """The application that is called about every socket."""

    @property
    def limits(self) -> EngineLimits:
        """The bounds of every socket."""

    @property
    def wheel(self) -> Wheel:
        """The wheel for deadlines."""

    def clock(self) -> float:
        """Seconds of the monotonic clock that the wheel uses."""

    def accepted(self, socket: S_contra) -> None:
        """The application accepted this socket. Called once for each socket, at the latest when it ends."""

    def heard(self, socket: S_contra) -> None:
        """An unaccepted peer has sent its credentials: silent ones are cut before it."""

    def watch(self, socket: S_contra) -> None:
        """Call `give_up` on the socket unless its peer reads what waits for it."""

    def linger(self, socket: S_contra) -> None:
        """Keep an ended polling session until it has fetched its last packets."""

    def forget(self, socket: S_contra) -> None:
        """The socket has ended."""


class Carrier(Protocol):
    """What a socket needs of a WebSocket that carries its session, or is being probed beside polling."""

    @property
    def is_full(self) -> bool:
        """Whether the transport holds bytes that the kernel has not taken."""

    @property
    def line(self) -> int:
        """The descriptor for direct writes, valid while the transport holds nothing (`gateway.engine.lines`)."""

    def write(self, wire: bytes, /) -> None:
        """Take whole frames, all of them, without waiting."""

    def confirmed(self) -> None:
        """The probe succeeded: this WebSocket carries the session from now on."""

    def finish(self, text: str, last: bytes) -> None:
        """Write what is left and a close frame with `text`, then close."""

    def abort(self) -> None:
        """Reset the connection and drop what it still holds."""


class Request(Protocol):
    """What a socket needs of a GET that waits for packets."""

    def ready(self) -> None:
        """Packets wait: collect them when the request is scheduled."""

    def release(self, packet: str) -> None:
        """Answer with this packet and no other."""
