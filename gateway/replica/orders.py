"""What is to be done about news: a room answers with orders, and the shell carries them out, one after the other.

Values, equal where they say the same: who hears what is tested on them, without sockets.
"""

from dataclasses import dataclass
from typing import Any, TypeAlias

from msgspec import Struct

from auth.denials import Code
from auth.door import Surface
from auth.identity import Role, Tier, UserId
from gateway.contract.link import TierReason
from gateway.contract.rows import ServerEvent


@dataclass(frozen=True, slots=True)
class View:
    """A part of a room: the sockets of one surface, or those that may (not) read what is said."""

    surface: Surface | None = None
    reads: bool | None = None

    def fits(self, surface: Surface, *, reads: bool) -> bool:
        """Whether a socket belongs to it."""
        return self.surface in (None, surface) and self.reads in (None, reads)


EVERYBODY = View()
INSIDE, OUTSIDE = View(reads=True), View(reads=False)
FANS, CONSOLES = View(surface=Surface.LIVE), View(surface=Surface.CONSOLE)


class Say(Struct, frozen=True):
    """Tell an item of the history to those who may read."""

    event: ServerEvent[Any]
    item: Struct


class Tell(Struct, frozen=True):
    """Tell a part of the room."""

    event: ServerEvent[Any]
    payload: Struct
    view: View = EVERYBODY


class TellState(Struct, frozen=True):
    """Tell the newest value of the state that this news carries, each part of the room its own view of it."""

    news: type


class TellUser(Struct, frozen=True):
    """Tell all sockets of a user."""

    user: UserId
    event: ServerEvent[Any]
    payload: Struct


class TellHolders(Struct, frozen=True):
    """Tell all sockets of those who hold a ticket."""

    event: ServerEvent[Any]
    payload: Struct


class SendOut(Struct, frozen=True):
    """End all sockets of a user."""

    user: UserId
    code: Code


class RightsFollow(Struct, frozen=True):
    """The room has changed: who must leave leaves, and who may do other things than before is told."""

    reason: TierReason


class NewTier(Struct, frozen=True):
    """The tickets of a user are worth something else."""

    user: UserId
    tier: Tier
    version: int
    reason: TierReason


class NewRole(Struct, frozen=True):
    """A user may do more or less than watch."""

    user: UserId
    role: Role
    version: int


class CallIn(Struct, frozen=True):
    """A user need not wait at the door any more."""

    user: UserId


class TakeOffStage(Struct, frozen=True):
    """A user has lost the right to be on stage, and is taken off it shortly."""

    user: UserId


class ReadAgain(Struct, frozen=True):
    """News tell that something is different of which they do not tell all: SQL is read again shortly."""


Order: TypeAlias = (
    Say
    | Tell
    | TellState
    | TellUser
    | TellHolders
    | SendOut
    | RightsFollow
    | NewTier
    | NewRole
    | CallIn
    | TakeOffStage
    | ReadAgain
)
