"""What a room and its sockets leave to the gateway around them; each of these calls goes out and waits for nobody.

The protocols are what live rooms know of whoever keeps devices, the queue and the errands: those stand above them.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from auth.grants import StreamGrants
from auth.identity import RoomId, UserId
from gateway.contract.link import Admission
from gateway.live.clockwork import Clockwork
from gateway.live.deadlines import Deadlines
from gateway.live.member import Member
from gateway.replica.welcome import Greeting
from gateway.setup.metrics import Metrics
from rooms.chat.blocked_words import BlockedWords
from rooms.pace.rates import Rate

Room = TypeVar("Room")
Room_contra = TypeVar("Room_contra", contravariant=True)


class Devices(Protocol[Room_contra]):
    """Who keeps the devices of each ticket."""

    def settle(self, room: Room_contra, user: UserId) -> None:
        """The devices of a user, or what their rights are worth, have changed."""

    def leave(self, member: Member) -> None:
        """A socket is gone."""


class Queue(Protocol):
    """Who keeps the queue at the door."""

    def call_in(self, member: Member) -> None:
        """Somebody need not wait any more."""

    def retier(self, member: Member) -> None:
        """The ticket of somebody who waits is worth something else now."""

    def left(self, member: Member) -> None:
        """Somebody who waited is gone."""

    def went(self, member: Member) -> None:
        """A socket is gone; its user may have been inside."""

    def stamp(self, member: Member) -> str:
        """What a cursor carries that is told to this member alone."""

    def standing(self, member: Member) -> Admission:
        """What a socket that waits is told of it now."""


class Errands(Protocol):
    """Who writes or reads something shortly."""

    def rights_ended(self, room: RoomId, user: UserId) -> None:
        """Somebody lost the right to be on stage."""

    def host_came(self, room: RoomId, user: UserId, name: str) -> None:
        """A host is here under another name than the room keeps for them."""

    def read_again(self, room: RoomId) -> None:
        """News tell that SQL has something that they do not tell."""


class Isolation(Protocol):
    """Who owns up to what was heard at one gateway alone."""

    def said(self, room: RoomId) -> None:
        """A danmaku of this room reached the sockets of this gateway alone."""


@dataclass(frozen=True, slots=True)
class RoomLimits:
    """What the settings say of every room."""

    history_ms: int
    history_bytes: int
    danmaku_per_second: float
    rates: Mapping[str, Rate]
    position_ms: int
    """After what time a quiet room tells where it stands."""
    fanout_seconds: float
    token_warning_ms: int


@dataclass(frozen=True, slots=True)
class Surroundings(Generic[Room]):
    """All that rooms of the kind `Room` know of their gateway; the same for each of them."""

    limits: RoomLimits
    clock: Callable[[], int]
    new_id: Callable[[], str]
    metrics: Metrics
    grants: StreamGrants
    blocked_words: BlockedWords
    deadlines: Deadlines
    clockwork: Clockwork
    devices: Devices[Room]
    queue: Queue
    errands: Errands
    isolation: Isolation
    between_gateways: Mapping[type, Callable[[Room, Any], None]]
    """Who listens to what gateways tell each other, by its type."""
    greeting: Greeting
    degraded_since_ms: Callable[[], int | None]
    """Since when the wire is away, as sockets are told; None: it is not."""
