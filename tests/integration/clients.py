"""The official Python client, with what it hears kept in order."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
import socketio
import socketio.exceptions
from socketio.msgpack_packet import MsgPackPacket

DEADLINE_SECONDS = 10.0


class Client:
    """One socket of a namespace. Every event it hears is kept with the time of its arrival."""

    def __init__(self, url: str, namespace: str, codec: str, transports: list[str]) -> None:
        self._url = url
        self._namespace = namespace
        self._path = "socket.io" if codec == "json" else "socket.io-msgpack"
        self._transports = transports
        self._http = aiohttp.ClientSession()  # left to itself, a client that is cut off loses one that it never closes
        self.sio = socketio.AsyncClient(
            reconnection=False, serializer="default" if codec == "json" else MsgPackPacket, http_session=self._http
        )
        self.heard: list[tuple[str, Any]] = []
        self.refusal: Any = None
        self.disconnected = asyncio.Event()
        self._news = asyncio.Event()
        self.sio.on("*", self._event, namespace=namespace)
        self.sio.on("connect_error", self._refused, namespace=namespace)
        self.sio.on("disconnect", self._gone, namespace=namespace)

    async def connect(self, **auth: str) -> None:
        """Connect with these fields of `auth`; raises ConnectionError when refused (see `refusal`)."""
        await self.sio.connect(
            self._url,
            namespaces=[self._namespace],
            transports=self._transports,
            socketio_path=self._path,
            auth=auth,
            wait_timeout=5,
        )

    async def send(self, event: str, payload: Any = None) -> dict[str, Any]:
        """An event and its ack."""
        answer: dict[str, Any] = await self.sio.call(event, payload, namespace=self._namespace, timeout=5)
        return answer

    async def refused(self, **auth: str) -> Any:
        """The data of the refusal, which is all that is heard."""
        with pytest.raises(socketio.exceptions.ConnectionError):
            await self.connect(**auth)
        assert self.heard == []
        assert self.refusal["message"] == self.refusal["data"]["code"]
        return self.refusal["data"]

    def mark(self) -> int:
        """Now, as a place in what is heard."""
        return len(self.heard)

    async def wait(
        self,
        event: str,
        matches: Callable[[Any], bool] = lambda _: True,
        *,
        since: int = 0,
        seconds: float = DEADLINE_SECONDS,
    ) -> Any:
        """The first event of this name that matches, heard already (since a mark) or to come."""
        deadline = time.monotonic() + seconds
        while True:
            for name, data in self.heard[since:]:
                if name == event and matches(data):
                    return data
            self._news.clear()
            left = deadline - time.monotonic()
            if left <= 0:
                raise AssertionError(f"no {event} within {seconds} s; heard {[name for name, _ in self.heard]}")
            try:
                async with asyncio.timeout(left):
                    await self._news.wait()
            except TimeoutError:
                continue

    async def gone(self, *, seconds: float = DEADLINE_SECONDS) -> None:
        """Wait for the end of the socket, whoever ended it."""
        async with asyncio.timeout(seconds):
            await self.disconnected.wait()

    def all(self, event: str, *, since: int = 0) -> list[Any]:
        """Everything heard under a name (since a mark), in order."""
        return [data for name, data in self.heard[since:] if name == event]

    async def close(self) -> None:
        """Leave."""
        await self.sio.disconnect()
        loops = [task for task in (self.sio.eio.read_loop_task, self.sio.eio.write_loop_task) if task is not None]
        if loops:  # whichever still speaks would open a session of its own
            await asyncio.wait(loops, timeout=DEADLINE_SECONDS)
        await self._http.close()

    def _event(self, event: str, data: Any = None) -> None:
        self.heard.append((event, data))
        self._news.set()

    def _refused(self, data: Any) -> None:
        self.refusal = data

    def _gone(self, *_: Any) -> None:
        self.disconnected.set()
        self._news.set()


@asynccontextmanager
async def client(
    url: str, namespace: str = "/live", *, codec: str = "json", transport: str = "websocket"
) -> AsyncIterator[Client]:
    """A client that is closed at the end. `transport`: websocket, polling or upgrade."""
    transports = ["polling", "websocket"] if transport == "upgrade" else [transport]
    made = Client(url, namespace, codec, transports)
    try:
        yield made
    finally:
        await made.close()


@asynccontextmanager
async def connected(
    url: str, namespace: str = "/live", *, codec: str = "json", transport: str = "websocket", **auth: str
) -> AsyncIterator[Client]:
    """A client that is welcome, or ConnectionError."""
    async with client(url, namespace, codec=codec, transport=transport) as made:
        await made.connect(**auth)
        await made.wait("welcome")
        yield made
