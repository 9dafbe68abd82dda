"""What happens in a room, as it travels through the broker: enough for every gateway to follow without asking SQL.

State events carry the whole new value and its version; the latest wins. What changes somebody's rights, and a
countdown, carries a version that is counted per room (`turns_sql.count`): each of these events has one of its own, and
one that is played back is known by it. 0, which none has, is that of an event from before they were counted. `floor` is
the least tier that may see a history event; it was decided when the event was published and holds on every replay.
"""

from typing import TypeAlias

import msgspec
from msgspec import Struct

from auth.identity import Role, Tier, UserId
from auth.situation import Phase, Switches
from rooms.chat.danmaku import DanmakuStyle
from rooms.chat.pins import Pin
from rooms.course.countdowns import CountdownKind
from rooms.gifts.leaderboard import LeaderboardItem
from rooms.stage.stage import QueueItem, StageMember, StageReason, StageState


class RoomState(Struct, frozen=True):
    """All of a room that its version counts, so that none of the three events below can be missed for another."""

    phase: Phase
    switches: Switches
    doors_ms: int
    start_ms: int
    version: int


class PhaseChanged(RoomState, frozen=True, tag_field="t", tag="room.phase"):
    """The show moved on."""


class SwitchesChanged(RoomState, frozen=True, tag_field="t", tag="room.switches"):
    """Somebody flipped switches."""


class ScheduleChanged(RoomState, frozen=True, tag_field="t", tag="room.schedule"):
    """Doors or start were moved."""


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


class PinsChanged(Struct, frozen=True, tag_field="t", tag="room.pins"):
    """What stays on top, newest last."""

    items: tuple[Pin, ...]
    version: int


class CountdownChanged(Struct, frozen=True, tag_field="t", tag="room.countdown"):
    """A countdown of the room; without a target it leaves the screens."""

    id: str
    kind: CountdownKind
    target_ms: int | None
    label: str
    version: int


class Muted(Struct, frozen=True, tag_field="t", tag="room.muted"):
    """Somebody is silenced; None is until unmuted."""

    user: UserId
    until_ms: int | None
    version: int = 0


class Unmuted(Struct, frozen=True, tag_field="t", tag="room.unmuted"):
    """Somebody may speak again."""

    user: UserId
    version: int = 0


class Banned(Struct, frozen=True, tag_field="t", tag="room.banned"):
    """Somebody is out of the room for good."""

    user: UserId
    version: int = 0


class Unbanned(Struct, frozen=True, tag_field="t", tag="room.unbanned"):
    """Somebody may come back."""

    user: UserId
    version: int = 0


class Kicked(Struct, frozen=True, tag_field="t", tag="room.kicked"):
    """Close the sockets of somebody once; nothing keeps them from coming back."""

    user: UserId
    version: int = 0


class DanmakuSaid(Struct, frozen=True, tag_field="t", tag="room.danmaku"):
    """One bullet comment, cleaned and checked."""

    id: str
    user: UserId
    name: str
    text: str
    tier: Tier
    role: Role
    style: DanmakuStyle | None
    at_ms: int
    floor: Tier


class GiftSent(Struct, frozen=True, tag_field="t", tag="room.gift"):
    """One committed gift; `credits` for all `count` together."""

    id: str
    user: UserId
    name: str
    gift: str
    count: int
    credits: int
    at_ms: int
    floor: Tier
    room_credits: int
    """The credits of all gifts of the room with this one: whoever counts takes the greatest, and never adds."""


class Retracted(Struct, frozen=True, tag_field="t", tag="room.retract"):
    """Take the danmaku with this id off every screen."""

    id: str
    floor: Tier


class LikesCounted(Struct, frozen=True, tag_field="t", tag="room.likes"):
    """All likes of the room so far."""

    total: int


class AuditRecorded(Struct, frozen=True, tag_field="t", tag="room.audit"):
    """Somebody of the staff did something; for consoles."""

    id: str
    by: UserId
    action: str
    target: str
    at_ms: int


class RoleChanged(Struct, frozen=True, tag_field="t", tag="room.role"):
    """The strongest role somebody has in this room's show from now on."""

    user: UserId
    role: Role
    version: int = 0


class NamesChanged(Struct, frozen=True, tag_field="t", tag="room.names"):
    """Which names viewers may not take: the official ones, and those of the hosts by user."""

    official: tuple[str, ...]
    hosts: dict[UserId, str]
    version: int


class LeaderboardChanged(Struct, frozen=True, tag_field="t", tag="room.leaderboard"):
    """The most generous fans, first is most."""

    items: tuple[LeaderboardItem, ...]
    version: int


class SeatsTaken(Struct, frozen=True, tag_field="t", tag="room.seats_taken"):
    """Newer devices use these seats now, on whatever gateway the older ones are; `holders` of `pubsub.leases`."""

    holders: tuple[str, ...]


class Sought(Struct, frozen=True, tag_field="t", tag="room.sought"):
    """A gateway asks whether a viewer is inside at another one; who has them answers `Present`."""

    question: str
    user: UserId


class Present(Struct, frozen=True, tag_field="t", tag="room.present"):
    """The viewer of a question is inside."""

    question: str
    name: str


class SaidApart(Struct, frozen=True, tag_field="t", tag="room.said_apart"):
    """Before this, danmaku were heard at one gateway alone, and no history has them."""

    by: str
    """That gateway."""


CountedEvent: TypeAlias = CountdownChanged | Muted | Unmuted | Banned | Unbanned | Kicked | RoleChanged
"""Those whose version `turns_sql.count` gave."""

RoomEvent: TypeAlias = (
    PhaseChanged
    | SwitchesChanged
    | ScheduleChanged
    | StageChanged
    | CohostChanged
    | QueueChanged
    | PinsChanged
    | CountdownChanged
    | Muted
    | Unmuted
    | Banned
    | Unbanned
    | Kicked
    | DanmakuSaid
    | GiftSent
    | Retracted
    | LikesCounted
    | AuditRecorded
    | RoleChanged
    | NamesChanged
    | LeaderboardChanged
    | SeatsTaken
    | Sought
    | Present
    | SaidApart
)

_encoder = msgspec.json.Encoder()
_decoder: msgspec.json.Decoder[RoomEvent] = msgspec.json.Decoder(RoomEvent)


def encode(event: RoomEvent) -> bytes:
    """The body of a publication."""
    return _encoder.encode(event)


def decode(body: bytes) -> RoomEvent:
    """What `encode` was given; raises msgspec.DecodeError or ValidationError for anything else."""
    return _decoder.decode(body)
