"""What is published of polls."""

from msgspec import Struct

from rooms.polls.poll import Poll


class PollsChanged(Struct, frozen=True, tag_field="t", tag="room.polls"):
    """The newest polls of a room with their counts, newest last; at most the last of them is open."""

    items: tuple[Poll, ...]
    version: int
