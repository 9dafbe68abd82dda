"""What is published of the stage."""

from msgspec import Struct

from auth.identity import UserId
from rooms.stage.stage import QueueItem, StageMember, StageReason, StageState


class StageChanged(Struct, frozen=True, tag_field="t", tag="room.stage"):
    """Who is on stage."""

    members: tuple[StageMember, ...]
    capacity: int
    version: int


class CohostChanged(Struct, frozen=True, tag_field="t", tag="room.cohost"):
    """Where one user stands with the stage; `version` is the stage's."""

    user: UserId
    state: StageState
    reason: StageReason | None
    """Set when they stand idle again."""
    version: int


class QueueChanged(Struct, frozen=True, tag_field="t", tag="room.queue"):
    """Who waits for the stage, longest first; for consoles. `version` is the stage's."""

    items: tuple[QueueItem, ...]
    version: int
