"""The budget of a person: one for all sockets, kept while it tells something, charged for what is done elsewhere."""

from hypothesis import given
from hypothesis import strategies as st

from auth.identity import UserId
from rooms.pace.persons import FORGOTTEN_AT_ONCE, MAX_OWN, Persons
from rooms.pace.rates import Rate

ANN, BEN = UserId("ann"), UserId("ben")
NOW = 1_000_000_000


DANMAKU_RATE = Rate(1, 3)
GIFT_RATE = Rate(5, 5)


def persons(most: int = 1000) -> Persons:
    return Persons({"danmaku": DANMAKU_RATE, "gift": GIFT_RATE, "cohost": Rate(0.1, 1)}, most=most)


def test_each_person_and_each_kind_has_a_budget_of_its_own() -> None:
    room = persons()
    assert [room.take(ANN, "danmaku", NOW) for _ in range(4)] == [0, 0, 0, 1000]
    assert room.take(BEN, "danmaku", NOW) == 0
    assert room.take(ANN, "gift", NOW) == 0


def test_what_has_no_rate_is_free_and_costs_no_memory() -> None:
    room = persons()
    assert [room.take(ANN, "any", NOW) for _ in range(100)] == [0] * 100
    assert len(room) == 0


def test_what_somebody_did_elsewhere_is_charged_and_their_own_return_is_not() -> None:
    room = persons()
    for number in range(3):
        assert room.take(ANN, "danmaku", NOW) == 0
        room.expect(f"own-{number}")
    assert [room.heard(ANN, "danmaku", f"own-{number}", NOW) for number in range(3)] == [False] * 3
    assert room.take(ANN, "danmaku", NOW) == 1000
    assert room.take(ANN, "danmaku", NOW + 1000) == 0
    assert room.heard(BEN, "danmaku", "far", NOW)
    assert [room.take(BEN, "danmaku", NOW) for _ in range(3)] == [0, 0, 1000]


def test_only_the_first_return_of_what_was_done_here_is_expected() -> None:
    room = persons()
    room.expect("own")
    assert [room.heard(ANN, "danmaku", "own", NOW) for _ in range(2)] == [False, True]


def test_what_returns_late_is_still_known_while_not_too_much_is_awaited() -> None:
    room = persons()
    room.expect("first")
    for number in range(MAX_OWN // 2 - 1):
        room.expect(f"own-{number}")
    assert not room.heard(ANN, "danmaku", "first", NOW)


@given(st.integers(1, 6), st.lists(st.integers(0, 2_000), min_size=1, max_size=60))
def test_over_many_gateways_a_rate_holds_but_for_one_burst_at_each(gateways: int, pauses: list[int]) -> None:
    """Somebody speaks at all gateways at once, again and again, before any of them has heard of the others."""
    rooms = [persons() for _ in range(gateways)]
    now, taken = NOW, 0
    for pause in pauses:
        now += pause
        speaking = [room for room in rooms if room.take(ANN, "danmaku", now) == 0]
        taken += len(speaking)
        for speaker in speaking:
            for room in rooms:
                if room is not speaker:
                    room.heard(ANN, "danmaku", f"{taken}", now)
    rate, burst = DANMAKU_RATE
    assert taken <= gateways * burst + (now - NOW) / 1000 * rate


def test_slow_mode_counts_from_the_last_word_wherever_it_was_said() -> None:
    room = persons()
    assert room.wait(ANN, NOW, 600_000) == 0
    room.said(ANN, NOW)
    room.said(ANN, NOW - 5_000)
    assert room.wait(ANN, NOW + 1_000, 600_000) == 599_000
    assert room.wait(BEN, NOW, 600_000) == 0


def test_a_budget_is_forgotten_once_it_is_whole_and_slow_mode_is_over() -> None:
    room = persons()
    room.take(ANN, "danmaku", NOW)
    room.said(ANN, NOW)
    for at_ms, slow_ms, kept in ((NOW + 999, 0, 1), (NOW + 1_000, 60_000, 1), (NOW + 59_999, 60_000, 1)):
        room.forget(at_ms, slow_ms)
        assert len(room) == kept
    room.forget(NOW + 60_000, 60_000)
    assert len(room) == 0


def test_all_budgets_are_forgotten_in_the_end_some_at_a_time() -> None:
    room = persons(most=10 * FORGOTTEN_AT_ONCE)
    for number in range(2 * FORGOTTEN_AT_ONCE + 1):
        room.take(UserId(f"fan-{number}"), "danmaku", NOW)
    sizes = []
    for _ in range(3):
        room.forget(NOW + 1_000, 0)
        sizes.append(len(room))
    assert sizes == [FORGOTTEN_AT_ONCE + 1, 1, 0]


def test_a_crowd_makes_the_longest_unused_budgets_forgotten_and_no_others() -> None:
    room = persons(most=100)
    for number in range(100):
        room.said(UserId(f"fan-{number}"), NOW)
    room.said(UserId("fan-0"), NOW)
    room.said(ANN, NOW)
    assert len(room) == 91
    assert room.wait(UserId("fan-0"), NOW, 1_000) == 1_000
    assert room.wait(UserId("fan-1"), NOW, 1_000) == 0
    assert room.wait(ANN, NOW, 1_000) == 1_000
