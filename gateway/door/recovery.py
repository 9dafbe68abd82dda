"""What somebody missed who comes back with a cursor: asked of this gateway's own copy first, of the broker else."""

from collections.abc import Iterable

from auth.identity import RoomId
from gateway.replica.history import HistoryEvent, Past, Recent, Recovered
from gateway.replica.replica import Event, decode
from pubsub.broker import Broker, Delivery, Position
from rooms.events import SaidApart


async def recover(
    room: RoomId, recent: Recent, after: Position, here: Position, broker: Broker, now_ms: int
) -> Recovered:
    """What was published in a room after a place, as far as it is known anywhere. `here`: where it stands at once."""
    known = recent.since(after, here, now_ms)
    if known is not None:
        return known
    recovery = await broker.recover(room, after)
    events = [(delivery, decode(delivery.publication.body)) for delivery in recovery.deliveries]
    return Recovered(
        list(_history(events)),
        recovery.position,
        # asked after the broker has answered: something may have been said here alone meanwhile
        short_complete=recovery.short_complete
        and recent.is_sure(after)
        and not any(isinstance(event, SaidApart) for _, event in events),
        long_complete=recovery.long_complete,
    )


def _history(events: Iterable[tuple[Delivery, Event]]) -> Iterable[Past]:
    for delivery, event in events:
        if isinstance(event, HistoryEvent):
            yield Past(delivery.position, delivery.publication.at_ms, event)
