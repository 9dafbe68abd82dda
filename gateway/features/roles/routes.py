"""Routes of roles: who may do more than watch."""

from collections.abc import Awaitable, Callable
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Path
from fastapi.responses import Response
from sqlalchemy.ext.asyncio import AsyncConnection

from auth.denials import Code, Denied
from auth.identity import Identity, Role, ShowId, UserId
from auth.tokens import MAX_USER_CHARS, is_user_id
from gateway.api.callers import ApiDependencies, caller_of, checked_write, require_role
from gateway.api.refusals import Refused, granted
from gateway.api.routing import needs
from gateway.features.roles.bodies import RoleBody, RoleList
from presale.catalogue import shows_sql
from rooms.roles import roles_sql
from rooms.roles.roles import may_grant
from rooms.roles.roles_sql import RoleGrant

GrantableRole = Literal["moderator", "host", "operator"]
UserInPath = Annotated[str, Path(min_length=1, max_length=MAX_USER_CHARS)]


def role_routes(deps: ApiDependencies) -> APIRouter:
    """Roles of a show: operators give all, hosts give and take `moderator`."""
    router = APIRouter(tags=["roles"])
    caller = caller_of(deps)

    @router.get("/v1/shows/{show}/roles", **needs("operator", "host"))
    async def list_roles(show: str, who: Annotated[Identity, Depends(caller)]) -> RoleList:
        """Who has a role in a show, those who have one everywhere included."""
        async with deps.db.read() as connection:
            existing = await _existing(connection, show)
            await require_role(connection, who.user, existing, Role.OPERATOR, Role.HOST)
            held = [
                *await roles_sql.list_roles(connection, existing),
                *await roles_sql.list_roles(connection, None),
            ]
        return RoleList(show=existing, roles=[_role_body(each) for each in held])

    @router.put("/v1/shows/{show}/roles/{user}/{role}", status_code=204, **needs("operator", "host"))
    async def grant(
        show: str, user: UserInPath, role: GrantableRole, who: Annotated[Identity, Depends(caller)]
    ) -> Response:
        """Give a role."""
        async with checked_write(deps.db, _permission(show, who, Role(role))) as (uow, existing):
            if not is_user_id(user):
                raise Refused(Denied(Code.BAD_REQUEST, detail={"field": "user"}))
            granted(await roles_sql.grant(uow, UserId(user), Role(role), existing, by=who.user))
        return Response(status_code=204)

    @router.delete("/v1/shows/{show}/roles/{user}/{role}", status_code=204, **needs("operator", "host"))
    async def revoke(
        show: str, user: UserInPath, role: GrantableRole, who: Annotated[Identity, Depends(caller)]
    ) -> Response:
        """Take a role; open consoles lose it at once."""
        async with checked_write(deps.db, _permission(show, who, Role(role))) as (uow, existing):
            granted(await roles_sql.revoke(uow, UserId(user), Role(role), existing, by=who.user))
        return Response(status_code=204)

    return router


async def _existing(connection: AsyncConnection, show: str) -> ShowId:
    found = await shows_sql.load_show(connection, ShowId(show))
    if found is None:
        raise Refused(Denied(Code.NOT_FOUND))
    return found.id


def _permission(show: str, who: Identity, role: Role) -> Callable[[AsyncConnection], Awaitable[ShowId]]:
    """A check that answers the show, if the caller may give and take this role in it."""

    async def check(connection: AsyncConnection) -> ShowId:
        existing = await _existing(connection, show)
        if not may_grant(await roles_sql.acting_role(connection, who.user, existing), role):
            raise Refused(Denied(Code.FORBIDDEN))
        return existing

    return check


def _role_body(held: RoleGrant) -> RoleBody:
    return RoleBody(user=held.user, role=held.role, scope="everywhere" if held.show is None else "show")
