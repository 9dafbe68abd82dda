"""Every bound of the engine, in one place."""

from dataclasses import dataclass, field

from gateway.engine.backlog import BacklogLimits
from gateway.engine.budget import Traffic
from gateway.engine.session import Heartbeat


@dataclass(frozen=True, slots=True)
class EngineLimits:
    """Sizes in bytes, times in seconds."""

    heartbeat: Heartbeat = field(default_factory=Heartbeat)
    backlog: BacklogLimits = field(default_factory=BacklogLimits)
    message_bytes: int = 64 * 1024
    """Of an incoming message, and of the body of a poll."""
    traffic: Traffic | None = None
    """What a peer may send before it is cut; None: any amount."""
    unsent_bytes: int = 16 * 1024
    """Of what the kernel takes beyond the peer's window, so that a stalled reader shows early."""
    upgrade_seconds: float = 10.0
    """For a WebSocket that is tried out beside a poll."""
    farewell_seconds: float = 2.0
    """For a peer to fetch its last packets, and to answer a close frame."""
    header_seconds: float = 10.0
    """For the head of an HTTP request."""
    header_bytes: int = 16 * 1024
    body_seconds: float = 15.0
    unaccepted: int = 0
    """Sockets of any address that the application does not know yet; beyond it the one silent longest of all gives
    way. 0: any number."""
    unaccepted_per_address: int = 256
    """Sockets of one address that the application does not know yet; beyond it the one silent longest gives way. 0:
    any number."""
