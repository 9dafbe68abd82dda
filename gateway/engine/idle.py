"""Bounds connections without a request under way: each holds a descriptor that a new client needs."""

from collections.abc import Callable
from typing import Protocol

from gateway.engine.addresses import place_of


class Idle(Protocol):
    """A connection that can be ended."""

    def end_idle(self) -> None:
        """Close the connection at once: no answer is pending."""
        ...


class IdleConnections:
    """The idle connections of one process. Beyond either bound the longest idle one is closed for a new one."""

    def __init__(self, most: int, per_address: int, gave_way: Callable[[str], None]) -> None:
        """The bounds: in all, and per address (0: none). `gave_way` gets the address of each one closed."""
        self._most = most
        self._per_address = per_address
        self._gave_way = gave_way
        self._places: dict[Idle, str] = {}
        self._by_place: dict[str, dict[Idle, None]] = {}

    def __len__(self) -> int:
        return len(self._places)

    def enter(self, connection: Idle, address: str) -> None:
        """The connection has no request under way from now on. Idempotent."""
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
        """The connection has a request under way, or has closed. Idempotent."""
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
