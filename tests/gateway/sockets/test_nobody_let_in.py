"""A transport on which nobody was let in has one deadline and three refusals, whatever its peer does meanwhile."""

import asyncio
import time
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from gateway.sockets.recent import Recent
from tests.gateway.sockets.raw import CONNECT, CONNECT_ERROR, DISCONNECT, Closed, RawSocket, polling, raw_socket
from tests.gateway.sockets.test_acceptance import Gate
from tests.gateway.sockets.venue import Venue, venue

CONNECT_SECONDS = 0.6
LATE_SECONDS = 1.0
in_order = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def hall(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Venue]:
    async with venue(
        tmp_path_factory.mktemp("hall"), connect_seconds=CONNECT_SECONDS, refusals_per_transport=5, farewell_seconds=0.5
    ) as running:
        yield running


async def ends_in_time(fan: RawSocket, began: float) -> Closed:
    end = await fan.until_end()
    assert CONNECT_SECONDS * 0.9 <= time.monotonic() - began < CONNECT_SECONDS + LATE_SECONDS
    return end


@in_order
@pytest.mark.parametrize("transport", ["websocket", "polling"])
async def test_refusals_move_no_deadline(hall: Venue, transport: str) -> None:
    # `40/nowhere,{}` every two seconds kept a socket without token for ever
    async with raw_socket(hall.url, transport=transport) as stranger:
        began = time.monotonic()
        for namespace in ("/nowhere", "/live", "/"):
            assert (await stranger.connect(namespace)).kind == CONNECT_ERROR
            await asyncio.sleep(CONNECT_SECONDS / 5)
        end = await ends_in_time(stranger, began)
        assert transport == "polling" or end == Closed(1000, "PROTOCOL")


@in_order
async def test_pongs_and_stray_events_move_no_deadline(hall: Venue) -> None:
    async with raw_socket(hall.url) as stranger:
        began = time.monotonic()
        for _ in range(5):
            await stranger.transport.send("3")
            await stranger.transport.send('42/live,["clock",{"t0":1}]')
            await stranger.transport.send("41/live,")
            await asyncio.sleep(CONNECT_SECONDS / 8)
        assert (await ends_in_time(stranger, began)).reason == "PROTOCOL"


@in_order
async def test_when_the_only_namespace_is_left_the_deadline_is_set_once_more(hall: Venue) -> None:
    async with raw_socket(hall.url) as fan:
        await fan.enter(token=hall.token("leaver"), room=hall.room)
        await asyncio.sleep(CONNECT_SECONDS * 1.2)  # who is inside has none
        began = time.monotonic()
        await fan.say(DISCONNECT, "/live")
        await asyncio.sleep(CONNECT_SECONDS / 2)
        await fan.say(CONNECT, "/nowhere", {})
        assert (await ends_in_time(fan, began)).reason == "PROTOCOL"


@in_order
async def test_who_comes_back_in_time_stays(hall: Venue) -> None:
    async with raw_socket(hall.url) as fan:
        await fan.enter(token=hall.token("returner"), room=hall.room)
        await fan.say(DISCONNECT, "/live")
        assert (await fan.connect(token=hall.token("returner"), room=hall.room)).kind == CONNECT
        await asyncio.sleep(CONNECT_SECONDS * 1.2)
        assert (await fan.ask("clock", {"t0": 1}))["ok"]


@in_order
async def test_a_connect_that_is_being_decided_when_the_deadline_passes_is_decided(
    hall: Venue, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = Gate(monkeypatch)
    async with raw_socket(hall.url) as fan:
        deciding = asyncio.create_task(fan.connect(token=hall.token("patient"), room=hall.room))
        await gate.reached.wait()
        await asyncio.sleep(CONNECT_SECONDS * 1.2)
        gate.open.set()
        assert (await deciding).kind == CONNECT
        assert (await fan.ask("clock", {"t0": 1}))["ok"]


@in_order
async def test_the_third_refusal_is_the_last(tmp_path_factory: pytest.TempPathFactory) -> None:
    async with venue(tmp_path_factory.mktemp("strict"), connect_seconds=60) as strict:
        for asked in ({}, {"token": "x"}, {"token": strict.token("asker")}):
            async with raw_socket(strict.url) as stranger:
                for _ in range(3):
                    assert (await stranger.connect(**asked)).kind == CONNECT_ERROR
                assert await stranger.until_end() == Closed(1000, "PROTOCOL")
        async with polling(strict.url) as carrier:
            stranger = RawSocket(carrier, "json")
            for _ in range(3):
                assert (await stranger.connect()).kind == CONNECT_ERROR
            await stranger.until_end()
        assert not strict.house.socket_servers[0].engine.sockets
        async with raw_socket(strict.url) as fan:  # two wrong ones and a right one
            for _ in range(2):
                assert (await fan.connect()).kind == CONNECT_ERROR
            await fan.enter(token=strict.token("third"), room=strict.room)


def test_what_is_long_ago_counts_no_more() -> None:
    faults = Recent(3, 60)
    assert faults.count(0.0) == 0
    counts = []
    for now in (0.0, 30.0, 61.0, 92.0, 119.0, 120.0):
        faults.add(now)
        counts.append(faults.count(now))
    assert counts == [1, 2, 2, 2, 3, 3]
    assert faults.count(1000.0) == 0


@in_order
async def test_faults_of_a_minute_ago_are_forgotten(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    # three texts with half an emoji, seconds apart, ended a socket; so did three slips in an evening
    async with venue(tmp_path_factory.mktemp("aging")) as hall, raw_socket(hall.url) as fan:
        engine = hall.house.socket_servers[0].engine
        later = 0.0
        clock = engine.clock
        monkeypatch.setattr(engine, "clock", lambda: clock() + later)
        await fan.enter(token=hall.token("evening"), room=hall.room)
        for _ in range(2):
            await fan.transport.send("42/live,[1]")
            await fan.transport.send("nonsense")
            assert (await fan.ask("clock", {"t0": 1}))["ok"]
            later += hall.house.settings.protocol_error_seconds + 1
        for _ in range(3):
            await fan.transport.send("nonsense")
        assert await fan.event("bye") == {"code": "PROTOCOL", "retryable": False}


@in_order
async def test_a_post_with_the_last_refused_connect_is_answered_ok_and_the_refusals_are_fetched(hall: Venue) -> None:
    # official clients drop the line at a POST that is answered 400, before their poll brings the words
    async with polling(hall.url) as carrier:
        stranger = RawSocket(carrier, "json")
        knocks = "\x1e".join([f'40/live,{{"token":"x{number}"}}' for number in range(5)])
        assert (await carrier.post(knocks)).status_code == 200
        assert (await stranger.next()).kind == CONNECT_ERROR  # the last one's: each CONNECT takes the one before back
