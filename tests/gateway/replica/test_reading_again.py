"""What a room is told after SQL was read again: what differs, once, and never what a publication has said meanwhile."""

from msgspec import structs

from auth.identity import Role, UserId
from auth.situation import Phase, Switches
from gateway.replica.news import AnyEvent
from gateway.replica.replica import Reading, Replica
from presale.catalogue.events import ProductCount, SalesChanged
from presale.catalogue.shows import ProductId
from rooms.course.countdowns import CountdownKind
from rooms.course.events import CountdownChanged, PhaseChanged, SwitchesChanged
from rooms.moderation.events import Banned, Muted, Unbanned, Unmuted
from rooms.roles.events import RoleChanged
from rooms.stage.events import QueueChanged, StageChanged
from tests.gateway.replica.test_replica import ROOM, SHOW, in_force, reading, replica, take

ANN, BEN, MEI = UserId("ann"), UserId("ben"), UserId("mei")
ENCORE = CountdownChanged("encore", CountdownKind.CUSTOM, 9, "Encore", 2)


def news(known: Replica, fresh: Reading) -> list[AnyEvent]:
    """What is new to a replica, as it takes the differences in."""
    new = [event for event in known.differences(fresh) if take(known, event)]
    known.reached(fresh)
    return new


def test_where_nothing_differs_nothing_happens() -> None:
    assert news(replica(), reading()) == []


def test_state_that_is_newer_in_sql_happens_once() -> None:
    known = replica()
    sold = SalesChanged(SHOW, [ProductCount(ProductId("p"), 1, 0, 9)], 4)
    fresh = reading(sold, room=structs.replace(ROOM, phase=Phase.PAUSED, version=9))
    assert {type(event) for event in news(known, fresh)} == {PhaseChanged, SalesChanged}
    assert news(known, fresh) == []


def test_switches_alone_are_no_change_of_phase() -> None:
    fresh = reading(room=structs.replace(ROOM, switches=Switches(slow_ms=500), version=9))
    assert [type(event) for event in news(replica(), fresh)] == [SwitchesChanged]


def test_state_that_a_publication_has_brought_further_stays() -> None:
    known = replica(room=structs.replace(ROOM, phase=Phase.ENDED, version=10))
    assert news(known, reading(room=structs.replace(ROOM, phase=Phase.PAUSED, version=9))) == []


def test_sanctions_follow_sql() -> None:
    known = replica(Banned(ANN, 4), Muted(ANN, 5, 4), counted=4)
    fresh = reading(Banned(BEN, 8), Muted(BEN, None, 8), counted=8)
    happened = list(known.differences(fresh))
    assert all(event in happened for event in (Unbanned(ANN, 8), Banned(BEN, 8), Unmuted(ANN, 8), Muted(BEN, None, 8)))
    assert set(news(known, fresh)) == {Banned(BEN, 8), Unmuted(ANN, 8), Muted(BEN, None, 8)}  # an unban tells nobody
    assert in_force(known) == ({BEN}, {BEN}, set())


def test_a_sanction_that_is_as_it_was_happens_to_nobody() -> None:
    # a mute that is told twice is a notice twice
    known = replica(Muted(ANN, 5, 4), counted=4)
    assert news(known, reading(Muted(ANN, 5, 6), counted=6)) == []


def test_a_sanction_published_while_sql_was_asked_is_not_undone() -> None:
    # SQL was asked after an unmute and before the next mute, and before a ban
    known = replica(Muted(ANN, 5, 4), counted=4)
    for event in (Unmuted(ANN, 5), Muted(ANN, 9, 6), Banned(BEN, 7)):
        take(known, event)
    assert news(known, reading(counted=5)) == []
    assert in_force(known) == ({ANN}, {BEN}, set())
    assert known.each(Muted)[ANN].until_ms == 9


def test_a_sanction_that_came_before_its_predecessor_is_not_undone_while_that_is_mended() -> None:
    known = replica(counted=4)
    take(known, Banned(BEN, 6))
    assert news(known, reading(Muted(ANN, None, 5), counted=5)) == [Muted(ANN, None, 5)]
    assert (set(known.each(Banned)), known.counted.floor) == ({BEN}, 6)


def test_a_role_follows_sql_unless_a_publication_was_faster() -> None:
    known = replica(RoleChanged(ANN, Role.MODERATOR, 4), counted=4)
    take(known, RoleChanged(MEI, Role.MODERATOR, 8))
    changed = news(known, reading(RoleChanged(BEN, Role.MODERATOR, 7), RoleChanged(MEI, Role.HOST, 7), counted=7))
    assert set(changed) == {RoleChanged(ANN, Role.VIEWER, 7), RoleChanged(BEN, Role.MODERATOR, 7)}


def test_a_role_that_sql_told_of_one_user_ends_with_it() -> None:
    # granted and taken back while publications did not come, and read at the door in between
    known = replica(counted=4)
    known.suppose(RoleChanged(ANN, Role.MODERATOR, 5))
    assert news(known, reading(counted=6)) == [RoleChanged(ANN, Role.VIEWER, 6)]


def test_a_countdown_that_is_gone_leaves_the_screens() -> None:
    known = replica(ENCORE, counted=2)
    assert news(known, reading(counted=3)) == [CountdownChanged("encore", CountdownKind.CUSTOM, None, "Encore", 3)]


def test_a_countdown_set_again_while_sql_was_asked_stays() -> None:
    known = replica(counted=2)
    take(known, structs.replace(ENCORE, version=4))
    assert news(known, reading(counted=3)) == []


def test_a_half_of_the_stage_that_is_as_it_was_is_not_told_again() -> None:
    # members and queue have one version in SQL; whoever moves one of them tells that one
    known = replica()
    take(known, QueueChanged((), 4))
    assert news(known, reading(StageChanged((), 4, 4), QueueChanged((), 4))) == []
    assert known.newest(StageChanged).version == 4
