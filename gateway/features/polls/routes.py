"""The results of polls, for the staff of a show."""

import csv
import io
from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Depends
from fastapi.responses import Response
from sqlalchemy.ext.asyncio import AsyncConnection

from auth.denials import Code, Denied
from auth.identity import Identity, Role, ShowId
from gateway.api.callers import ApiDependencies, caller_of, require_role
from gateway.api.refusals import Refused
from gateway.api.routing import needs
from gateway.features.polls.bodies import PollBody, PollList, PollOptionBody
from presale.catalogue import shows_sql
from rooms.polls import polls_sql
from rooms.polls.poll import Poll

FORMULA_BEGINS = ("=", "+", "-", "@", "\t", "\r")
"""What a spreadsheet takes for a formula; such a cell gets an apostrophe before it."""


def poll_routes(deps: ApiDependencies) -> APIRouter:
    """What was asked, and how it was answered."""
    router = APIRouter(tags=["polls"])
    caller = caller_of(deps)

    @router.get("/v1/shows/{show}/polls", **needs("operator", "host", "moderator"))
    async def list_polls(show: str, who: Annotated[Identity, Depends(caller)]) -> PollList:
        """All polls of a show with their counts."""
        async with deps.db.read() as connection:
            polls = await _polls(connection, show, who)
        return PollList(show=show, polls=[_body(poll) for poll in polls])

    @router.get("/v1/shows/{show}/polls.csv", response_class=Response, **needs("operator", "host", "moderator"))
    async def polls_as_csv(show: str, who: Annotated[Identity, Depends(caller)]) -> Response:
        """The same as a table for spreadsheets: one line per option."""
        async with deps.db.read() as connection:
            polls = await _polls(connection, show, who)
        return Response(table_of(polls), media_type="text/csv; charset=utf-8")

    return router


def table_of(polls: list[Poll]) -> str:
    """Polls as CSV (RFC 4180), times in UTC; no cell begins like a formula."""
    written = io.StringIO()
    table = csv.writer(written)
    table.writerow(("question", "option", "votes", "asked", "ended"))
    for poll in polls:
        times = _time(poll.asked_ms), _time(poll.ended_ms) if poll.ended_ms is not None else ""
        for option in poll.options:
            table.writerow((_harmless(poll.question), _harmless(option.text), option.votes, *times))
    return written.getvalue()


async def _polls(connection: AsyncConnection, show: str, who: Identity) -> list[Poll]:
    existing = await shows_sql.load_show(connection, ShowId(show))
    if existing is None:
        raise Refused(Denied(Code.NOT_FOUND))
    await require_role(connection, who.user, existing.id, Role.OPERATOR, Role.HOST, Role.MODERATOR)
    return await polls_sql.list_all(connection, existing.room)


def _body(poll: Poll) -> PollBody:
    options = [PollOptionBody(text=option.text, votes=option.votes) for option in poll.options]
    return PollBody(id=poll.id, question=poll.question, options=options, asked_ms=poll.asked_ms, ended_ms=poll.ended_ms)


def _harmless(text: str) -> str:
    return f"'{text}" if text.startswith(FORMULA_BEGINS) else text


def _time(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000, UTC).isoformat(timespec="seconds")
