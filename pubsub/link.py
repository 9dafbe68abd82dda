"""What a broker between processes reports of its link: that it is down, and where deliveries have a gap."""

from dataclasses import dataclass
from typing import Protocol

from pubsub.broker import Position


class BrokerAwayError(Exception):
    """The wire is down; whether anything was published is unknown. Publish again later, with the same id."""


@dataclass(frozen=True, slots=True)
class Gap:
    """A place in a channel's deliveries where publications are missing for good."""

    after: Position
    """The last position before the gap."""
    until: Position
    """Everything delivered later comes after this position. Its epoch differs when the wire lost its own."""
    short_complete: bool
    long_complete: bool
    """True: every missed publication of this class is delivered late, directly after the gap is told."""


class LinkListener(Protocol):
    """Is told of the state of the link. Called on the event loop; must not block or raise."""

    def degraded(self, since_ms: int | None) -> None:
        """Since when (milliseconds since the epoch) the node is cut off, or unsure what it missed; None: healed.

        Meanwhile `publish` may raise `BrokerAwayError`, and posts reach only this node's subscribers.
        """
        ...

    def gap(self, channel: str, gap: Gap) -> None:
        """Subscribers of a channel have missed publications; called before the first delivery after the gap.

        Publications that are never kept may be among them: read the state again from SQL.
        """
        ...


class Unheard:
    """A listener that ignores everything."""

    def degraded(self, since_ms: int | None) -> None:
        """Nobody listens."""

    def gap(self, channel: str, gap: Gap) -> None:
        """Nobody listens."""
