"""A stamp is new once, in whatever order stamps come, and what remembers them stays small."""

import random

from pubsub.seen import MAX_PUBLISHERS, WINDOW, Seen, Stamp

HOUR_MS = 3_600_000


def test_each_stamp_is_new_once_in_any_order() -> None:
    for seed in range(20):
        order = [Stamp("here", count, 0) for count in range(1, WINDOW)] + [Stamp("there", 5, 0)]
        random.Random(seed).shuffle(order)  # noqa: S311 - an order that can be repeated
        seen = Seen(HOUR_MS)
        assert all(not seen.has(stamp) and seen.take(stamp) for stamp in order)
        assert not any(seen.take(stamp) for stamp in order)
        assert all(seen.has(stamp) for stamp in order)


def test_what_lies_beyond_the_window_has_passed() -> None:
    seen = Seen(HOUR_MS)
    seen.take(Stamp("here", 1, 0))
    assert seen.take(Stamp("here", 10 * WINDOW, 0))
    assert seen.has(Stamp("here", 9 * WINDOW, 0))
    assert not seen.take(Stamp("here", 2, 0))
    assert seen.take(Stamp("here", 9 * WINDOW + 1, 0))


def test_publishers_that_are_long_gone_make_room() -> None:
    seen = Seen(HOUR_MS)
    for number in range(3 * MAX_PUBLISHERS):
        assert seen.take(Stamp(f"p{number}", 1, number * HOUR_MS))
    assert len(seen._publishers) <= MAX_PUBLISHERS
    for number in range(3 * MAX_PUBLISHERS):  # all at once: the bound holds all the same
        seen.take(Stamp(f"q{number}", 1, 4 * MAX_PUBLISHERS * HOUR_MS))
    assert len(seen._publishers) <= MAX_PUBLISHERS
