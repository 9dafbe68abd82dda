"""Asking everybody, ending a poll, and voting."""

from collections.abc import Sequence
from functools import partial

from auth.denials import Code, Denied
from auth.identity import RoomId
from auth.permissions import Permission
from gateway.contract.rows import HOSTS, OF_RIGHTS, console_command, errors, viewer_command
from gateway.contract.shared import Created, Nothing
from gateway.features.polls import wire
from gateway.replica.act import Act
from rooms.polls import poll, polls_sql
from rooms.polls.poll import Vote
from store.database_sql import UnitOfWork


async def ask(act: Act, request: wire.AskPoll) -> Created | Denied:
    """Ask everybody something."""
    asked = poll.ask(request.question, request.options, act.means.blocked_words)
    if isinstance(asked, Denied):
        return asked
    async with act.means.db.write() as uow:
        made = await polls_sql.ask(uow, act.room.id, asked, act.user)
    return made if isinstance(made, Denied) else Created(made.id)


async def end(act: Act, request: wire.EndPoll) -> Nothing | Denied:
    """End a poll."""
    async with act.means.db.write() as uow:
        ended = await polls_sql.end(uow, act.room.id, request.poll, act.user)
    return ended if isinstance(ended, Denied) else Nothing()


async def _cast(room: RoomId, uow: UnitOfWork, votes: Sequence[Vote]) -> Sequence[Vote | Denied]:
    return await polls_sql.cast(uow, room, votes)


async def vote(act: Act, request: wire.CastVote) -> wire.VoteAck | Denied:
    """Committed when acked, with the votes of others: a whole crowd votes within seconds."""
    vote_now = Vote(act.user, request.poll, request.option)
    cast = await act.means.batches.add(("polls", act.room.id), vote_now, partial(_cast, act.room.id))
    return cast if isinstance(cast, Denied) else wire.VoteAck(cast.poll, cast.option)


COMMANDS = (
    viewer_command(
        "poll:vote",
        wire.CastVote,
        wire.VoteAck,
        errors(*OF_RIGHTS, Code.NOT_FOUND, Code.POLL_ENDED),
        vote,
        permission=Permission.VOTE,
    ),
    console_command(
        "poll:ask",
        wire.AskPoll,
        Created,
        errors(Code.TEXT_EMPTY, Code.TEXT_TOO_LONG, Code.TEXT_BLOCKED, Code.POLL_OPEN),
        ask,
        roles=HOSTS,
    ),
    console_command("poll:end", wire.EndPoll, Nothing, errors(Code.NOT_FOUND, Code.POLL_ENDED), end, roles=HOSTS),
)
