"""What anybody may know of the shows, read from SQL at most once a second and encoded once for all who ask."""

import asyncio
from dataclasses import dataclass
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection

from auth.identity import Role, ShowId, UserId
from auth.situation import Phase
from gateway.api.callers import ApiDependencies
from gateway.features.sales.bodies import ProductBody, ScheduleBody, ShowBody, ShowList
from presale.catalogue import shows_sql
from presale.catalogue.currencies import digits_of
from presale.catalogue.shows import Product, Show
from rooms.course import rooms_sql
from rooms.course.room import RoomRecord
from rooms.roles import roles_sql
from rooms.roles.roles import strongest

FRESH_MS: Final = 1_000
"""How old the public list may be."""
_NO_TIME: Final = b'"server_ms":0'
"""Stands in the encoded list where the time of each answer goes. In a text its quotes would be escaped."""


@dataclass(frozen=True, slots=True)
class Listed:
    """A show with its room and what it sells."""

    show: Show
    room: RoomRecord
    products: list[Product]

    def is_visible(self, role: Role) -> bool:
        """Whether the caller may know of it: a draft is for its staff only."""
        return self.room.phase is not Phase.DRAFT or role.is_staff

    def body(self, role: Role, now_ms: int) -> ShowBody:
        """As the caller may see it."""
        shows_left = role.is_staff or self.room.switches.sales_left
        return ShowBody(
            show=self.show.id,
            room=self.show.room,
            title=self.room.title,
            access=self.room.access,
            phase=self.room.phase,
            currency=self.show.currency,
            currency_digits=digits_of(self.show.currency),
            schedule=ScheduleBody(doors_ms=self.room.doors_ms, start_ms=self.room.start_ms),
            refund_until_ms=self.show.refund_until_ms,
            credit_minor=self.show.credit_minor,
            products=[product_body(product, self.show.currency, shows_left=shows_left) for product in self.products],
            server_ms=now_ms,
        )


def product_body(product: Product, currency: str, *, shows_left: bool) -> ProductBody:
    """A product as callers see it; the host may hide how many are left."""
    return ProductBody(
        id=product.id,
        name=product.name,
        tier=product.tier,
        price_minor=product.price_minor,
        currency=currency,
        credits=product.credits,
        repeatable=product.repeatable,
        capacity=product.capacity if shows_left else None,
        sold=product.sold,
        held=product.held,
        left=product.left if shows_left else None,
    )


class Catalogue:
    """The list of shows. Four statements a second at most for the public, however many ask and however many shows."""

    def __init__(self, deps: ApiDependencies) -> None:
        self._deps = deps
        self._reading = asyncio.Lock()
        self._public = b""
        self._read_ms: int | None = None

    async def list_for(self, user: UserId | None) -> bytes:
        """`ShowList` as JSON: the public one, unless the user is staff somewhere and sees more."""
        roles = {} if user is None else await self._roles_of(user)
        if not roles:
            public = await self._public_list()
            return public.replace(_NO_TIME, b'"server_ms":%d' % self._deps.clock())
        return self._encoded(await self._read(), roles, self._deps.clock())

    async def _public_list(self) -> bytes:
        async with self._reading:  # who waits for it is answered by the one who reads
            now_ms = self._deps.clock()
            if self._read_ms is None or not 0 <= now_ms - self._read_ms < FRESH_MS:
                self._public = self._encoded(await self._read(), {}, 0)
                self._read_ms = now_ms
            return self._public

    async def _roles_of(self, user: UserId) -> dict[ShowId | None, Role]:
        async with self._deps.db.read() as connection:
            held = await roles_sql.list_acting(connection, user)
        roles: dict[ShowId | None, Role] = {}
        for grant in held:
            roles[grant.show] = strongest((roles.get(grant.show, Role.VIEWER), grant.role))
        return roles

    async def _read(self) -> list[Listed]:
        async with self._deps.db.survey() as connection:
            return await listed(connection)

    def _encoded(self, shows: list[Listed], roles: dict[ShowId | None, Role], now_ms: int) -> bytes:
        everywhere = roles.get(None, Role.VIEWER)
        seen = [(each, strongest((everywhere, roles.get(each.show.id, Role.VIEWER)))) for each in shows]
        visible = [each.body(role, now_ms) for each, role in seen if each.is_visible(role)]
        return ShowList(shows=visible).model_dump_json().encode()


async def listed(connection: AsyncConnection) -> list[Listed]:
    """Every show, soonest first, in three statements."""
    shows = await shows_sql.list_shows(connection)
    rooms = {room.show: room for room in await rooms_sql.list_rooms(connection)}
    products = await shows_sql.list_all_products(connection)
    found = [Listed(show, rooms[show.id], products.get(show.id, [])) for show in shows if show.id in rooms]
    return sorted(found, key=lambda each: (each.room.start_ms, each.show.id))
