"""Whether a show sells to somebody: by its course and its bans, which are the room's and handed in as functions."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from msgspec import structs
from sqlalchemy.ext.asyncio import AsyncConnection

from auth.denials import Code, Denied
from auth.identity import RoomId, ShowId, UserId
from auth.situation import Course
from presale.catalogue import shows_sql
from presale.catalogue.shows import SALES_OPEN, Show
from presale.orders.orders import Order, OrderState

CourseOf = Callable[[AsyncConnection, ShowId], Awaitable[Course | None]]
"""Where a show stands by its room, read on the connection of the running transaction; None for no such room."""
IsBanned = Callable[[AsyncConnection, RoomId, UserId], Awaitable[bool]]
"""Whether somebody is out of a room, read on the same."""


@dataclass(frozen=True, slots=True)
class Sale:
    """Who may buy."""

    course_of: CourseOf
    is_banned: IsBanned

    async def refuse(self, connection: AsyncConnection, show: Show, user: UserId) -> Denied | None:
        """SALES_CLOSED outside the phases of sale, BANNED for whoever is out of the room; None: they may buy."""
        sells = await self.sells(connection, show, user)
        return sells if isinstance(sells, Denied) else None

    async def sells(self, connection: AsyncConnection, show: Show, user: UserId) -> Course | Denied:
        """As `refuse`; where they may buy, what they buy a ticket for."""
        course = await self.course_of(connection, show.id)
        if course is None or course.phase not in SALES_OPEN:
            return Denied(Code.SALES_CLOSED)
        return Denied(Code.BANNED) if await self.is_banned(connection, show.room, user) else course

    async def payable(self, connection: AsyncConnection, order: Order) -> Order:
        """The order as its buyer may see it: without a way to pay where it must not be paid any more.

        Its provider is yet to close it then, and may tell of money that came before.
        """
        if order.pay_url is None or order.state is not OrderState.PENDING:
            return order
        show = await shows_sql.load_show(connection, order.show)
        if show is not None and await self.refuse(connection, show, order.user) is None:
            return order
        return structs.replace(order, pay_url=None)
