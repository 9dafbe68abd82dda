"""What a command may use: who acts, in which room, and with what. Whatever it changes, it changes through this."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

from auth.denials import Code, Denied
from auth.grants import Grant
from auth.identity import Identity, Role, RoomId, Tier, UserId
from auth.permissions import Permission
from auth.tokens import TokenVerifier
from gateway.replica.guests import GuestList
from gateway.replica.history import Recent
from gateway.replica.reading import mute_of
from gateway.replica.replica import Replica
from gateway.replica.rights import rights_in
from presale.entitlements import entitlements_sql
from pubsub.broker import Broker
from rooms.chat import danmaku
from rooms.chat.blocked_words import BlockedWords
from rooms.chat.budget import Budget
from rooms.chat.events import DanmakuSaid
from rooms.course import rooms_sql
from rooms.moderation import sanctions_sql
from rooms.moderation.sanctions import muted
from rooms.pace.persons import Persons
from rooms.roles import roles_sql
from store.batches import Batches
from store.database_sql import Database, UnitOfWork


@dataclass(frozen=True, slots=True)
class Means:
    """What every command of a gateway works with."""

    db: Database
    broker: Broker
    clock: Callable[[], int]
    new_id: Callable[[], str]
    verifier: TokenVerifier
    blocked_words: BlockedWords
    store: Callable[[], Awaitable[None]]
    """Writes the danmaku of this gateway that wait for their batch, so that SQL can find them."""
    name_of: Callable[[RoomId, UserId], Awaitable[str | Denied]]
    """The name of a viewer who is inside, at whatever gateway."""
    batches: Batches
    """Writes what many do at once in one transaction."""


class Here(Protocol):
    """The room in which a command acts, as this gateway has it."""

    @property
    def id(self) -> RoomId: ...
    @property
    def replica(self) -> Replica: ...
    @property
    def guests(self) -> GuestList: ...
    @property
    def recent(self) -> Recent: ...
    @property
    def persons(self) -> Persons: ...
    @property
    def budget(self) -> Budget: ...

    def now_ms(self) -> int: ...
    def new_id(self) -> str: ...
    def publishing_grant(self, user: UserId) -> Grant:
        """A fresh right to come on stage here."""
        ...

    def said(self, event: DanmakuSaid) -> None:
        """A danmaku was accepted: it is stored with the next batch."""
        ...

    def liked(self, count: int) -> None:
        """So many likes were accepted: they are counted with the next batch."""
        ...

    @property
    def likes(self) -> int:
        """All likes of the room, those that wait for the next batch included."""
        ...


class Act(Protocol):
    """A command on its way: the user who sent it, as their socket stands now."""

    @property
    def means(self) -> Means: ...
    @property
    def room(self) -> Here: ...
    @property
    def user(self) -> UserId: ...
    @property
    def name(self) -> str:
        """Under which name the room shows them."""
        ...

    @property
    def role(self) -> Role: ...
    @property
    def tier(self) -> Tier: ...
    @property
    def tier_version(self) -> int:
        """Of the entitlement behind `tier`; at most 0: they never had one."""
        ...

    def may(self, permission: Permission) -> bool:
        """Whether they may do this now, by what this gateway knows."""
        ...

    def grants(self) -> list[Grant]:
        """Fresh grants of every stream that they may watch."""
        ...

    def stay(self, identity: Identity) -> None:
        """Their socket stays open for as long as a new token says."""
        ...


async def still_missing(act: Act, uow: UnitOfWork, permission: Permission) -> Denied | None:
    """BANNED or FORBIDDEN where SQL, inside this transaction, does not grant what the replica granted; else None."""
    room = await rooms_sql.load_room(uow.connection, act.room.id)
    if room is None:
        return Denied(Code.FORBIDDEN)
    if await sanctions_sql.is_banned(uow.connection, room.id, act.user):
        return Denied(Code.BANNED)
    await entitlements_sql.take_turn(uow, room.show, act.user)
    role = await roles_sql.role_of(uow.connection, act.user, room.show)
    entitlement = await entitlements_sql.load(uow.connection, room.show, act.user)
    tier = entitlement.tier if role is Role.VIEWER else act.tier
    return None if permission in rights_in(room, role, tier) else Denied(Code.FORBIDDEN)


def checked_text(act: Act, text: str) -> str | Denied:
    """A text as others may see it, unless its author is muted or the room does not take it."""
    replica = act.room.replica
    silenced = muted(mute_of(replica, act.user), act.means.clock())
    if silenced is not None:
        return silenced
    return danmaku.check(text, replica.room.switches, staff=act.role.is_staff, blocked=act.means.blocked_words)
