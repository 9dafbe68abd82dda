"""The port to a media server: short-lived rights to play or publish one stream.

Guarantees of every adapter, held by `tests/contracts/grants_suite.py`:

* A grant is worth what it names and nothing else: one viewer, one room, one stream, one right, until
  `expires_ms`. Renewal is asking for a new one; old ones end by themselves.
* Whoever asks has already decided that the viewer may: the port knows no tickets.
* `verify` answers the claims of a grant it made and that still lasts, TOKEN_EXPIRED for one that does
  not, TOKEN_INVALID for anything else, in a time that does not depend on how wrong it is.
"""

from typing import Literal, Protocol

from msgspec import Struct

from auth.denials import Denied
from auth.identity import RoomId, UserId

Right = Literal["play", "publish"]

PUBLISHED_STREAM = "cohost"
"""The name of the stream that a publishing grant carries: the viewer's own picture on the stage."""


class Grant(Struct, frozen=True):
    """A right as clients receive it; `kind` says how to use the `url`."""

    stream: str
    right: Right
    kind: str
    url: str
    expires_ms: int


class GrantClaims(Struct, frozen=True):
    """What a media server learns from a grant it was shown."""

    viewer: UserId
    room: RoomId
    stream: str
    right: Right
    expires_ms: int


class StreamGrants(Protocol):
    """The port."""

    def play(self, viewer: UserId, room: RoomId, stream: str, now_ms: int) -> Grant:
        """A right to watch `stream` (`main`, `vip`)."""
        ...

    def publish(self, viewer: UserId, room: RoomId, now_ms: int) -> Grant:
        """A right to come on stage as oneself."""
        ...

    def verify(self, shown: str, now_ms: int) -> GrantClaims | Denied:
        """Judge what a media server was shown: the path of the request, without its query."""
        ...
