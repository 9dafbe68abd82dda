"""Payloads and events of the stage."""

from msgspec import UNSET, Struct, UnsetType

from auth.grants import Grant
from gateway.contract.rows import console, personal, state
from gateway.contract.scalars import Count, ShortText
from rooms.stage.stage import QueueItem, StageMember, StageReason, StageState


class Stage(Struct, frozen=True):
    """Who is on stage."""

    members: tuple[StageMember, ...]
    capacity: Count
    """Places."""
    version: Count


class Cohost(Struct, frozen=True, omit_defaults=True):
    """Where you stand with the stage; `grant` is there while you are on it."""

    state: StageState
    version: Count
    reason: StageReason | UnsetType = UNSET
    grant: Grant | UnsetType = UNSET


class CohostQueue(Struct, frozen=True):
    """Who waits for the stage, longest first."""

    items: tuple[QueueItem, ...]
    version: Count


class CohostRequest(Struct, frozen=True):
    """Ask to come on stage."""

    message: ShortText | None = None


STAGE = state("stage", Stage)

COHOST = personal("cohost", Cohost)

COHOST_QUEUE = console("cohost:queue", CohostQueue)
