"""Danmaku that were heard at one gateway alone, for the wire was away: the others learn of it, and tell their sockets.

No history has such danmaku, so nothing but this shows a gap: to a gateway that was cut off too, or never was.
"""

from collections.abc import Callable

from auth.identity import RoomId
from gateway.live.room import LiveRoom
from pubsub.broker import Broker, Publication, Retention
from pubsub.link import BrokerAwayError
from rooms.encoding import encode
from rooms.gateways import SaidApart

TELL_SECONDS = 0.25
"""How often the others are tried to be told."""


class Apart:
    """What this gateway has still to own up to, room by room."""

    def __init__(
        self,
        broker: Broker,
        *,
        clock: Callable[[], int],
        new_id: Callable[[], str],
        parted: Callable[[LiveRoom], None],
    ) -> None:
        """Calls `parted` with a room of which other gateways have heard what this one has not."""
        self._broker = broker
        self._clock = clock
        self._new_id = new_id
        self._parted = parted
        self._name = new_id()
        self._untold: dict[RoomId, str] = {}
        """Rooms, each with the id of the publication that will tell."""

    def said(self, room: RoomId) -> None:
        """A danmaku of this room reached the sockets of this gateway alone."""
        if room not in self._untold:
            self._untold[room] = self._new_id()

    def heard(self, room: LiveRoom, event: SaidApart) -> None:
        """The sockets here have missed what was said at another gateway."""
        if event.by != self._name:
            self._parted(room)

    async def tell(self) -> None:
        """Let the other gateways know, as far as the wire is back."""
        for room, publication in list(self._untold.items()):
            # from here on, what is said alone has to be told anew
            del self._untold[room]
            body = encode(SaidApart(self._name))
            try:
                await self._broker.publish(room, Publication(publication, body, Retention.SHORT, self._clock()))
            except BrokerAwayError:
                self._untold.setdefault(room, publication)
