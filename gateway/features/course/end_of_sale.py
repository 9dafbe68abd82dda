"""What ends a sale, a phase or a ban, ends unpaid orders with it, in one transaction."""

from auth.denials import Denied
from auth.identity import RoomId, ShowId, UserId
from auth.situation import Phase
from presale import orders_sql
from presale.shows import SALES_OPEN
from rooms import moderation_sql, rooms_sql
from rooms.room import RoomRecord
from store.database_sql import UnitOfWork


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
