"""Routes of the names that viewers of a show may not take."""

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Depends
from sqlalchemy.ext.asyncio import AsyncConnection

from auth.denials import Code, Denied
from auth.identity import Identity, Role, ShowId
from gateway.api.callers import ApiDependencies, caller_of, checked_write, require_role
from gateway.api.refusals import Refused, granted
from gateway.api.routing import needs
from gateway.features.names.bodies import NameList, NewNames
from presale.catalogue import shows_sql
from presale.catalogue.shows import Show
from rooms.names import names_sql
from rooms.names.names import NamesRecord


def name_routes(deps: ApiDependencies) -> APIRouter:
    """The official names of a show; hosts and operators set them."""
    router = APIRouter(tags=["names"])
    caller = caller_of(deps)

    @router.get("/v1/shows/{show}/names", **needs("operator", "host"))
    async def list_names(show: str, who: Annotated[Identity, Depends(caller)]) -> NameList:
        """The names that viewers may not take, and those of the hosts."""
        async with deps.db.read() as connection:
            existing = await _permitted(connection, show, who)
            return _body(existing, await names_sql.load(connection, existing.room))

    @router.put("/v1/shows/{show}/names", **needs("operator", "host"))
    async def set_names(show: str, body: NewNames, who: Annotated[Identity, Depends(caller)]) -> NameList:
        """Keep these names for the show; viewers who have one, or one that looks like it, are shown under another."""
        async with checked_write(deps.db, partial(_permitted, show=show, who=who)) as (uow, existing):
            names = granted(await names_sql.set_official(uow, existing.room, body.names, who.user))
        return _body(existing, names)

    return router


async def _permitted(connection: AsyncConnection, show: str, who: Identity) -> Show:
    existing = await shows_sql.load_show(connection, ShowId(show))
    if existing is None:
        raise Refused(Denied(Code.NOT_FOUND))
    await require_role(connection, who.user, existing.id, Role.OPERATOR, Role.HOST)
    return existing


def _body(show: Show, names: NamesRecord) -> NameList:
    return NameList(show=show.id, names=list(names.official), hosts=sorted(set(names.hosts.values())))
