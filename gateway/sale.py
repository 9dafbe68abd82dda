"""Whether a show sells to somebody: its phase and its bans, which are the room's, asked for by the box office.

The box office is given both as functions; and what ends a sale, a phase or a ban, ends unpaid orders with it, in one
transaction.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncConnection

from auth.denials import Code, Denied
from auth.identity import RoomId, ShowId, UserId
from auth.situation import Phase
from presale import orders_sql
from presale.shows import SALES_OPEN, Show
from rooms import moderation_sql, rooms_sql
from rooms.room import RoomRecord
from store.database_sql import UnitOfWork

PhaseOf = Callable[[AsyncConnection, ShowId], Awaitable[Phase | None]]
"""The phase of a show's room, read on the connection of the running transaction; None for no such room."""
IsBanned = Callable[[AsyncConnection, RoomId, UserId], Awaitable[bool]]
"""Whether somebody is out of a room, read on the same."""


@dataclass(frozen=True, slots=True)
class Sale:
    """Who may buy."""

    phase_of: PhaseOf
    is_banned: IsBanned

    async def refuse(self, connection: AsyncConnection, show: Show, user: UserId) -> Denied | None:
        """SALES_CLOSED outside the phases of sale, BANNED for whoever is out of the room; None: they may buy."""
        if await self.phase_of(connection, show.id) not in SALES_OPEN:
            return Denied(Code.SALES_CLOSED)
        return Denied(Code.BANNED) if await self.is_banned(connection, show.room, user) else None


async def change_phase(uow: UnitOfWork, room: RoomId, target: Phase, by: UserId | None) -> RoomRecord | Denied:
    """Move the show on; where that ends its sale, its unpaid orders end too."""
    changed = await rooms_sql.change_phase(uow, room, target, by)
    if not isinstance(changed, Denied) and changed.phase not in SALES_OPEN:
        await orders_sql.end_all_soon(uow, changed.show)
    return changed


async def ban(uow: UnitOfWork, room: RoomId, show: ShowId, user: UserId, by: UserId) -> Denied | None:
    """Put somebody out for good; their unpaid orders end, what they have paid follows the refund rule."""
    denied = await moderation_sql.ban(uow, room, user, by)
    if denied is None:
        await orders_sql.end_those_of(uow, show, user)
    return denied
