"""A clock and ids that tests control."""

from collections.abc import Callable
from itertools import count


class FakeClock:
    """Milliseconds that move only when told to."""

    def __init__(self, now_ms: int = 1_800_000_000_000) -> None:
        self.now_ms = now_ms

    def __call__(self) -> int:
        return self.now_ms

    def advance(self, milliseconds: int) -> None:
        self.now_ms += milliseconds


def counting_ids() -> Callable[[], str]:
    """Ids of a ULID's length, ascending."""
    numbers = count(1)
    return lambda: f"{next(numbers):026d}"
