"""Nothing reaches a socket before it is let in, and whatever goes wrong at the door is told in a code."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any, NoReturn

import pytest
import pytest_asyncio

from auth.denials import Code, Denied
from auth.identity import Role, UserId
from auth.situation import Phase
from gateway.door.admission import Admission
from gateway.live import greeting
from gateway.sockets import server
from rooms.course import rooms_sql
from rooms.course.switches import SwitchChanges
from tests.gateway.sockets.raw import CONNECT, CONNECT_ERROR, raw_socket
from tests.gateway.sockets.venue import Venue, answer_with, venue

pytestmark = pytest.mark.asyncio(loop_scope="module")

CONNECT_SECONDS = 2.0
"""Two tests wait for it; all others must have said CONNECT by then, on a busy machine too."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def hall(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Venue]:
    # the host speaks in test after test, and what one says counts against a person's budget beyond a socket's end
    async with venue(tmp_path_factory.mktemp("hall"), connect_seconds=CONNECT_SECONDS, danmaku_burst=100) as running:
        await running.give("host", Role.HOST, running.open_room)
        await running.phase(Phase.DOORS, Phase.LIVE, room=running.open_room)
        yield running


class Gate:
    """Holds every admission after the rights were read, until it is opened."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.reached, self.open = asyncio.Event(), asyncio.Event()
        self.answer: Denied | None = None
        admit: Callable[..., Awaitable[Denied | None]] = Admission._admit

        async def slow(*arguments: Any) -> Denied | None:
            denied = await admit(*arguments)
            self.reached.set()
            await self.open.wait()
            return self.answer or denied

        monkeypatch.setattr(Admission, "_admit", slow)
        monkeypatch.setattr(Admission, "_is_known_and_welcome", lambda *_: False)


@pytest.mark.parametrize("codec", ["json", "msgpack"])
@pytest.mark.parametrize("transport", ["websocket", "polling"])
async def test_nothing_precedes_the_answer_to_connect_and_welcome_is_the_first_event(
    hall: Venue, monkeypatch: pytest.MonkeyPatch, codec: str, transport: str
) -> None:
    async with (
        raw_socket(hall.url, codec=codec, transport=transport) as host,
        raw_socket(hall.url, codec=codec, transport=transport) as fan,
    ):
        cursor = (await host.enter(token=hall.token("host"), room=hall.open_room))["cursor"]
        gate = Gate(monkeypatch)
        fan_token = hall.token(f"fan-{codec}-{transport}")
        waiting = asyncio.create_task(fan.connect(token=fan_token, room=hall.open_room, cursor=cursor))
        await gate.reached.wait()
        # what a socket in the room would hear: history, and state
        during = (await host.ask("danmaku", {"text": "for those inside"}))["data"]["id"]
        async with hall.house.db.write() as uow:
            await rooms_sql.change_switches(uow, hall.open_room, SwitchChanges(slow_ms=0), UserId("host"))
        assert (await host.event("danmaku"))["items"][0]["id"] == during
        room = await host.event("room")
        assert not waiting.done()
        gate.open.set()
        assert (await waiting).kind == CONNECT
        welcomed = await fan.next()
        assert welcomed.event == "welcome"
        assert welcomed.data[1]["room"]["version"] == room["version"]
        # what was said meanwhile is in the welcome or comes after it, once
        after = (await host.ask("danmaku", {"text": "and now"}))["data"]["id"]
        told = [one["data"]["items"][0]["id"] for one in welcomed.data[1].get("missed", [])]
        while after not in told:
            packet = await fan.next()
            told += [item["id"] for item in packet.data[1]["items"]] if packet.event == "danmaku" else []
        assert told == [during, after]


async def test_nothing_reaches_a_socket_that_is_refused_but_the_refusal(
    hall: Venue, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with raw_socket(hall.url) as host, raw_socket(hall.url) as fan:
        await host.enter(token=hall.token("host"), room=hall.open_room)
        gate = Gate(monkeypatch)
        waiting = asyncio.create_task(fan.connect(token=hall.token("refused"), room=hall.open_room))
        await gate.reached.wait()
        assert (await host.ask("danmaku", {"text": "not for you"}))["ok"]
        await host.event("danmaku")
        async with hall.house.db.write() as uow:
            await rooms_sql.change_switches(uow, hall.open_room, SwitchChanges(slow_ms=0), UserId("host"))
        (member,) = hall.house.live_rooms._rooms[hall.open_room].of_user(UserId("refused"))
        gate.answer = Denied(Code.FORBIDDEN)
        gate.open.set()
        assert (await waiting).kind == CONNECT_ERROR
        end = await fan.until_end()
        assert [one.kind for one in fan.heard] == [CONNECT_ERROR], end
        assert member not in hall.house.live_rooms._rooms[hall.open_room].members()


async def test_an_admission_that_takes_longer_than_a_silent_socket_may_is_not_cut(
    hall: Venue, monkeypatch: pytest.MonkeyPatch
) -> None:
    # the timer of sockets that never send CONNECT once ran on while the provider was asked about an order
    async with raw_socket(hall.url) as fan:
        gate = Gate(monkeypatch)
        waiting = asyncio.create_task(fan.connect(token=hall.token("patient"), room=hall.open_room))
        await gate.reached.wait()
        async with raw_socket(hall.url) as silent:  # opened later: its end shows that the time is over
            await silent.until_end()
        assert not waiting.done()
        gate.open.set()
        assert (await waiting).kind == CONNECT


async def test_an_admission_that_never_ends_is_refused(hall: Venue, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "ADMISSION_SECONDS", 0.05)
    Gate(monkeypatch)
    async with raw_socket(hall.url) as fan:
        refused = await fan.connect(token=hall.token("unlucky"), room=hall.open_room)
        assert (refused.kind, refused.data["data"]["code"]) == (CONNECT_ERROR, "BUSY")


async def test_a_socket_that_never_connects_is_closed(hall: Venue) -> None:
    async with raw_socket(hall.url) as silent:
        end = await silent.until_end()
        assert (silent.heard, end.reason) == ([], "PROTOCOL")


def fails(*_: object, **__: object) -> NoReturn:
    raise RuntimeError("a fault of the test")


@pytest.mark.parametrize("codec", ["json", "msgpack"])
@pytest.mark.parametrize("step", ["_identify", "_is_known_and_welcome", "_admit", "_at_the_door"])
async def test_a_fault_in_admission_is_a_refusal_and_the_same_transport_may_try_again(
    hall: Venue, monkeypatch: pytest.MonkeyPatch, codec: str, step: str
) -> None:
    asks = {"token": hall.token("unlucky"), "room": hall.open_room}
    async with raw_socket(hall.url, codec=codec) as fan:
        with monkeypatch.context() as patch:
            patch.setattr(Admission, step, fails)
            if step == "_admit":  # where the guest list is not enough
                patch.setattr(Admission, "_is_known_and_welcome", lambda *_: False)
            refused = await fan.connect(**asks)
        assert refused.kind == CONNECT_ERROR
        assert refused.data == {
            "message": "BUSY",
            "data": {"code": "BUSY", "retryable": True, "retry_after_ms": refused.data["data"]["retry_after_ms"]},
        }
        assert hall.house.live_rooms._rooms[hall.open_room].of_user(UserId("unlucky")) == []
        await fan.enter(**asks)


async def test_a_fault_in_the_welcome_ends_the_socket_with_a_code(hall: Venue, monkeypatch: pytest.MonkeyPatch) -> None:
    async with raw_socket(hall.url) as fan:
        with monkeypatch.context() as patch:
            patch.setattr(greeting, "build", fails)
            assert (await fan.connect(token=hall.token("unlucky"), room=hall.open_room)).kind == CONNECT
            assert (await fan.event("bye"))["code"] == "BUSY"
        assert (await fan.until_end()).reason == "BUSY"


@pytest.mark.parametrize("namespace", ["/live", "/console"])
async def test_a_fault_in_a_handler_is_a_failed_ack_and_the_next_event_is_answered(
    hall: Venue, monkeypatch: pytest.MonkeyPatch, namespace: str
) -> None:
    async with raw_socket(hall.url) as host:
        await host.enter(namespace, token=hall.token("host"), room=hall.open_room)
        with monkeypatch.context() as patch:
            answer_with(patch, hall, "clock", fails)
            broken = await host.ask("clock", {"t0": 1}, namespace=namespace)
        assert broken["ok"] is False
        assert (broken["error"]["code"], broken["error"]["retryable"]) == ("INTERNAL", True)
        assert "fault of the test" not in str(broken)
        assert (await host.ask("clock", {"t0": 1}, namespace=namespace))["ok"]


async def test_who_is_at_the_door_when_a_drain_begins_is_refused_and_not_cut_off(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with (
        venue(tmp_path, drain_seconds=0.3) as closing,
        raw_socket(closing.url) as fan,
        raw_socket(closing.url) as inside,
    ):
        await inside.enter(token=closing.token("inside"), room=closing.room)
        gate = Gate(monkeypatch)
        waiting = asyncio.create_task(fan.connect(token=closing.token("late"), room=closing.room))
        await gate.reached.wait()
        closing.stop.set()
        await inside.event("draining")
        gate.open.set()
        refused = await waiting
        assert (refused.kind, refused.data["data"]["code"]) == (CONNECT_ERROR, "BUSY")
        assert (await inside.until_end()).reason == "DRAINING"
