"""What waits for a slow peer, held against a plain list that does the same thing slowly."""

from dataclasses import dataclass

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from gateway.engine.backlog import Backlog, BacklogLimits, Loss
from gateway.engine.frames import Frame

OWNERS = ("/live", "/console")
ROOMY = BacklogLimits(bytes=10_000, frames=100, seconds=5.0)


def payloads(backlog: Backlog) -> list[str | bytes]:
    taken = []
    while (frame := backlog.take()) is not None:
        taken.append(frame.payload)
    return taken


def put(
    backlog: Backlog, payload: str | bytes, loss: Loss = Loss.CONTROL, key: str = "", now: float = 0.0, owner: str = ""
) -> bool:
    return backlog.put(Frame(payload), loss, key, now, owner)


def test_frames_leave_in_the_order_they_came_whatever_they_may_lose() -> None:
    backlog = Backlog(ROOMY)
    for number in range(30):
        assert put(backlog, str(number), list(Loss)[number % 3], key=str(number))
    assert payloads(backlog) == [str(number) for number in range(30)]
    assert backlog.frames == backlog.dropped == 0


def test_a_counter_takes_the_place_of_an_older_one_at_the_end_of_the_line() -> None:
    backlog = Backlog(ROOMY)
    put(backlog, "likes 1", Loss.COUNTER, "likes")
    put(backlog, "gift")
    put(backlog, "online 1", Loss.COUNTER, "online")
    put(backlog, "likes 2", Loss.COUNTER, "likes")
    assert backlog.frames == 3
    assert payloads(backlog) == ["gift", "online 1", "likes 2"]
    assert backlog.dropped == 0


def test_a_counter_that_has_left_is_not_replaced() -> None:
    backlog = Backlog(ROOMY)
    put(backlog, "likes 1", Loss.COUNTER, "likes")
    assert backlog.take() is not None
    put(backlog, "likes 2", Loss.COUNTER, "likes")
    assert payloads(backlog) == ["likes 2"]


def test_the_oldest_sheddable_goes_first_and_is_counted() -> None:
    backlog = Backlog(BacklogLimits(bytes=10_000, frames=3, seconds=5.0))
    for payload in ("d1", "d2"):
        put(backlog, payload, Loss.SHEDDABLE)
    put(backlog, "gift")
    assert put(backlog, "d3", Loss.SHEDDABLE)
    assert put(backlog, "d4", Loss.SHEDDABLE)
    assert backlog.dropped == 2
    assert payloads(backlog) == ["gift", "d3", "d4"]


def test_a_sheddable_that_finds_only_what_must_not_be_dropped_is_given_up_itself() -> None:
    backlog = Backlog(BacklogLimits(bytes=10_000, frames=2, seconds=5.0))
    put(backlog, "gift 1")
    put(backlog, "gift 2")
    assert put(backlog, "danmaku", Loss.SHEDDABLE)
    assert backlog.dropped == 1
    assert payloads(backlog) == ["gift 1", "gift 2"]


@pytest.mark.parametrize("loss", [Loss.CONTROL, Loss.COUNTER])
def test_what_must_not_be_dropped_beyond_the_bound_is_told(loss: Loss) -> None:
    backlog = Backlog(BacklogLimits(bytes=10_000, frames=2, seconds=5.0))
    assert put(backlog, "gift 1")
    assert put(backlog, "gift 2")
    assert not put(backlog, "one more", loss, "key")


def test_the_bound_is_in_bytes_of_the_wire_not_in_characters() -> None:
    # the length of the text was taken once: Chinese danmaku could fill three times the bound
    for payload in ("弹" * 1000, "é" * 1500, "x" * 3000, b"x" * 3000):
        backlog = Backlog(BacklogLimits(bytes=3100, frames=100, seconds=5.0))
        assert put(backlog, payload)
        assert not put(backlog, payload), payload[:1]


def test_one_frame_larger_than_the_bound_does_not_fit() -> None:
    assert not put(Backlog(BacklogLimits(bytes=100, frames=10, seconds=5.0)), "x" * 101)


def test_the_age_is_that_of_the_oldest_that_still_waits() -> None:
    backlog = Backlog(ROOMY)
    assert not backlog.is_stale(1e9)
    put(backlog, "likes 1", Loss.COUNTER, "likes", now=0.0)
    put(backlog, "gift", now=3.0)
    assert not backlog.is_stale(5.0)
    assert backlog.is_stale(5.001)
    put(backlog, "likes 2", Loss.COUNTER, "likes", now=5.0)
    assert not backlog.is_stale(8.0)
    assert backlog.is_stale(8.001)
    backlog.take()
    assert not backlog.is_stale(10.0)


def test_what_was_replaced_or_dropped_does_not_pile_up_behind_one_that_waits() -> None:
    # each replaced counter once left its place in the line behind, as long as one frame before it waited
    backlog = Backlog(BacklogLimits(bytes=10_000, frames=20, seconds=5.0))
    put(backlog, "gift")
    for number in range(10_000):
        assert put(backlog, f"likes {number}", Loss.COUNTER, "likes")
        assert put(backlog, f"danmaku {number}", Loss.SHEDDABLE)
    assert backlog.frames == 20
    assert len(backlog._order) < 100
    assert payloads(backlog)[0] == "gift"


def test_a_counter_of_one_owner_does_not_replace_that_of_another() -> None:
    # the key once left the namespace out: of two on one transport only the last one told heard a value
    backlog = Backlog(ROOMY)
    for number in (1, 2):
        for owner in ("/live", "/console"):
            put(backlog, f"online {number} {owner}", Loss.COUNTER, "online", owner=owner)
    assert payloads(backlog) == ["online 2 /live", "online 2 /console"]


def test_what_is_withdrawn_leaves_the_others_in_their_order() -> None:
    backlog = Backlog(BacklogLimits(bytes=10_000, frames=6, seconds=5.0))
    for owner in ("/live", "/console"):
        put(backlog, f"gift {owner}", owner=owner)
        put(backlog, f"online {owner}", Loss.COUNTER, "online", owner=owner)
        put(backlog, f"danmaku {owner}", Loss.SHEDDABLE, owner=owner)
    backlog.withdraw("/live")
    backlog.withdraw("/nowhere")
    put(backlog, "online anew", Loss.COUNTER, "online", owner="/live")
    put(backlog, "danmaku anew", Loss.SHEDDABLE, owner="/live")
    assert payloads(backlog) == [
        "gift /console", "online /console", "danmaku /console", "online anew", "danmaku anew"
    ]  # fmt: skip
    assert backlog.frames == backlog.dropped == 0


@dataclass
class Entry:
    payload: str
    loss: Loss
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
        self.limits = BacklogLimits(bytes=size, frames=frames, seconds=5.0)
        self.backlog = Backlog(self.limits)
        self.waiting: list[Entry] = []
        self.dropped = self.number = 0
        self.now = 0.0
        self.is_cut = False

    @rule(
        loss=st.sampled_from(list(Loss)),
        key=st.sampled_from("abc"),
        owner=st.sampled_from(OWNERS),
        size=st.integers(0, 40),
    )
    def put(self, loss: Loss, key: str, owner: str, size: int) -> None:
        if self.is_cut:
            return
        self.number += 1
        entry = Entry(f"{self.number}" + "弹" * (size // 3) + "x" * (size % 3), loss, key, owner, self.now)
        if loss is Loss.COUNTER:
            alike = (Loss.COUNTER, key, owner)
            self.waiting = [one for one in self.waiting if (one.loss, one.key, one.owner) != alike]
        self.waiting.append(entry)
        while self._is_over() and any(one.loss is Loss.SHEDDABLE for one in self.waiting):
            self.waiting.remove(next(one for one in self.waiting if one.loss is Loss.SHEDDABLE))
            self.dropped += 1
        self.is_cut = self._is_over()
        assert self.backlog.put(Frame(entry.payload), loss, key, self.now, owner) is not self.is_cut

    @rule(owner=st.sampled_from(OWNERS))
    def withdraw(self, owner: str) -> None:
        if not self.is_cut:
            self.backlog.withdraw(owner)
            self.waiting = [one for one in self.waiting if one.owner != owner]

    @rule(count=st.integers(1, 5))
    def take(self, count: int) -> None:
        for _ in range(0 if self.is_cut else count):
            frame = self.backlog.take()
            expected = self.waiting.pop(0).payload if self.waiting else None
            assert (frame.payload if frame is not None else None) == expected

    @rule(seconds=st.floats(0.0, 4.0))
    def wait(self, seconds: float) -> None:
        self.now += seconds
        if not self.is_cut:
            oldest = self.waiting[0].since if self.waiting else self.now
            assert self.backlog.is_stale(self.now) is (self.now - oldest > self.limits.seconds)

    @invariant()
    def the_same_waits_and_no_more_memory_is_held_than_that(self) -> None:
        if hasattr(self, "backlog") and not self.is_cut:
            assert self.backlog.frames == len(self.waiting) <= self.limits.frames
            assert self.backlog.dropped == self.dropped
            assert len(self.backlog._order) <= 4 * self.limits.frames + 64
            assert sum(one.size for one in self.waiting) <= self.limits.bytes

    def _is_over(self) -> bool:
        return len(self.waiting) > self.limits.frames or sum(one.size for one in self.waiting) > self.limits.bytes


TestSlowly = Slowly.TestCase
TestSlowly.settings = settings(max_examples=60, deadline=None)
