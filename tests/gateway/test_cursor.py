"""Cursors, and the stamp that says when and in which room their holder was inside."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auth.identity import RoomId
from gateway.cursor import STAMP_MS, Stamps, from_cursor, to_cursor
from pubsub.broker import Position

ROOM = RoomId("evening")
NOW_MS = 1_800_000_000_123
HERE = Position("an-epoch", 42)


def stamps(*secrets: str, now_ms: int = NOW_MS) -> Stamps:
    return Stamps(secrets or ("a secret of more than thirty-two bytes",), lambda: now_ms)


def test_a_stamped_cursor_is_as_good_a_position_and_says_when_its_holder_was_inside() -> None:
    cursor = to_cursor(HERE, stamps().stamp(ROOM))
    assert from_cursor(cursor) == HERE
    inside_ms = stamps().inside_ms(cursor, ROOM)
    assert inside_ms is not None
    assert 0 <= NOW_MS - inside_ms < STAMP_MS


def test_a_cursor_without_a_stamp_says_nothing_of_having_been_inside() -> None:
    cursor = to_cursor(HERE)
    assert from_cursor(cursor) == HERE
    assert stamps().inside_ms(cursor, ROOM) is None


def test_a_stamp_counts_for_its_room_alone_and_under_either_active_secret() -> None:
    cursor = to_cursor(HERE, stamps("old").stamp(ROOM))
    assert stamps("old").inside_ms(cursor, RoomId("matinee")) is None
    assert stamps("new", "old").inside_ms(cursor, ROOM) is not None
    assert stamps("new").inside_ms(cursor, ROOM) is None


def test_a_stamp_follows_the_clock() -> None:
    assert stamps().stamp(ROOM) != stamps(now_ms=NOW_MS + STAMP_MS).stamp(ROOM)


@pytest.mark.parametrize("stamp", ["", "~", "zzzzzzzz00000000", "0" * 16, "0" * 400])
def test_a_forged_stamp_is_none(stamp: str) -> None:
    cursor = to_cursor(HERE, stamp)
    assert from_cursor(cursor) == HERE
    assert stamps().inside_ms(cursor, ROOM) is None


@given(st.text(max_size=80))
def test_whatever_a_client_sends_is_read_without_a_fault(cursor: str) -> None:
    from_cursor(cursor)
    assert stamps().inside_ms(cursor, ROOM) is None
