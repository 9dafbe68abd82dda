"""Cursors, and the stamp that says who was inside, when and in which room."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auth.identity import RoomId, UserId
from gateway.contract.cursor import STAMP_MS, Stamps, from_cursor, to_cursor
from pubsub.broker import Position

ROOM = RoomId("evening")
MEI = UserId("mei")
NOW_MS = 1_800_000_000_123
HERE = Position("an-epoch", 42)


def stamps(*secrets: str, now_ms: int = NOW_MS) -> Stamps:
    return Stamps(secrets or ("a secret of more than thirty-two bytes",), lambda: now_ms)


def test_a_stamped_cursor_is_as_good_a_position_and_says_when_its_holder_was_inside() -> None:
    cursor = to_cursor(HERE, stamps().stamp(ROOM, MEI))
    assert from_cursor(cursor) == HERE
    inside_ms = stamps().inside_ms(cursor, ROOM, MEI)
    assert inside_ms is not None
    assert 0 <= NOW_MS - inside_ms < STAMP_MS


def test_a_cursor_without_a_stamp_says_nothing_of_having_been_inside() -> None:
    cursor = to_cursor(HERE)
    assert from_cursor(cursor) == HERE
    assert stamps().inside_ms(cursor, ROOM, MEI) is None


def test_a_stamp_counts_for_its_room_alone_and_under_either_active_secret() -> None:
    cursor = to_cursor(HERE, stamps("old").stamp(ROOM, MEI))
    assert stamps("old").inside_ms(cursor, RoomId("matinee"), MEI) is None
    assert stamps("new", "old").inside_ms(cursor, ROOM, MEI) is not None
    assert stamps("new").inside_ms(cursor, ROOM, MEI) is None


def test_a_stamp_counts_for_the_one_user_it_names_whatever_rooms_and_users_are_called() -> None:
    # it named nobody once: a stranger with somebody's cursor went past the queue
    cursor = to_cursor(HERE, stamps().stamp(ROOM, MEI))
    assert stamps().inside_ms(cursor, ROOM, UserId("ming")) is None
    odd = to_cursor(HERE, stamps().stamp(RoomId("a:b"), UserId("c")))
    assert stamps().inside_ms(odd, RoomId("a"), UserId("b:c")) is None
    assert stamps().inside_ms(odd, RoomId("a:b"), UserId("c")) is not None


def test_a_stamp_follows_the_clock() -> None:
    assert stamps().stamp(ROOM, MEI) != stamps(now_ms=NOW_MS + STAMP_MS).stamp(ROOM, MEI)


@pytest.mark.parametrize("stamp", ["", "~", "zzzzzzzz00000000", "0" * 16, "0" * 400])
def test_a_forged_stamp_is_none(stamp: str) -> None:
    cursor = to_cursor(HERE, stamp)
    assert from_cursor(cursor) == HERE
    assert stamps().inside_ms(cursor, ROOM, MEI) is None


@given(st.text(max_size=80))
def test_whatever_a_client_sends_is_read_without_a_fault(cursor: str) -> None:
    from_cursor(cursor)
    assert stamps().inside_ms(cursor, ROOM, MEI) is None
