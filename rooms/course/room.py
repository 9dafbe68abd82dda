"""The live place of a show."""

from typing import NamedTuple

from msgspec import Struct

from auth.identity import RoomId, ShowId
from auth.situation import Access, Course, Phase, Switches
from rooms.gifts.gifts import DEFAULT_CATALOGUE, GiftKind


class RoomRecord(Struct, frozen=True):
    """What is true of a room. `version` grows by one with each change of phase, switches or schedule."""

    id: RoomId
    show: ShowId
    title: str
    access: Access
    phase: Phase
    doors_ms: int
    start_ms: int
    switches: Switches = Switches()
    gifts: tuple[GiftKind, ...] = DEFAULT_CATALOGUE
    version: int = 1
    like_total: int = 0
    """All likes so far; outside of `version`."""

    @property
    def course(self) -> Course:
        """As the box office is handed it."""
        return Course(self.title, self.phase, self.doors_ms, self.start_ms)


class Standing(NamedTuple):
    """How far a room is, by the versions of what may let somebody in or keep them out."""

    room: int
    stage: int
    news: int
    """Of what `turns_sql.count` counts."""
