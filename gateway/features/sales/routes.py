"""Routes of shows as they are seen, of the caller's rights and of the guest list."""

from typing import Annotated

from fastapi import APIRouter, Depends, Response
from sqlalchemy.ext.asyncio import AsyncConnection

from auth.denials import Code, Denied
from auth.identity import Identity, Role, ShowId
from gateway.api.callers import (
    ApiDependencies,
    caller_of,
    checked_survey,
    optional_caller_of,
    require_role,
    role_in,
)
from gateway.api.refusals import Refused
from gateway.api.routing import needs
from gateway.features.sales.bodies import EntitlementBody, GuestBody, GuestList, ShowBody, ShowList
from gateway.features.sales.catalogue import Catalogue, Listed
from presale.catalogue import shows_sql
from presale.catalogue.shows import Show
from presale.entitlements import entitlements_sql
from rooms.course import rooms_sql


def show_routes(deps: ApiDependencies) -> APIRouter:
    """Shows: anybody looks, each at their own rights, staff at the guest list."""
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
            existing = await existing_show(connection, show)
            room = await rooms_sql.load_room(connection, existing.room)
            role = await role_in(connection, None if who is None else who.user, existing.id)
            products = await shows_sql.list_products(connection, existing.id)
        if room is None or not (found := Listed(existing, room, products)).is_visible(role):
            raise Refused(Denied(Code.NOT_FOUND))
        return found.body(role, deps.clock())

    @router.get("/v1/entitlements/{show}", **needs("viewer"))
    async def own_entitlement(show: str, who: Annotated[Identity, Depends(caller)]) -> EntitlementBody:
        """What the caller's ticket for a show is worth; providers are asked about what is unpaid."""
        async with deps.db.read() as connection:
            existing = await existing_show(connection, show)
        await deps.box_office.money_settled(who.user, existing.id)
        async with deps.db.read() as connection:
            entitlement = await entitlements_sql.load(connection, existing.id, who.user)
        return EntitlementBody(show=existing.id, tier=entitlement.tier, version=entitlement.version)

    @router.get("/v1/shows/{show}/entitlements", **needs("operator", "host"))
    async def guest_list(show: str, who: Annotated[Identity, Depends(caller)]) -> GuestList:
        """Who holds a ticket, and which."""

        async def check(connection: AsyncConnection) -> Show:
            existing = await existing_show(connection, show)
            await require_role(connection, who.user, existing.id, Role.OPERATOR, Role.HOST)
            return existing

        async with checked_survey(deps.db, check) as (connection, existing):
            guests = await entitlements_sql.list_all(connection, existing.id)
        return GuestList(
            show=existing.id, guests=[GuestBody(user=g.user, tier=g.tier, version=g.version) for g in guests]
        )

    return router


async def existing_show(connection: AsyncConnection, show: str) -> Show:
    """A show by its id, or 404."""
    found = await shows_sql.load_show(connection, ShowId(show))
    if found is None:
        raise Refused(Denied(Code.NOT_FOUND))
    return found
