"""Who may do more than watch, as a room follows it."""

from collections.abc import Iterable, Sequence

from msgspec import structs
from sqlalchemy.ext.asyncio import AsyncConnection

from auth.identity import Role
from gateway.replica.news import AnyEvent, Effect, Keyed, Knowledge, Moment
from gateway.replica.orders import NewRole, Order
from rooms.course.room import RoomRecord
from rooms.roles import roles_sql
from rooms.roles.events import RoleChanged


def _role_moved(event: RoleChanged, _before: RoomRecord, _known: Knowledge, _moment: Moment) -> Iterable[Order]:
    yield NewRole(event.user, event.role, event.version)


async def load(connection: AsyncConnection, room: RoomRecord, counted: int) -> Sequence[AnyEvent]:
    """The staff of the show."""
    staff = await roles_sql.list_staff(connection, room.show)
    return [RoleChanged(user, role, counted) for user, role in staff.items()]


NEWS = (
    Keyed(
        "role",
        RoleChanged,
        (RoleChanged,),
        end=lambda event, version: structs.replace(event, role=Role.VIEWER, version=version),
        is_over=lambda event: event.role is Role.VIEWER,
        ends_unknown=True,
    ),
    Effect((RoleChanged,), _role_moved),
)
