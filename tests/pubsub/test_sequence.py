"""Deliveries come in order once, whatever the wire does to them; what is missing is told."""

from collections.abc import Sequence as Many

from hypothesis import given
from hypothesis import strategies as st

from pubsub.broker import Delivery, Position, Publication, Recovery, Retention
from pubsub.link import Gap
from pubsub.sequence import MAX_HELD, Sequence


def at(offset: int, epoch: str = "e", name: str = "") -> Delivery:
    publication = Publication(name or f"{epoch}{offset}", b"", Retention.SHORT, 0)
    return Delivery(Position(epoch, offset), publication)


def recovered(offsets: Many[int], end: int, epoch: str = "e", *, complete: bool = True) -> Recovery:
    deliveries = tuple(at(offset, epoch) for offset in offsets)
    return Recovery(deliveries, Position(epoch, end), short_complete=complete, long_complete=complete)


def offsets(deliveries: Many[Delivery]) -> list[int]:
    return [delivery.position.offset for delivery in deliveries]


NOTHING: frozenset[Position] = frozenset()


@given(st.permutations(range(1, 9)), st.lists(st.integers(1, 8)))
def test_any_order_with_any_doubles_comes_out_in_order_once(order: list[int], doubles: list[int]) -> None:
    sequence = Sequence(Position("e", 0))
    out = [item for offset in (*order, *doubles) for item in sequence.take(at(offset))]
    assert offsets(out) == list(range(1, 9))
    assert not sequence.is_behind


def test_a_recovery_fills_the_gap_and_what_was_held_follows() -> None:
    sequence = Sequence(Position("e", 2))
    assert sequence.take(at(5)) == []
    assert sequence.take(at(7)) == []
    gap, out = sequence.catch_up(recovered([3, 4, 5], 6 - 1), sequence.waiting() - {Position("e", 7)})
    assert gap is None
    assert offsets(out) == [3, 4, 5]
    assert sequence.is_behind
    assert offsets(sequence.take(at(6))) == [6, 7]
    assert not sequence.is_behind


def test_what_was_held_counts_as_found() -> None:
    sequence = Sequence(Position("e", 0))
    sequence.take(at(2))  # of the class that is never kept, so no recovery brings it
    gap, out = sequence.catch_up(recovered([1], 2), sequence.waiting())
    assert gap is None
    assert offsets(out) == [1, 2]


def test_what_is_nowhere_to_be_had_is_told() -> None:
    sequence = Sequence(Position("e", 1))
    gap, out = sequence.catch_up(recovered([3], 4), NOTHING)
    assert gap == Gap(Position("e", 1), Position("e", 4), short_complete=True, long_complete=True)
    assert offsets(out) == [3]
    assert sequence.position == Position("e", 4)


def test_what_came_while_the_recovery_was_under_way_is_not_delivered_twice() -> None:
    sequence = Sequence(Position("e", 0))
    sequence.take(at(3))
    doubted = sequence.waiting()
    assert offsets(sequence.take(at(1))) == [1]
    assert offsets(sequence.take(at(2))) == [2, 3]
    assert sequence.catch_up(recovered([1, 2, 3], 3), doubted) == (None, [])


def test_another_epoch_waits_for_a_recovery_and_is_told_as_a_gap() -> None:
    sequence = Sequence(Position("e", 5))
    assert sequence.take(at(2, "f")) == []
    assert sequence.is_behind
    gap, out = sequence.catch_up(recovered([1], 2, "f"), sequence.waiting())
    assert gap == Gap(Position("e", 5), Position("f", 2), short_complete=False, long_complete=False)
    assert [item.position for item in out] == [Position("f", 1), Position("f", 2)]
    assert sequence.take(at(6, "e")) == []
    assert not sequence.is_behind, "the old epoch is dead"


def test_an_epoch_that_begins_while_the_recovery_is_under_way_is_not_given_up() -> None:
    sequence = Sequence(Position("e", 1))
    sequence.take(at(3))
    doubted = sequence.waiting()
    sequence.take(at(1, "f"))
    sequence.catch_up(recovered([2, 3], 3), doubted)
    assert sequence.is_behind
    gap, out = sequence.catch_up(recovered([1], 1, "f"), sequence.waiting())
    assert gap is not None
    assert [item.position for item in out] == [Position("f", 1)]


def test_a_place_that_the_recovery_disproves_is_forgotten() -> None:
    sequence = Sequence(Position("e", 1))
    sequence.take(at(9))
    sequence.take(at(1, "nowhere"))
    assert sequence.catch_up(recovered([], 1), sequence.waiting()) == (None, [])
    assert not sequence.is_behind
    assert sequence.take(at(2, "nowhere")) == []
    assert not sequence.is_behind
    assert offsets(sequence.take(at(2))) == [2]


def test_an_id_comes_once_whatever_its_place() -> None:
    sequence = Sequence(Position("e", 0))
    assert sequence.delivers_locally(at(1, name="post").publication)
    assert not sequence.delivers_locally(at(1, name="post").publication)
    assert sequence.take(at(1, name="post")) == []
    assert offsets(sequence.take(at(2))) == [2]
    assert sequence.take(at(3, name="e2")) == []
    assert sequence.position.offset == 3


def test_what_came_over_the_wire_is_not_delivered_locally_too() -> None:
    # Redis took a post, the subscription brought it, and only then did the connection die that owed the answer
    sequence = Sequence(Position("e", 0))
    sequence.take(at(1, name="post"))
    assert not sequence.delivers_locally(at(1, name="post").publication)


def test_what_is_held_is_bounded_and_still_recovered() -> None:
    sequence = Sequence(Position("e", 0))
    for offset in range(2, MAX_HELD + 10):
        sequence.take(at(offset))
    end = MAX_HELD + 9
    gap, out = sequence.catch_up(recovered(range(1, end + 1), end), sequence.waiting())
    assert gap is None
    assert len(out) == end
    assert not sequence.is_behind


def test_a_jump_leaves_what_lies_before_and_keeps_what_comes_after() -> None:
    sequence = Sequence(Position("", 0))
    for offset in (4, 5, 6):
        sequence.take(at(offset))
    assert offsets(sequence.jump(Position("e", 4))) == [5, 6]
    assert not sequence.is_behind
