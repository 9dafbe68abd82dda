"""One level serves the budget of a room and the admissions of the door."""

from rooms.pace.level import EASY_LAG_MS, Level


def test_it_fills_up_with_time_and_never_over_its_capacity() -> None:
    level = Level(10, 20)
    assert level.left(1_000) == 20
    level.take(15)
    assert level.left(1_500) == 10
    assert level.left(60_000) == 20


def test_more_than_there_is_leaves_nothing_and_no_debt() -> None:
    level = Level(10, 20)
    level.take(50)
    assert level.left(0) == 0
    assert level.left(100) == 1


def test_a_clock_that_steps_back_fills_nothing() -> None:
    level = Level(10, 20)
    assert level.left(5_000) == 20
    level.take(20)
    assert level.left(1_000) == 0
    assert level.left(5_100) == 1


def test_a_late_process_fills_it_in_proportion_until_it_is_in_time_again() -> None:
    level = Level(10, 20)
    level.slow_down(EASY_LAG_MS)
    assert level.refill == 10
    level.slow_down(10 * EASY_LAG_MS)
    assert level.refill == 1
    level.slow_down(0)
    assert level.refill == 10
