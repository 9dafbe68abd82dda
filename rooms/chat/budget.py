"""How much may be said in a room at once, and who is left out first when it is more. Pure."""

from collections import Counter
from enum import StrEnum
from typing import Final

from auth.identity import Role, Tier
from rooms.pace.level import Level


class Weight(StrEnum):
    """Kinds of what is sent, the first never left out and the last first of all."""

    SYSTEM = "system"
    """Staff's words, and whatever tells of the room itself."""
    GIFT = "gift"
    VIP = "vip"
    PAID = "paid"
    FREE = "free"
    LIKE = "like"


KEPT: Final = {
    Weight.SYSTEM: None,
    Weight.GIFT: None,
    Weight.VIP: 0.0,
    Weight.PAID: 0.2,
    Weight.FREE: 0.5,
    Weight.LIKE: 0.7,
}
"""Which part of the budget a kind leaves to those above it; None: it is never left out."""

_WEIGHTS: Final = {Tier.NONE: Weight.FREE, Tier.LOBBY: Weight.FREE, Tier.MAIN: Weight.PAID, Tier.VIP: Weight.VIP}


def weight_of(role: Role, tier: Tier) -> Weight:
    """Of a danmaku."""
    if role.is_staff:
        return Weight.SYSTEM
    return _WEIGHTS[tier]


LINE_BYTES: Final = 400
"""What one danmaku of the budget may hold; a longer one counts as several."""


class Budget:
    """Danmaku of one room: `per_second` on average and at once after a rest, less while the process is late.

    It bounds the bytes too: to `LINE_BYTES` times as many, for a line costs by its length beyond that.
    """

    def __init__(self, per_second: float) -> None:
        self._level = Level(per_second, per_second)
        self._kept = {weight: None if part is None else part * per_second for weight, part in KEPT.items()}
        self._shed: Counter[Weight] = Counter()

    def admits(self, weight: Weight, now_ms: int, size: int = 0) -> bool:
        """Whether there is room for one more, of so many bytes; counted where there is not.

        A like looks and takes nothing.
        """
        cost = size / LINE_BYTES if size > LINE_BYTES else 1.0
        kept = self._kept[weight]
        if weight is Weight.LIKE:
            admitted = kept is None or self._level.left(now_ms) - cost >= kept
        else:
            admitted = self._level.take(cost, now_ms, kept)
        if not admitted:
            self._shed[weight] += 1
        return admitted

    def slow_down(self, lag_ms: int) -> None:
        """Take in how late the event loop ran: a process that is late gives its rooms less."""
        self._level.slow_down(lag_ms)

    def take_shed(self) -> dict[str, int]:
        """What was left out since the last call, by kind."""
        if not self._shed:
            return {}
        shed, self._shed = self._shed, Counter()
        return {weight.value: count for weight, count in shed.items()}
