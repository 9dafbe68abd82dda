"""`liveroom serve --workers N` with its Redis, and a crowd of official JavaScript clients before it."""

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any

import httpx2

from gateway.setup.settings import Mode, Settings
from tests.integration.running import Liveroom
from tests.ports import free_port
from tests.redis_server import RedisServer

START_SECONDS = 60.0
DEADLINE_SECONDS = 20.0
DRAIN_SECONDS = 1.0
CROWD = Path(__file__).parents[1] / "clients" / "crowd.mjs"
LINE_BYTES = 2**22
LONG_POLL_SECONDS = 30.0


class Node:
    """The processes of one `serve`, and the house they are."""

    def __init__(self, house: Liveroom, process: subprocess.Popen[str], folder: Path) -> None:
        self.house = house
        self.process = process
        self.folder = folder
        """Where the workers' Unix sockets are made."""

    @property
    def url(self) -> str:
        return self.house.url

    def workers(self) -> dict[int, int]:
        """Process ids by number."""
        return workers_of(self.process.pid)

    async def metrics(self) -> dict[str, float]:
        """Every sample by its name and labels, asked on a connection of its own."""
        async with httpx2.AsyncClient(base_url=self.url, trust_env=False) as http:
            answer = await http.get("/metrics")
        lines = [line for line in answer.text.splitlines() if not line.startswith("#")]
        return {name: float(value) for name, value in (line.rsplit(" ", 1) for line in lines)}

    async def serving(self, count: int) -> None:
        """Wait until so many workers serve, and no other is left."""
        await until(lambda: len(self.workers()) == count, f"{count} workers")
        async with asyncio.timeout(START_SECONDS):
            while [value for name, value in (await self.metrics()).items() if "worker_up" in name] != [1.0] * count:
                await asyncio.sleep(0.05)

    def signal(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    async def ended(self) -> tuple[int, str]:
        """Status, and what all its processes said on stderr."""
        _, said = await asyncio.to_thread(self.process.communicate, timeout=START_SECONDS)
        return self.process.returncode, said


@asynccontextmanager
async def node(folder: Path, workers: int = 3, **settings: object) -> AsyncIterator[Node]:
    """All workers serve when the block begins."""
    with (
        closing(RedisServer()) as redis,
        tempfile.TemporaryDirectory(prefix="lr-") as sockets,
    ):
        redis.start()
        chosen: dict[str, object] = {
            "data_dir": str(folder),
            "port": free_port(),
            "sandbox_port": free_port(),
            "redis_url": redis.url,
            "workers": workers,
            "drain_seconds": DRAIN_SECONDS,
            "handshakes_per_minute": 1000,
            "danmaku_per_second": 1000,
            "danmaku_burst": 1000,
            **settings,
        }
        environment = {f"LIVEROOM_{name.upper()}": str(value) for name, value in {"mode": "test", **chosen}.items()}
        process = subprocess.Popen(  # noqa: ASYNC220 - it returns at once
            [sys.executable, "-m", "gateway.cli", "serve"],
            env={**os.environ, **environment, "TMPDIR": sockets},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        loaded = Settings.load(Mode.TEST, **chosen)
        async with httpx2.AsyncClient(base_url=loaded.own_url, trust_env=False, timeout=LONG_POLL_SECONDS) as http:
            running = Node(Liveroom(loaded, http, asyncio.Event()), process, Path(sockets))
            try:
                await _ready(running)
                await running.serving(workers)
                yield running
            finally:
                if process.poll() is None:
                    process.kill()  # the workers end by themselves
                    process.communicate()


async def _ready(running: Node) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            if (await running.house.http.get("/readyz")).status_code == 200:
                return
        except httpx2.HTTPError:
            assert running.process.poll() is None, running.process.communicate()
        assert time.monotonic() < deadline, "it did not start"
        await asyncio.sleep(0.05)


class Crowd:
    """tests/clients/crowd.mjs; `heard` is what each fan did, as pairs."""

    def __init__(self, process: asyncio.subprocess.Process, size: int) -> None:
        assert process.stdout is not None
        assert process.stdin is not None
        self._lines, self._input = process.stdout, process.stdin
        self.heard: list[list[tuple[str, Any]]] = [[] for _ in range(size)]

    async def reads(self, holds: Callable[[], bool], *, seconds: float = DEADLINE_SECONDS) -> None:
        """Take events in until this holds."""
        try:
            async with asyncio.timeout(seconds):
                while not holds():
                    line = await self._lines.readline()
                    assert line, "the clients ended"
                    told = json.loads(line)
                    self.heard[told["fan"]].append((told["event"], told.get("data")))
        except TimeoutError:
            raise AssertionError([[event for event, _ in each] for each in self.heard]) from None

    async def all_hear(self, event: str, *, times: int = 1) -> None:
        """Wait until every fan has heard an event so often."""
        await self.reads(lambda: all(len(self.all(fan, event)) >= times for fan in range(len(self.heard))))

    def all(self, fan: int, event: str) -> list[Any]:
        """What a fan heard under a name."""
        return [data for name, data in self.heard[fan] if name == event]

    def owner(self, fan: int) -> int:
        """The worker of a fan's present session."""
        found = re.fullmatch(r"[a-z0-9]{1,16}\.(\d+)\..+", self.all(fan, "connect")[-1]["session"])
        assert found is not None
        return int(found[1])

    def transport(self, fan: int) -> str:
        """What carries a fan's present session."""
        upgrades = self.all(fan, "upgrade")
        found: str = upgrades[-1] if upgrades else self.all(fan, "connect")[-1]["transport"]
        return found

    def say(self, fan: int, event: str, payload: object) -> None:
        self._input.write(f"{json.dumps({'fan': fan, 'event': event, 'payload': payload})}\n".encode())


@asynccontextmanager
async def crowd(url: str, tokens: list[str], *arguments: str) -> AsyncIterator[Crowd]:
    """Fans who are welcome when the block begins."""
    process = await asyncio.create_subprocess_exec(
        *("node", str(CROWD), url, *arguments),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=LINE_BYTES,
    )
    assert process.stdin is not None
    try:
        process.stdin.write(f"{json.dumps(tokens)}\n".encode())
        fans = Crowd(process, len(tokens))
        await fans.all_hear("welcome")
        yield fans
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def until(holds: Callable[[], bool], what: str) -> None:
    """Poll a condition with a deadline."""
    deadline = time.monotonic() + START_SECONDS
    while not holds():
        assert time.monotonic() < deadline, f"waited in vain for {what}"
        await asyncio.sleep(0.02)


def workers_of(supervisor: int) -> dict[int, int]:
    """Process ids of its workers by number."""
    children = Path(f"/proc/{supervisor}/task/{supervisor}/children").read_text("ascii").split()
    found = {}
    for child in map(int, children):
        command = Path(f"/proc/{child}/cmdline").read_bytes().split(b"\0")
        if b"gateway.house" in command:
            found[int(command[command.index(b"gateway.house") + 1])] = child
    return found
