"""Rooms are opened once, whoever asks for them and however long that takes."""

import asyncio
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import pytest

from auth.identity import RoomId
from gateway.demo.playground import furnish
from gateway.features.registry import BOOK, LOADS
from gateway.house.house import open_house
from gateway.live.room import LiveRoom
from gateway.live.rooms import LiveRooms
from gateway.setup.settings import Mode, Settings
from presale.catalogue import shows_sql
from pubsub.broker import Position, Receive
from pubsub.broker_memory import MemoryBroker, MemorySubscription

SECONDS = 10.0


class SlowBroker(MemoryBroker):
    """Tells nobody where a channel stands before it may, and counts who listens."""

    def __init__(self) -> None:
        super().__init__()
        self.may = asyncio.Event()
        self.asked = asyncio.Event()
        self.fault: Exception | None = None
        self.opened = 0
        self.channels: list[MemorySubscription] = []

    @property
    def listening(self) -> int:
        return sum(len(one.channel.subscriptions) for one in self.channels[:1])

    async def subscribe(self, channel: str, receive: Receive) -> MemorySubscription:
        subscription = await super().subscribe(channel, receive)
        self.opened += 1
        self.channels.append(subscription)
        return subscription

    async def position(self, channel: str) -> Position:
        self.asked.set()
        await self.may.wait()
        if self.fault is not None:
            raise self.fault
        return await super().position(channel)


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[tuple[LiveRooms, SlowBroker, RoomId]]:
    async with open_house(Settings.load(Mode.TEST, data_dir=tmp_path)) as opened:
        await furnish(opened.db)
        async with opened.db.read() as connection:
            shows = await shows_sql.list_shows(connection)
        broker = SlowBroker()
        make_room = partial(LiveRoom, opened.surroundings)
        yield LiveRooms(opened.db, broker, opened.clock, make_room, BOOK, LOADS), broker, shows[0].room


async def test_a_room_is_opened_all_the_same_when_who_asked_first_has_gone(
    house: tuple[LiveRooms, SlowBroker, RoomId],
) -> None:
    rooms, broker, room = house
    impatient = asyncio.create_task(rooms.get(room))
    async with asyncio.timeout(SECONDS):
        await broker.asked.wait()
        impatient.cancel()
        with pytest.raises(asyncio.CancelledError):
            await impatient
        patient = [asyncio.create_task(rooms.get(room)) for _ in range(3)]
        broker.may.set()
        found = await asyncio.gather(*patient)
    assert {one.id for one in found if one is not None} == {room}
    assert (broker.opened, broker.listening) == (1, 1)


async def test_what_could_not_be_opened_listens_no_more_and_may_be_tried_again(
    house: tuple[LiveRooms, SlowBroker, RoomId],
) -> None:
    rooms, broker, room = house
    broker.may.set()
    broker.fault = OSError("the disk is gone")
    with pytest.raises(OSError, match="gone"):
        await rooms.get(room)
    assert (broker.opened, broker.listening) == (1, 0)
    broker.fault = None
    assert await rooms.get(room) is not None
    assert await rooms.get("no-such-room") is None
    assert (broker.opened, broker.listening) == (2, 1)
