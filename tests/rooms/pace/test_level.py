"""One level serves the budget of a room and the admissions of the door."""

from rooms.pace.level import EASY_LAG_MS, Level


def test_it_fills_up_with_time_and_never_over_its_capacity() -> None:
    level = Level(10, 20)
    assert level.left(1_000) == 20
    assert level.take(15, 1_000)
    assert level.left(1_500) == 10
    assert level.left(60_000) == 20


def test_more_than_there_is_leaves_nothing_and_no_debt() -> None:
    level = Level(10, 20)
    assert not level.take(50, 0)
    assert level.left(0) == 20, "what is refused takes nothing"
    assert level.take(50, 0, None)
    assert level.left(0) == 0
    assert level.left(100) == 1


def test_a_clock_that_steps_back_fills_nothing() -> None:
    level = Level(10, 20)
    assert level.left(5_000) == 20
    assert level.take(20, 5_000)
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


def test_what_is_kept_for_others_is_not_taken() -> None:
    level = Level(10, 20)
    assert level.take(10, 0, keep=10)
    assert not level.take(1, 0, keep=10)
    assert level.take(1, 100, keep=10)
