"""SIGTERM to a gateway of its own process: everybody is told, sent away one by one, and finds the next one."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import httpx2
import pytest
import socketio

from tests.gateway.sockets.raw import CONNECT_ERROR, Closed, RawSocket, WebSocket, http_client, raw_socket
from tests.ports import free_port

START_SECONDS = 60.0
DRAIN_SECONDS = 1.5
WIRES = [("json", "websocket"), ("msgpack", "websocket"), ("json", "polling"), ("msgpack", "polling")]


@dataclass
class Gateway:
    """`liveroom serve` in test mode, started and ended by its id."""

    folder: Path
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[str] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def start(self) -> None:
        environment = {
            **os.environ,
            "LIVEROOM_MODE": "test",
            "LIVEROOM_PORT": str(self.port),
            "LIVEROOM_DATA_DIR": str(self.folder),
            "LIVEROOM_DRAIN_SECONDS": str(DRAIN_SECONDS),
        }
        self.process = subprocess.Popen(  # noqa: ASYNC220 - it returns at once
            [sys.executable, "-m", "gateway.cli", "serve"],
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        give_up = time.monotonic() + START_SECONDS
        async with http_client(self.url) as http:
            while True:
                try:
                    if (await http.get("/readyz")).status_code == 200:
                        return
                except httpx2.HTTPError:
                    assert time.monotonic() < give_up, "the gateway did not start"
                    assert self.process.poll() is None, self.process.communicate()
                await asyncio.sleep(0.05)

    def signal(self, number: signal.Signals = signal.SIGTERM) -> None:
        assert self.process is not None
        self.process.send_signal(number)

    async def ended(self) -> tuple[int, str]:
        """Status, and what it said on stderr."""
        assert self.process is not None
        _, said = await asyncio.to_thread(self.process.communicate, timeout=START_SECONDS)
        return self.process.returncode, said

    async def room(self) -> str:
        async with http_client(self.url) as http:
            room: str = (await http.get("/demo/show")).json()["room"]
            return room

    async def token(self, user: str) -> str:
        async with http_client(self.url) as http:
            token: str = (await http.post("/demo/login", json={"user": user})).json()["token"]
            return token


@asynccontextmanager
async def gateway(folder: Path) -> AsyncIterator[Gateway]:
    running = Gateway(folder)
    await running.start()
    try:
        yield running
    finally:
        assert running.process is not None
        if running.process.poll() is None:
            running.process.kill()
            running.process.communicate()


async def announced(fan: RawSocket) -> None:
    """Wait until a socket that somebody else listens to has heard that the gateway goes down."""
    async with asyncio.timeout(START_SECONDS):
        while "draining" not in fan.events():
            await asyncio.sleep(0.01)


async def knock(url: str, room: str, token: str) -> Any:
    """What a newcomer is refused with."""
    async with raw_socket(url) as late:
        refused = await late.connect(token=token, room=room)
        assert refused.kind == CONNECT_ERROR
        return refused.data["data"]


async def test_sigterm_tells_everybody_sends_them_away_in_turn_and_exits_well(tmp_path: Path) -> None:
    async with gateway(tmp_path) as house, AsyncExitStack() as sockets:
        room = await house.room()
        late_token = await house.token("late")
        fans: list[RawSocket] = []
        for number, (codec, transport) in enumerate(WIRES * 2):
            fan = await sockets.enter_async_context(raw_socket(house.url, codec=codec, transport=transport))
            await fan.enter(token=await house.token(f"fan-{number}"), room=room)
            fans.append(fan)

        async def end(fan: RawSocket) -> tuple[float, Closed]:
            closed = await fan.until_end()
            return time.monotonic(), closed

        async with asyncio.TaskGroup() as listening:  # polling has a request out, as every client has
            ending = [listening.create_task(end(fan)) for fan in fans]
            house.signal()
            await announced(fans[0])
            async with http_client(house.url) as http:
                ready = await http.get("/readyz")
                assert (ready.status_code, ready.json()["reasons"]) == (503, ["draining"])
                assert (await http.get("/livez")).status_code == 200
            late = await knock(house.url, room, late_token)
            assert (late["code"], late["retryable"]) == ("BUSY", True)
            assert late["retry_after_ms"] > 0
        # everybody is told when to come back, each at another moment, so that no storm hits the next gateway
        waits = [(await fan.event("draining"))["reconnect_after_ms"] for fan in fans]
        assert all(0 < wait <= DRAIN_SECONDS * 1000 for wait in waits)
        assert len(set(waits)) > len(waits) / 2
        for fan, wait, task in zip(fans, waits, ending, strict=True):
            farewell = fan.heard[-1]
            assert farewell.event == "bye", fan.events()
            assert farewell.data[1] == {"code": "DRAINING", "retryable": True, "retry_after_ms": wait}
            if isinstance(fan.transport, WebSocket):
                assert task.result()[1] == Closed(1000, "DRAINING")
        moments = sorted(task.result()[0] for task in ending)
        assert moments[-1] - moments[0] > DRAIN_SECONDS / 3, "closed in slices, not at once"
        status, said = await house.ended()
        assert status == 0
        assert "Traceback" not in said


async def test_a_second_signal_hurries_and_still_says_goodbye(tmp_path: Path) -> None:
    async with gateway(tmp_path) as house, raw_socket(house.url) as one, raw_socket(house.url) as other:
        room = await house.room()
        for number, fan in enumerate((one, other)):
            await fan.enter(token=await house.token(f"fan-{number}"), room=room)
        house.signal(signal.SIGINT)
        await one.event("draining")
        house.signal()
        for fan in (one, other):
            assert (await fan.until_end()).reason == "DRAINING"
            assert fan.heard[-1].event == "bye"
        assert (await house.ended())[0] == 0


@pytest.mark.parametrize("transport", ["websocket", "polling"])
async def test_an_official_client_comes_back_by_itself_to_the_next_gateway(tmp_path: Path, transport: str) -> None:
    async with gateway(tmp_path) as house:
        token, room = await house.token("fan"), await house.room()
        welcomes: asyncio.Queue[Any] = asyncio.Queue()
        farewells: list[Any] = []
        http = aiohttp.ClientSession()  # the client leaves one behind for each try of its own
        fan = socketio.AsyncClient(
            reconnection=True, reconnection_delay=0.1, reconnection_delay_max=0.2, http_session=http
        )
        fan.on("welcome", welcomes.put_nowait, namespace="/live")
        fan.on("bye", farewells.append, namespace="/live")
        await fan.connect(house.url, namespaces=["/live"], transports=[transport], auth={"token": token, "room": room})
        try:
            before = await asyncio.wait_for(welcomes.get(), START_SECONDS)
            house.signal()
            assert (await house.ended())[0] == 0
            await house.start()
            after = await asyncio.wait_for(welcomes.get(), START_SECONDS)
        finally:
            await fan.disconnect()
            await http.close()
        assert [bye["code"] for bye in farewells] == ["DRAINING"]
        assert after["room"]["id"] == before["room"]["id"] == room
        house.signal()
        assert (await house.ended())[0] == 0


async def test_without_anybody_inside_it_ends_at_once(tmp_path: Path) -> None:
    async with gateway(tmp_path) as house:
        house.signal()
        signalled = time.monotonic()
        assert (await house.ended())[0] == 0
        assert time.monotonic() - signalled < 5
