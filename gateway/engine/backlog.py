"""What waits for one peer that does not read fast enough: bounded, with rules for what is given up first. Pure."""

from collections import deque
from dataclasses import dataclass
from enum import Enum
from typing import Final

from gateway.engine.frames import Frame


class Loss(Enum):
    """What becomes of a frame when its peer is too slow for everything."""

    CONTROL = 0
    """Never dropped: the peer is cut instead."""
    COUNTER = 1
    """Only the latest of a key matters: an older one of the same owner that still waits is replaced."""
    SHEDDABLE = 2
    """The oldest of them go first."""


@dataclass(frozen=True, slots=True)
class BacklogLimits:
    """How much may wait for one peer."""

    bytes: int = 256 * 1024
    frames: int = 512
    seconds: float = 5.0
    """How old the oldest may become."""


SPARE_PLACES: Final = 32
"""How many places of frames that were replaced or dropped may stay in the line, beyond as many as wait."""


class _Waiting:
    __slots__ = ("frame", "key", "loss", "owner", "since", "size")

    def __init__(self, frame: Frame, loss: Loss, key: str, owner: str, size: int, since: float) -> None:
        self.frame: Frame | None = frame
        self.loss = loss
        self.key = key
        self.owner = owner
        self.size = size
        self.since = since


class Backlog:
    """Frames in the order they were put, as far as they have not been replaced, dropped or withdrawn.

    Each has an owner: one of those that share the peer's transport, whose frames are its own affair.
    """

    __slots__ = ("_counters", "_limits", "_order", "_sheddable", "_size", "dropped", "frames")

    def __init__(self, limits: BacklogLimits) -> None:
        self._limits = limits
        self._order: deque[_Waiting] = deque()
        self._sheddable: deque[_Waiting] = deque()
        self._counters: dict[tuple[str, str], _Waiting] = {}
        """By owner and key."""
        self._size = 0
        self.frames = 0
        """How many wait."""
        self.dropped = 0
        """How many of the sheddable were given up since the backlog was made."""

    def put(self, frame: Frame, loss: Loss, key: str, now: float, owner: str = "") -> bool:
        """Let a frame wait; False where even dropping does not make room for it: the peer must be cut."""
        waiting = _Waiting(frame, loss, key, owner, len(frame.wire), now)
        if loss is Loss.COUNTER:
            earlier = self._counters.get((owner, key))
            if earlier is not None:
                self._forget(earlier)
            self._counters[owner, key] = waiting
        elif loss is Loss.SHEDDABLE:
            self._sheddable.append(waiting)
        self._order.append(waiting)
        self._size += waiting.size
        self.frames += 1
        if len(self._order) > 2 * self.frames + SPARE_PLACES:
            self._order = deque(one for one in self._order if one.frame is not None)
        while self.frames > self._limits.frames or self._size > self._limits.bytes:
            if not self._drop_oldest():
                return False
        return True

    def take(self) -> Frame | None:
        """The next frame; None when nothing waits."""
        while self._order:
            waiting = self._order.popleft()
            frame = waiting.frame
            if frame is None:
                continue
            self._forget(waiting)
            if waiting.loss is Loss.COUNTER:
                del self._counters[waiting.owner, waiting.key]
            elif waiting.loss is Loss.SHEDDABLE:
                self._sheddable.popleft()
            return frame
        return None

    def withdraw(self, owner: str) -> None:
        """Forget all that waits of one owner; what others sent keeps its order."""
        for waiting in [one for one in self._order if one.frame is not None and one.owner == owner]:
            self._forget(waiting)
        self._counters = {place: one for place, one in self._counters.items() if place[0] != owner}
        self._sheddable = deque(one for one in self._sheddable if one.owner != owner)

    def is_stale(self, now: float) -> bool:
        """Whether the oldest has waited too long."""
        while self._order and self._order[0].frame is None:
            self._order.popleft()
        return bool(self._order) and now - self._order[0].since > self._limits.seconds

    def _drop_oldest(self) -> bool:
        if not self._sheddable:
            return False
        self._forget(self._sheddable.popleft())
        self.dropped += 1
        return True

    def _forget(self, waiting: _Waiting) -> None:
        waiting.frame = None
        self._size -= waiting.size
        self.frames -= 1
        while self._order and self._order[0].frame is None:
            self._order.popleft()
