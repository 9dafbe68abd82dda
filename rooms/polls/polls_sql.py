"""Polls in SQL. Whatever changes one is done in the turn of its room's polls, which nothing else takes."""

from collections.abc import Sequence

from sqlalchemy import Row, delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from auth.composed import composed_key
from auth.denials import Code, Denied
from auth.identity import RoomId, UserId
from pubsub.broker import Retention
from rooms.audit import audit_sql
from rooms.encoding import encode
from rooms.polls.events import PollsChanged
from rooms.polls.poll import SHOWN, Asked, Poll, PollOption, Vote, judge, moved
from rooms.polls.tables_sql import poll_options, poll_votes, polls
from store.database_sql import UnitOfWork

CHUNK = 500
"""People whose votes are written by one statement."""


async def load(connection: AsyncConnection, room: RoomId) -> PollsChanged:
    """The newest polls of a room, as the news that tell them."""
    version = await connection.scalar(select(func.sum(polls.c.version)).where(polls.c.room_id == room))
    newest = await list_all(connection, room, most=SHOWN)
    return PollsChanged(tuple(newest), int(version or 0))


async def list_all(connection: AsyncConnection, room: RoomId, most: int | None = None) -> list[Poll]:
    """The polls of a room, newest last; all of them, or so many of the newest."""
    newest = select(polls).where(polls.c.room_id == room).order_by(polls.c.asked_ms.desc(), polls.c.id.desc())
    rows = list(await connection.execute(newest.limit(most) if most is not None else newest))
    return await _with_options(connection, rows[::-1])


async def ask(uow: UnitOfWork, room: RoomId, asked: Asked, by: UserId) -> Poll | Denied:
    """Ask everybody; POLL_OPEN while another question is open."""
    await _take_turn(uow, room)
    is_open = select(polls.c.id).where((polls.c.room_id == room) & polls.c.ended_ms.is_(None))
    if (other := await uow.connection.scalar(is_open)) is not None:
        return Denied(Code.POLL_OPEN, detail={"poll": other})
    poll = Poll(uow.new_id(), asked.question, tuple(PollOption(one, 0) for one in asked.options), uow.now_ms)
    row = {"id": poll.id, "room_id": room, "question": poll.question, "asked_ms": poll.asked_ms, "version": 1}
    await uow.connection.execute(insert(polls).values(**row))
    await uow.connection.execute(
        insert(poll_options),
        [{"poll_id": poll.id, "number": n, "text": one.text, "votes": 0} for n, one in enumerate(poll.options)],
    )
    await audit_sql.record(uow, room, by, "poll:ask", poll.id)
    await _tell(uow, room)
    return poll


async def end(uow: UnitOfWork, room: RoomId, poll_id: str, by: UserId) -> Poll | Denied:
    """End a poll: what was voted by now is its result. NOT_FOUND, or POLL_ENDED."""
    await _take_turn(uow, room)
    found = await _find(uow.connection, room, {poll_id})
    denied = judge(found.get(poll_id), 0)
    if denied is not None:
        return denied
    await uow.connection.execute(
        update(polls).where(polls.c.id == poll_id).values(ended_ms=uow.now_ms, version=polls.c.version + 1)
    )
    await audit_sql.record(uow, room, by, "poll:end", poll_id)
    await _tell(uow, room)
    return (await _find(uow.connection, room, {poll_id}))[poll_id]


async def cast(uow: UnitOfWork, room: RoomId, votes: Sequence[Vote]) -> list[Vote | Denied]:
    """Count the votes of many at once, each answered for itself; of one person's the last stands.

    In the turn of the room's polls: no other transaction counts the same people meanwhile, and none that ends the poll
    comes in between.
    """
    await _take_turn(uow, room)
    known = await _find(uow.connection, room, {vote.poll for vote in votes})
    answers: list[Vote | Denied] = [judge(known.get(vote.poll), vote.option) or vote for vote in votes]
    counted = [answer for answer in answers if isinstance(answer, Vote)]
    for poll_id in {vote.poll for vote in counted}:
        await _count(uow, poll_id, [vote for vote in counted if vote.poll == poll_id])
    if counted:
        await _tell(uow, room)
    return answers


async def _count(uow: UnitOfWork, poll_id: str, votes: Sequence[Vote]) -> None:
    connection, standing = uow.connection, {vote.user: vote.option for vote in votes}
    users, before = list(standing), dict[UserId, int]()
    for start in range(0, len(users), CHUNK):
        mine = (poll_votes.c.poll_id == poll_id) & poll_votes.c.user_id.in_(users[start : start + CHUNK])
        had = await connection.execute(select(poll_votes.c.user_id, poll_votes.c.number).where(mine))
        before |= {UserId(row.user_id): row.number for row in had}
        await connection.execute(delete(poll_votes).where(mine))
    rows = [{"poll_id": poll_id, "user_id": user, "number": option} for user, option in standing.items()]
    await connection.execute(insert(poll_votes), rows)
    for option, change in moved(votes, before).items():
        if change:
            one = (poll_options.c.poll_id == poll_id) & (poll_options.c.number == option)
            await connection.execute(update(poll_options).where(one).values(votes=poll_options.c.votes + change))
    await connection.execute(update(polls).where(polls.c.id == poll_id).values(version=polls.c.version + 1))


async def _find(connection: AsyncConnection, room: RoomId, ids: set[str]) -> dict[str, Poll]:
    found = await connection.execute(select(polls).where((polls.c.room_id == room) & polls.c.id.in_(ids)))
    return {poll.id: poll for poll in await _with_options(connection, list(found))}


async def _with_options(connection: AsyncConnection, rows: Sequence[Row[tuple[object, ...]]]) -> list[Poll]:
    options: dict[str, list[PollOption]] = {row.id: [] for row in rows}
    found = select(poll_options).where(poll_options.c.poll_id.in_(list(options))).order_by(poll_options.c.number)
    for one in await connection.execute(found):
        options[one.poll_id].append(PollOption(one.text, one.votes))
    return [Poll(row.id, row.question, tuple(options[row.id]), row.asked_ms, row.ended_ms) for row in rows]


async def _take_turn(uow: UnitOfWork, room: RoomId) -> None:
    await uow.take_turn(composed_key("polls", room))


async def _tell(uow: UnitOfWork, room: RoomId) -> None:
    await uow.emit(room, encode(await load(uow.connection, room)), Retention.NONE)
