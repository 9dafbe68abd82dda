import pytest

from auth.identity import Role, Tier
from rooms.chat.budget import LINE_BYTES, Budget, Weight, weight_of


def said(budget: Budget, weight: Weight, times: int, now_ms: int = 0) -> int:
    return sum(budget.admits(weight, now_ms) for _ in range(times))


def test_below_the_budget_nobody_is_left_out() -> None:
    budget = Budget(100)
    assert all(budget.admits(Weight.FREE, turn * 20) for turn in range(1_000))
    assert budget.take_shed() == {}


def test_the_least_are_left_out_first_and_each_is_counted() -> None:
    budget = Budget(100)
    assert said(budget, Weight.FREE, 100) == 50
    assert said(budget, Weight.PAID, 100) == 30
    assert said(budget, Weight.VIP, 100) == 20
    assert budget.take_shed() == {"free": 50, "paid": 70, "vip": 80}
    assert budget.take_shed() == {}


@pytest.mark.parametrize("weight", [Weight.SYSTEM, Weight.GIFT])
def test_staff_and_gifts_are_never_left_out(weight: Weight) -> None:
    assert said(Budget(10), weight, 1_000) == 1_000


def test_a_like_takes_nothing_from_what_is_said() -> None:
    budget = Budget(100)
    assert said(budget, Weight.LIKE, 1_000) == 1_000
    assert said(budget, Weight.FREE, 40) == 40
    assert said(budget, Weight.LIKE, 5) == 0, "the first to go"
    assert said(budget, Weight.FREE, 100) == 10


def test_a_second_later_there_is_room_again() -> None:
    budget = Budget(100)
    said(budget, Weight.VIP, 100)
    assert not budget.admits(Weight.VIP, 0)
    assert said(budget, Weight.VIP, 100, now_ms=500) == 50


def test_a_late_process_gives_its_rooms_less_and_recovers() -> None:
    budget = Budget(100)
    said(budget, Weight.VIP, 100)
    budget.slow_down(lag_ms=400)
    assert said(budget, Weight.VIP, 100, now_ms=1_000) == 25
    budget.slow_down(lag_ms=3)
    assert said(budget, Weight.VIP, 200, now_ms=2_000) == 100


def test_a_danmaku_weighs_what_its_author_is() -> None:
    assert weight_of(Role.HOST, Tier.NONE) is Weight.SYSTEM
    assert [weight_of(Role.VIEWER, tier) for tier in Tier] == [Weight.FREE, Weight.FREE, Weight.PAID, Weight.VIP]


def test_a_long_line_takes_the_room_of_several() -> None:
    budget = Budget(10)
    assert budget.admits(Weight.VIP, 0, LINE_BYTES)
    assert budget.admits(Weight.VIP, 0, 8 * LINE_BYTES)
    assert not budget.admits(Weight.VIP, 0, 2 * LINE_BYTES)
    assert budget.admits(Weight.VIP, 0, 20)
    assert not budget.admits(Weight.VIP, 0, 20)
