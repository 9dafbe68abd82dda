"""What is published of sanctions."""

from msgspec import Struct

from auth.identity import UserId


class Muted(Struct, frozen=True, tag_field="t", tag="room.muted"):
    """Somebody is silenced; None is until unmuted."""

    user: UserId
    until_ms: int | None
    version: int = 0


class Unmuted(Struct, frozen=True, tag_field="t", tag="room.unmuted"):
    """Somebody may speak again."""

    user: UserId
    version: int = 0


class Banned(Struct, frozen=True, tag_field="t", tag="room.banned"):
    """Somebody is out of the room for good."""

    user: UserId
    version: int = 0


class Unbanned(Struct, frozen=True, tag_field="t", tag="room.unbanned"):
    """Somebody may come back."""

    user: UserId
    version: int = 0


class Kicked(Struct, frozen=True, tag_field="t", tag="room.kicked"):
    """Close the sockets of somebody once; nothing keeps them from coming back."""

    user: UserId
    version: int = 0
