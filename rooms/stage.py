"""Co-hosting: who asked, who was invited, who is on stage. One state per user, one table of ways between them."""

from collections.abc import Mapping
from enum import StrEnum

from msgspec import Struct, structs

from auth.denials import Code, Denied
from auth.identity import Tier, UserId
from auth.situation import Phase

DEFAULT_CAPACITY = 4
MAX_QUEUE = 200
"""Requests and invitations waiting at once; beyond it BUSY."""


class StageState(StrEnum):
    """Where a user stands with the stage."""

    IDLE = "idle"
    REQUESTED = "requested"
    INVITED = "invited"
    ON_STAGE = "on_stage"


class StageAction(StrEnum):
    """What can be done: by the viewer, by the staff, and `end` when the viewer's right is gone."""

    REQUEST = "request"
    CANCEL = "cancel"
    ACCEPT = "accept"
    LEAVE = "leave"
    APPROVE = "approve"
    REJECT = "reject"
    INVITE = "invite"
    REMOVE = "remove"
    END = "end"


class StageReason(StrEnum):
    """Why somebody stands idle again."""

    REJECTED = "rejected"
    REMOVED = "removed"
    LEFT = "left"
    CANCELLED = "cancelled"
    RIGHTS_ENDED = "rights_ended"
    PAUSED = "paused"


TRANSITIONS: Mapping[tuple[StageState, StageAction], StageState] = {
    (StageState.IDLE, StageAction.REQUEST): StageState.REQUESTED,
    (StageState.IDLE, StageAction.INVITE): StageState.INVITED,
    (StageState.REQUESTED, StageAction.CANCEL): StageState.IDLE,
    (StageState.REQUESTED, StageAction.APPROVE): StageState.ON_STAGE,
    (StageState.REQUESTED, StageAction.REJECT): StageState.IDLE,
    (StageState.REQUESTED, StageAction.INVITE): StageState.INVITED,
    (StageState.REQUESTED, StageAction.END): StageState.IDLE,
    (StageState.INVITED, StageAction.ACCEPT): StageState.ON_STAGE,
    (StageState.INVITED, StageAction.CANCEL): StageState.IDLE,
    (StageState.INVITED, StageAction.REJECT): StageState.IDLE,
    (StageState.INVITED, StageAction.REMOVE): StageState.IDLE,
    (StageState.INVITED, StageAction.END): StageState.IDLE,
    (StageState.ON_STAGE, StageAction.LEAVE): StageState.IDLE,
    (StageState.ON_STAGE, StageAction.REMOVE): StageState.IDLE,
    (StageState.ON_STAGE, StageAction.END): StageState.IDLE,
}

STAFF_ACTIONS = frozenset({StageAction.APPROVE, StageAction.REJECT, StageAction.INVITE, StageAction.REMOVE})

_FORWARD = frozenset({StageAction.REQUEST, StageAction.INVITE, StageAction.APPROVE, StageAction.ACCEPT})
"""Actions towards the stage; they rest outside of `_STAGE_PHASES`. Ways back are always open."""
_STAGE_PHASES = frozenset({Phase.DOORS, Phase.LIVE})

_REASONS: Mapping[StageAction, StageReason] = {
    StageAction.CANCEL: StageReason.CANCELLED,
    StageAction.LEAVE: StageReason.LEFT,
    StageAction.REJECT: StageReason.REJECTED,
    StageAction.REMOVE: StageReason.REMOVED,
    StageAction.END: StageReason.RIGHTS_ENDED,
}


class StageMember(Struct, frozen=True):
    """Somebody co-hosting now."""

    user: UserId
    name: str
    since_ms: int


class QueueItem(Struct, frozen=True):
    """Somebody asking to come on stage, or invited and not yet there."""

    user: UserId
    name: str
    tier: Tier
    state: StageState
    message: str
    at_ms: int
    """Since when they wait."""


class StageRecord(Struct, frozen=True):
    """A room's stage; every change makes `version` one greater. Who is in neither tuple is idle."""

    members: tuple[StageMember, ...] = ()
    """In the order of their coming."""
    queue: tuple[QueueItem, ...] = ()
    """Longest waiting first."""
    capacity: int = DEFAULT_CAPACITY
    version: int = 1

    def state_of(self, user: UserId) -> StageState:
        """Where somebody stands."""
        if any(member.user == user for member in self.members):
            return StageState.ON_STAGE
        return next((item.state for item in self.queue if item.user == user), StageState.IDLE)


class StageCommand(Struct, frozen=True):
    """One action on one user. Name, tier and message matter to `request` and `invite` only."""

    action: StageAction
    user: UserId
    name: str = ""
    tier: Tier = Tier.NONE
    message: str = ""
    reason: StageReason | None = None
    """For `end`, where it is another than `rights_ended`."""

    @property
    def outcome(self) -> StageReason | None:
        """What the user is told when the action made them idle."""
        return self.reason or _REASONS.get(self.action)


def decide(stage: StageRecord, command: StageCommand, phase: Phase, now_ms: int) -> StageRecord | Denied:
    """The stage after an action: CLOSED in a phase without co-hosting, STAGE_STATE where the table has no way."""
    state = stage.state_of(command.user)
    target = TRANSITIONS.get((state, command.action))
    if target is None:
        return Denied(Code.STAGE_STATE, detail={"state": state.value})
    if command.action in _FORWARD and phase not in _STAGE_PHASES:
        return Denied(Code.CLOSED)
    if target is StageState.ON_STAGE and len(stage.members) >= stage.capacity:
        return Denied(Code.STAGE_FULL)
    if state is StageState.IDLE and len(stage.queue) >= MAX_QUEUE:
        return Denied(Code.BUSY)
    waited = next((item for item in stage.queue if item.user == command.user), None)
    members = tuple(member for member in stage.members if member.user != command.user)
    queue = tuple(item for item in stage.queue if item.user != command.user)
    if target is StageState.ON_STAGE and waited is not None:
        members = (*members, StageMember(command.user, waited.name, now_ms))
    elif waited is not None and target is StageState.INVITED:
        queue = tuple(
            structs.replace(item, state=target) if item.user == command.user else item for item in stage.queue
        )
    elif target in {StageState.REQUESTED, StageState.INVITED}:
        queue = (*queue, QueueItem(command.user, command.name, command.tier, target, command.message, now_ms))
    return structs.replace(stage, members=members, queue=queue, version=stage.version + 1)
