"""What happened in a room by SQL's account and not by its publications, as the events that would have told it.

Pure. Everything carries a version, and what a publication has brought further the replica does not take. What has ended
(a ban, a role, a countdown) is not in SQL any more: it ended by the version up to which SQL has counted.
"""

from collections.abc import Iterable, Iterator, Mapping

from auth.identity import Role, UserId
from gateway.replica.replica import Event, Replica, thing_of
from rooms.events import (
    Banned,
    CountdownChanged,
    CountedEvent,
    LeaderboardChanged,
    LikesCounted,
    Muted,
    NamesChanged,
    PhaseChanged,
    PinsChanged,
    QueueChanged,
    RoleChanged,
    StageChanged,
    SwitchesChanged,
    Unbanned,
    Unmuted,
)


def between(
    replica: Replica, fresh: Replica, here: Iterable[tuple[UserId, Role]], staff: Mapping[UserId, Role]
) -> Iterator[Event]:
    """The events that bring `replica` to `fresh`; each is to happen before the next is asked for.

    `here` are the roles of those in the room, `staff` those that SQL has. What is counted has all come when these have.
    """
    yield from _versioned(replica, fresh)
    version = fresh.news.floor
    if version > replica.news.floor:
        differ = [*_sanctions(replica, fresh, version), *_countdowns(replica, fresh, version)]
        differ += [
            RoleChanged(user, staff.get(user, Role.VIEWER), version)
            for user, role in set(here)
            if staff.get(user, Role.VIEWER) is not role
        ]
        # what a publication has brought further is left out: taken for one that was missing, it would stand for that
        yield from (event for event in differ if replica.news.of(thing_of(event)) < version)


def _versioned(replica: Replica, fresh: Replica) -> Iterator[Event]:
    room, stage = fresh.room, fresh.stage
    moved = PhaseChanged if room.phase is not replica.room.phase else SwitchesChanged
    yield moved(room.phase, room.switches, room.doors_ms, room.start_ms, room.version)
    yield StageChanged(stage.members, stage.capacity, stage.version)
    yield QueueChanged(stage.queue, stage.version)
    yield PinsChanged(fresh.pins.items, fresh.pins.version)
    yield LeaderboardChanged(fresh.leaderboard.items, fresh.leaderboard.version)
    yield NamesChanged(fresh.names.official, dict(fresh.names.hosts), fresh.names.version)
    yield LikesCounted(fresh.likes)
    yield fresh.sales
    yield fresh.revenue
    yield from fresh.audit


def _sanctions(replica: Replica, fresh: Replica, version: int) -> Iterator[CountedEvent]:
    for user in replica.bans ^ fresh.bans:
        yield Banned(user, version) if user in fresh.bans else Unbanned(user, version)
    for user in replica.mutes.keys() | fresh.mutes.keys():
        mute = fresh.mutes.get(user)
        if replica.mutes.get(user) != mute:
            yield Muted(user, mute.until_ms, version) if mute is not None else Unmuted(user, version)


def _countdowns(replica: Replica, fresh: Replica, version: int) -> Iterator[CountedEvent]:
    for one in fresh.custom_countdowns.values():
        if one != replica.custom_countdowns.get(one.id):
            yield CountdownChanged(one.id, one.kind, one.target_ms, one.label, version)
    for one in list(replica.custom_countdowns.values()):
        if one.id not in fresh.custom_countdowns:
            yield CountdownChanged(one.id, one.kind, None, one.label, version)
