"""What happened in a room by SQL's account and not by its publications, as the events that would have told it.

Pure. What carries a version is left to the replica to take or not; for what has none (sanctions, roles, removed
countdowns) only those differences count that no publication has made meanwhile.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from auth.identity import Role, UserId
from gateway.replica import Event, Replica
from rooms.countdowns import Countdown
from rooms.events import (
    Banned,
    CountdownChanged,
    LeaderboardChanged,
    LikesCounted,
    Muted,
    PhaseChanged,
    PinsChanged,
    QueueChanged,
    RoleChanged,
    StageChanged,
    SwitchesChanged,
    Unbanned,
    Unmuted,
)
from rooms.moderation import Mute

if TYPE_CHECKING:
    from gateway.live_room import LiveRoom


@dataclass(frozen=True, slots=True)
class Known:
    """What a room knows of what has no version."""

    mutes: Mapping[UserId, Mute]
    bans: frozenset[UserId]
    countdowns: Mapping[str, Countdown]
    roles: Mapping[UserId, Role]
    """Of everybody here."""

    @classmethod
    def of(cls, room: "LiveRoom") -> "Known":
        """As of now."""
        replica = room.replica
        roles = {member.user: member.role for member in room.members()}
        return cls(dict(replica.mutes), frozenset(replica.bans), dict(replica.custom_countdowns), roles)


def between(
    before: Known, now: Known, replica: Replica, fresh: Replica, roles: Mapping[UserId, Role]
) -> Iterator[Event]:
    """The events that bring `replica` to `fresh`; each is to happen before the next is asked for.

    `before` is from before SQL was asked, `now` from after it answered; `roles` are those that SQL has.
    """
    yield from _versioned(replica, fresh)
    yield from _sanctions(before, now, fresh)
    for name, countdown in before.countdowns.items():
        if name not in fresh.custom_countdowns and now.countdowns.get(name) is countdown:
            yield CountdownChanged(name, countdown.kind, None, countdown.label, countdown.version + 1)
    for user, role in before.roles.items():
        held = roles.get(user, Role.VIEWER)
        if held is not role and now.roles.get(user) is role:
            yield RoleChanged(user, held)


def _versioned(replica: Replica, fresh: Replica) -> Iterator[Event]:
    room, stage = fresh.room, fresh.stage
    moved = PhaseChanged if room.phase is not replica.room.phase else SwitchesChanged
    yield moved(room.phase, room.switches, room.doors_ms, room.start_ms, room.version)
    yield StageChanged(stage.members, stage.capacity, stage.version)
    yield QueueChanged(stage.queue, stage.version)
    yield PinsChanged(fresh.pins.items, fresh.pins.version)
    yield LeaderboardChanged(fresh.leaderboard.items, fresh.leaderboard.version)
    yield LikesCounted(fresh.likes)
    yield fresh.sales
    yield fresh.revenue
    for one in fresh.custom_countdowns.values():
        yield CountdownChanged(one.id, one.kind, one.target_ms, one.label, one.version)
    yield from fresh.audit


def _sanctions(before: Known, now: Known, fresh: Replica) -> Iterator[Event]:
    for user in before.bans ^ fresh.bans:
        if (user in before.bans) is (user in now.bans):
            yield Banned(user) if user in fresh.bans else Unbanned(user)
    for user in before.mutes.keys() | fresh.mutes.keys():
        was, mute = before.mutes.get(user), fresh.mutes.get(user)
        if was != mute and now.mutes.get(user) == was:
            yield Muted(user, mute.until_ms) if mute is not None else Unmuted(user)
