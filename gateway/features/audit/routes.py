"""The route that lets an operator hold a show against its books."""

import asyncio
from typing import Annotated

import msgspec
from fastapi import APIRouter, Depends

from auth.denials import Code, Denied
from auth.identity import Identity, ShowId
from gateway.api.callers import ApiDependencies, caller_of, operator_everywhere
from gateway.api.refusals import Refused
from gateway.api.routing import needs
from gateway.features.audit.bodies import ShowAudit
from gateway.features.audit.findings import findings
from presale.audit import recount_sql
from presale.catalogue import shows_sql
from rooms import recount_sql as room_recount_sql
from rooms.course import rooms_sql

AGAIN_MS = 2_000
"""When who found another audit running asks again. Audits read all books: two of them would take the connections by
which rooms are opened."""


def audit_routes(deps: ApiDependencies) -> APIRouter:
    """For those who are operators everywhere: the findings speak of every show."""
    router = APIRouter(tags=["audit"])
    caller = caller_of(deps)
    running = asyncio.Lock()

    @router.get("/v1/shows/{show}/audit", **needs("operator"))
    async def audit(show: str, who: Annotated[Identity, Depends(caller)]) -> ShowAudit:
        """The show counted again from its order lines and its ledger; one audit at a time, else 503 BUSY."""
        async with deps.db.read() as connection:
            await operator_everywhere(who)(connection)
            found = await shows_sql.load_show(connection, ShowId(show))
        if found is None:
            raise Refused(Denied(Code.NOT_FOUND))
        if running.locked():
            raise Refused(Denied(Code.BUSY, retry_after_ms=AGAIN_MS))
        async with running, deps.db.survey() as connection:
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
