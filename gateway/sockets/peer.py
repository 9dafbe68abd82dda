"""What the socket server knows of one transport, and of each namespace that shares it."""

from dataclasses import dataclass
from typing import Final

from gateway.engine.wheel import Alarm
from gateway.sockets.connection import Connection

NOTHING: Final = object()


@dataclass(slots=True)
class Knock:
    """A CONNECT that is being decided, and what the peer has said of its namespace meanwhile."""

    is_withdrawn: bool = False
    """Whether the peer has taken it back, or has asked anew."""
    again: object = NOTHING
    """The `auth` of the newest CONNECT for this namespace; it is decided next."""


class Peer:
    """What this server knows of one transport, which several namespaces may share.

    Whatever a namespace does, and whatever becomes of it, the others go on; only a transport's own end ends them all.
    """

    __slots__ = ("connections", "deadline", "faults", "knocks", "refusals")

    def __init__(self) -> None:
        self.connections: dict[str, Connection] = {}
        """By namespace."""
        self.knocks: dict[str, Knock] = {}
        """By namespace."""
        self.faults = 0
        """What came that names no namespace which stands here."""
        self.refusals = 0
        self.deadline: Alarm | None = None
        """For the first CONNECT, and for the next one after a refusal."""
