"""What a room is told after SQL was read again: what differs, once, and never what a publication has said meanwhile."""

from collections.abc import Mapping
from dataclasses import replace

from msgspec import structs

from auth.identity import Role, UserId
from auth.situation import Phase, Switches
from gateway.differences import Known, between
from gateway.replica import Event, Replica
from presale.events import SalesChanged
from rooms.countdowns import Countdown, CountdownKind
from rooms.events import Banned, CountdownChanged, Muted, PhaseChanged, RoleChanged, SwitchesChanged, Unbanned, Unmuted
from rooms.moderation import Mute
from tests.gateway.test_replica import replica

ANN, BEN, MEI = UserId("ann"), UserId("ben"), UserId("mei")
NOTHING = Known({}, frozenset(), {}, {})
ENCORE = Countdown("encore", CountdownKind.CUSTOM, 9, "Encore", 2)


def news(
    known: Replica,
    fresh: Replica,
    before: Known = NOTHING,
    now: Known | None = None,
    roles: Mapping[UserId, Role] | None = None,
) -> list[Event]:
    """What is new to a replica, as it takes the differences in."""
    return [event for event in between(before, now or before, known, fresh, roles or {}) if known.apply(event)]


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
    known, fresh = replica(), replica()
    known.bans, known.mutes = {ANN}, {ANN: Mute(ANN, 5)}
    fresh.bans, fresh.mutes = {BEN}, {BEN: Mute(BEN, None)}
    before = replace(NOTHING, bans=frozenset({ANN}), mutes={ANN: Mute(ANN, 5)})
    assert set(news(known, fresh, before)) == {Unbanned(ANN), Banned(BEN), Unmuted(ANN), Muted(BEN, None)}


def test_a_sanction_published_while_sql_was_asked_is_not_undone() -> None:
    # SQL was asked after an unmute and before the next mute
    known, before = replica(), replace(NOTHING, mutes={ANN: Mute(ANN, 5)})
    known.mutes = {ANN: Mute(ANN, 9)}
    now = replace(NOTHING, mutes={ANN: Mute(ANN, 9)})
    assert news(known, replica(), before, now) == []
    known.bans = {BEN}
    assert news(known, replica(), before, replace(now, bans=frozenset({BEN}))) == []


def test_a_role_follows_sql_unless_a_publication_was_faster() -> None:
    before = replace(NOTHING, roles={ANN: Role.MODERATOR, BEN: Role.VIEWER, MEI: Role.VIEWER})
    roles = {BEN: Role.MODERATOR, MEI: Role.HOST}
    now = replace(before, roles={**before.roles, MEI: Role.MODERATOR})
    changed = news(replica(), replica(), before, now, roles)
    assert changed == [RoleChanged(ANN, Role.VIEWER), RoleChanged(BEN, Role.MODERATOR)]


def test_a_countdown_that_is_gone_leaves_the_screens() -> None:
    known, before = replica(), replace(NOTHING, countdowns={"encore": ENCORE})
    known.custom_countdowns = {"encore": ENCORE}
    assert news(known, replica(), before) == [CountdownChanged("encore", CountdownKind.CUSTOM, None, "Encore", 3)]


def test_a_countdown_set_again_while_sql_was_asked_stays() -> None:
    again = structs.replace(ENCORE, version=3)
    known, before = replica(), replace(NOTHING, countdowns={"encore": ENCORE})
    known.custom_countdowns = {"encore": again}
    assert news(known, replica(), before, replace(before, countdowns={"encore": again})) == []
