"""The small pure decisions: gifts, pins, countdowns, mutes, ranks, the leaderboard."""

import pytest
from msgspec import structs

from auth.denials import Code, Denied
from auth.identity import Role, RoomId, ShowId, UserId
from auth.situation import Access, Phase
from rooms.chat.pins import MAX_PINS, Pin, PinKind, PinsRecord, pin, unpin
from rooms.course import countdowns
from rooms.course.room import RoomRecord
from rooms.gifts.gifts import DEFAULT_CATALOGUE, MAX_COUNT, price
from rooms.gifts.leaderboard import SIZE, LeaderboardItem, top
from rooms.moderation.sanctions import Mute, mute_until, muted
from rooms.roles import roles

ROOM = RoomRecord(RoomId("r"), ShowId("s"), "Opening night", Access.TICKETED, Phase.PRESALE, 1_000, 2_000)


def test_a_gift_costs_its_price_times_its_count() -> None:
    assert price(DEFAULT_CATALOGUE, "star", 3) == 60
    assert price(DEFAULT_CATALOGUE, "star", MAX_COUNT) == 20 * MAX_COUNT


@pytest.mark.parametrize(
    ("gift", "count", "code"),
    [("nothing", 1, Code.GIFT_UNKNOWN), ("star", 0, Code.BAD_REQUEST), ("star", MAX_COUNT + 1, Code.BAD_REQUEST)],
)
def test_unknown_gifts_and_impossible_counts_have_no_price(gift: str, count: int, code: Code) -> None:
    outcome = price(DEFAULT_CATALOGUE, gift, count)
    assert isinstance(outcome, Denied)
    assert outcome.code is code


def test_gift_ids_are_unique_and_cost_something() -> None:
    assert len({kind.id for kind in DEFAULT_CATALOGUE}) == len(DEFAULT_CATALOGUE)
    assert all(kind.credits > 0 for kind in DEFAULT_CATALOGUE)


def a_pin(name: str) -> Pin:
    return Pin(name, PinKind.ANNOUNCEMENT, "text", "host", 0)


def test_one_pin_too_many_takes_the_oldest_off() -> None:
    pins = PinsRecord((), 1)
    for number in range(MAX_PINS + 1):
        pins = pin(pins, a_pin(str(number)))
    assert [item.id for item in pins.items] == [str(number) for number in range(1, MAX_PINS + 1)]
    assert pins.version == MAX_PINS + 2


def test_pinning_again_moves_up_and_unpinning_the_unknown_is_refused() -> None:
    pins = pin(pin(pin(PinsRecord((), 1), a_pin("a")), a_pin("b")), a_pin("a"))
    assert [item.id for item in pins.items] == ["b", "a"]
    off = unpin(pins, "b")
    assert isinstance(off, PinsRecord)
    assert [item.id for item in off.items] == ["a"]
    assert isinstance(unpin(pins, "x"), Denied)


@pytest.mark.parametrize(
    ("phase", "doors_ms", "show_ms"),
    [
        (Phase.DRAFT, 1_000, 2_000),
        (Phase.PRESALE, 1_000, 2_000),
        (Phase.DOORS, None, 2_000),
        (Phase.LIVE, None, None),
        (Phase.PAUSED, None, None),
        (Phase.CANCELLED, None, None),
    ],
)
def test_the_schedules_countdowns_end_with_what_they_wait_for(
    phase: Phase, doors_ms: int | None, show_ms: int | None
) -> None:
    doors, show = countdowns.of_schedule(structs.replace(ROOM, phase=phase))
    assert (doors.target_ms, show.target_ms) == (doors_ms, show_ms)


def test_only_moved_countdowns_are_announced() -> None:
    later = countdowns.reschedule(ROOM, 1_000, 3_000)
    assert isinstance(later, RoomRecord)
    assert [(item.id, item.target_ms, item.version) for item in countdowns.changed(ROOM, later)] == [("show", 3_000, 2)]
    open_ = structs.replace(ROOM, phase=Phase.DOORS)
    assert [(item.id, item.target_ms) for item in countdowns.changed(ROOM, open_)] == [("doors", None)]


def test_doors_never_open_after_the_start() -> None:
    assert isinstance(countdowns.reschedule(ROOM, 2_001, 2_000), Denied)


def test_a_mute_holds_until_its_end() -> None:
    ann = UserId("ann")
    assert mute_until(2, 1_000) == 121_000
    assert mute_until(None, 1_000) is None
    timed = muted(Mute(ann, 5_000), 4_000)
    assert timed is not None
    assert (timed.code, timed.retry_after_ms) == (Code.MUTED, 1_000)
    assert muted(Mute(ann, 5_000), 5_000) is None
    assert muted(Mute(ann, None), 10**15) == Denied(Code.MUTED)
    assert muted(None, 0) is None


@pytest.mark.parametrize("actor", Role)
@pytest.mark.parametrize("target", Role)
def test_nobody_disciplines_their_equals_or_betters(actor: Role, target: Role) -> None:
    order = [Role.VIEWER, Role.MODERATOR, Role.HOST, Role.OPERATOR]
    assert roles.outranks(actor, target) is (order.index(actor) > order.index(target))


def test_hosts_give_moderators_and_operators_everything() -> None:
    assert {(actor, role) for actor in Role for role in Role if roles.may_grant(actor, role)} == {
        (Role.HOST, Role.MODERATOR),
        (Role.OPERATOR, Role.MODERATOR),
        (Role.OPERATOR, Role.HOST),
        (Role.OPERATOR, Role.OPERATOR),
    }
    assert roles.strongest([Role.MODERATOR, Role.HOST]) is Role.HOST
    assert roles.strongest([]) is Role.VIEWER


def test_the_leaderboard_shows_the_top_in_one_order_everywhere() -> None:
    items = [LeaderboardItem(UserId(f"fan{number:02}"), "", 10 + number % 3) for number in range(SIZE + 5)]
    shown = top(items)
    assert len(shown) == SIZE
    assert shown == top(reversed(items))
    assert [item.credits for item in shown] == sorted((item.credits for item in items), reverse=True)[:SIZE]
