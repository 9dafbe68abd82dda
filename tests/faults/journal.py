"""What was asked of the house and when it said yes: what it may never take back."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

AGAIN_SECONDS = 0.1
"""After the first attempt in vain; twice as long after each further one."""
AGAIN_AT_MOST_SECONDS = 1.0


class What(StrEnum):
    """What goes on while a fault is there."""

    ORDER = "order"
    CALLBACK = "callback"
    REFUND = "refund"
    GIFT = "gift"
    CONNECT = "connect"
    BROADCAST = "broadcast"


@dataclass(slots=True)
class Deed:
    """Something that somebody asked for, again and again with one key, until it was acknowledged."""

    what: What
    user: str
    key: str
    began: float
    answer: Any = None
    ended: float | None = None

    @property
    def seconds(self) -> float:
        """How long it took; so far, where it has not ended."""
        return (self.ended or time.monotonic()) - self.began


@dataclass
class Journal:
    """All deeds of a run, and what should never have happened."""

    deeds: list[Deed] = field(default_factory=list)
    breaches: dict[What, list[str]] = field(default_factory=dict)
    late: dict[What, float] = field(default_factory=dict)
    """The longest that somebody was served whose right had ended, in seconds."""

    async def insist(self, what: What, user: str, key: str, attempt: Callable[[], Awaitable[Any]]) -> Deed:
        """Try until the answer is not None."""
        deed = Deed(what, user, key, time.monotonic())
        self.deeds.append(deed)
        again = AGAIN_SECONDS
        while (answer := await attempt()) is None:
            await asyncio.sleep(again)
            again = min(2 * again, AGAIN_AT_MOST_SECONDS)
        deed.ended, deed.answer = time.monotonic(), answer
        return deed

    def done(self, what: What) -> list[Deed]:
        """Those that were acknowledged."""
        return [deed for deed in self.deeds if deed.what is what and deed.ended is not None]

    def broke(self, what: What, how: str) -> None:
        """A promise was not held."""
        said = self.breaches.setdefault(what, [])
        if how not in said:
            said.append(how)

    def served_late(self, what: What, seconds: float) -> None:
        """Somebody was served that long after the right to it had ended."""
        self.late[what] = max(self.late.get(what, 0.0), seconds)
