"""The route of what a fan is told about their money."""

from typing import Annotated

from fastapi import APIRouter, Depends

from auth.identity import Identity
from gateway.api.callers import ApiDependencies, caller_of
from gateway.api.routing import needs
from gateway.features.orders.bodies import InboxBody, NoticeBody
from presale.refunds.notices_sql import Notice


def inbox_routes(deps: ApiDependencies) -> APIRouter:
    """For whoever was not connected when it happened, or is not let in any more."""
    router = APIRouter(tags=["orders"])
    caller = caller_of(deps)

    @router.get("/v1/inbox", **needs("viewer"))
    async def inbox(who: Annotated[Identity, Depends(caller)]) -> InboxBody:
        """What became of the caller's money, of all shows: what the `inbox` event told to those who were there."""
        return InboxBody(notices=[_notice_body(notice) for notice in await deps.box_office.inbox(who.user)])

    return router


def _notice_body(notice: Notice) -> NoticeBody:
    return NoticeBody(
        id=notice.id,
        kind=notice.kind.value,
        show=notice.show,
        order=notice.order,
        amount_minor=notice.amount_minor,
        currency=notice.currency,
        at_ms=notice.at_ms,
        until_ms=notice.until_ms,
    )
