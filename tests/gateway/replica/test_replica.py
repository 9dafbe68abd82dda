"""A room's replica takes what is newer, and the same thing twice only once."""

from collections import deque

import pytest
from msgspec import structs

from auth.identity import Role, RoomId, ShowId, Tier, UserId
from auth.situation import Access, Phase, Switches
from gateway.replica.replica import Event, Replica
from presale.events import RevenueChanged, SalesChanged
from rooms.countdowns import CountdownKind
from rooms.events import (
    Banned,
    CohostChanged,
    CountdownChanged,
    GiftSent,
    Kicked,
    Muted,
    PhaseChanged,
    QueueChanged,
    RoleChanged,
    StageChanged,
    Unbanned,
    Unmuted,
)
from rooms.leaderboard import LeaderboardRecord
from rooms.pins import PinsRecord
from rooms.room import RoomRecord
from rooms.stage import QueueItem, StageMember, StageReason, StageRecord, StageState

ANN = UserId("ann")
COUNTDOWN = CountdownChanged("encore", CountdownKind.CUSTOM, 9, "Encore", 1)


def replica() -> Replica:
    show = ShowId("s")
    room = RoomRecord(RoomId("r"), show, "Show", Access.TICKETED, Phase.LIVE, 1, 2, version=5)
    return Replica(
        room=room,
        products=(),
        sales=SalesChanged(show, [], 1),
        revenue=RevenueChanged(show, "CNY", 0, 0, 0, 1),
        gift_credits=10,
        stage=StageRecord(version=3),
        queue_version=3,
        pins=PinsRecord((), 1),
        custom_countdowns={},
        leaderboard=LeaderboardRecord((), 0),
        mutes={},
        bans=set(),
        likes=0,
        audit=deque(),
    )


def gift(room_credits: int) -> GiftSent:
    return GiftSent("g", ANN, "Ann", "rose", 4, 4, 1, Tier.MAIN, room_credits)


def test_a_gift_that_sql_had_counted_already_is_not_counted_again() -> None:
    # published while the room was being opened: it is in the totals that were read and comes as an event too
    known = replica()
    known.apply(gift(10))
    assert known.revenue_shape().gift_credits == 10
    known.apply(gift(14))
    assert known.revenue_shape().gift_credits == 14


def test_an_older_phase_is_no_news() -> None:
    known = replica()
    assert not known.apply(PhaseChanged(Phase.DOORS, Switches(), 1, 2, 5))
    assert known.room_shape().phase.value == "live"
    assert known.apply(PhaseChanged(Phase.PAUSED, Switches(), 1, 2, 6))
    assert known.room_shape().phase.value == "paused"


def test_members_and_queue_of_one_version_arrive_in_either_order() -> None:
    waits = QueueItem(UserId("li"), "Li", Tier.VIP, StageState.REQUESTED, "", 1)
    told: list[Event] = [StageChanged((StageMember(ANN, "Ann", 1),), 4, 4), QueueChanged((waits,), 4)]
    for order in (1, -1):
        known = replica()
        for event in told[::order]:
            assert known.apply(event)
        assert (known.stage.members[0].user, known.stage.queue) == (ANN, (waits,))


ENDED: list[tuple[list[Event], Event]] = [
    ([Muted(ANN, None, 1), Unmuted(ANN, 2)], Muted(ANN, None, 1)),
    ([Unmuted(ANN, 1), Muted(ANN, None, 2)], Unmuted(ANN, 1)),
    ([Banned(ANN, 1), Unbanned(ANN, 2)], Banned(ANN, 1)),
    ([Unbanned(ANN, 1), Banned(ANN, 2)], Unbanned(ANN, 1)),
    ([RoleChanged(ANN, Role.HOST, 1), RoleChanged(ANN, Role.VIEWER, 2)], RoleChanged(ANN, Role.HOST, 1)),
    ([COUNTDOWN, structs.replace(COUNTDOWN, target_ms=None, version=2)], COUNTDOWN),
    ([Kicked(ANN, 1)], Kicked(ANN, 1)),
    (
        [CohostChanged(ANN, StageState.ON_STAGE, None, 4), CohostChanged(ANN, StageState.IDLE, StageReason.LEFT, 5)],
        CohostChanged(ANN, StageState.ON_STAGE, None, 4),
    ),
]


@pytest.mark.parametrize(("told", "again"), ENDED, ids=lambda given: type(given).__name__)
def test_what_is_played_back_changes_nothing(told: list[Event], again: Event) -> None:
    known = replica()
    for event in told:
        known.apply(event)
    as_it_was = (dict(known.mutes), set(known.bans), dict(known.custom_countdowns))
    assert not known.apply(again)
    assert (known.mutes, known.bans, known.custom_countdowns) == as_it_was


@pytest.mark.parametrize(("told", "again"), ENDED, ids=lambda given: type(given).__name__)
def test_what_is_played_back_to_a_room_that_was_just_read_changes_nothing(told: list[Event], again: Event) -> None:
    known = replica()
    known.news.reach(len(told))
    known.cohosts.reach(5)
    assert not known.apply(again)
    assert (known.mutes, known.bans, known.custom_countdowns) == ({}, set(), {})


def test_the_end_of_a_ban_that_comes_before_it_stands() -> None:
    # on PostgreSQL two transactions may tell their process of their commits in the other order
    known = replica()
    known.apply(Unbanned(ANN, 2))
    assert not known.apply(Banned(ANN, 1))
    assert known.bans == set()
    assert known.news.floor == 2
