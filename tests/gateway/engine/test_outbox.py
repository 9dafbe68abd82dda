"""What waits for a slow peer, held against a plain list that does the same thing slowly."""

from dataclasses import dataclass

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from gateway.engine.frames import Frame
from gateway.engine.outbox import Lane, Outbox, OutboxLimits

OWNERS = ("/live", "/console")
ROOMY = OutboxLimits(bytes=10_000, frames=100, seconds=5.0)


def payloads(outbox: Outbox) -> list[str | bytes]:
    taken = []
    while (frame := outbox.take()) is not None:
        taken.append(frame.payload)
    return taken


def put(
    outbox: Outbox, payload: str | bytes, lane: Lane = Lane.CONTROL, key: str = "", now: float = 0.0, owner: str = ""
) -> bool:
    return outbox.put(Frame(payload), lane, key, now, owner)


def test_frames_leave_in_the_order_they_came_whatever_their_lane() -> None:
    outbox = Outbox(ROOMY)
    for number in range(30):
        assert put(outbox, str(number), list(Lane)[number % 3], key=str(number))
    assert payloads(outbox) == [str(number) for number in range(30)]
    assert outbox.frames == outbox.dropped == 0


def test_a_counter_takes_the_place_of_an_older_one_at_the_end_of_the_line() -> None:
    outbox = Outbox(ROOMY)
    put(outbox, "likes 1", Lane.COUNTER, "likes")
    put(outbox, "gift")
    put(outbox, "online 1", Lane.COUNTER, "online")
    put(outbox, "likes 2", Lane.COUNTER, "likes")
    assert outbox.frames == 3
    assert payloads(outbox) == ["gift", "online 1", "likes 2"]
    assert outbox.dropped == 0


def test_a_counter_that_has_left_is_not_replaced() -> None:
    outbox = Outbox(ROOMY)
    put(outbox, "likes 1", Lane.COUNTER, "likes")
    assert outbox.take() is not None
    put(outbox, "likes 2", Lane.COUNTER, "likes")
    assert payloads(outbox) == ["likes 2"]


def test_the_oldest_sheddable_goes_first_and_is_counted() -> None:
    outbox = Outbox(OutboxLimits(bytes=10_000, frames=3, seconds=5.0))
    for payload in ("d1", "d2"):
        put(outbox, payload, Lane.SHEDDABLE)
    put(outbox, "gift")
    assert put(outbox, "d3", Lane.SHEDDABLE)
    assert put(outbox, "d4", Lane.SHEDDABLE)
    assert outbox.dropped == 2
    assert payloads(outbox) == ["gift", "d3", "d4"]


def test_a_sheddable_that_finds_only_what_must_not_be_dropped_is_given_up_itself() -> None:
    outbox = Outbox(OutboxLimits(bytes=10_000, frames=2, seconds=5.0))
    put(outbox, "gift 1")
    put(outbox, "gift 2")
    assert put(outbox, "danmaku", Lane.SHEDDABLE)
    assert outbox.dropped == 1
    assert payloads(outbox) == ["gift 1", "gift 2"]


@pytest.mark.parametrize("lane", [Lane.CONTROL, Lane.COUNTER])
def test_what_must_not_be_dropped_beyond_the_bound_is_told(lane: Lane) -> None:
    outbox = Outbox(OutboxLimits(bytes=10_000, frames=2, seconds=5.0))
    assert put(outbox, "gift 1")
    assert put(outbox, "gift 2")
    assert not put(outbox, "one more", lane, "key")


def test_the_bound_is_in_bytes_of_the_wire_not_in_characters() -> None:
    # the length of the text was taken once: Chinese danmaku could fill three times the bound
    for payload in ("弹" * 1000, "é" * 1500, "x" * 3000, b"x" * 3000):
        outbox = Outbox(OutboxLimits(bytes=3100, frames=100, seconds=5.0))
        assert put(outbox, payload)
        assert not put(outbox, payload), payload[:1]


def test_one_frame_larger_than_the_bound_does_not_fit() -> None:
    assert not put(Outbox(OutboxLimits(bytes=100, frames=10, seconds=5.0)), "x" * 101)


def test_the_age_is_that_of_the_oldest_that_still_waits() -> None:
    outbox = Outbox(ROOMY)
    assert not outbox.is_stale(1e9)
    put(outbox, "likes 1", Lane.COUNTER, "likes", now=0.0)
    put(outbox, "gift", now=3.0)
    assert not outbox.is_stale(5.0)
    assert outbox.is_stale(5.001)
    put(outbox, "likes 2", Lane.COUNTER, "likes", now=5.0)
    assert not outbox.is_stale(8.0)
    assert outbox.is_stale(8.001)
    outbox.take()
    assert not outbox.is_stale(10.0)


def test_what_was_replaced_or_dropped_does_not_pile_up_behind_one_that_waits() -> None:
    # each replaced counter once left its place in the line behind, as long as one frame before it waited
    outbox = Outbox(OutboxLimits(bytes=10_000, frames=20, seconds=5.0))
    put(outbox, "gift")
    for number in range(10_000):
        assert put(outbox, f"likes {number}", Lane.COUNTER, "likes")
        assert put(outbox, f"danmaku {number}", Lane.SHEDDABLE)
    assert outbox.frames == 20
    assert len(outbox._order) < 100
    assert payloads(outbox)[0] == "gift"


def test_a_counter_of_one_owner_does_not_replace_that_of_another() -> None:
    # the key once left the namespace out: of two on one transport only the last one told heard a value
    outbox = Outbox(ROOMY)
    for number in (1, 2):
        for owner in ("/live", "/console"):
            put(outbox, f"online {number} {owner}", Lane.COUNTER, "online", owner=owner)
    assert payloads(outbox) == ["online 2 /live", "online 2 /console"]


def test_what_is_withdrawn_leaves_the_others_in_their_order() -> None:
    outbox = Outbox(OutboxLimits(bytes=10_000, frames=6, seconds=5.0))
    for owner in ("/live", "/console"):
        put(outbox, f"gift {owner}", owner=owner)
        put(outbox, f"online {owner}", Lane.COUNTER, "online", owner=owner)
        put(outbox, f"danmaku {owner}", Lane.SHEDDABLE, owner=owner)
    outbox.withdraw("/live")
    outbox.withdraw("/nowhere")
    put(outbox, "online anew", Lane.COUNTER, "online", owner="/live")
    put(outbox, "danmaku anew", Lane.SHEDDABLE, owner="/live")
    assert payloads(outbox) == [
        "gift /console", "online /console", "danmaku /console", "online anew", "danmaku anew"
    ]  # fmt: skip
    assert outbox.frames == outbox.dropped == 0


@dataclass
class Entry:
    payload: str
    lane: Lane
    key: str
    owner: str
    since: float

    @property
    def size(self) -> int:
        return len(Frame(self.payload).wire)


class Slowly(RuleBasedStateMachine):
    """The same rules, one after another over a list."""

    @initialize(size=st.integers(20, 200), frames=st.integers(1, 12))
    def begin(self, size: int, frames: int) -> None:
        self.limits = OutboxLimits(bytes=size, frames=frames, seconds=5.0)
        self.outbox = Outbox(self.limits)
        self.waiting: list[Entry] = []
        self.dropped = self.number = 0
        self.now = 0.0
        self.is_cut = False

    @rule(
        lane=st.sampled_from(list(Lane)),
        key=st.sampled_from("abc"),
        owner=st.sampled_from(OWNERS),
        size=st.integers(0, 40),
    )
    def put(self, lane: Lane, key: str, owner: str, size: int) -> None:
        if self.is_cut:
            return
        self.number += 1
        entry = Entry(f"{self.number}" + "弹" * (size // 3) + "x" * (size % 3), lane, key, owner, self.now)
        if lane is Lane.COUNTER:
            alike = (Lane.COUNTER, key, owner)
            self.waiting = [one for one in self.waiting if (one.lane, one.key, one.owner) != alike]
        self.waiting.append(entry)
        while self._is_over() and any(one.lane is Lane.SHEDDABLE for one in self.waiting):
            self.waiting.remove(next(one for one in self.waiting if one.lane is Lane.SHEDDABLE))
            self.dropped += 1
        self.is_cut = self._is_over()
        assert self.outbox.put(Frame(entry.payload), lane, key, self.now, owner) is not self.is_cut

    @rule(owner=st.sampled_from(OWNERS))
    def withdraw(self, owner: str) -> None:
        if not self.is_cut:
            self.outbox.withdraw(owner)
            self.waiting = [one for one in self.waiting if one.owner != owner]

    @rule(count=st.integers(1, 5))
    def take(self, count: int) -> None:
        for _ in range(0 if self.is_cut else count):
            frame = self.outbox.take()
            expected = self.waiting.pop(0).payload if self.waiting else None
            assert (frame.payload if frame is not None else None) == expected

    @rule(seconds=st.floats(0.0, 4.0))
    def wait(self, seconds: float) -> None:
        self.now += seconds
        if not self.is_cut:
            oldest = self.waiting[0].since if self.waiting else self.now
            assert self.outbox.is_stale(self.now) is (self.now - oldest > self.limits.seconds)

    @invariant()
    def the_same_waits_and_no_more_memory_is_held_than_that(self) -> None:
        if hasattr(self, "outbox") and not self.is_cut:
            assert self.outbox.frames == len(self.waiting) <= self.limits.frames
            assert self.outbox.dropped == self.dropped
            assert len(self.outbox._order) <= 4 * self.limits.frames + 64
            assert sum(one.size for one in self.waiting) <= self.limits.bytes

    def _is_over(self) -> bool:
        return len(self.waiting) > self.limits.frames or sum(one.size for one in self.waiting) > self.limits.bytes


TestSlowly = Slowly.TestCase
TestSlowly.settings = settings(max_examples=60, deadline=None)
