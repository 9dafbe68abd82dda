"""What a decision wants done about seats, news and jobs."""

from msgspec import Struct

from presale.catalogue.offer import Move, Seats


class MoveSeats(Struct, frozen=True):
    """Seats of all lines take a step."""

    move: Move
    lines: tuple[Seats, ...]


class Announce(Struct, frozen=True):
    """An event is published in the show's room."""

    event: Struct


class Schedule(Struct, frozen=True):
    """A job runs at or after a time, once per kind and key."""

    kind: str
    key: str
    subject: str
    """Its payload: what the job is about."""
    run_at_ms: int
