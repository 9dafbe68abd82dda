"""Routes that take tokens back before their time, tell which were, and let them be taken again."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query

from auth.denials import Code, Denied
from auth.identity import Identity
from auth.revocations import Kind
from gateway.api.callers import ApiDependencies, caller_of, checked_write, operator_everywhere
from gateway.api.refusals import Refused, granted
from gateway.api.routing import needs
from gateway.features.session.bodies import RevocationBody, RevocationList, RevocationMade, StandingRevocation
from rooms.roles import revocations_sql
from rooms.roles.revocations_sql import Standing

PAGE = 200
"""Revocations of one answer."""


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
            made = granted(await revocations_sql.revoke(uow, *_named(body.user, body.token_id), by=who.user))
        await deps.revoked()
        return RevocationMade(
            user=body.user, token_id=body.token_id, issued_until_ms=made.until_ms, ends_ms=made.ends_ms
        )

    @router.get("/v1/tokens/revocations", **needs("operator"))
    async def list_revocations(
        who: Annotated[Identity, Depends(caller)],
        before: Annotated[int, Query(ge=0, le=revocations_sql.NEWEST)] = revocations_sql.NEWEST,
    ) -> RevocationList:
        """The revocations that hold, the newest first, a page at a time."""
        async with deps.db.read() as connection:
            await operator_everywhere(who)(connection)
            page = await revocations_sql.list_standing(connection, deps.clock(), before=before, limit=PAGE)
        is_last = len(page) < PAGE
        return RevocationList(
            revocations=[_standing(one) for one in page],
            next_before=None if is_last else page[-1].revocation.version,
        )

    @router.delete("/v1/tokens/revocations", status_code=204, **needs("operator"))
    async def lift(
        who: Annotated[Identity, Depends(caller)], user: str | None = None, token_id: str | None = None
    ) -> None:
        """Take a revocation back: exactly one of user and token is named, as it was revoked. 404 where none holds.

        This process takes its tokens again when the answer is there, every other one within a second.
        """
        async with checked_write(deps.db, operator_everywhere(who)) as (uow, _):
            granted(await revocations_sql.lift(uow, *_named(user, token_id), by=who.user))
        await deps.revoked()

    return router


def _named(user: str | None, token_id: str | None) -> tuple[Kind, str]:
    """Exactly one of the two, or 400."""
    if (user is None) is (token_id is None):
        raise Refused(Denied(Code.BAD_REQUEST, detail={"field": "user"}))
    return (Kind.USER, user) if user is not None else (Kind.JTI, token_id or "")


def _standing(one: Standing) -> StandingRevocation:
    revocation = one.revocation
    is_user = revocation.kind is Kind.USER
    return StandingRevocation(
        user=revocation.subject if is_user else None,
        token_id=None if is_user else revocation.subject,
        issued_until_ms=revocation.until_ms,
        ends_ms=revocation.ends_ms,
        by=one.by,
    )
