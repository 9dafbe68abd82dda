"""When the garbage collector looks at what: rarely and at much in quiet hours, often and at little as a crowd comes."""

import gc
from collections.abc import Iterator

import pytest

from gateway.setup.loop import HASTE_SECONDS, MIDDLE_TURNS, MIDDLE_TURNS_IN_HASTE, Pace, tame_garbage_collection


@pytest.fixture(autouse=True)
def collector_as_before() -> Iterator[None]:
    thresholds, callbacks = gc.get_threshold(), list(gc.callbacks)
    yield
    gc.set_threshold(*thresholds)
    gc.callbacks[:] = callbacks
    gc.unfreeze()


def test_the_collector_looks_at_the_middle_objects_more_often_while_young_ones_come_fast() -> None:
    now = 0.0
    pace = Pace(lambda: now)

    def middle_turns_after(seconds: float) -> int:
        nonlocal now
        now += seconds
        pace("start", {"generation": 0})
        pace("start", {"generation": 1})
        pace("stop", {"generation": 0})
        return gc.get_threshold()[1]

    turns = [middle_turns_after(seconds) for seconds in (60, HASTE_SECONDS / 10, HASTE_SECONDS / 2, HASTE_SECONDS, 60)]
    assert turns == [MIDDLE_TURNS, MIDDLE_TURNS_IN_HASTE, MIDDLE_TURNS_IN_HASTE, MIDDLE_TURNS, MIDDLE_TURNS]


def test_a_server_that_is_loaded_has_its_collector_at_that_pace_and_leaves_what_was_loaded_alone() -> None:
    tame_garbage_collection()
    assert gc.get_freeze_count() > 0
    kept = [[] for _ in range(20_000)]  # type: ignore[var-annotated]  # cheap things that the collector counts
    assert gc.get_threshold()[1] == MIDDLE_TURNS_IN_HASTE
    assert kept
