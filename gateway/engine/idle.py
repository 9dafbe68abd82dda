"""Connections whose peer owes us a request: bounded, for each of them holds a descriptor that a newcomer needs."""

from collections.abc import Callable
from typing import Protocol

from gateway.engine.addresses import place_of


class Idle(Protocol):
    """A connection that can be ended."""

    def end_idle(self) -> None:
        """End it at once: it says nothing."""
        ...


class IdleConnections:
    """Those of one process, the one idle longest first. Beyond either bound that one gives way; nobody is refused."""

    def __init__(self, most: int, per_address: int, gave_way: Callable[[str], None]) -> None:
        """At most so many in all, and of one address (0: any number); `gave_way` is told the address each time."""
        self._most = most
        self._per_address = per_address
        self._gave_way = gave_way
        self._places: dict[Idle, str] = {}
        self._by_place: dict[str, dict[Idle, None]] = {}

    def __len__(self) -> int:
        return len(self._places)

    def enter(self, connection: Idle, address: str) -> None:
        """Its peer has nothing under way from now on. Idempotent."""
        self.leave(connection)
        place = place_of(address)
        neighbours = self._by_place.get(place, {})
        if self._per_address and len(neighbours) >= self._per_address:
            self._end(next(iter(neighbours)))
        elif len(self._places) >= self._most:
            self._end(next(iter(self._places)))
        self._places[connection] = place
        self._by_place.setdefault(place, {})[connection] = None

    def leave(self, connection: Idle) -> None:
        """A request of it is under way, or it is gone. Idempotent."""
        place = self._places.pop(connection, None)
        if place is not None:
            neighbours = self._by_place[place]
            del neighbours[connection]
            if not neighbours:
                del self._by_place[place]

    def _end(self, connection: Idle) -> None:
        place = self._places[connection]
        self.leave(connection)
        self._gave_way(place)
        connection.end_idle()
