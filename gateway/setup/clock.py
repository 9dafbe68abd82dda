"""Time and ids of the running process: the only module that reads the clock or makes random ids."""

import random
import string
import time

from ulid import ULID

NODE_NAME_LETTERS = 6


def now_ms() -> int:
    """Milliseconds since the epoch."""
    return time.time_ns() // 1_000_000


def new_id() -> str:
    """A fresh ULID: 26 characters, sortable by creation time."""
    return str(ULID())


def new_node() -> str:
    """A random name for a gateway without a configured one."""
    return "".join(random.choices(string.ascii_lowercase + string.digits, k=NODE_NAME_LETTERS))  # noqa: S311 - a name
