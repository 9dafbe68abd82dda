"""A room's replica takes what is newer, and the same thing twice only once."""

from collections import deque

from auth.identity import RoomId, ShowId, Tier, UserId
from auth.situation import Access, Phase, Switches
from gateway.replica import Event, Replica
from presale.events import RevenueChanged, SalesChanged
from rooms.events import GiftSent, PhaseChanged, QueueChanged, StageChanged
from rooms.leaderboard import LeaderboardRecord
from rooms.pins import PinsRecord
from rooms.room import RoomRecord
from rooms.stage import QueueItem, StageMember, StageRecord, StageState

ANN = UserId("ann")


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
