"""What ends a sale, a phase or a ban, ends unpaid orders with it, in one transaction; a cancelled show is refunded."""

from auth.denials import Denied
from auth.identity import RoomId, ShowId, UserId
from auth.situation import Phase
from presale.catalogue import shows_sql
from presale.catalogue.shows import SALES_OPEN
from presale.orders import orders_sql
from presale.refunds import refunds_sql
from rooms import turns_sql
from rooms.course import rooms_sql
from rooms.course.room import RoomRecord
from rooms.moderation import sanctions_sql
from store.database_sql import UnitOfWork


async def change_phase(uow: UnitOfWork, room: RoomId, target: Phase, by: UserId | None) -> RoomRecord | Denied:
    """Move the show on; where that ends its sale, its unpaid orders end too, and where it lets them, refunds open."""
    await turns_sql.take(uow, room)
    before = await rooms_sql.load_room(uow.connection, room)
    changed = await rooms_sql.change_phase(uow, room, target, by)
    if before is None or isinstance(changed, Denied):
        return changed
    if changed.phase not in SALES_OPEN:
        await orders_sql.end_all_soon(uow, changed.show)
    if changed.phase is Phase.CANCELLED:
        await shows_sql.take_turn(uow, changed.show)
        show = await shows_sql.load_show(uow.connection, changed.show)
        assert show is not None, "a room belongs to a show"
        await refunds_sql.change_show(uow, show, show, was=before.phase, phase=changed.phase)
    return changed


async def ban(uow: UnitOfWork, room: RoomId, show: ShowId, user: UserId, by: UserId) -> Denied | None:
    """Put somebody out for good; their unpaid orders end, what they have paid follows the refund rule."""
    denied = await sanctions_sql.ban(uow, room, user, by)
    if denied is None:
        await orders_sql.end_those_of(uow, show, user)
    return denied
