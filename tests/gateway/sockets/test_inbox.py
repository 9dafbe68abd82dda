"""Events of one socket are handled one after another, in order, and only so many of them wait."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from gateway.features.session.wire import Clock, ClockAck
from rooms.pace.rates import Bucket
from tests.gateway.sockets.raw import raw_socket
from tests.gateway.sockets.venue import Venue, answer_with, venue

pytestmark = pytest.mark.asyncio(loop_scope="module")

INBOX = 32


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def hall(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Venue]:
    async with venue(tmp_path_factory.mktemp("hall"), packets_per_second=1000, packets_burst=1000) as running:
        yield running


class Slow:
    """The handler of `clock`, which takes its time: each call lasts until it is let go on."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, hall: Venue) -> None:
        self.begun: list[Any] = []
        self.ended: list[Any] = []
        self.running = self.most = 0
        self.go_on = asyncio.Event()
        self.reached = asyncio.Event()
        answer_with(monkeypatch, hall, "clock", self.handle)

    async def handle(self, _member: object, request: Clock) -> ClockAck:
        self.running += 1
        self.most = max(self.most, self.running)
        self.begun.append(request.t0)
        self.reached.set()
        await self.go_on.wait()
        for _ in range(int(request.t0) % 3):  # a later one would overtake an earlier one
            await asyncio.sleep(0)
        self.ended.append(request.t0)
        self.running -= 1
        return ClockAck(request.t0, 0, 0)


@pytest.mark.parametrize("transport", ["websocket", "polling"])
async def test_handlers_of_one_socket_run_one_at_a_time_in_the_order_of_sending(
    hall: Venue, monkeypatch: pytest.MonkeyPatch, transport: str
) -> None:
    slow = Slow(monkeypatch, hall)
    async with raw_socket(hall.url, transport=transport) as fan:
        await fan.enter(token=hall.token(), room=hall.room)
        numbers = [await fan.emit("clock", {"t0": turn}) for turn in range(12)]
        await slow.reached.wait()
        assert slow.begun == [0]
        slow.go_on.set()
        assert [(await fan.ack(number))["data"]["t0"] for number in numbers] == list(range(12))
    assert slow.begun == slow.ended == list(range(12))
    assert slow.most == 1


async def test_a_slow_handler_of_one_socket_does_not_hold_up_another(
    hall: Venue, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = Slow(monkeypatch, hall)
    async with raw_socket(hall.url) as one, raw_socket(hall.url) as other:
        await one.enter(token=hall.token("one"), room=hall.room)
        await other.enter(token=hall.token("other"), room=hall.room)
        number = await one.emit("clock", {"t0": 1})
        await slow.reached.wait()
        assert (await other.ask("streams:refresh"))["ok"]
        slow.go_on.set()
        assert (await one.ack(number))["ok"]


async def test_the_inbox_holds_32_events_and_the_33rd_is_told_to_come_back(
    hall: Venue, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert hall.house.settings.inbox_events == INBOX
    slow = Slow(monkeypatch, hall)
    async with raw_socket(hall.url) as fan:
        await fan.enter(token=hall.token(), room=hall.room)
        handled = await fan.emit("clock", {"t0": 0})
        await slow.reached.wait()
        waiting = [await fan.emit("clock", {"t0": turn}) for turn in range(1, INBOX + 1)]
        refused = await fan.ask("clock", {"t0": 99})
        assert refused["error"]["code"] == "BUSY"
        assert refused["error"]["retryable"] is True
        assert refused["error"]["retry_after_ms"] > 0
        slow.go_on.set()
        assert all([(await fan.ack(number))["ok"] for number in (handled, *waiting)])
        assert slow.ended == list(range(INBOX + 1))
        assert (await fan.ask("clock", {"t0": 100}))["ok"]


async def test_what_waits_is_dropped_when_the_socket_goes(hall: Venue, monkeypatch: pytest.MonkeyPatch) -> None:
    slow = Slow(monkeypatch, hall)
    async with raw_socket(hall.url) as fan:
        await fan.enter(token=hall.token("gone"), room=hall.room)
        for turn in range(5):
            await fan.emit("clock", {"t0": turn})
        await slow.reached.wait()
    server = hall.house.socket_servers[0]
    async with asyncio.timeout(5):
        while server.connections:
            await asyncio.sleep(0.01)
    slow.go_on.set()
    async with asyncio.timeout(5):
        while slow.running:
            await asyncio.sleep(0.01)
    assert slow.begun == [0]


async def test_packets_beyond_the_rate_are_acked_and_cost_nobody_the_socket(hall: Venue) -> None:
    async with raw_socket(hall.url) as fan:
        await fan.enter(token=hall.token("hasty"), room=hall.room)
        (connection,) = hall.house.socket_servers[0].connections.values()
        connection.bucket = Bucket(10, 1)
        assert (await fan.ask("clock", {"t0": 1}))["ok"]
        error = (await fan.ask("clock", {"t0": 2}))["error"]
        assert (error["code"], error["retryable"]) == ("RATE_LIMITED", True)
        assert 0 < error["retry_after_ms"] <= 100
        connection.bucket = Bucket(10, 1)
        assert (await fan.ask("clock", {"t0": 3}))["ok"]
