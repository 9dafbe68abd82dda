"""What commands work with. One for all members of a gateway; who acts, and where, is the member's."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from auth.denials import Denied
from auth.identity import UserId
from auth.tokens import TokenVerifier
from gateway.live.room import LiveRoom
from pubsub.broker import Broker
from rooms.blocked_words import BlockedWords
from store.database_sql import Database


@dataclass(frozen=True, slots=True)
class Means:
    """Handed to every handler."""

    db: Database
    broker: Broker
    clock: Callable[[], int]
    new_id: Callable[[], str]
    verifier: TokenVerifier
    blocked_words: BlockedWords
    store: Callable[[], Awaitable[None]]
    """Writes the danmaku of this gateway that wait for their batch, so that SQL can find them."""
    name_of: Callable[[LiveRoom, UserId], Awaitable[str | Denied]]
    """The name of a viewer who is inside, at whatever gateway."""
