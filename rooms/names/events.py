"""What is published of names."""

from msgspec import Struct

from auth.identity import UserId


class NamesChanged(Struct, frozen=True, tag_field="t", tag="room.names"):
    """Which names viewers may not take: the official ones, and those of the hosts by user."""

    official: tuple[str, ...]
    hosts: dict[UserId, str]
    version: int
