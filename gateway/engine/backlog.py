"""The bounded queue of frames for one peer that reads too slowly, with rules for what is dropped first. Pure."""

from collections import deque
from dataclasses import dataclass
from enum import Enum
from typing import Final

from gateway.engine.frames import Frame


class Loss(Enum):
    """What may happen to a frame when its peer is too slow to receive everything."""

    CONTROL = 0
    """The frame is never dropped; the peer is cut instead."""
    COUNTER = 1
    """The frame replaces an earlier one of the same key and owner that still waits."""
    SHEDDABLE = 2
    """The oldest sheddable frame is dropped when the backlog is full."""


@dataclass(frozen=True, slots=True)
class BacklogLimits:
    """How much may wait for one peer before frames are dropped or the peer is cut."""

    bytes: int = 256 * 1024
    frames: int = 512
    seconds: float = 5.0
    """The peer is cut when its oldest waiting frame is older than this."""


SPARE_PLACES: Final = 32
"""The queue is compacted when its empty places exceed the number of waiting frames by more than this."""


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
    """A queue of frames in the order of `put`, without those that were replaced, dropped or withdrawn.

    Several namespaces may share the peer's transport. Each is an `owner`: it replaces and withdraws only its own
    frames.
    """

    __slots__ = ("_counters", "_limits", "_order", "_sheddable", "_size", "dropped", "frames")

    def __init__(self, limits: BacklogLimits) -> None:
        self._limits = limits
        self._order: deque[_Waiting] = deque()
        self._sheddable: deque[_Waiting] = deque()
        self._counters: dict[tuple[str, str], _Waiting] = {}
        """The waiting `COUNTER` frame of each owner and key."""
        self._size = 0
        self.frames = 0
        """The number of waiting frames."""
        self.dropped = 0
        """The number of sheddable frames dropped so far."""

    def put(self, frame: Frame, loss: Loss, key: str, now: float, owner: str = "") -> bool:
        """Queue a frame; False when it does not fit even after dropping, and the peer must be cut."""
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
        """Remove and return the next frame; None when nothing waits."""
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
        """Remove all frames of one owner; those of other owners keep their order."""
        for waiting in [one for one in self._order if one.frame is not None and one.owner == owner]:
            self._forget(waiting)
        self._counters = {place: one for place, one in self._counters.items() if place[0] != owner}
        self._sheddable = deque(one for one in self._sheddable if one.owner != owner)

    def is_stale(self, now: float) -> bool:
        """Whether the oldest frame has waited longer than `BacklogLimits.seconds`."""
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
