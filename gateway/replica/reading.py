"""What the shell itself asks a replica, by names: who is on stage, who is banned or muted, what is sold."""

from collections.abc import Sequence

from msgspec import Struct

from auth.identity import UserId
from gateway.replica.news import Knowledge
from gateway.replica.replica import Replica
from presale.catalogue.shows import Product
from rooms.course.room import Standing
from rooms.moderation.events import Banned, Muted
from rooms.moderation.sanctions import Mute
from rooms.stage.events import QueueChanged, StageChanged
from rooms.stage.stage import StageRecord


class ProductsListed(Struct, frozen=True):
    """What a show sells, without counts, which travel apart. It is read from SQL and never published; it only grows."""

    products: Sequence[Product]


class GiftsCounted(Struct, frozen=True):
    """The credits of all gifts of a room. Each gift implies it; it is never published by itself."""

    credits: int


def stage_of(room: Knowledge) -> StageRecord:
    """The stage with its queue, which travel apart."""
    stage, queue = room.newest(StageChanged), room.newest(QueueChanged)
    return StageRecord(members=stage.members, queue=queue.items, capacity=stage.capacity, version=stage.version)


def is_on_stage(room: Knowledge, user: UserId) -> bool:
    """Whether a user is on stage."""
    return any(member.user == user for member in room.newest(StageChanged).members)


def mute_of(room: Knowledge, user: UserId) -> Mute | None:
    """The mute of a user, which may have run out."""
    muted = room.each(Muted).get(user)
    return None if muted is None else Mute(user, muted.until_ms)


def is_banned(room: Knowledge, user: UserId) -> bool:
    """Whether a user is banned."""
    return user in room.each(Banned)


def is_behind(replica: Replica, standing: Standing) -> bool:
    """Whether SQL knows of a room, a stage or rights that a replica has not heard of."""
    stage = max(replica.newest(StageChanged).version, replica.newest(QueueChanged).version)
    return standing.room > replica.room.version or standing.stage > stage or standing.news > replica.counted.floor
