"""Polls in SQL: one open at a time, one vote per person, counts that are those of the votes."""

import asyncio

from sqlalchemy import func, select

from auth.denials import Code, Denied
from auth.identity import UserId
from rooms.polls import polls_sql
from rooms.polls.events import PollsChanged
from rooms.polls.poll import SHOWN, Asked, Poll, Vote
from rooms.polls.tables_sql import poll_votes
from tests.rooms.stagehouse import ANN, BEN, HOST, ROOM, Stagehouse

ENCORE = Asked("Encore?", ("yes", "no", "another one"))


async def asked(house: Stagehouse) -> Poll:
    poll = await house.do(polls_sql.ask, ROOM, ENCORE, HOST)
    assert isinstance(poll, Poll)
    return poll


async def counts(house: Stagehouse) -> list[list[int]]:
    async with house.db.read() as connection:
        return [[option.votes for option in poll.options] for poll in await polls_sql.list_all(connection, ROOM)]


async def test_everybody_is_asked_and_told(house: Stagehouse) -> None:
    poll = await asked(house)
    (told,) = await house.told()
    assert told == PollsChanged((poll,), 1)
    assert [option.text for option in poll.options] == ["yes", "no", "another one"]


async def test_one_question_at_a_time(house: Stagehouse) -> None:
    poll = await asked(house)
    assert await house.do(polls_sql.ask, ROOM, ENCORE, HOST) == Denied(Code.POLL_OPEN, detail={"poll": poll.id})
    ended = await house.do(polls_sql.end, ROOM, poll.id, HOST)
    assert isinstance(ended, Poll)
    assert not ended.is_open
    assert (await asked(house)).is_open
    assert await house.do(polls_sql.end, ROOM, poll.id, HOST) == Denied(Code.POLL_ENDED)
    assert await house.do(polls_sql.end, ROOM, "none", HOST) == Denied(Code.NOT_FOUND)


async def test_each_person_has_one_vote_where_they_put_it_last(house: Stagehouse) -> None:
    poll = await asked(house)
    await house.told()
    first, second = Vote(ANN, poll.id, 0), Vote(BEN, poll.id, 0)
    assert await house.do(polls_sql.cast, ROOM, [first, second]) == [first, second]
    assert await counts(house) == [[2, 0, 0]]
    again = [Vote(ANN, poll.id, 1), Vote(BEN, poll.id, 0), Vote(ANN, poll.id, 2)]
    assert await house.do(polls_sql.cast, ROOM, again) == again
    assert await counts(house) == [[1, 0, 1]]
    told = await house.told()
    assert [event.version for event in told] == [2, 3]
    assert [option.votes for option in told[-1].items[0].options] == [1, 0, 1]


async def test_each_vote_of_a_batch_is_answered_for_itself(house: Stagehouse) -> None:
    poll = await asked(house)
    answers = await house.do(polls_sql.cast, ROOM, [Vote(ANN, poll.id, 3), Vote(ANN, "none", 0), Vote(BEN, poll.id, 1)])
    assert answers == [
        Denied(Code.BAD_REQUEST, detail={"field": "option"}),
        Denied(Code.NOT_FOUND),
        Vote(BEN, poll.id, 1),
    ]
    assert await counts(house) == [[0, 1, 0]]


async def test_what_comes_after_the_end_changes_nothing_and_is_not_told(house: Stagehouse) -> None:
    poll = await asked(house)
    await house.do(polls_sql.cast, ROOM, [Vote(ANN, poll.id, 0)])
    await house.do(polls_sql.end, ROOM, poll.id, HOST)
    await house.told()
    assert await house.do(polls_sql.cast, ROOM, [Vote(BEN, poll.id, 0)]) == [Denied(Code.POLL_ENDED)]
    assert await counts(house) == [[1, 0, 0]]
    assert await house.told() == []


async def test_a_poll_of_another_room_is_none(house: Stagehouse) -> None:
    poll = await asked(house)
    vote = Vote(ANN, poll.id, 0)
    other = type(ROOM)("other")
    assert await house.do(polls_sql.cast, other, [vote]) == [Denied(Code.NOT_FOUND)]
    assert await house.do(polls_sql.end, other, poll.id, HOST) == Denied(Code.NOT_FOUND)


async def test_a_crowd_that_votes_from_everywhere_at_once_is_counted_person_by_person(house: Stagehouse) -> None:
    # several gateways write their batches side by side, and some people are at two of them
    poll = await asked(house)
    crowd = [UserId(f"fan-{number}") for number in range(1_200)]
    batches = [
        [Vote(user, poll.id, gateway % 3) for user in crowd[gateway * 200 : gateway * 200 + 600]]
        for gateway in range(4)
    ]
    await asyncio.gather(*(house.do(polls_sql.cast, ROOM, batch) for batch in batches))
    async with house.db.read() as connection:
        by_option = await connection.execute(
            select(poll_votes.c.number, func.count()).group_by(poll_votes.c.number).order_by(poll_votes.c.number)
        )
        written = {row[0]: row[1] for row in by_option}
    (shown,) = await counts(house)
    assert sum(shown) == 1_200
    assert shown == [written.get(number, 0) for number in range(3)]


async def test_consoles_are_told_of_the_newest_and_sql_keeps_all(house: Stagehouse) -> None:
    for _ in range(SHOWN + 2):
        poll = await asked(house)
        await house.do(polls_sql.end, ROOM, poll.id, HOST)
    async with house.db.read() as connection:
        newest = await polls_sql.load(connection, ROOM)
        kept = await polls_sql.list_all(connection, ROOM)
    assert (len(newest.items), len(kept)) == (SHOWN, SHOWN + 2)
    assert newest.items[-1] == kept[-1]
    assert newest.version == 2 * (SHOWN + 2)
