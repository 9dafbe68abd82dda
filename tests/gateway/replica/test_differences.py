"""What a room is told after SQL was read again: what differs, once, and never what a publication has said meanwhile."""

from collections.abc import Iterable, Mapping

from msgspec import structs

from auth.identity import Role, UserId
from auth.situation import Phase, Switches
from gateway.replica.differences import between
from gateway.replica.replica import Event, Replica
from presale.events import SalesChanged
from rooms.countdowns import Countdown, CountdownKind
from rooms.events import Banned, CountdownChanged, Muted, PhaseChanged, RoleChanged, SwitchesChanged, Unbanned, Unmuted
from rooms.moderation import Mute
from tests.gateway.replica.test_replica import replica

ANN, BEN, MEI = UserId("ann"), UserId("ben"), UserId("mei")
ENCORE = Countdown("encore", CountdownKind.CUSTOM, 9, "Encore", 2)


def news(
    known: Replica,
    fresh: Replica,
    here: Iterable[tuple[UserId, Role]] = (),
    staff: Mapping[UserId, Role] | None = None,
) -> list[Event]:
    """What is new to a replica, as it takes the differences in."""
    return [event for event in between(known, fresh, here, staff or {}) if known.apply(event)]


def counted(version: int) -> Replica:
    """As SQL has it after so many changes of rights and countdowns."""
    fresh = replica()
    fresh.news.reach(version)
    return fresh


def test_where_nothing_differs_nothing_happens() -> None:
    assert news(replica(), replica()) == []


def test_state_that_is_newer_in_sql_happens_once() -> None:
    known, fresh = replica(), replica()
    fresh.room = structs.replace(fresh.room, phase=Phase.PAUSED, version=9)
    fresh.sales = SalesChanged(fresh.show, [], 4)
    assert [type(event) for event in news(known, fresh)] == [PhaseChanged, SalesChanged]
    assert news(known, fresh) == []


def test_switches_alone_are_no_change_of_phase() -> None:
    fresh = replica()
    fresh.room = structs.replace(fresh.room, switches=Switches(slow_ms=500), version=9)
    assert [type(event) for event in news(replica(), fresh)] == [SwitchesChanged]


def test_state_that_a_publication_has_brought_further_stays() -> None:
    known = replica()
    known.room = structs.replace(known.room, phase=Phase.ENDED, version=10)
    fresh = replica()
    fresh.room = structs.replace(fresh.room, phase=Phase.PAUSED, version=9)
    assert news(known, fresh) == []


def test_sanctions_follow_sql() -> None:
    known, fresh = counted(4), counted(8)
    known.bans, known.mutes = {ANN}, {ANN: Mute(ANN, 5)}
    fresh.bans, fresh.mutes = {BEN}, {BEN: Mute(BEN, None)}
    assert set(news(known, fresh)) == {Unbanned(ANN, 8), Banned(BEN, 8), Unmuted(ANN, 8), Muted(BEN, None, 8)}


def test_a_sanction_published_while_sql_was_asked_is_not_undone() -> None:
    # SQL was asked after an unmute and before the next mute, and before a ban
    known = counted(4)
    known.mutes = {ANN: Mute(ANN, 5)}
    for event in (Unmuted(ANN, 5), Muted(ANN, 9, 6), Banned(BEN, 7)):
        known.apply(event)
    assert news(known, counted(5)) == []
    assert (known.mutes, known.bans) == ({ANN: Mute(ANN, 9)}, {BEN})


def test_a_sanction_that_came_before_its_predecessor_is_not_undone_while_that_is_mended() -> None:
    known, fresh = counted(4), counted(5)
    known.apply(Banned(BEN, 6))
    fresh.mutes = {ANN: Mute(ANN, None)}
    assert news(known, fresh) == [Muted(ANN, None, 5)]
    assert (known.bans, known.news.floor) == ({BEN}, 6)


def test_a_role_follows_sql_unless_a_publication_was_faster() -> None:
    known = counted(4)
    known.apply(RoleChanged(MEI, Role.MODERATOR, 8))
    here = [(ANN, Role.MODERATOR), (BEN, Role.VIEWER), (MEI, Role.MODERATOR)]
    changed = news(known, counted(7), here, {BEN: Role.MODERATOR, MEI: Role.HOST})
    assert set(changed) == {RoleChanged(ANN, Role.VIEWER, 7), RoleChanged(BEN, Role.MODERATOR, 7)}


def test_a_countdown_that_is_gone_leaves_the_screens() -> None:
    known = counted(2)
    known.custom_countdowns = {"encore": ENCORE}
    assert news(known, counted(3)) == [CountdownChanged("encore", CountdownKind.CUSTOM, None, "Encore", 3)]


def test_a_countdown_set_again_while_sql_was_asked_stays() -> None:
    known = counted(2)
    known.apply(CountdownChanged("encore", CountdownKind.CUSTOM, 9, "Encore", 4))
    assert news(known, counted(3)) == []
