"""News that have passed are known as such, whatever the order they come in, and without growing."""

from rooms.newest import MAX_KEPT, Counted, Newest


def test_a_thing_takes_only_what_is_newer() -> None:
    newest = Newest(3)
    assert [newest.takes("a", version) for version in (3, 5, 5, 4, 6)] == [False, True, False, False, True]
    assert newest.takes("b", 4)


def test_what_was_forgotten_for_want_of_room_is_not_taken_again() -> None:
    newest = Newest()
    for number in range(3 * MAX_KEPT):
        assert newest.takes(number, number + 1)
    assert not any(newest.takes(number, number + 1) for number in range(3 * MAX_KEPT))
    assert len(newest._versions) <= MAX_KEPT


def test_the_floor_of_a_count_follows_what_has_come_whole() -> None:
    counted = Counted(7)
    assert counted.takes("a", 9)
    assert counted.floor == 7
    assert counted.takes("b", 8)
    assert counted.floor == 9
    assert not counted.takes("c", 9)
    counted.takes("a", 11)
    counted.reach(10)
    assert counted.floor == 11
    assert not counted.takes("c", 10)


def test_one_that_is_missing_for_good_keeps_the_floor_down_until_sql_says_more() -> None:
    counted = Counted()
    for version in range(2, 2 * MAX_KEPT):
        counted.takes(version, version)
    assert counted.floor == 0
    assert len(counted._ahead) <= MAX_KEPT
    counted.reach(2 * MAX_KEPT)
    assert (counted.floor, counted._ahead) == (2 * MAX_KEPT, set())
