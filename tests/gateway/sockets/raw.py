"""A client that speaks Engine.IO and Socket.IO by hand, over WebSocket or polling, and hides nothing."""

import asyncio
import base64
import json
import re
from collections import deque
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any, Protocol

import httpx2
import msgpack
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

CONNECT, DISCONNECT, EVENT, ACK, CONNECT_ERROR = range(5)
DEADLINE_SECONDS = 5.0
PATHS = {"json": "/socket.io/", "msgpack": "/socket.io-msgpack/"}
_TEXT = re.compile(r"(\d)(?:(/[^,]*),)?(\d+)?(.*)", re.DOTALL)
_ABSENT = object()


@dataclass(frozen=True)
class Packet:
    """One Socket.IO packet as it came."""

    kind: int
    namespace: str
    data: Any = None
    ack_id: int | None = None

    @property
    def event(self) -> str | None:
        """The name of an event, None for any other packet."""
        return self.data[0] if self.kind == EVENT else None


@dataclass(frozen=True)
class Closed:
    """How a WebSocket ended; polling knows no code."""

    code: int | None = None
    reason: str = ""


class Transport(Protocol):
    """Carries Engine.IO packets: text with its type in front, or bytes."""

    async def send(self, frame: str | bytes) -> None: ...

    async def receive(self) -> str | bytes | Closed: ...


class WebSocket:
    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection

    async def send(self, frame: str | bytes) -> None:
        await self.connection.send(frame)

    async def receive(self) -> str | bytes | Closed:
        try:
            return await self.connection.recv()
        except ConnectionClosed as end:
            return Closed(None if end.rcvd is None else end.rcvd.code, "" if end.rcvd is None else end.rcvd.reason)


class Polling:
    """Long polling, one request at a time in each direction."""

    def __init__(self, http: httpx2.AsyncClient, path: str, opened: str) -> None:
        self.http = http
        self.path = path
        self.sid: str = json.loads(opened[1:])["sid"]
        self._waiting: deque[str] = deque()

    @property
    def query(self) -> dict[str, str]:
        return {"EIO": "4", "transport": "polling", "sid": self.sid}

    async def send(self, frame: str | bytes) -> None:
        body = frame if isinstance(frame, str) else "b" + base64.b64encode(frame).decode()
        await self.post(body)

    async def post(self, body: str | bytes) -> httpx2.Response:
        return await self.http.post(self.path, params=self.query, content=body)

    async def receive(self) -> str | bytes | Closed:
        if not self._waiting:
            answer = await self.http.get(self.path, params=self.query)
            if answer.status_code != 200:
                return Closed()
            self._waiting.extend(answer.text.split("\x1e"))
        frame = self._waiting.popleft()
        if frame in {"", "1"}:
            return Closed()
        return base64.b64decode(frame[1:]) if frame.startswith("b") else frame


class RawSocket:
    """Socket.IO packets over a transport. Everything heard is kept in `heard`."""

    def __init__(self, transport: Transport, codec: str) -> None:
        self.transport = transport
        self.codec = codec
        self.heard: list[Packet] = []
        self._ack_id = 1000  # tests that write frames by hand use small numbers

    # ---- saying ------------------------------------------------------------------------------------

    async def say(self, kind: int, namespace: str, data: object = _ABSENT, ack_id: int | None = None) -> None:
        """Send one packet; without `data` the field is missing."""
        if self.codec == "msgpack":
            fields: dict[str, object] = {"type": kind, "nsp": namespace}
            fields |= {} if data is _ABSENT else {"data": data}
            fields |= {} if ack_id is None else {"id": ack_id}
            await self.transport.send(msgpack.packb(fields))
        else:
            number = "" if ack_id is None else str(ack_id)
            body = "" if data is _ABSENT else json.dumps(data)
            await self.transport.send(f"4{kind}{namespace},{number}{body}")

    async def connect(self, namespace: str = "/live", **auth: str) -> Packet:
        """CONNECT with these fields of `auth`; the answer, whatever it is."""
        await self.say(CONNECT, namespace, auth)
        return await self.next()

    async def enter(self, namespace: str = "/live", **auth: str) -> dict[str, Any]:
        """CONNECT, be let in, and hear the welcome."""
        answer = await self.connect(namespace, **auth)
        assert answer.kind == CONNECT, answer
        first = await self.next()
        assert first.event == "welcome", first
        welcome: dict[str, Any] = first.data[1]
        return welcome

    async def emit(self, event: str, *payload: object, namespace: str = "/live") -> int:
        """An event that asks for an ack; answers the number of the ack."""
        self._ack_id += 1
        await self.say(EVENT, namespace, [event, *payload], self._ack_id)
        return self._ack_id

    async def ask(self, event: str, *payload: object, namespace: str = "/live") -> dict[str, Any]:
        """An event and its ack."""
        return await self.ack(await self.emit(event, *payload, namespace=namespace))

    # ---- hearing -----------------------------------------------------------------------------------

    async def next(self) -> Packet:
        """The next packet; an AssertionError when the transport ends instead."""
        packet = await self.next_or_end()
        assert isinstance(packet, Packet), packet
        return packet

    async def next_or_end(self) -> Packet | Closed:
        """The next packet, or how the transport ended. Heartbeats are answered and not told."""
        async with asyncio.timeout(DEADLINE_SECONDS):
            while True:
                frame = await self.transport.receive()
                if isinstance(frame, Closed):
                    return frame
                if frame == "2":
                    await self.transport.send("3")
                elif isinstance(frame, bytes) or frame[0] == "4":
                    packet = self._decoded(frame)
                    self.heard.append(packet)
                    return packet

    async def ack(self, ack_id: int) -> dict[str, Any]:
        """The ack of this number, heard already or to come."""
        packet = await self._find(lambda one: one.kind == ACK and one.ack_id == ack_id)
        answer: dict[str, Any] = packet.data[0]
        return answer

    async def event(self, name: str) -> Any:
        """The payload of the first event of this name, heard already or to come."""
        return (await self._find(lambda one: one.event == name)).data[1]

    async def until_end(self) -> Closed:
        """Hear everything there is; how the transport ended."""
        while True:
            packet = await self.next_or_end()
            if isinstance(packet, Closed):
                return packet

    def events(self) -> list[str]:
        """The names of all events heard, in order."""
        return [one.event for one in self.heard if one.event is not None]

    async def _find(self, matches: Any) -> Packet:
        for packet in self.heard:
            if matches(packet):
                return packet
        while True:
            packet = await self.next()
            if matches(packet):
                return packet

    def _decoded(self, frame: str | bytes) -> Packet:
        if isinstance(frame, bytes):
            assert self.codec == "msgpack", frame
            fields = msgpack.unpackb(frame)
            return Packet(fields["type"], fields["nsp"], fields.get("data"), fields.get("id"))
        found = _TEXT.fullmatch(frame[1:])
        assert found is not None, frame
        kind, namespace, number, body = found.groups()
        return Packet(
            int(kind), namespace or "/", json.loads(body) if body else None, int(number) if number is not None else None
        )


@asynccontextmanager
async def raw_socket(
    url: str,
    *,
    codec: str = "json",
    path_of: str | None = None,
    transport: str = "websocket",
    headers: Mapping[str, str] | None = None,
    source: str | None = None,
) -> AsyncIterator[RawSocket]:
    """An open transport that has not sent CONNECT, from the address `source`.

    `path_of` knocks at the path of another codec.
    """
    path = PATHS[path_of or codec]
    if transport == "polling":
        async with polling(url, path, headers=headers, source=source) as transport_:
            yield RawSocket(transport_, codec)
    else:
        async with websocket(url, path, headers=headers, source=source) as transport_:
            yield RawSocket(transport_, codec)


@asynccontextmanager
async def websocket(
    url: str,
    path: str = PATHS["json"],
    *,
    headers: Mapping[str, str] | None = None,
    source: str | None = None,
    compression: str | None = None,
) -> AsyncIterator[WebSocket]:
    """An open WebSocket after Engine.IO's OPEN; raises InvalidStatus where the handshake is refused."""
    address = f"{url.replace('http', 'ws', 1)}{path}?EIO=4&transport=websocket"
    local: dict[str, Any] = {} if source is None else {"local_addr": (source, 0)}
    async with connect(
        address, additional_headers=headers, compression=compression, proxy=None, close_timeout=1, **local
    ) as connection:
        opened = await asyncio.wait_for(connection.recv(), DEADLINE_SECONDS)
        assert isinstance(opened, str)
        assert opened[0] == "0", opened
        yield WebSocket(connection)


@asynccontextmanager
async def polling(
    url: str,
    path: str = PATHS["json"],
    *,
    headers: Mapping[str, str] | None = None,
    source: str | None = None,
) -> AsyncIterator[Polling]:
    """An open polling transport; AssertionError where the handshake is refused."""
    async with http_client(url, headers=headers, source=source) as http:
        answer = await http.get(path, params={"EIO": "4", "transport": "polling"})
        assert answer.status_code == 200, answer.text
        opened = Polling(http, path, answer.text.split("\x1e")[0])
        try:
            yield opened
        finally:
            with suppress(httpx2.HTTPError):  # the gateway may be gone
                await opened.post("1")


def http_client(url: str, *, headers: Mapping[str, str] | None = None, source: str | None = None) -> httpx2.AsyncClient:
    """An HTTP client of its own address."""
    transport = httpx2.AsyncHTTPTransport(local_address=source, trust_env=False)
    return httpx2.AsyncClient(base_url=url, headers=headers, transport=transport, timeout=DEADLINE_SECONDS)
