"""What a broker between processes tells about its link: that it is down, and where deliveries have a gap."""

from dataclasses import dataclass
from typing import Protocol

from pubsub.broker import Position


class BrokerAwayError(Exception):
    """The wire is away: perhaps nothing was published. Publish again later, under the same id."""


@dataclass(frozen=True, slots=True)
class Gap:
    """A place in a channel's deliveries where publications are missing for good."""

    after: Position
    """The last place without a gap before it."""
    until: Position
    """Whatever is delivered later has its place after this one. Its epoch is another when the wire lost its own."""
    short_complete: bool
    long_complete: bool
    """True: every missed publication of this class is being delivered late, right after the gap is told."""


class LinkListener(Protocol):
    """Hears of the link. Called on the event loop; must not block and must not raise."""

    def degraded(self, since_ms: int | None) -> None:
        """Since when (milliseconds since the epoch) this node is cut off or unsure of what it missed; None: healed.

        Meanwhile `publish` may raise `BrokerAwayError` and posts reach this node's subscribers alone.
        """
        ...

    def gap(self, channel: str, gap: Gap) -> None:
        """Subscribers of a channel have missed something; told before the first delivery that follows the gap.

        What is never kept may always be among it: state has to be read again from where it is true.
        """
        ...


class Unheard:
    """The listener of whoever does not care."""

    def degraded(self, since_ms: int | None) -> None:
        """Nobody listens."""

    def gap(self, channel: str, gap: Gap) -> None:
        """Nobody listens."""
