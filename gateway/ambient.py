"""Time and ids of the running process: the only place that asks the machine for them."""

import time

from ulid import ULID


def now_ms() -> int:
    """Milliseconds since the epoch."""
    return time.time_ns() // 1_000_000


def new_id() -> str:
    """A fresh ULID: 26 characters, sortable by time of making."""
    return str(ULID())
