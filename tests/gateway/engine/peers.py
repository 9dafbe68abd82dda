"""Peers that speak Engine.IO by hand and take nothing for granted."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx2
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

DEADLINE_SECONDS = 3.0
SEPARATOR = "\x1e"


class Poller:
    """One polling session. Requests are made as they are asked for, and nothing answers a ping."""

    def __init__(self, http: httpx2.AsyncClient, path: str, opened: str) -> None:
        self.http = http
        self.path = path
        self.open: dict[str, Any] = json.loads(opened[1:])
        self.sid: str = self.open["sid"]
        self.query = {"EIO": "4", "transport": "polling", "sid": self.sid}
        self._saying = asyncio.Lock()

    async def poll(self) -> httpx2.Response:
        """What a GET is answered."""
        return await self.http.get(self.path, params=self.query)

    async def post(self, body: str | bytes) -> httpx2.Response:
        """What a POST is answered."""
        return await self.http.post(self.path, params=self.query, content=body)

    async def hear(self) -> list[str]:
        """The packets of one poll that succeeds, pings answered and left out."""
        while True:
            answer = await self.poll()
            assert answer.status_code == 200, answer.text
            packets: list[str] = answer.text.split(SEPARATOR)
            if "2" in packets:
                await self.say("3")
                packets = [packet for packet in packets if packet != "2"]
            if packets:
                return packets

    async def say(self, *packets: str) -> None:
        """A POST that succeeds, one at a time."""
        async with self._saying:
            answer = await self.post(SEPARATOR.join(packets))
        assert (answer.status_code, answer.text) == (200, "ok")

    async def hear_all(self, count: int) -> list[str]:
        """So many packets, over as many polls as it takes."""
        heard: list[str] = []
        while len(heard) < count:
            heard += await self.hear()
        return heard


class Line:
    """One WebSocket."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection

    async def say(self, *frames: str | bytes) -> None:
        """Each in a frame of its own."""
        for frame in frames:
            await self.connection.send(frame)

    async def next(self) -> str | bytes:
        """The next frame, whatever it is; ConnectionClosed at the end."""
        async with asyncio.timeout(DEADLINE_SECONDS):
            return await self.connection.recv()

    async def hear(self) -> str | bytes:
        """The next frame that is no ping; pings are answered."""
        while True:
            frame = await self.next()
            if frame != "2":
                return frame
            await self.say("3")

    async def hear_all(self, count: int) -> list[str | bytes]:
        """So many frames."""
        return [await self.hear() for _ in range(count)]

    async def until_closed(self, *, answer_pings: bool = True) -> list[str | bytes]:
        """Everything that is heard before the server closes; TimeoutError where it does not."""
        heard: list[str | bytes] = []
        async with asyncio.timeout(DEADLINE_SECONDS):
            while True:
                try:
                    frame = await self.connection.recv()
                    if frame == "2" and answer_pings:
                        await self.say("3")
                    else:
                        heard.append(frame)
                except ConnectionClosed:
                    return heard


def client(url: str) -> httpx2.AsyncClient:
    """An HTTP client that no proxy comes between."""
    return httpx2.AsyncClient(base_url=url, trust_env=False, timeout=DEADLINE_SECONDS)


@asynccontextmanager
async def poller(url: str, path: str) -> AsyncIterator[Poller]:
    """A polling session, closed at the end where it still lives."""
    async with client(url) as http:
        answer = await http.get(path, params={"EIO": "4", "transport": "polling"})
        assert answer.status_code == 200, answer.text
        assert answer.text[0] == "0", answer.text
        session = Poller(http, path, answer.text)
        yield session
        await session.post("1")


@asynccontextmanager
async def dialled(url: str, path: str, query: str) -> AsyncIterator[Line]:
    """A WebSocket of which nothing was heard; InvalidStatus where it is refused."""
    address = f"{url.replace('http', 'ws', 1)}{path}?{query}"
    async with connect(address, compression=None, proxy=None, close_timeout=1, ping_interval=None) as connection:
        yield Line(connection)


@asynccontextmanager
async def line(url: str, path: str) -> AsyncIterator[Line]:
    """A session that began as a WebSocket, its OPEN read."""
    async with dialled(url, path, "EIO=4&transport=websocket") as opened:
        first = await opened.next()
        assert isinstance(first, str)
        assert first[0] == "0", first
        yield opened


@asynccontextmanager
async def probed(url: str, session: Poller) -> AsyncIterator[Line]:
    """A WebSocket beside a polling session, its probe answered and nothing upgraded yet."""
    async with dialled(url, session.path, f"EIO=4&transport=websocket&sid={session.sid}") as opened:
        await opened.say("2probe")
        assert await opened.next() == "3probe"
        yield opened
