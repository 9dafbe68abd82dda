"""Puts the deliveries of one channel in order, finds what is missing, and joins it with what a recovery brings."""

from collections import OrderedDict, deque

from pubsub.broker import Delivery, Position, Publication, Recovery
from pubsub.link import Gap
from pubsub.seen import Seen

MAX_HELD = 4_096
"""Deliveries held for want of an earlier one; what comes beyond is dropped and recovered."""
MAX_REMEMBERED = 4_096
"""Ids known as delivered, newest last."""
MAX_DEAD_EPOCHS = 8


class Sequence:
    """Where one node's subscribers stand in a channel. Deliveries may come late, doubled, or not at all.

    What is played back at an invented place is known by its stamp, and takes no place from what belongs there;
    `horizon_ms` is the age beyond which nothing comes any more.
    """

    def __init__(self, position: Position, horizon_ms: int = 0) -> None:
        self.position = position
        """Everything up to here was delivered or told as a gap."""
        self._held: dict[Position, Delivery] = {}
        self._overflown = False
        self._dead_epochs: deque[str] = deque(maxlen=MAX_DEAD_EPOCHS)
        self._ids: OrderedDict[str, None] = OrderedDict()
        self._seen = Seen(horizon_ms)

    @property
    def is_behind(self) -> bool:
        """Something has come whose predecessors have not: a recovery is needed, unless they come soon."""
        return bool(self._held) or self._overflown

    def take(self, delivery: Delivery) -> list[Delivery]:
        """What may be delivered now that this has come, in order."""
        position = delivery.position
        if delivery.stamp is not None and self._seen.has(delivery.stamp):
            return []
        if position.epoch != self.position.epoch:
            if position.epoch not in self._dead_epochs:
                self._hold(delivery)
            return []
        if position.offset <= self.position.offset:
            return []
        if position.offset > self.position.offset + 1:
            self._hold(delivery)
            return []
        return self._fresh([delivery, *self._continue(position)])

    def delivers_locally(self, publication: Publication) -> bool:
        """Whether to deliver what the wire may not have: not if it has come, and only the answer was lost.

        Should it turn out later to have a place, it is not delivered there again.
        """
        return self._remember(publication.id)

    def waiting(self) -> frozenset[Position]:
        """What is held now. A recovery asked for later has passed all of these, or they never were."""
        return frozenset(self._held)

    def catch_up(self, recovery: Recovery, doubted: frozenset[Position]) -> tuple[Gap | None, list[Delivery]]:
        """Continue from a recovery after a place that this sequence had reached: what to tell, then what to deliver.

        After a change of epoch, the recovery is that of the whole new epoch. `doubted` was waiting when it was asked.
        """
        start, end = self.position, recovery.position
        is_same = end.epoch == start.epoch
        begin = start.offset if is_same else 0
        found = {item.position: item for item in recovery.deliveries if item.position.offset > begin}
        found.update(
            (position, item)
            for position, item in self._held.items()
            if position.epoch == end.epoch and begin < position.offset <= end.offset
        )
        self._forget(end, {start, *doubted})
        if is_same and end.offset <= start.offset:
            return None, self._fresh(self._continue(start))
        gap = None
        if not is_same or len(found) < end.offset - begin:
            complete = is_same and recovery.short_complete, is_same and recovery.long_complete
            gap = Gap(start, end, *complete)
        ordered = sorted(found.values(), key=lambda item: item.position.offset)
        return gap, self._fresh(ordered + self._continue(end))

    def jump(self, position: Position) -> list[Delivery]:
        """Continue from a place without what lies before it."""
        self._forget(position, set())
        return self._fresh(self._continue(position))

    def _forget(self, end: Position, doubted: set[Position]) -> None:
        """Let go of what a position has passed, and of what cannot be true if it is."""
        self._dead_epochs.extend({position.epoch for position in doubted} - {end.epoch, *self._dead_epochs})
        if end.epoch in self._dead_epochs:
            self._dead_epochs.remove(end.epoch)
        self._held = {
            position: item
            for position, item in self._held.items()
            if position not in doubted and (position.epoch != end.epoch or position.offset > end.offset)
        }
        self._overflown = False

    def _hold(self, delivery: Delivery) -> None:
        if len(self._held) < MAX_HELD:
            self._held[delivery.position] = delivery
        else:
            self._overflown = True

    def _continue(self, position: Position) -> list[Delivery]:
        """Stand at a place, and take out what was held for it."""
        ready = []
        while (delivery := self._held.pop(Position(position.epoch, position.offset + 1), None)) is not None:
            ready.append(delivery)
            position = delivery.position
        self.position = position
        return ready

    def _fresh(self, deliveries: list[Delivery]) -> list[Delivery]:
        return [delivery for delivery in deliveries if self._is_first(delivery)]

    def _is_first(self, delivery: Delivery) -> bool:
        is_played_back = delivery.stamp is not None and not self._seen.take(delivery.stamp)
        return not is_played_back and self._remember(delivery.publication.id)

    def _remember(self, publication_id: str) -> bool:
        if publication_id in self._ids:
            return False
        self._ids[publication_id] = None
        if len(self._ids) > MAX_REMEMBERED:
            self._ids.popitem(last=False)
        return True
