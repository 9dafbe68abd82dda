"""Co-hosting: who asked, who was invited, who is on stage. One state per user, one table of ways between them."""

from collections.abc import Collection, Mapping
from enum import StrEnum

from msgspec import Struct, structs

from auth.denials import Code, Denied
from auth.identity import Tier, UserId
from auth.situation import Phase

DEFAULT_CAPACITY = 4
MAX_REQUESTS = 200
"""Requests waiting at once; beyond it BUSY."""
MAX_INVITATIONS = 50
"""Invitations waiting at once, beside the requests: neither can fill the other's places."""


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
    ABSENT = "absent"
    """Without a socket for longer than the grace."""
    EXPIRED = "expired"
    """A request or an invitation that nobody has answered in time."""


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


_MOST_WAITING: Mapping[StageState, int] = {
    StageState.REQUESTED: MAX_REQUESTS,
    StageState.INVITED: MAX_INVITATIONS,
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
    invited_ms: int | None = None
    """When they were invited."""


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


class Terms(Struct, frozen=True):
    """How long a place is kept for somebody."""

    grace_ms: int
    """On stage, without a socket."""
    patience_ms: int
    """In the queue, since the request or the invitation."""


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
    if target in _MOST_WAITING and _waiting(stage, target) >= _MOST_WAITING[target]:
        return Denied(Code.BUSY)
    waited = next((item for item in stage.queue if item.user == command.user), None)
    members = tuple(member for member in stage.members if member.user != command.user)
    queue = tuple(item for item in stage.queue if item.user != command.user)
    if target is StageState.ON_STAGE and waited is not None:
        members = (*members, StageMember(command.user, waited.name, now_ms))
    elif waited is not None and target is StageState.INVITED:
        queue = tuple(
            structs.replace(item, state=target, invited_ms=now_ms) if item.user == command.user else item
            for item in stage.queue
        )
    elif target in {StageState.REQUESTED, StageState.INVITED}:
        invited_ms = now_ms if target is StageState.INVITED else None
        item = QueueItem(command.user, command.name, command.tier, target, command.message, now_ms, invited_ms)
        queue = (*queue, item)
    return structs.replace(stage, members=members, queue=queue, version=stage.version + 1)


def lapsed(stage: StageRecord, here_ms: Mapping[UserId, int], now_ms: int, terms: Terms) -> dict[UserId, StageReason]:
    """Whose time on stage or in the queue is over, and why. `here_ms`: until when somebody was known to be here.

    Whoever has just come on stage is taken for seen then.
    """
    over: dict[UserId, StageReason] = {}
    for member in stage.members:
        if max(member.since_ms, here_ms.get(member.user, 0)) + terms.grace_ms <= now_ms:
            over[member.user] = StageReason.ABSENT
    for item in stage.queue:
        if (item.at_ms if item.invited_ms is None else item.invited_ms) + terms.patience_ms <= now_ms:
            over[item.user] = StageReason.EXPIRED
    return over


def without(stage: StageRecord, users: Collection[UserId]) -> StageRecord:
    """The stage after some have been taken off it and out of its queue."""
    return structs.replace(
        stage,
        members=tuple(member for member in stage.members if member.user not in users),
        queue=tuple(item for item in stage.queue if item.user not in users),
        version=stage.version + 1,
    )


def _waiting(stage: StageRecord, state: StageState) -> int:
    return sum(item.state is state for item in stage.queue)


def request_name(user: UserId, version: int) -> str:
    """By what a request is known again that was made here; `version` is the stage's."""
    return f"{version}:{user}"
