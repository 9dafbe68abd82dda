"""What gateways tell each other in a room, beside what features publish."""

from msgspec import Struct

from auth.identity import UserId


class SeatsTaken(Struct, frozen=True, tag_field="t", tag="room.seats_taken"):
    """Newer devices use these seats now, on whatever gateway the older ones are; `holders` of `pubsub.leases`."""

    holders: tuple[str, ...]


class Sought(Struct, frozen=True, tag_field="t", tag="room.sought"):
    """A gateway asks whether a viewer is inside at another one; who has them answers `Present`."""

    question: str
    user: UserId


class Present(Struct, frozen=True, tag_field="t", tag="room.present"):
    """The viewer of a question is inside."""

    question: str
    name: str


class SaidApart(Struct, frozen=True, tag_field="t", tag="room.said_apart"):
    """Before this, danmaku were heard at one gateway alone, and no history has them."""

    by: str
    """That gateway."""
