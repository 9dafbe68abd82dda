"""Every bound of the engine, in one place."""

from dataclasses import dataclass, field

from gateway.engine.backlog import BacklogLimits
from gateway.engine.budget import Traffic
from gateway.engine.session import Heartbeat


@dataclass(frozen=True, slots=True)
class EngineLimits:
    """The bounds of one engine. Sizes are in bytes, times in seconds."""

    heartbeat: Heartbeat = field(default_factory=Heartbeat)
    backlog: BacklogLimits = field(default_factory=BacklogLimits)
    message_bytes: int = 64 * 1024
    """The largest incoming message, and the largest body of a POST."""
    traffic: Traffic | None = None
    """The rate limits beyond which a peer is cut; None: no limit."""
    unsent_bytes: int = 16 * 1024
    """How much the kernel buffers beyond the peer's window; small, so that a stalled reader shows."""
    upgrade_seconds: float = 10.0
    """The deadline for a WebSocket probe to become an upgrade."""
    farewell_seconds: float = 2.0
    """The deadline for a peer to fetch its last packets and to answer a close frame."""
    header_seconds: float = 10.0
    """The deadline for the head of an HTTP request."""
    header_bytes: int = 16 * 1024
    body_seconds: float = 15.0
    unaccepted: int = 0
    """How many sockets the application may not have accepted yet, over all addresses; beyond it the longest silent one
    is cut. 0: no bound.
    """
    unaccepted_per_address: int = 256
    """How many sockets of one address the application may not have accepted yet; beyond it the longest silent one is
    cut. 0: no bound.
    """
