"""Nobody slips past a revocation that comes while the door decides, and none is forgotten while SQL is away."""

import asyncio
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from auth.denials import Denied
from auth.identity import UserId
from auth.revocations import Kind
from gateway.live.room import LiveRoom
from rooms.roles import revocations_sql
from tests.gateway.sockets.raw import CONNECT_ERROR, raw_socket
from tests.gateway.sockets.venue import Venue, venue

pytestmark = pytest.mark.asyncio


async def revoke(hall: Venue, user: str) -> None:
    async with hall.house.db.write() as uow:
        assert not isinstance(await revocations_sql.revoke(uow, Kind.USER, user, UserId("test")), Denied)


async def test_a_token_that_is_taken_back_while_its_room_is_opened_lets_nobody_in(tmp_path: Path) -> None:
    # it had been verified, and was in no room yet when the sockets of revoked tokens were ended
    async with venue(tmp_path) as hall:
        asked, goes_on, rooms = asyncio.Event(), asyncio.Event(), hall.house.live_rooms
        get = rooms.get

        async def slow(room: str) -> LiveRoom | None:
            asked.set()
            await goes_on.wait()
            return await get(room)

        with mock.patch.object(rooms, "get", slow):
            async with raw_socket(hall.url) as fan:
                answer = asyncio.create_task(fan.connect(token=hall.token("mei"), room=hall.room))
                await asked.wait()
                await revoke(hall, "mei")
                await hall.house.revocations.read()
                goes_on.set()
                refused = await answer
        assert (refused.kind, refused.data["message"]) == (CONNECT_ERROR, "TOKEN_INVALID")


async def test_a_token_that_is_taken_back_while_its_rights_are_read_ends_right_after_the_welcome(
    tmp_path: Path,
) -> None:
    async with venue(tmp_path) as hall:
        asked, goes_on = asyncio.Event(), asyncio.Event()
        taken = hall.house.seats.taken

        async def slow(member: Any) -> Denied | None:
            asked.set()
            await goes_on.wait()
            return await taken(member)

        with mock.patch.object(hall.house.seats, "taken", slow):
            async with raw_socket(hall.url) as fan:
                await fan.say(0, "/live", {"token": hall.token("mei"), "room": hall.room})
                await asked.wait()
                await revoke(hall, "mei")
                await hall.house.revocations.read()
                goes_on.set()
                assert (await fan.event("bye"))["code"] == "TOKEN_EXPIRED"


async def test_what_could_not_be_read_is_read_once_it_can_be(tmp_path: Path) -> None:
    async with venue(tmp_path) as hall:
        watch, since = hall.house.revocations, revocations_sql.since
        failed = asyncio.Event()

        async def away(*_: Any) -> Any:
            failed.set()
            raise OSError("the database is away")

        token = hall.token("mei")
        async with raw_socket(hall.url) as fan:
            await fan.enter(token=token, room=hall.room)
            with mock.patch.object(revocations_sql, "since", away):
                await revoke(hall, "mei")
                await failed.wait()
            assert revocations_sql.since is since
            assert (await fan.event("bye"))["code"] == "TOKEN_EXPIRED"
        assert len(watch.known) == 1
