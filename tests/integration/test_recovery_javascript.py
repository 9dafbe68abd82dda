"""The official JavaScript client comes back by itself, with a function-valued `auth` that sends the last cursor."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.integration.evening import evening
from tests.integration.running import Liveroom
from tests.integration.test_recovery import busy_minutes, heard_by, history, say, things
from tests.integration.wire import wire

pytestmark = pytest.mark.asyncio(loop_scope="package")

FAN = Path(__file__).parents[1] / "clients" / "fan.mjs"
LINE_BYTES = 2**22
DEADLINE_SECONDS = 15.0


class JavaScriptFan:
    """tests/clients/fan.mjs; `heard` is what it printed, as pairs like those of the Python client."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None
        self._lines = process.stdout
        self.heard: list[tuple[str, Any]] = []

    async def reads(self, holds: Callable[[], bool]) -> None:
        """Take events in until this holds."""
        async with asyncio.timeout(DEADLINE_SECONDS):
            while not holds():
                line = await self._lines.readline()
                assert line, f"the client ended; heard {[event for event, _ in self.heard]}"
                told = json.loads(line)
                self.heard.append((told["event"], told.get("data")))

    async def hears(self, event: str, *, times: int = 1) -> Any:
        """The so-many-th event of a name."""
        await self.reads(lambda: len(self.all(event)) >= times)
        return self.all(event)[times - 1]

    def all(self, event: str) -> list[Any]:
        """Everything heard under a name."""
        return [data for name, data in self.heard if name == event]


@asynccontextmanager
async def javascript_fan(url: str, token: str, *arguments: str) -> AsyncIterator[JavaScriptFan]:
    """A running client; it leaves by itself when its input ends."""
    process = await asyncio.create_subprocess_exec(
        "node",
        str(FAN),
        url,
        *arguments,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=LINE_BYTES,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        process.stdin.write(f"{token}\n".encode())
        yield JavaScriptFan(process)
        process.stdin.close()
        async with asyncio.timeout(DEADLINE_SECONDS):
            await process.stdout.read()
            assert await process.wait() == 0
    finally:
        if process.returncode is None:
            process.kill()
            await process.communicate()


@pytest.mark.parametrize(
    ("codec", "transport"),
    [("json", "websocket"), ("msgpack", "websocket"), ("json", "polling"), ("msgpack", "upgrade")],
)
async def test_the_official_client_comes_back_by_itself_and_has_missed_nothing(
    house: Liveroom, codec: str, transport: str
) -> None:
    async with evening(house) as show, wire(house.url) as line:
        stayed, token = await show.fan("li"), show.token("mei")
        await show.ticket("mei")
        since = stayed.mark()
        arguments = ("--room", show.room, "--codec", codec, "--transport", transport)
        async with javascript_fan(line.url, token, *arguments) as fan:
            assert (await fan.hears("welcome"))["recovered"] is False
            [last] = await say(stayed, "before the tunnel")
            assert (await fan.hears("danmaku"))["items"][0]["id"] == last
            await line.cut()
            await fan.hears("disconnect")
            await busy_minutes(show, stayed)
            line.mend()
            welcome = await fan.hears("welcome", times=2)
            assert (welcome["recovered"], welcome["danmaku_truncated"]) == (True, False)
            assert len(welcome["missed"]) == 67
            [final] = await say(stayed, "after the tunnel")
            await fan.reads(lambda: any(data["items"][0]["id"] == final for data in fan.all("danmaku")))
            assert fan.all("connect_error") != []
            assert all("data" not in error for error in fan.all("connect_error"))  # the wire, never a refusal
            assert fan.all("bye") == []
            assert things(history(fan)) == things(await heard_by(stayed, 69, since=since))
