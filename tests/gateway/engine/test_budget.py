"""What a peer may send is counted before it is parsed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.engine.budget import Allowance, Budget, FrameCount, Meter, Traffic

MASK = bytes(4)
MANY = 10**9


def frame(size: int, *, masked: bool = True) -> bytes:
    bit = 0x80 if masked else 0
    if size < 126:
        head = bytes((0x81, bit | size))
    elif size < 65536:
        head = bytes((0x81, bit | 126)) + size.to_bytes(2, "big")
    else:
        head = bytes((0x81, bit | 127)) + size.to_bytes(8, "big")
    return head + (MASK if masked else b"") + b"\xff" * size


def test_a_meter_gives_its_burst_and_then_its_rate() -> None:
    meter = Meter(Allowance(10, 5))
    assert [meter.take(1, 100.0) for _ in range(6)] == [True] * 5 + [False]
    assert meter.is_spent
    assert [meter.take(1, 100.25) for _ in range(3)] == [True, True, False]
    assert not Meter(Allowance(10, 5)).take(6, 100.0)
    assert Meter(Allowance(10, 5)).take(5, 100.0)


@given(st.lists(st.floats(0, 1), max_size=60))
def test_a_meter_never_gives_more_than_burst_and_rate(pauses: list[float]) -> None:
    meter, now, taken = Meter(Allowance(3, 4)), 1000.0, 0
    for pause in pauses:
        now += pause
        taken += meter.take(1, now)
    assert taken <= 4 + 3 * (now - 1000.0) + 1e-3


def test_who_was_let_in_may_send_more_and_bytes_and_packets_are_both_counted() -> None:
    traffic = Traffic(
        bytes=Allowance(100, 1000),
        strangers_bytes=Allowance(100, 30),
        packets=Allowance(5, 50),
        strangers_packets=Allowance(1, 2),
        requests=Allowance(1, 1),
    )
    stranger = Budget(traffic)
    assert stranger.packets_left(7.0) == 2
    assert stranger.take(2, 10, 7.0)
    assert not stranger.take(1, 10, 7.0)
    assert not stranger.take(0, 15, 7.0)
    stranger.widen()
    assert stranger.packets_left(7.0) == 50
    assert stranger.take(1, 900, 7.0)
    assert not stranger.take(1, 900, 7.0)
    assert [stranger.take_request(7.0), stranger.take_request(7.0)] == [True, False]


@given(
    st.lists(
        st.tuples(st.sampled_from([0, 1, 20, 125, 126, 127, 300, 65535, 65536, 70000]), st.booleans()), max_size=8
    ),
    st.randoms(use_true_random=False),
)
def test_frames_are_counted_however_the_network_cuts_them(frames: list[tuple[int, bool]], random: object) -> None:
    data = b"".join(frame(size, masked=masked) for size, masked in frames)
    cuts = sorted(random.sample(range(len(data) + 1), min(6, len(data)))) if data else []  # type: ignore[attr-defined]
    count, pieces = FrameCount(), [data[start:end] for start, end in zip([0, *cuts], [*cuts, len(data)], strict=True)]
    assert sum(1 if count.is_one(piece) else count.begun_in(piece, MANY) for piece in pieces) == len(frames)


@pytest.mark.parametrize("size", [0, 1, 119, 120, 124, 125])
def test_a_small_frame_that_comes_whole_is_told_at_a_glance(size: int) -> None:
    count, one = FrameCount(), frame(size)
    assert count.is_one(one)
    assert not count.is_one(one + one)
    assert not count.is_one(one[:-1])
    assert not count.is_one(frame(size, masked=False))
    count.begun_in(one[:-1], MANY)
    assert not count.is_one(one)


def test_a_header_that_comes_byte_by_byte_is_one_frame() -> None:
    count = FrameCount()
    assert sum(count.begun_in(bytes([byte]), MANY) for byte in frame(70000)[:14] + frame(3)) == 1


@pytest.mark.parametrize("most", [0, 1, 10])
def test_nobody_counts_further_than_there_is_budget(most: int) -> None:
    assert FrameCount().begun_in(frame(0) * 40_000, most) == most + 1
