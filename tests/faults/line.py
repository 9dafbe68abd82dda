"""A socket that stays: the official client, tried at the other gateway where one does not answer, with its cursor."""

import asyncio
import itertools
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any, NamedTuple

import aiohttp
import socketio

PATIENCE_SECONDS = 3.0
"""For a gateway to let somebody in, and to answer a command."""
LOOK_SECONDS = 1.0
"""How often a fan who watches over the line asks whether it still lives."""
BETWEEN_SECONDS = 0.1
FINAL = frozenset({"TICKET_REQUIRED", "BALANCE_DUE", "FORBIDDEN", "BANNED", "TOKEN_INVALID", "ROOM_NOT_FOUND"})
"""Refusals that tell somebody that they have no right to be here."""

_TROUBLE = (TimeoutError, OSError, aiohttp.ClientError, socketio.exceptions.SocketIOError)


class Heard(NamedTuple):
    """An event, and when it came."""

    at: float
    event: str
    data: Any


class Refusal(NamedTuple):
    """What a fan was told who was not let in."""

    at: float
    code: str


class Socket:
    """One connection of the official client, which ends with `gone`."""

    def __init__(self, url: str, namespace: str, told: Callable[[str, Any], None]) -> None:
        self._url = url
        self._namespace = namespace
        self._told = told
        self._http = aiohttp.ClientSession()
        self.sio = socketio.AsyncClient(reconnection=False, http_session=self._http)
        self.refusal = ""
        self.welcomed = asyncio.Event()
        self.gone = asyncio.Event()
        self.sio.on("*", self._event, namespace=namespace)
        self.sio.on("connect_error", self._refused, namespace=namespace)
        self.sio.on("disconnect", self._ended, namespace=namespace)

    async def enter(self, auth: dict[str, str]) -> bool:
        """Whether it was welcome within the patience of a fan."""
        with suppress(*_TROUBLE):
            async with asyncio.timeout(PATIENCE_SECONDS):
                await self.sio.connect(
                    self._url,
                    namespaces=[self._namespace],
                    transports=["websocket"],
                    auth=auth,
                    wait_timeout=PATIENCE_SECONDS,
                )
                await self.welcomed.wait()
                return True
        return False

    async def ask(self, command: str, payload: Any, seconds: float = PATIENCE_SECONDS) -> dict[str, Any] | None:
        """The ack; None without one. The official client would wait on for that of a line that is gone."""
        asking = asyncio.ensure_future(self.sio.call(command, payload, namespace=self._namespace, timeout=seconds))
        ending = asyncio.ensure_future(self.gone.wait())
        try:
            await asyncio.wait({asking, ending}, return_when=asyncio.FIRST_COMPLETED)
            with suppress(*_TROUBLE):
                answer = asking.result() if asking.done() else None
                return answer if isinstance(answer, dict) else None
            return None
        finally:
            asking.cancel()
            ending.cancel()

    async def close(self) -> None:
        """Leave; a gateway that does not answer is not waited for."""
        with suppress(*_TROUBLE):
            async with asyncio.timeout(0.5):
                await self.sio.disconnect()
        self.gone.set()
        await self._http.close()

    def _event(self, event: str, data: Any = None) -> None:
        self._told(event, data)
        if event == "welcome":
            self.welcomed.set()

    def _refused(self, data: Any) -> None:
        if isinstance(data, dict) and isinstance(data.get("data"), dict):
            self.refusal = str(data["data"].get("code", ""))

    def _ended(self, *_: Any) -> None:
        self.gone.set()


class Line:
    """Somebody who is there, or tries to be, from `held` on to its end."""

    _numbers = itertools.count()

    def __init__(
        self,
        gateways: Sequence[str],
        token: str,
        room: str,
        *,
        first: int = 0,
        namespace: str = "/live",
        watches_over: bool = True,
    ) -> None:
        self._gateways = gateways
        self._auth = {"token": token, "room": room, "device": f"device-{next(self._numbers)}"}
        self._namespace = namespace
        self.watches_over = watches_over
        """Whether it leaves a gateway that does not answer; else it trusts the heartbeat, as stock clients do."""
        self.gateway = first
        self.socket: Socket | None = None
        self.heard: list[Heard] = []
        self.arrivals: list[float] = []
        """When it was welcome after having been away."""
        self.losses: list[float] = []
        """Until when the line was known to be alive, for each that was lost."""
        self.refusals: list[Refusal] = []
        self.cursor = ""
        self._alive = 0.0
        self._closing: list[asyncio.Task[None]] = []

    @asynccontextmanager
    async def held(self) -> AsyncIterator["Line"]:
        """It is there in here, as far as the house lets it."""
        task = asyncio.create_task(self._run())
        try:
            yield self
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            await asyncio.gather(*self._closing, return_exceptions=True)

    async def ask(self, command: str, payload: Any = None, seconds: float = PATIENCE_SECONDS) -> dict[str, Any] | None:
        """The ack of a command; None without one, or while there is no line."""
        socket = self.socket
        return await socket.ask(command, payload, seconds) if socket is not None else None

    def of(self, event: str) -> list[Heard]:
        """What was heard under a name."""
        return [heard for heard in self.heard if heard.event == event]

    def ids(self, event: str) -> list[str]:
        """Of the items of a history event, told live or as missed, in the order in which they came."""
        found: list[str] = []
        for heard in self.heard:
            if heard.event == "welcome":
                told = [one["data"]["items"] for one in heard.data["missed"] if one["event"] == event]
            else:
                told = [heard.data["items"]] if heard.event == event else []
            found += (item["id"] for items in told for item in items)
        return found

    def absences(self, until: float) -> list[tuple[float, float]]:
        """(from, to) of all times without a line, since it was first welcome."""
        return list(itertools.zip_longest(self.losses, self.arrivals[1:], fillvalue=until))

    async def _run(self) -> None:
        while True:
            socket = Socket(self._gateways[self.gateway], self._namespace, self._told)
            try:
                if await socket.enter({**self._auth, **({"cursor": self.cursor} if self.cursor else {})}):
                    await self._stay(socket)
                elif socket.refusal:
                    self.refusals.append(Refusal(time.monotonic(), socket.refusal))
            finally:
                self.socket = None
                self._closing.append(asyncio.create_task(socket.close()))
            self.gateway = (self.gateway + 1) % len(self._gateways)
            await asyncio.sleep(BETWEEN_SECONDS)

    async def _stay(self, socket: Socket) -> None:
        self.socket, self._alive = socket, time.monotonic()
        self.arrivals.append(self._alive)
        try:
            while await self._is_alive(socket):
                self._alive = time.monotonic()
        finally:
            self.losses.append(self._alive)

    async def _is_alive(self, socket: Socket) -> bool:
        """Look after a while; the end of the socket is known at once."""
        with suppress(TimeoutError):
            async with asyncio.timeout(LOOK_SECONDS):
                await socket.gone.wait()
                self._alive = time.monotonic()
                return False
        return await socket.ask("clock", {"t0": 0}) is not None or not self.watches_over

    def _told(self, event: str, data: Any) -> None:
        self.heard.append(Heard(time.monotonic(), event, data))
        if isinstance(data, dict):
            self.cursor = data.get("cursor") or self.cursor
