"""Counts files, functions and calls of four journeys: `python scripts/journeys.py [--files] [JOURNEY ...]`."""

import argparse
import asyncio
import contextlib
import dis
import json
import socket
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import httpx2  # noqa: E402 - the checkout comes first on the path
import websockets  # noqa: E402

from auth.tokens import mint  # noqa: E402
from gateway.demo.processes import sandbox  # noqa: E402
from gateway.house.server import serve  # noqa: E402
from gateway.setup import clock  # noqa: E402
from gateway.setup.settings import Mode, Settings  # noqa: E402

OURS = tuple(str(ROOT / folder) + "/" for folder in ("gateway", "rooms", "presale", "auth", "pubsub", "store"))
TIMES = 5
WAIT_SECONDS = 10.0


@dataclass
class Passed:
    """What one journey has entered."""

    files: dict[str, None] = field(default_factory=dict)
    """In the order in which they are entered."""
    functions: set[tuple[str, int]] = field(default_factory=set)
    calls: int = 0
    borders: Counter[tuple[str, str]] = field(default_factory=Counter)
    """Calls from one file into another; the caller is the nearest function of ours on the stack."""
    depth: int = 0
    """The greatest number of our functions on the stack."""

    def __call__(self, frame: FrameType, event: str, _argument: object) -> None:
        """As a profile function."""
        code = frame.f_code
        if event != "call" or not code.co_filename.startswith(OURS) or _goes_on(frame):
            return
        self.calls += 1
        self.files.setdefault(code.co_filename)
        self.functions.add((code.co_filename, code.co_firstlineno))
        depth, caller, above = 1, "", frame.f_back
        while above is not None:
            name = above.f_code.co_filename
            if name.startswith(OURS):
                depth += 1
                caller = caller or name
            above = above.f_back
        self.depth = max(self.depth, depth)
        if caller not in ("", code.co_filename):
            self.borders[caller, f"{code.co_filename}:{code.co_qualname}"] += 1


def _goes_on(frame: FrameType) -> bool:
    """Whether a coroutine or generator is entered again: the operand of RESUME says what it comes back from."""
    code, at = frame.f_code.co_code, max(frame.f_lasti, 0)
    return dis.opname[code[at]] == "RESUME" and bool(code[at + 1] & 3)


class Fan:
    """One socket, by the bytes of Socket.IO."""

    def __init__(self, wire: websockets.ClientConnection) -> None:
        self._wire = wire
        self._acks = 0

    async def enter(self, token: str, room: str, namespace: str = "/live") -> None:
        """Be welcome."""
        await self._wire.send(f"40{namespace}," + json.dumps({"token": token, "room": room}))
        await self.hears("welcome")

    async def say(self, event: str, payload: object, namespace: str = "/live") -> None:
        """Send an event that asks for an ack."""
        self._acks += 1
        await self._wire.send(f"42{namespace},{self._acks}" + json.dumps([event, payload]))

    async def hears(self, event: str, matches: Callable[[Any], bool] = lambda _: True) -> Any:
        """The next event of this name that matches."""
        async with asyncio.timeout(WAIT_SECONDS):
            while True:
                packet = str(await self._wire.recv())
                if packet == "2":
                    await self._wire.send("3")
                elif packet.startswith("44"):
                    raise SystemExit(f"refused: {packet}")
                elif packet.startswith("42"):
                    name, payload = json.loads(packet[packet.index("[") :])
                    if name == event and matches(payload):
                        return payload


class Stage:
    """A show that is live, and whoever is needed."""

    def __init__(self, settings: Settings, http: httpx2.AsyncClient, stack: contextlib.AsyncExitStack) -> None:
        self._settings, self.http, self._stack = settings, http, stack
        self.show, self.room, self.product = "", "", ""
        self._number = 0

    def token(self, user: str) -> str:
        """As the platform mints it."""
        settings = self._settings
        names = settings.jwt_issuer, settings.jwt_audience
        return mint(settings.jwt_secrets[0], user, user, *names, clock.now_ms(), 3_600_000, clock.new_id())

    async def open(self) -> None:
        """The demo's show, moved to its live phase by a host."""
        found = (await self.http.get("/demo/show")).json()
        self.show, self.room = found["show"], found["room"]
        self.product = next(product["id"] for product in found["products"] if product["tier"] == "main")
        await self.http.post("/demo/login", json={"user": "host", "role": "host"})

    async def live(self) -> None:
        """Open the doors and begin."""
        host = await self.fan()
        await host.enter(self.token("host"), self.room, "/console")
        for phase in ("doors", "live"):
            await host.say("show:phase", {"phase": phase}, "/console")
            await host.hears("room", partial(_is_in, phase))

    async def fan(self) -> Fan:
        """A transport without anybody on it yet."""
        url = f"ws://127.0.0.1:{self._settings.port}/socket.io/?EIO=4&transport=websocket"
        wire = await self._stack.enter_async_context(websockets.connect(url, compression=None))
        await wire.recv()
        return Fan(wire)

    async def order(self, user: str) -> str:
        """Place an order and pay it; its number."""
        self._number += 1
        bearer = {"authorization": f"Bearer {self.token(user)}", "idempotency-key": f"journey-{self._number}"}
        body = {"show": self.show, "items": [{"product": self.product}], "provider": "sandbox"}
        placed = (await self.http.post("/api/v1/orders", headers=bearer, json=body)).json()
        await self.http.post(placed["pay_url"], data={"action": "pay"})
        return str(placed["order"])

    async def refund(self, user: str, order: str) -> None:
        """Ask for the money back."""
        bearer = {"authorization": f"Bearer {self.token(user)}"}
        path = f"/api/v1/orders/{order}/refunds"
        (await self.http.post(path, headers=bearer, json={"reason": "journey"})).raise_for_status()


async def counted(journey: Callable[[], Awaitable[None]]) -> Passed:
    """What a journey enters."""
    passed = Passed()
    await asyncio.sleep(0.3)
    sys.setprofile(passed)
    try:
        await journey()
    finally:
        sys.setprofile(None)
    return passed


async def order(stage: Stage, number: int) -> Passed:
    """From the cart to the socket that is promoted."""
    fan = await stage.fan()
    await fan.enter(stage.token(f"buyer-{number}"), stage.room)

    async def journey() -> None:
        await stage.order(f"buyer-{number}")
        await fan.hears("tier", lambda told: told["tier"] == "main")

    return await counted(journey)


async def refund(stage: Stage, number: int) -> Passed:
    """From the request to the order that says so; the seat stands in the foyer meanwhile."""
    fan = await stage.fan()
    await fan.enter(stage.token(f"leaver-{number}"), stage.room)
    bought = await stage.order(f"leaver-{number}")
    await fan.hears("tier", lambda told: told["tier"] == "main")

    async def journey() -> None:
        await stage.refund(f"leaver-{number}", bought)
        await fan.hears("order", lambda told: told["state"] == "refunded")

    return await counted(journey)


async def connect(stage: Stage, number: int) -> Passed:
    """A ticket holder comes to a room that is open."""
    fan = await stage.fan()
    return await counted(lambda: fan.enter(stage.token(f"buyer-{number}"), stage.room))


async def danmaku(stage: Stage, number: int) -> Passed:
    """One speaks, two others read."""
    fans = [await stage.fan() for _ in range(3)]
    for place, fan in enumerate(fans):
        await fan.enter(stage.token(f"buyer-{(number + place) % TIMES}"), stage.room)

    async def journey() -> None:
        await fans[0].say("danmaku", {"text": f"journey {number}"})
        await asyncio.gather(*(fan.hears("danmaku") for fan in fans[1:]))

    return await counted(journey)


JOURNEYS = {"order": order, "refund": refund, "connect": connect, "danmaku": danmaku}
"""In an order in which each finds what it needs: buyers first."""


def _is_in(phase: str, room: Any) -> bool:
    return bool(room["phase"] == phase)


@contextlib.asynccontextmanager
async def running() -> AsyncIterator[Stage]:
    """A gateway in this process, its provider as another one."""
    with tempfile.TemporaryDirectory(prefix="liveroom-journeys-") as folder:
        settings = Settings.load(
            Mode.TEST,
            data_dir=Path(folder),
            port=_free_port(),
            sandbox_port=_free_port(),
            drain_seconds=0.0,
            handshakes_per_minute=10_000,
        )
        stop, started = asyncio.Event(), asyncio.Event()
        async with (
            sandbox(settings),
            httpx2.AsyncClient(base_url=settings.local_url, trust_env=False, follow_redirects=False) as http,
            contextlib.AsyncExitStack() as stack,
        ):
            serving = asyncio.create_task(serve(settings, stop, started))
            await started.wait()
            stage = Stage(settings, http, stack)
            await stage.open()
            try:
                yield stage
            finally:
                await stack.aclose()
                stop.set()
                await serving


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


async def main(wanted: list[str], *, tells_files: bool, tells_borders: bool) -> None:
    """Count and tell."""
    began = time.monotonic()
    print("| journey | files | functions | calls | across files | deepest stack of ours |")
    print("| --- | ---: | ---: | ---: | ---: | ---: |")
    async with running() as stage:
        for name, journey in JOURNEYS.items():
            if name == "connect":
                await stage.live()
            found = [await journey(stage, number) for number in range(TIMES)]
            least = min(found, key=lambda passed: passed.calls)
            cells = len(least.files), len(least.functions), least.calls, least.borders.total(), least.depth
            if name in wanted:
                print(f"| {name} | {' | '.join(map(str, cells))} |", flush=True)
                if tells_files:
                    print("\n".join(f"    {Path(file).relative_to(ROOT)}" for file in least.files))
                if tells_borders:
                    for (caller, called), times in least.borders.most_common():
                        print(f"    {times:4} {Path(caller).relative_to(ROOT)} -> {Path(called).relative_to(ROOT)}")
    print(f"({time.monotonic() - began:.0f} s)", file=sys.stderr)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Files, functions and calls that four journeys pass.")
    parser.add_argument("journey", nargs="*", default=list(JOURNEYS), help="of these; all without one")
    parser.add_argument("--files", action="store_true", help="name the files, in the order in which they are met")
    parser.add_argument("--borders", action="store_true", help="name the calls across files, most frequent first")
    options = parser.parse_args()
    asyncio.run(main(options.journey, tells_files=options.files, tells_borders=options.borders))
