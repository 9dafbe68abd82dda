"""The route that takes tokens back before their time."""

from typing import Annotated

from fastapi import APIRouter, Depends

from auth.denials import Code, Denied
from auth.identity import Identity
from auth.revocations import Kind
from gateway.api.callers import ApiDependencies, caller_of, checked_write, operator_everywhere
from gateway.api.refusals import Refused, granted
from gateway.api.routing import needs
from gateway.api.shapes import RevocationBody, RevocationMade
from rooms import revocations_sql


def token_routes(deps: ApiDependencies) -> APIRouter:
    """For those who are operators everywhere: a token is good for every show."""
    router = APIRouter(tags=["tokens"])
    caller = caller_of(deps)

    @router.post("/v1/tokens/revocations", status_code=201, **needs("operator"))
    async def revoke(body: RevocationBody, who: Annotated[Identity, Depends(caller)]) -> RevocationMade:
        """Take back one token, or all that a user was given until now: exactly one of the two is named.

        This process refuses them when the answer is there, every other one within a second. Of a user the answer comes
        when the second of the revocation is over: what is minted after it is taken.
        """
        async with checked_write(deps.db, operator_everywhere(who)) as (uow, _):
            if (body.user is None) is (body.token_id is None):
                raise Refused(Denied(Code.BAD_REQUEST, detail={"field": "user"}))
            kind = Kind.USER if body.user is not None else Kind.JTI
            subject = body.user or body.token_id or ""
            made = granted(await revocations_sql.revoke(uow, kind, subject, by=who.user))
        await deps.revoked()
        return RevocationMade(
            user=body.user, token_id=body.token_id, issued_until_ms=made.until_ms, ends_ms=made.ends_ms
        )

    return router
