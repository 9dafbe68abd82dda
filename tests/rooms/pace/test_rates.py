"""Token buckets and slow mode."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rooms.pace.rates import Bucket, slow_wait

RATES = st.sampled_from([0.1, 0.5, 1, 3, 5, 20, 1000])


def test_a_burst_then_one_per_interval() -> None:
    bucket = Bucket(1, 3)
    assert [bucket.take(10_000) for _ in range(4)] == [0, 0, 0, 1_000]
    assert bucket.take(10_999) == 1
    assert bucket.take(11_000) == 0
    assert bucket.take(11_000) == 1_000


def test_one_request_in_ten_seconds() -> None:
    bucket = Bucket(0.1, 1)
    assert [bucket.take(0), bucket.take(1), bucket.take(9_999), bucket.take(10_000)] == [0, 9_999, 1, 0]


@given(RATES, st.integers(1, 50), st.lists(st.integers(0, 3_000), max_size=120))
def test_no_span_gives_more_than_its_bound(rate: float, burst: int, pauses: list[int]) -> None:
    bucket = Bucket(rate, burst)
    now, taken = 1_000_000, []
    for pause in pauses:
        now += pause
        if bucket.take(now) == 0:
            taken.append(now)
    for first in range(len(taken)):
        for last in range(first, len(taken)):
            span_s = (taken[last] - taken[first]) / 1000
            assert last - first + 1 <= burst + span_s * rate + 1e-6


@given(RATES, st.integers(1, 10), st.lists(st.integers(0, 500), min_size=1, max_size=60))
def test_the_answered_wait_is_the_least_that_helps(rate: float, burst: int, pauses: list[int]) -> None:
    now, bucket, twin = 1_000_000, Bucket(rate, burst), Bucket(rate, burst)
    for pause in pauses:
        now += pause
        wait = bucket.take(now)
        assert twin.take(now) == wait
        if wait:
            assert bucket.take(now + wait - 1) > 0
            assert bucket.take(now + wait) == 0
            break


def test_a_clock_that_steps_back_gives_nothing_extra() -> None:
    bucket = Bucket(1, 1)
    assert bucket.take(50_000) == 0
    assert bucket.take(10_000) == 1_000
    assert bucket.take(51_000) == 0


def test_what_is_charged_is_owed_even_below_the_bottom() -> None:
    bucket = Bucket(1, 3)
    for _ in range(5):
        bucket.charge(10_000)
    assert not bucket.is_full(14_999)
    assert bucket.take(10_000) == 3_000
    assert bucket.take(13_000) == 0
    assert [bucket.is_full(15_999), bucket.is_full(16_000)] == [False, True]


@pytest.mark.parametrize(("last_ms", "wait"), [(None, 0), (0, 0), (5_000, 0), (5_001, 1), (10_000, 5_000)])
def test_slow_mode_waits_since_the_last_danmaku(last_ms: int | None, wait: int) -> None:
    assert slow_wait(last_ms, 10_000, 5_000) == wait


def test_slow_mode_off_waits_for_nothing() -> None:
    assert slow_wait(10_000, 10_000, 0) == 0
