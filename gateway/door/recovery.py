"""What somebody missed who comes back with a cursor: asked of this gateway's own copy first, of the broker else."""

from auth.identity import RoomId
from gateway.replica.history import Past, Recent, Recovered
from pubsub.broker import Broker, Position
from rooms.gateways import SaidApart


async def recover(
    room: RoomId, recent: Recent, after: Position, here: Position, broker: Broker, now_ms: int
) -> Recovered:
    """What was published in a room after a place, as far as it is known anywhere. `here`: where it stands at once."""
    known = recent.since(after, here, now_ms)
    if known is not None:
        return known
    recovery = await broker.recover(room, after)
    past: list[Past] = []
    was_alone = False
    for delivery in recovery.deliveries:
        event = recent.book.decode(delivery.publication.body)
        was_alone = was_alone or isinstance(event, SaidApart)
        past += recent.past_of(delivery, event)
    return Recovered(
        past,
        recovery.position,
        # asked after the broker has answered: something may have been said here alone meanwhile
        short_complete=recovery.short_complete and recent.is_sure(after) and not was_alone,
        long_complete=recovery.long_complete,
    )
