"""What our HTTP connections take a stream of bytes for, and what another reader takes it for."""

import asyncio
from dataclasses import dataclass, field
from typing import Any

import h11
import uvicorn
from uvicorn.server import ServerState

from gateway.engine.engine import Engine
from gateway.engine.http import http_protocol
from tests.fuzz.wire import Wire

HEAD_END = b"\r\n\r\n"
ANSWER = b"{}"


AFTER = b"GET /after HTTP/1.1\r\nhost: a\r\n\r\n"
_UPGRADES = (
    b"",
    b"connection: upgrade, http2-settings\r\nupgrade: h2c\r\nhttp2-settings: AAMAAABkAAQA\r\n",
    b"connection: upgrade\r\nupgrade: websocket\r\n",
    b"connection: close\r\n",
    b"expect: 100-continue\r\n",
)
_FRAMES = (
    (b"content-length: 33\r\n", AFTER),
    (b"content-length: 5\r\n", b"hello"),
    (b"content-length: 5\r\ncontent-length: 6\r\n", b"hello!"),
    (b"content-length: 0\r\n", b""),
    (b"transfer-encoding: chunked\r\n", b"5\r\nhello\r\n0\r\n\r\n"),
    (b"transfer-encoding: chunked\r\n", b"21;a=b\r\n" + AFTER + b"\r\n0\r\nx-a: b\r\n\r\n"),
    (b"transfer-encoding: gzip, chunked\r\n", b"5\r\nhello\r\n0\r\n\r\n"),
    (b"content-length: 5\r\ntransfer-encoding: chunked\r\n", b"0\r\n\r\n" + AFTER),
    (b"content-length:\r\n 5\r\n", b"hello"),
    (b"content-length : 5\r\n", b"hello"),
)
STREAMS = tuple(
    method + b" /x HTTP/1." + version + b"\r\nhost: a\r\n" + upgrade + frame + b"\r\n" + body
    for method in (b"POST", b"GET")
    for version in (b"1", b"0")
    for upgrade in _UPGRADES
    for frame, body in _FRAMES
)
"""Requests that readers have disagreed about."""


@dataclass(frozen=True)
class Seen:
    """One request, as far as two readers must agree on it."""

    method: str
    target: str
    body: bytes


class Kept(Wire):
    """Keeps what is written."""

    def __init__(self) -> None:
        super().__init__()
        self.bytes = b""

    def write(self, data: bytes | bytearray | memoryview) -> None:
        if not self.is_closing():
            self.bytes += bytes(data)


@dataclass
class Exchange:
    """What came of one connection."""

    whole: list[Seen]
    """The requests that an app was given to their end, in this order."""
    begun: int
    """How many it was given at all."""
    statuses: list[int]
    """Of the final answers."""
    text: bytes
    is_closed: bool
    protocol: Any
    """Who took the connection over, if anybody did."""
    headers: list[list[tuple[bytes, bytes]]] = field(default_factory=list)


class Reader:
    """Our side of HTTP connections, under an app that reads every body, but for that of `/early` and `/never`."""

    def __init__(self, engine: Engine, path: str) -> None:
        self.protocol_class: Any = http_protocol({path: engine})
        self.config = uvicorn.Config(
            self._app, http=self.protocol_class, interface="asgi3", lifespan="off", log_config=None, access_log=False
        )
        self.config.load()
        self.state = ServerState()
        self.whole: list[Seen] = []
        self.headers: list[list[tuple[bytes, bytes]]] = []
        self.begun = 0
        self.released = asyncio.Event()

    def connect(self) -> Kept:
        """A new connection."""
        self.whole, self.headers, self.begun = [], [], 0
        wire = Kept()
        wire.protocol = self.protocol_class(config=self.config, server_state=self.state, app_state={})
        wire.protocol.connection_made(wire)
        return wire

    async def settle(self) -> None:
        """Let the app do what it can."""
        for _ in range(8):
            await asyncio.sleep(0)

    async def exchange(self, *pieces: bytes) -> Exchange:
        """A connection on which these come, the app's turn after each."""
        wire = self.connect()
        first = wire.protocol
        for piece in pieces:
            if not wire.is_closing():
                wire.protocol.data_received(piece)
            await self.settle()
        told = Exchange(
            list(self.whole),
            self.begun,
            statuses(wire.bytes),
            wire.bytes,
            wire.is_closing(),
            wire.protocol if wire.protocol is not first else None,
            list(self.headers),
        )
        wire.close()
        wire.protocol.connection_lost(None)
        while self.state.tasks:
            await asyncio.sleep(0)
        return told

    async def _app(self, scope: Any, receive: Any, send: Any) -> None:
        self.begun += 1
        path = scope["path"]
        if path == "/never":
            await self.released.wait()
        body, more = b"", path != "/early"
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            body += message.get("body", b"")
            more = message.get("more_body", False)
        if path != "/early":
            query = scope["query_string"]
            target = scope["raw_path"].decode() + (f"?{query.decode()}" if query else "")
            self.whole.append(Seen(scope["method"], target, body))
            self.headers.append(scope["headers"])
        length = str(len(ANSWER)).encode()
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", length)]})
        await send({"type": "http.response.body", "body": ANSWER})


def statuses(text: bytes) -> list[int]:
    """Of the final answers in what was written, which has to be whole answers and nothing else."""
    found: list[int] = []
    while text:
        head, _, rest = text.partition(HEAD_END)
        lines = head.lower().split(b"\r\n")
        assert lines[0].startswith(b"http/1.1 "), text
        status = int(lines[0].split(b" ")[1])
        lengths = [int(line.split(b":")[1]) for line in lines if line.startswith(b"content-length:")]
        text = rest[lengths[0] if lengths and not rest.startswith(b"HTTP/") else 0 :]
        if status >= 200:
            found.append(status)
        if status == 101:
            return [101]
    return found


def as_h11_reads(stream: bytes) -> tuple[list[Seen], bool]:
    """What another reader takes a stream for: its requests, and whether it could read it all.

    It answers each at once and takes no upgrade.
    """
    connection = h11.Connection(h11.SERVER, max_incomplete_event_size=1 << 20)
    connection.receive_data(stream)
    seen: list[Seen] = []
    request, body = None, b""
    try:
        while True:
            event = connection.next_event()
            if isinstance(event, h11.Request):
                request, body = event, b""
            elif isinstance(event, h11.Data):
                body += bytes(event.data)
            elif isinstance(event, h11.EndOfMessage) and request is not None:
                seen.append(Seen(request.method.decode(), request.target.decode(), body))
                connection.send(h11.Response(status_code=200, headers=[("content-length", "0")]))
                connection.send(h11.EndOfMessage())
                if connection.our_state is not h11.DONE:
                    return seen, True
                connection.start_next_cycle()
            else:
                return seen, True
    except (h11.RemoteProtocolError, h11.LocalProtocolError):
        return seen, False
