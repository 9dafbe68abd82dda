"""Routes of shows, products and the guest list."""

from typing import Annotated

from fastapi import APIRouter, Depends, Response
from sqlalchemy.ext.asyncio import AsyncConnection

from auth.denials import Code, Denied
from auth.identity import Identity, Role, RoomId, ShowId, Tier
from auth.situation import Access, Phase
from gateway.api.callers import ApiDependencies, caller_of, optional_caller_of, require_role, role_in
from gateway.api.catalogue import Catalogue, Listed, product_body
from gateway.api.refusals import Refused, granted
from gateway.api.routing import needs
from gateway.api.shapes import (
    EntitlementBody,
    GuestBody,
    GuestList,
    NewProduct,
    NewShow,
    ProductBody,
    ShowBody,
    ShowList,
)
from presale import announcements_sql, entitlements_sql, shows_sql
from presale.shows import Product, ProductId, Show
from rooms import audit_sql, rooms_sql
from rooms.room import RoomRecord
from store.database_sql import UnitOfWork


def show_routes(deps: ApiDependencies) -> APIRouter:
    """Shows: anybody looks, operators put them on, hosts add products."""
    router = APIRouter(tags=["shows"])
    caller = caller_of(deps)
    catalogue = Catalogue(deps)
    optional_caller = optional_caller_of(deps)

    @router.get("/v1/shows", response_model=ShowList, **needs("anybody"))
    async def list_shows(who: Annotated[Identity | None, Depends(optional_caller)]) -> Response:
        """All shows that the caller may know of; for those who are no staff up to a second old."""
        shows = await catalogue.list_for(None if who is None else who.user)
        return Response(shows, media_type="application/json")

    @router.get("/v1/shows/{show}", **needs("anybody"))
    async def get_show(show: str, who: Annotated[Identity | None, Depends(optional_caller)]) -> ShowBody:
        """One show with what it sells."""
        async with deps.db.read() as connection:
            existing = await _existing(connection, show)
            room = await rooms_sql.load_room(connection, existing.room)
            role = await role_in(connection, None if who is None else who.user, existing.id)
            products = await shows_sql.list_products(connection, existing.id)
        if room is None or not (found := Listed(existing, room, products)).is_visible(role):
            raise Refused(Denied(Code.NOT_FOUND))
        return found.body(role, deps.clock())

    @router.post("/v1/shows", status_code=201, **needs("operator"))
    async def create_show(body: NewShow, who: Annotated[Identity, Depends(caller)]) -> ShowBody:
        """Put a show on, with its room and products; it begins as a draft."""
        if body.start_ms < body.doors_ms:
            raise Refused(Denied(Code.BAD_REQUEST, detail={"field": "start_ms"}))
        async with deps.db.write() as uow:
            show, room, products = await _put_on(uow, body, who)
        return Listed(show, room, products).body(Role.OPERATOR, deps.clock())

    @router.post("/v1/shows/{show}/products", status_code=201, **needs("operator", "host"))
    async def add_product(show: str, body: NewProduct, who: Annotated[Identity, Depends(caller)]) -> ProductBody:
        """Sell one more kind of ticket."""
        async with deps.db.write() as uow:
            existing = await _existing(uow.connection, show)
            await require_role(uow.connection, who.user, existing.id, Role.OPERATOR, Role.HOST)
            product = _offered(body, existing, uow)
            await shows_sql.add_product(uow, product)
            await announcements_sql.sales_changed(uow, existing)
            await audit_sql.record(uow, existing.room, who.user, "product:add", product.id)
        return product_body(product, existing.currency, shows_left=True)

    @router.get("/v1/entitlements/{show}", **needs("viewer"))
    async def own_entitlement(show: str, who: Annotated[Identity, Depends(caller)]) -> EntitlementBody:
        """What the caller's ticket for a show is worth."""
        async with deps.db.read() as connection:
            existing = await _existing(connection, show)
            entitlement = await entitlements_sql.load(connection, existing.id, who.user)
        return EntitlementBody(show=existing.id, tier=entitlement.tier, version=entitlement.version)

    @router.get("/v1/shows/{show}/entitlements", **needs("operator", "host"))
    async def guest_list(show: str, who: Annotated[Identity, Depends(caller)]) -> GuestList:
        """Who holds a ticket, and which."""
        async with deps.db.survey() as connection:
            existing = await _existing(connection, show)
            await require_role(connection, who.user, existing.id, Role.OPERATOR, Role.HOST)
            guests = await entitlements_sql.list_all(connection, existing.id)
        return GuestList(
            show=existing.id, guests=[GuestBody(user=g.user, tier=g.tier, version=g.version) for g in guests]
        )

    return router


async def _existing(connection: AsyncConnection, show: str) -> Show:
    found = await shows_sql.load_show(connection, ShowId(show))
    if found is None:
        raise Refused(Denied(Code.NOT_FOUND))
    return found


async def _put_on(uow: UnitOfWork, body: NewShow, who: Identity) -> tuple[Show, RoomRecord, list[Product]]:
    """The show with its room in `draft` and its products; for those who are operators everywhere."""
    show = _planned(body, ShowId(uow.new_id()), RoomId(uow.new_id()))
    # in a show that is not there yet only a role that holds everywhere counts
    await require_role(uow.connection, who.user, show.id, Role.OPERATOR)
    room = RoomRecord(
        id=show.room,
        show=show.id,
        title=show.title,
        access=show.access,
        phase=Phase.DRAFT,
        doors_ms=show.doors_ms,
        start_ms=show.start_ms,
    )
    await shows_sql.create_show(uow, show)
    granted(await rooms_sql.create_room(uow, room, by=who.user))
    products = [_offered(product, show, uow) for product in body.products]
    for product in products:
        await shows_sql.add_product(uow, product)
    return show, room, products


def _planned(body: NewShow, show: ShowId, room: RoomId) -> Show:
    return Show(
        id=show,
        room=room,
        title=body.title,
        access=Access(body.access),
        currency=body.currency,
        doors_ms=body.doors_ms,
        start_ms=body.start_ms,
        refund_until_ms=body.refund_until_ms,
        credit_minor=body.credit_minor,
    )


def _offered(body: NewProduct, show: Show, uow: UnitOfWork) -> Product:
    return Product(
        id=ProductId(uow.new_id()),
        show=show.id,
        name=body.name,
        tier=Tier(body.tier),
        price_minor=body.price_minor,
        capacity=body.capacity,
        credits=body.credits,
    )
