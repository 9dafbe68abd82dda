"""Puts the deliveries of one channel in order, detects missing ones, and merges in what a recovery brings."""

from collections import OrderedDict, deque

from pubsub.broker import Delivery, Position, Publication, Recovery
from pubsub.link import Gap
from pubsub.seen import Seen

MAX_HELD = 4_096
"""How many deliveries are held while an earlier one is missing; beyond it they are dropped and recovered."""
MAX_REMEMBERED = 4_096
"""How many delivered ids are remembered against duplicates."""
MAX_DEAD_EPOCHS = 8


class Sequence:
    """The position of one node's subscribers in a channel. Deliveries may come late, twice, or not at all.

    A replayed publication at an invented position is recognised by its stamp, and does not displace the genuine one
    there;
    none older than `horizon_ms` is accepted.
    """

    def __init__(self, position: Position, horizon_ms: int = 0) -> None:
        self.position = position
        """Everything up to here was delivered, or reported as a gap."""
        self._held: dict[Position, Delivery] = {}
        self._overflown = False
        self._dead_epochs: deque[str] = deque(maxlen=MAX_DEAD_EPOCHS)
        self._ids: OrderedDict[str, None] = OrderedDict()
        self._seen = Seen(horizon_ms)

    @property
    def is_behind(self) -> bool:
        """Whether a predecessor of a held delivery is missing: start a recovery unless it comes soon."""
        return bool(self._held) or self._overflown

    def take(self, delivery: Delivery) -> list[Delivery]:
        """Take in a delivery; answers what can be delivered now, in order."""
        position = delivery.position
        if delivery.stamp is not None and self._seen.has(delivery.stamp):
            return []
        if position.epoch != self.position.epoch:
            if position.epoch not in self._dead_epochs:
                self._hold(delivery)
            return []
        # At or before our position: a late copy of what was delivered, or reported as a gap.
        if position.offset <= self.position.offset:
            return []
        if position.offset > self.position.offset + 1:
            self._hold(delivery)
            return []
        return self._fresh([delivery, *self._continue(position)])

    def delivers_locally(self, publication: Publication) -> bool:
        """Whether to deliver a post that failed: not if it came over the wire and only its ack was lost.

        If the wire delivers it later all the same, it is dropped there as a duplicate.
        """
        return self._remember(publication.id)

    def waiting(self) -> frozenset[Position]:
        """The positions held now. A recovery that starts later has passed all of them, or they were invented."""
        return frozenset(self._held)

    def catch_up(self, recovery: Recovery, doubted: frozenset[Position]) -> tuple[Gap | None, list[Delivery]]:
        """Continue from a recovery that began at or before our position: the gap to report, then what to deliver.

        After a change of epoch, the recovery is that of the whole new epoch. `doubted` is what `waiting` answered
        before the
        recovery was asked for.

        The race: while the recovery is under way, deliveries keep coming. Say we stand at 5 and hold 8 because 6 and 7
        are
        missing; the recovery is asked for, 9 arrives, and the recovery answers 6 to 8. Then 9 is held still and comes
        next. But
        if the recovery ends at 7, the 8 we held before asking cannot be genuine, and is dropped.
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
        """Continue from a position; what lies before it is not delivered."""
        self._forget(position, set())
        return self._fresh(self._continue(position))

    def _forget(self, end: Position, doubted: set[Position]) -> None:
        """Drop held deliveries up to a position, and those that cannot be genuine if the channel ends there."""
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
        """Set the position, and take out the held deliveries that follow it directly."""
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
