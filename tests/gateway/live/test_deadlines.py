"""Deadlines: called once and in order, not at all when called off, and nothing kept of those."""

from collections.abc import Callable
from functools import partial

from gateway.live.deadlines import SWEEP_AT_LEAST, Deadlines
from tests.store.fakes import FakeClock


def book() -> tuple[Deadlines, FakeClock, list[int], Callable[[int], Callable[[], None]]]:
    clock, called = FakeClock(0), list[int]()
    return Deadlines(clock), clock, called, lambda number: partial(called.append, number)


def test_what_is_due_is_called_once_earliest_first() -> None:
    deadlines, clock, called, mark = book()
    for due in (30, 10, 20):
        deadlines.at(due, mark(due))
    clock.advance(20)
    deadlines.fire_due()
    deadlines.fire_due()
    assert called == [10, 20]


def test_a_call_that_fails_keeps_no_other_from_its_time() -> None:
    deadlines, clock, called, mark = book()

    def fail() -> None:
        raise RuntimeError("a fault of the test")

    deadlines.at(1, fail)
    deadlines.at(2, mark(2))
    clock.advance(5)
    deadlines.fire_due()
    assert called == [2]


def test_sockets_that_come_and_go_leave_nothing_behind_until_their_tokens_end() -> None:
    deadlines, clock, called, mark = book()
    stays = [deadlines.at(1_000 + number, mark(number)) for number in range(10)]
    for _ in range(5_000):
        gone = deadlines.at(86_400_000, mark(-1))
        gone.cancel()
        gone.cancel()
    assert len(deadlines._heap) <= 2 * SWEEP_AT_LEAST + len(stays)
    clock.advance(86_400_000)
    deadlines.fire_due()
    assert called == list(range(10))
    assert (deadlines._heap, deadlines._called_off) == ([], 0)


def test_to_call_off_what_was_called_changes_nothing() -> None:
    deadlines, clock, called, mark = book()
    done = deadlines.at(1, mark(1))
    clock.advance(1)
    deadlines.fire_due()
    done.cancel()
    assert (called, deadlines._called_off) == ([1], 0)
