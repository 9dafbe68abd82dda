"""Ten thousand numbered events of one socket, in both directions: all of them, once, in order."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from auth.identity import Role, UserId
from auth.situation import Phase
from gateway.features.gifts.wire import WALLET, Wallet
from tests.gateway.sockets.raw import RawSocket, raw_socket
from tests.gateway.sockets.test_acceptance import Gate
from tests.gateway.sockets.venue import Venue, venue

pytestmark = pytest.mark.asyncio(loop_scope="module")

EVENTS = 10_000
AT_ONCE = 250
"""How many are on their way at most, so that nobody is cut for being slow."""
WAITING = 10


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def hall(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Venue]:
    unhurried: dict[str, Any] = {
        "packets_per_second": 1e6,
        "packets_burst": 10**6,
        "inbox_events": EVENTS,
        "danmaku_per_second": 1e6,
        "danmaku_burst": 10**6,
    }
    async with venue(tmp_path_factory.mktemp("hall"), **unhurried) as running:
        await running.give("host", Role.HOST, running.open_room)
        await running.phase(Phase.DOORS, Phase.LIVE, room=running.open_room)
        yield running


carriers = pytest.mark.parametrize(
    ("transport", "codec"), [("websocket", "json"), ("websocket", "msgpack"), ("polling", "json")]
)


@carriers
async def test_numbered_requests_are_handled_and_acked_in_order(hall: Venue, transport: str, codec: str) -> None:
    async with raw_socket(hall.url, transport=transport, codec=codec) as fan:
        await fan.enter(token=hall.token("asks"), room=hall.room)
        events = EVENTS if (transport, codec) == ("websocket", "json") else EVENTS // 20
        acked: list[int] = []
        for turn in range(0, events, AT_ONCE):
            numbers = [await fan.emit("clock", {"t0": number}) for number in range(turn, min(events, turn + AT_ONCE))]
            while len(acked) < turn + len(numbers):
                packet = await fan.next()
                if packet.ack_id is not None:
                    acked.append(packet.data[0]["data"]["t0"])
        assert acked == list(range(events))


@carriers
async def test_numbered_events_arrive_in_order(hall: Venue, transport: str, codec: str) -> None:
    async with raw_socket(hall.url, transport=transport, codec=codec) as fan:
        await fan.enter(token=hall.token("hears"), room=hall.room)
        room = await hall.house.live_rooms.get(hall.room)
        assert room is not None
        (member,) = room.of_user(UserId("hears"))
        heard: list[int] = []
        for turn in range(0, EVENTS, AT_ONCE):
            for number in range(turn, turn + AT_ONCE):
                member.tell(WALLET, Wallet(credits=number, version=number))
            while len(heard) < turn + AT_ONCE:
                packet = await fan.next()
                if packet.event == "wallet":
                    heard.append(packet.data[1]["version"])
        assert heard == list(range(EVENTS))


async def test_what_is_sent_to_one_keeps_its_place_among_what_is_sent_to_all(hall: Venue) -> None:
    async with raw_socket(hall.url) as host, raw_socket(hall.url) as fan:
        await host.enter(token=hall.token("host"), room=hall.open_room)
        await fan.enter(token=hall.token("among"), room=hall.open_room)
        room = await hall.house.live_rooms.get(hall.open_room)
        assert room is not None
        (member,) = room.of_user(UserId("among"))
        said: list[str] = []
        for number in range(100):
            said.append((await host.ask("danmaku", {"text": f"number {number}"}))["data"]["id"])
            while len(told := in_order(fan)) < number:
                await fan.next()
            member.tell(WALLET, Wallet(credits=number, version=number))
        while len(in_order(fan)) < 200:
            await fan.next()
        told = in_order(fan)
        assert [one for one in told if isinstance(one, str)] == said
        assert [one for one in told if isinstance(one, int)] == list(range(100))
        for number in range(99):  # the fan had heard of it before the next one was said
            assert told.index(number) < told.index(said[number + 1]) or told.index(said[number]) < told.index(number)


def in_order(fan: RawSocket) -> list[str | int]:
    """Ids of danmaku and versions of wallets, as heard."""
    told: list[str | int] = []
    for packet in fan.heard:
        if packet.event == "danmaku":
            told += [item["id"] for item in packet.data[1]["items"]]
        elif packet.event == "wallet":
            told.append(packet.data[1]["version"])
    return told


@pytest.mark.parametrize("codec", ["json", "msgpack"])
@pytest.mark.parametrize("transport", ["websocket", "polling"])
async def test_sockets_that_wait_at_the_door_of_a_busy_room_hear_nothing(
    hall: Venue, monkeypatch: pytest.MonkeyPatch, transport: str, codec: str
) -> None:
    async with raw_socket(hall.url) as host, asyncio.TaskGroup() as group:
        await host.enter(token=hall.token("host"), room=hall.open_room)
        gate = Gate(monkeypatch)
        opened = asyncio.Event()
        arrived: list[RawSocket] = []

        async def wait(number: int) -> None:
            async with raw_socket(hall.url, transport=transport, codec=codec) as fan:
                arrived.append(fan)
                answer = await fan.connect(token=hall.token(f"waits-{number}"), room=hall.open_room)
                assert gate.open.is_set(), answer
                assert fan.heard == [answer]
                assert (await fan.next()).event == "welcome"
                opened.set()

        for number in range(WAITING):
            group.create_task(wait(number))
        await gate.reached.wait()
        for number in range(200):
            assert (await host.ask("danmaku", {"text": f"busy {number}"}))["ok"]
        assert len(arrived) == WAITING
        assert all(fan.heard == [] for fan in arrived)
        gate.open.set()
        await opened.wait()
