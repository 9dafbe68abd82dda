"""The route that lets an operator hold a show against its books."""

from typing import Annotated

import msgspec
from fastapi import APIRouter, Depends

from auth.denials import Code, Denied
from auth.identity import Identity, Role, ShowId
from gateway.api.callers import ApiDependencies, caller_of, require_role
from gateway.api.refusals import Refused
from gateway.api.routing import needs
from gateway.features.audit.bodies import ShowAudit
from gateway.features.audit.findings import findings
from presale import recount_sql, shows_sql
from rooms import recount_sql as room_recount_sql
from rooms import roles_sql, rooms_sql


def audit_routes(deps: ApiDependencies) -> APIRouter:
    """For those who are operators everywhere: the findings speak of every show."""
    router = APIRouter(tags=["audit"])
    caller = caller_of(deps)

    @router.get("/v1/shows/{show}/audit", **needs("operator"))
    async def audit(show: str, who: Annotated[Identity, Depends(caller)]) -> ShowAudit:
        """The show counted again from its order lines and its ledger."""
        async with deps.db.survey() as connection:
            await require_role(connection, who.user, roles_sql.EVERYWHERE, Role.OPERATOR)
            found = await shows_sql.load_show(connection, ShowId(show))
            if found is None:
                raise Refused(Denied(Code.NOT_FOUND))
            counted = await recount_sql.recount(connection, found)
            told = {
                **msgspec.to_builtins(counted),
                "show": found.id,
                "phase": await rooms_sql.phase_of(connection, found.id),
                "server_ms": deps.clock(),
                "currency": found.currency,
                "room": msgspec.to_builtins(await room_recount_sql.recount(connection, found.room)),
                "findings": msgspec.to_builtins(await findings(connection, deps.clock(), deps.stage_terms)),
            }
        # by way of JSON, where a strict shape takes the text of an enumeration for what it is
        return ShowAudit.model_validate_json(msgspec.json.encode(told))

    return router
