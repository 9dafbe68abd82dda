"""Many deadlines on one timer: never early, late by no more than the granularity, one failure its own."""

import heapq
import itertools
from collections.abc import Callable
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.engine import wheel as wheel_module
from gateway.engine.wheel import Alarm, Wheel

GRANULARITY = 0.05
SLACK = 1e-6


class Loop:
    """An event loop of which nothing is left but its timers; its clock moves when told to."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.turns = 0
        self._timers: list[tuple[float, int, SimpleNamespace]] = []
        self._numbers = itertools.count()

    def time(self) -> float:
        return self.now

    def call_later(self, delay: float, turn: Callable[[], None]) -> SimpleNamespace:
        timer = SimpleNamespace(turn=turn, live=True)
        timer.cancel = lambda: setattr(timer, "live", False)
        heapq.heappush(self._timers, (self.now + delay, next(self._numbers), timer))
        return timer

    @property
    def timers(self) -> int:
        return sum(timer.live for _, _, timer in self._timers)

    def run(self, seconds: float) -> None:
        until = self.now + seconds
        while self._timers and self._timers[0][0] <= until:
            due, _, timer = heapq.heappop(self._timers)
            if timer.live:
                self.now = max(self.now, due)
                self.turns += 1
                timer.turn()
        self.now = until


@pytest.fixture
def loop(monkeypatch: pytest.MonkeyPatch) -> Loop:
    made = Loop()
    monkeypatch.setattr(wheel_module, "asyncio", SimpleNamespace(get_running_loop=lambda: made))
    return made


@pytest.fixture
def wheel(loop: Loop) -> Wheel:
    return Wheel(loop.time, GRANULARITY)


@pytest.fixture
def rung() -> list[tuple[str, float]]:
    return []


@pytest.fixture
def bell(loop: Loop, rung: list[tuple[str, float]]) -> Callable[[str], Callable[[], None]]:
    return lambda name: lambda: rung.append((name, loop.now))


Bell = Callable[[str], Callable[[], None]]
Rung = list[tuple[str, float]]


def test_an_alarm_rings_once_within_the_granularity_and_never_early(
    loop: Loop, wheel: Wheel, bell: Bell, rung: Rung
) -> None:
    for number in range(1, 200):
        wheel.after(number / 37, bell(str(number)))
    started = loop.now
    loop.run(10)
    assert len(rung) == 199
    for name, at in rung:
        assert -SLACK <= at - started - int(name) / 37 <= GRANULARITY + SLACK, name
    assert [at for _, at in rung] == sorted(at for _, at in rung)


def test_a_deadline_that_has_passed_rings_at_the_next_tick(loop: Loop, wheel: Wheel, bell: Bell, rung: Rung) -> None:
    wheel.after(-5.0, bell("past"))
    wheel.after(0.0, bell("now"))
    assert rung == []
    loop.run(GRANULARITY + SLACK)
    assert {name for name, _ in rung} == {"past", "now"}


def test_an_alarm_that_was_moved_rings_at_its_last_deadline_only(
    loop: Loop, wheel: Wheel, bell: Bell, rung: Rung
) -> None:
    alarm = wheel.after(1.0, bell("moved"))
    alarm.set(loop.now + 5.0)
    alarm.set(loop.now + 3.0)
    loop.run(2.9)
    assert rung == []
    loop.run(10)
    assert len(rung) == 1
    assert 3.0 - SLACK <= rung[0][1] - 1000.0 <= 3.0 + GRANULARITY + SLACK


def test_a_cancelled_alarm_is_silent_until_it_is_set_again(loop: Loop, wheel: Wheel, bell: Bell, rung: Rung) -> None:
    alarm = wheel.after(1.0, bell("cancelled"))
    alarm.cancel()
    alarm.cancel()
    loop.run(2.0)
    assert rung == []
    alarm.set(loop.now + 1.0)
    loop.run(2.0)
    assert len(rung) == 1


def test_an_alarm_may_be_set_again_while_it_rings(loop: Loop, wheel: Wheel, rung: Rung) -> None:
    def ring() -> None:
        rung.append(("again", loop.now))
        if len(rung) < 5:
            alarm.set(loop.now)  # already due: the next tick, not this one for ever

    alarm = wheel.alarm(ring)
    alarm.set(loop.now + 1.0)
    loop.run(3.0)
    assert len(rung) == 5
    gaps = [later - earlier for (_, earlier), (_, later) in itertools.pairwise(rung)]
    assert all(0 < gap <= 2 * GRANULARITY + SLACK for gap in gaps)


@pytest.mark.parametrize("what", ["cancel", "discard", "move"])
def test_an_alarm_can_stop_another_one_of_the_same_moment(loop: Loop, wheel: Wheel, rung: Rung, what: str) -> None:
    alarms: list[Alarm] = []

    def ring(number: int) -> Callable[[], None]:
        def rings() -> None:
            rung.append((str(number), loop.now))
            for other in alarms:
                if what == "move":
                    other.set(loop.now + 100.0)
                else:
                    getattr(other, what)()

        return rings

    alarms += [wheel.after(1.0, ring(number)) for number in range(10)]
    loop.run(5.0)
    assert len(rung) == 1


def test_one_alarm_that_fails_does_not_silence_the_others(loop: Loop, wheel: Wheel, bell: Bell, rung: Rung) -> None:
    def fails() -> None:
        raise RuntimeError("a fault of the test")

    for number in range(5):
        wheel.after(1.0, fails)
        wheel.after(1.0, bell(str(number)))
    wheel.after(2.0, bell("later"))
    loop.run(3.0)
    assert {name for name, _ in rung} == {"0", "1", "2", "3", "4", "later"}


def test_no_timer_runs_while_no_alarm_is_set(loop: Loop, wheel: Wheel, bell: Bell) -> None:
    assert loop.timers == 0
    alarms = [wheel.after(1.0, bell("x")) for _ in range(100)]
    assert loop.timers == 1
    for alarm in alarms:
        alarm.cancel()
    loop.run(1.0)
    assert loop.timers == 0
    wheel.after(1.0, bell("y"))
    assert loop.timers == 1
    loop.run(2.0)
    assert loop.timers == 0


def test_a_loop_that_was_held_up_rings_all_that_is_due_in_one_turn(
    loop: Loop, wheel: Wheel, bell: Bell, rung: Rung
) -> None:
    for number in range(50):
        wheel.after(number / 10, bell(str(number)))
    loop.now += 60.0
    loop.run(0.0)
    assert [name for name, _ in rung] == [str(number) for number in range(50)]
    assert loop.turns == 1


def test_a_closed_wheel_rings_nothing_any_more(loop: Loop, wheel: Wheel, bell: Bell, rung: Rung) -> None:
    alarm = wheel.after(1.0, bell("closed"))
    wheel.close()
    alarm.cancel()
    loop.run(5.0)
    assert rung == []
    assert loop.timers == 0


def test_moving_an_alarm_leaves_nothing_behind(loop: Loop, wheel: Wheel, bell: Bell) -> None:
    alarm = wheel.alarm(bell("x"))
    for number in range(10_000):
        alarm.set(loop.now + 1.0 + number)
    assert len(wheel._slots) == 1


@given(st.lists(st.tuples(st.sampled_from(["set", "cancel", "run"]), st.integers(0, 4), st.floats(-1.0, 5.0))))
def test_whatever_is_set_moved_and_cancelled_each_alarm_keeps_its_promise(
    steps: list[tuple[str, int, float]],
) -> None:
    loop = Loop()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(wheel_module, "asyncio", SimpleNamespace(get_running_loop=lambda: loop))
        wheel = Wheel(loop.time, GRANULARITY)
        due: dict[int, float] = {}
        early: list[float] = []

        def ring(number: int) -> Callable[[], None]:
            def rings() -> None:
                early.append(due.pop(number) - loop.now)  # an assertion here would be one alarm that fails

            return rings

        alarms = [wheel.alarm(ring(number)) for number in range(5)]
        for step, number, seconds in [*steps, ("run", 0, 6.0)]:
            if step == "set":
                alarms[number].set(loop.now + seconds)
                due[number] = loop.now + max(0.0, seconds)  # what has passed rings at the next tick
            elif step == "cancel":
                alarms[number].cancel()
                due.pop(number, None)
            else:
                loop.run(max(0.0, seconds))
                assert all(when > loop.now - GRANULARITY - SLACK for when in due.values())
        assert due == {}
        assert all(seconds <= SLACK for seconds in early)
        assert wheel._slots == {}
