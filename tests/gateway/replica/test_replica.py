"""A room's replica takes what is newer, and the same thing twice only once."""

from collections.abc import Sequence

import pytest
from msgspec import structs

from auth.denials import Code
from auth.grants import Grant
from auth.identity import Role, RoomId, ShowId, Tier, UserId
from auth.situation import Access, Phase, Switches
from gateway.contract.shared import COUNTDOWN as TOLD_COUNTDOWN
from gateway.contract.shared import INBOX, Inbox
from gateway.features.course.wire import ROOM as TOLD_ROOM
from gateway.features.gifts.wire import GIFT
from gateway.features.registry import BOOK
from gateway.features.sales.news import revenue_shape
from gateway.features.stage.wire import COHOST
from gateway.replica.news import AnyEvent
from gateway.replica.orders import CallIn, NewRole, Order, RightsFollow, SendOut, Tell, TellState, TellUser
from gateway.replica.reading import GiftsCounted, ProductsListed, mute_of, stage_of
from gateway.replica.replica import Reading, Replica
from presale.books.events import RevenueChanged
from presale.catalogue.events import SalesChanged
from rooms.chat.events import PinsChanged
from rooms.course.countdowns import CountdownKind
from rooms.course.events import CountdownChanged, PhaseChanged
from rooms.course.room import RoomRecord
from rooms.gifts.events import GiftSent, LeaderboardChanged, LikesCounted
from rooms.moderation.events import Banned, Kicked, Muted, Unbanned, Unmuted
from rooms.moderation.sanctions import Mute
from rooms.names.events import NamesChanged
from rooms.roles.events import RoleChanged
from rooms.stage.events import CohostChanged, QueueChanged, StageChanged
from rooms.stage.stage import QueueItem, StageMember, StageReason, StageState

ANN = UserId("ann")
SHOW = ShowId("s")
ROOM = RoomRecord(RoomId("r"), SHOW, "Show", Access.TICKETED, Phase.LIVE, 1, 2, version=5)
COUNTDOWN = CountdownChanged("encore", CountdownKind.CUSTOM, 9, "Encore", 1)


class Now:
    """A moment that is always the same."""

    def now_ms(self) -> int:
        return 7

    def new_id(self) -> str:
        return "id"

    def publishing_grant(self, user: UserId) -> Grant:
        raise AssertionError(f"nobody publishes in these tests, not {user} either")


NOW = Now()


def reading(*news: AnyEvent, room: RoomRecord = ROOM, counted: int = 0) -> Reading:
    """A room as SQL has it: these news, and what is usual of all other states."""
    usual: dict[type, AnyEvent] = {
        type(event): event
        for event in (
            ProductsListed(()),
            SalesChanged(SHOW, [], 1),
            RevenueChanged(SHOW, "CNY", 0, 0, 0, 1),
            GiftsCounted(10),
            StageChanged((), 4, 3),
            QueueChanged((), 3),
            PinsChanged((), 1),
            LeaderboardChanged((), 0),
            LikesCounted(0),
            NamesChanged((), {}, 0),
        )
    }
    usual.update((type(event), event) for event in news if type(event) in usual)
    return Reading(room, counted, [*usual.values(), *(event for event in news if type(event) not in usual)])


def replica(*news: AnyEvent, room: RoomRecord = ROOM, counted: int = 0) -> Replica:
    return Replica(BOOK, reading(*news, room=room, counted=counted))


def take(known: Replica, event: AnyEvent) -> Sequence[Order]:
    return known.take(event, NOW)


def in_force(known: Replica) -> tuple[set[str], set[str], set[str]]:
    return set(known.each(Muted)), set(known.each(Banned)), set(known.each(CountdownChanged))


def gift(room_credits: int) -> GiftSent:
    return GiftSent("g", ANN, "Ann", "rose", 4, 4, 1, Tier.MAIN, room_credits)


# ---- the room decides: an event goes in, orders come out -------------------------------------------------


def test_a_ban_sends_every_socket_of_its_user_out() -> None:
    assert take(replica(), Banned(ANN, 1)) == [SendOut(ANN, Code.BANNED)]


def test_a_kick_sends_out_and_holds_for_nobody() -> None:
    known = replica()
    assert take(known, Kicked(ANN, 1)) == [SendOut(ANN, Code.KICKED)]
    assert known.each(Kicked) == {}


def test_a_mute_tells_its_user_alone_and_until_when() -> None:
    known = replica()
    assert take(known, Muted(ANN, 9, 1)) == [TellUser(ANN, INBOX, Inbox("id", "muted", 7, 9))]
    assert mute_of(known, ANN) == Mute(ANN, 9)
    assert take(known, Unmuted(ANN, 2)) == [TellUser(ANN, INBOX, Inbox("id", "unmuted", 7))]
    assert mute_of(known, ANN) is None


def test_a_role_is_for_the_sockets_of_its_user() -> None:
    assert take(replica(), RoleChanged(ANN, Role.HOST, 1)) == [NewRole(ANN, Role.HOST, 1)]


def test_a_phase_tells_the_room_then_the_countdowns_that_end_then_rights() -> None:
    orders = take(replica(room=structs.replace(ROOM, phase=Phase.DOORS)), PhaseChanged(Phase.LIVE, Switches(), 1, 2, 6))
    told = [order.event for order in orders if isinstance(order, Tell)]
    assert told == [TOLD_ROOM, TOLD_COUNTDOWN]
    assert orders[-1] == RightsFollow("phase")


def test_who_comes_on_stage_need_not_wait_at_the_door() -> None:
    class Publishing(Now):
        def publishing_grant(self, user: UserId) -> Grant:
            return Grant("main", "publish", "hls", "https://media.example/publish", 9)

    orders = replica().take(CohostChanged(ANN, StageState.ON_STAGE, None, 4), Publishing())
    assert orders[0] == CallIn(ANN)
    assert isinstance(orders[1], TellUser)
    assert orders[1].event is COHOST


def test_a_gift_is_told_and_the_revenue_with_it() -> None:
    said, revenue = take(replica(), gift(14))
    assert getattr(said, "event", None) is GIFT
    assert revenue == TellState(RevenueChanged)


# ---- newest wins -------------------------------------------------------------------------------------------


def test_a_gift_that_sql_had_counted_already_is_not_counted_again() -> None:
    # published while the room was being opened: it is in the totals that were read and comes as an event too
    known = replica()
    take(known, gift(10))
    assert revenue_shape(known).gift_credits == 10
    take(known, gift(14))
    assert revenue_shape(known).gift_credits == 14


def test_an_older_phase_is_no_news() -> None:
    known = replica()
    assert not take(known, PhaseChanged(Phase.DOORS, Switches(), 1, 2, 5))
    assert known.room.phase == "live"
    assert take(known, PhaseChanged(Phase.PAUSED, Switches(), 1, 2, 6))
    assert known.room.phase == "paused"


def test_members_and_queue_of_one_version_arrive_in_either_order() -> None:
    waits = QueueItem(UserId("li"), "Li", Tier.VIP, StageState.REQUESTED, "", 1)
    told: list[AnyEvent] = [StageChanged((StageMember(ANN, "Ann", 1),), 4, 4), QueueChanged((waits,), 4)]
    for order in (1, -1):
        known = replica()
        for event in told[::order]:
            assert take(known, event)
        stage = stage_of(known)
        assert (stage.members[0].user, stage.queue) == (ANN, (waits,))


ENDED: list[tuple[list[AnyEvent], AnyEvent]] = [
    ([Muted(ANN, None, 1), Unmuted(ANN, 2)], Muted(ANN, None, 1)),
    ([Unmuted(ANN, 1), Muted(ANN, None, 2)], Unmuted(ANN, 1)),
    ([Banned(ANN, 1), Unbanned(ANN, 2)], Banned(ANN, 1)),
    ([Unbanned(ANN, 1), Banned(ANN, 2)], Unbanned(ANN, 1)),
    ([RoleChanged(ANN, Role.HOST, 1), RoleChanged(ANN, Role.VIEWER, 2)], RoleChanged(ANN, Role.HOST, 1)),
    ([COUNTDOWN, structs.replace(COUNTDOWN, target_ms=None, version=2)], COUNTDOWN),
    ([Kicked(ANN, 1)], Kicked(ANN, 1)),
    (
        [
            CohostChanged(ANN, StageState.REQUESTED, None, 4),
            CohostChanged(ANN, StageState.IDLE, StageReason.CANCELLED, 5),
        ],
        CohostChanged(ANN, StageState.REQUESTED, None, 4),
    ),
]


@pytest.mark.parametrize(("told", "again"), ENDED, ids=lambda given: type(given).__name__)
def test_what_is_played_back_changes_nothing(told: list[AnyEvent], again: AnyEvent) -> None:
    known = replica()
    for event in told:
        take(known, event)
    as_it_was = in_force(known)
    assert not take(known, again)
    assert in_force(known) == as_it_was


@pytest.mark.parametrize(("told", "again"), ENDED, ids=lambda given: type(given).__name__)
def test_what_is_played_back_to_a_room_that_was_just_read_changes_nothing(
    told: list[AnyEvent], again: AnyEvent
) -> None:
    known = replica(StageChanged((), 4, 5), QueueChanged((), 5), counted=len(told))
    assert not take(known, again)
    assert in_force(known) == (set(), set(), set())


def test_the_end_of_a_ban_that_comes_before_it_stands() -> None:
    # on PostgreSQL two transactions may tell their process of their commits in the other order
    known = replica()
    take(known, Unbanned(ANN, 2))
    assert not take(known, Banned(ANN, 1))
    assert known.each(Banned) == {}
    assert known.counted.floor == 2
