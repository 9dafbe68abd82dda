"""The queue at the door: nobody is lost, nobody goes in twice, and those who pay more or were inside go first."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auth.identity import RoomId, Tier, UserId
from rooms.queue.waiting_room import (
    KEPT_FOR_BETTER,
    LEAST_RETRY_MS,
    MOST_RETRY_MS,
    AdmissionBudget,
    Entry,
    Key,
    Standing,
    WaitingRoom,
)

ROOM, OTHER = RoomId("evening"), RoomId("matinee")
GRACE_MS = 30_000


def key(user: str, room: RoomId = ROOM) -> Key:
    return Key(room, UserId(user))


def waiting_room(per_second: float = 10, burst: int = 1, places: int = 1000, returns: int = 1) -> WaitingRoom:
    budget = AdmissionBudget(per_second, burst)
    return WaitingRoom(budget, AdmissionBudget(per_second, returns), places=places, grace_ms=GRACE_MS)


def full(queue: WaitingRoom, now_ms: int = 0) -> WaitingRoom:
    """The same once its burst is spent."""
    number = 0
    while queue.come(key(f"early-{number}"), Tier.MAIN, now_ms, returning=False) is Entry.ADMITTED:
        number += 1
    queue.forget(key(f"early-{number}"))
    return queue


def comes(queue: WaitingRoom, user: str, tier: Tier = Tier.MAIN, now_ms: int = 0, room: RoomId = ROOM) -> Entry:
    return queue.come(key(user, room), tier, now_ms, returning=False)


def drained(queue: WaitingRoom, from_ms: int, step_ms: int = 100) -> list[str]:
    """Everybody who goes in from now on, in order."""
    went_in: list[str] = []
    now_ms = from_ms
    while len(queue):
        while (admitted := queue.next(now_ms)) is not None:
            went_in.append(admitted.user)
        now_ms += step_ms
    return went_in


def test_within_the_burst_everybody_goes_straight_in() -> None:
    queue = waiting_room(burst=500)
    assert {comes(queue, f"fan-{number}") for number in range(500)} == {Entry.ADMITTED}
    assert comes(queue, "one more") is Entry.WAITS


def test_vip_goes_before_main_before_those_without_a_ticket_and_first_come_first_served() -> None:
    queue = full(waiting_room())
    for user, tier in [
        ("n1", Tier.NONE),
        ("m1", Tier.MAIN),
        ("l1", Tier.LOBBY),
        ("v1", Tier.VIP),
        ("m2", Tier.MAIN),
        ("v2", Tier.VIP),
    ]:
        assert comes(queue, user, tier) is Entry.WAITS
    assert drained(queue, 0) == ["v1", "v2", "m1", "m2", "n1", "l1"]


def test_no_newcomer_overtakes_the_queue_although_the_budget_has_room_again() -> None:
    queue = full(waiting_room())
    comes(queue, "patient")
    assert comes(queue, "pushy", now_ms=60_000) is Entry.WAITS
    assert drained(queue, 60_000) == ["patient", "pushy"]


def test_who_was_inside_a_moment_ago_goes_in_past_the_crowd_and_beyond_that_budget_before_it() -> None:
    queue = full(waiting_room(returns=2))
    comes(queue, "vip", Tier.VIP)
    back = [queue.come(key(f"back-{number}"), Tier.MAIN, 0, returning=True) for number in range(3)]
    assert back == [Entry.ADMITTED, Entry.ADMITTED, Entry.WAITS]
    assert drained(queue, 0) == ["back-2", "vip"]


def test_rooms_take_turns() -> None:
    queue = full(waiting_room())
    for number in range(3):
        comes(queue, f"a{number}")
    for number in range(2):
        comes(queue, f"b{number}", room=OTHER)
    assert drained(queue, 0) == ["a0", "b0", "a1", "b1", "a2"]


def test_a_place_is_kept_for_a_while_and_holds_up_nobody() -> None:
    queue = full(waiting_room())
    for user in ("first", "second", "third"):
        comes(queue, user)
    queue.drop_out(key("first"), 0)
    assert queue.next(100) == key("second")
    assert comes(queue, "first", now_ms=GRACE_MS - 1) is Entry.WAITS
    assert drained(queue, GRACE_MS) == ["first", "third"]


def test_after_the_grace_a_place_is_gone() -> None:
    queue = full(waiting_room())
    comes(queue, "first")
    comes(queue, "second")
    queue.drop_out(key("first"), 0)
    assert queue.next(GRACE_MS) == key("second")
    assert queue.taken == 0


def test_who_pays_while_waiting_stands_where_they_would_had_they_paid_before() -> None:
    queue = full(waiting_room())
    for user, tier in [("vip", Tier.VIP), ("promoted", Tier.NONE), ("main", Tier.MAIN), ("refunded", Tier.MAIN)]:
        comes(queue, user, tier)
    queue.retier(key("promoted"), Tier.MAIN)
    queue.retier(key("refunded"), Tier.NONE)
    assert queue.waiting() == {Tier.NONE: 1, Tier.LOBBY: 0, Tier.MAIN: 2, Tier.VIP: 1}
    assert drained(queue, 0) == ["vip", "promoted", "main", "refunded"]


def test_a_position_counts_the_own_room_and_the_eta_everybody() -> None:
    queue = full(waiting_room(per_second=10))
    for number in range(20):
        comes(queue, f"a{number}")
        comes(queue, f"b{number}", room=OTHER)
    assert queue.standing(key("a0")) == Standing(1, 100)
    assert queue.standing(key("a19")) == Standing(20, 3_900)
    comes(queue, "vip", Tier.VIP)
    assert queue.standing(key("vip")) == Standing(1, 100)
    assert queue.standing(key("a19")) == Standing(21, 4_000)
    queue.drop_out(key("a0"), 0)
    assert queue.standing(key("a0")) is None
    assert queue.standing(key("a19")) is not None


def test_a_late_event_loop_admits_fewer_and_the_eta_follows_what_is_measured() -> None:
    queue = full(waiting_room(per_second=10))
    for number in range(200):
        comes(queue, f"fan-{number}")
    queue.slow_down(1_000)
    went_in = 0
    for now_ms in range(0, 30_000, 100):
        while queue.next(now_ms) is not None:
            went_in += 1
    assert went_in == pytest.approx(30, abs=3), "a tenth"
    standing = queue.standing(key("fan-199"))
    assert standing is not None
    assert standing.eta_ms == pytest.approx(170_000, rel=0.2)


def test_beyond_the_places_a_crowd_is_sent_away_and_spread_over_the_time_the_queue_needs() -> None:
    queue = full(waiting_room(per_second=10, places=100))
    entries = [comes(queue, f"fan-{number}") for number in range(100)]
    assert entries == [Entry.WAITS] * 90 + [Entry.REFUSED] * 10
    assert queue.retry_ms(0.0) == LEAST_RETRY_MS
    assert queue.retry_ms(0.5) == LEAST_RETRY_MS + 4_500
    assert [comes(queue, f"vip-{number}", Tier.VIP) for number in range(11)] == [Entry.WAITS] * 10 + [Entry.REFUSED]
    assert comes(queue, "fan-0") is Entry.WAITS, "has a place"
    stuck = full(waiting_room(per_second=0.01, places=100))
    for number in range(90):
        comes(stuck, f"fan-{number}")
    assert stuck.retry_ms(0.999) == MOST_RETRY_MS


@dataclass
class Doubled:
    """A queue beside the same as plain lists."""

    queue: WaitingRoom
    bound: int
    now_ms: int = 0
    places: dict[Key, tuple[Tier, bool]] = field(default_factory=dict)
    """In order of arrival: what their ticket is worth, whether they were inside before."""
    absent: dict[Key, int] = field(default_factory=dict)

    def order(self) -> list[Key]:
        """Those who are there, in the order in which a single room would let them in."""
        rank = {Tier.VIP: 1, Tier.MAIN: 2, Tier.LOBBY: 3, Tier.NONE: 3}
        there = [one for one in self.places if one not in self.absent]
        return sorted(there, key=lambda one: 0 if self.places[one][1] else rank[self.places[one][0]])

    def come(self, who: Key, tier: Tier, was_inside: bool) -> None:
        entry = self.queue.come(who, tier, self.now_ms, returning=was_inside)
        if who in self.places:
            assert entry is Entry.WAITS
            self.absent.pop(who, None)
            self.places[who] = tier, self.places[who][1] or was_inside
        elif entry is Entry.WAITS:
            self.places[who] = tier, was_inside
        elif entry is Entry.REFUSED:
            assert len(self.places) >= self.bound - int(self.bound * KEPT_FOR_BETTER)
        elif not was_inside:
            assert self.order() == [], "nobody is overtaken"

    def drop_out(self, who: Key) -> None:
        self.queue.drop_out(who, self.now_ms)
        if who in self.places:
            self.absent.setdefault(who, self.now_ms)

    def retier(self, who: Key, tier: Tier) -> None:
        self.queue.retier(who, tier)
        if who in self.places:
            self.places[who] = tier, self.places[who][1]

    def forget(self, who: Key) -> None:
        self.queue.forget(who)
        self.places.pop(who, None)
        self.absent.pop(who, None)

    def next(self) -> None:
        for gone in [one for one, since in self.absent.items() if self.now_ms - since >= GRACE_MS]:
            del self.places[gone], self.absent[gone]
        order, admitted = self.order(), self.queue.next(self.now_ms)
        if admitted is not None:
            assert admitted == order[0]
            del self.places[admitted]

    def wait(self, passed_ms: int) -> None:
        self.now_ms += passed_ms

    def agree(self) -> None:
        order = self.order()
        assert self.queue.taken == len(self.places) <= self.bound
        assert len(self.queue) == len(order) == sum(self.queue.waiting().values())
        standings = [self.queue.standing(who) for who in order]
        assert [one.position for one in standings if one] == list(range(1, len(order) + 1))
        etas = [one.eta_ms for one in standings if one]
        assert etas == sorted(etas)


USERS = st.integers(0, 12).map(lambda number: key(f"fan-{number}"))
STEPS = st.one_of(
    st.tuples(st.just(Doubled.come), st.tuples(USERS, st.sampled_from(Tier), st.booleans())),
    st.tuples(st.just(Doubled.drop_out), st.tuples(USERS)),
    st.tuples(st.just(Doubled.retier), st.tuples(USERS, st.sampled_from(Tier))),
    st.tuples(st.just(Doubled.forget), st.tuples(USERS)),
    st.tuples(st.just(Doubled.next), st.tuples()),
    st.tuples(st.just(Doubled.wait), st.tuples(st.integers(1, GRACE_MS))),
)


@settings(max_examples=300, deadline=None)
@given(steps=st.lists(STEPS, max_size=80), places=st.integers(1, 12))
def test_whatever_happens_nobody_is_lost_or_admitted_twice_and_the_order_and_the_bound_hold(
    steps: list[tuple[Callable[..., None], tuple[Any, ...]]], places: int
) -> None:
    both = Doubled(full(waiting_room(per_second=0.2, places=places)), places)
    for step, arguments in steps:
        step(both, *arguments)
        both.agree()
    left = [who.user for who in both.order()]
    assert drained(both.queue, both.now_ms + 10 * GRACE_MS, 5_000) == left
