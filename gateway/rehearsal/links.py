"""The two transports of the crowd: a WebSocket without a task per connection, and long polling."""

import asyncio
import ssl
from base64 import b64decode, b64encode
from collections.abc import Callable
from typing import Protocol
from urllib.parse import urlsplit

import httpx2
from websockets.client import ClientProtocol
from websockets.frames import Frame as WebSocketFrame
from websockets.frames import Opcode
from websockets.http11 import Response
from websockets.uri import parse_uri

from gateway.rehearsal.wire import FAREWELL, Encoding, Frame

MAX_FRAME_BYTES = 8 * 2**20
"""Large enough for a `welcome` after a long absence, with all missed events."""
POLL_SECONDS = 60.0
"""The timeout of a poll, longer than the server holds one."""
SEPARATOR = b"\x1e"
"""The character between the packets of a poll."""

Heard = Callable[[Frame], None]
Gone = Callable[[str], None]
"""Called with the reason when the transport has closed."""


class Link(Protocol):
    """A transport that is open. `heard` and `gone` of its maker are called on the event loop."""

    def send(self, frame: Frame) -> None:
        """Hand a frame to the network; into the void once the link is gone."""
        ...

    def drop(self) -> None:
        """Be gone without a word, as a phone in a tunnel is; nothing is heard afterwards."""
        ...

    def close(self) -> None:
        """Leave as clients do."""
        ...


class WebSocketLink(asyncio.Protocol):
    """websockets' sans-I/O protocol on an asyncio transport: no task and no queue per socket."""

    def __init__(self, url: str, heard: Heard, gone: Gone) -> None:
        self._ws = ClientProtocol(parse_uri(url), max_size=MAX_FRAME_BYTES)
        self._heard = heard
        self._gone = gone
        self._transport: asyncio.Transport | None = None
        self._deaf = False

    @classmethod
    async def open(cls, base_url: str, encoding: Encoding, heard: Heard, gone: Gone) -> "WebSocketLink":
        """Begin; the first frame heard tells that the server speaks Engine.IO. OSError where nobody listens."""
        parts = urlsplit(base_url)
        secure = parts.scheme == "https"
        authority = parts.netloc
        url = f"{'wss' if secure else 'ws'}://{authority}{encoding.path}?EIO=4&transport=websocket"
        link = cls(url, heard, gone)
        port = parts.port or (443 if secure else 80)
        context = ssl.create_default_context() if secure else None
        await asyncio.get_running_loop().create_connection(lambda: link, parts.hostname or "", port, ssl=context)
        return link

    def send(self, frame: Frame) -> None:
        if self._deaf or self._transport is None:
            return
        if frame.binary:
            self._ws.send_binary(frame.data)
        else:
            self._ws.send_text(frame.data)
        self._flush()

    def drop(self) -> None:
        self._deaf = True
        if self._transport is not None:
            self._transport.abort()

    def close(self) -> None:
        if not self._deaf and self._transport is not None:
            self._ws.send_close(1000)
            self._flush()

    # ---- asyncio.Protocol ------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._ws.send_request(self._ws.connect())
        self._flush()

    def data_received(self, data: bytes) -> None:
        if self._deaf:
            return
        self._ws.receive_data(data)
        for event in self._ws.events_received():
            if isinstance(event, WebSocketFrame):
                self._frame(event)
            elif isinstance(event, Response) and self._ws.handshake_exc is not None:
                self._leave(f"the handshake was answered with {event.status_code}")
        self._flush()

    def eof_received(self) -> None:
        if not self._deaf:
            self._ws.receive_eof()
            self._flush()

    def connection_lost(self, exc: Exception | None) -> None:
        self._leave(f"the connection was lost: {exc or 'closed'}")

    def _frame(self, frame: WebSocketFrame) -> None:
        if self._deaf:  # a listener may hang up in the middle of a read
            return
        if frame.opcode in (Opcode.TEXT, Opcode.BINARY):
            self._heard(Frame(bytes(frame.data), frame.opcode is Opcode.BINARY))
        elif frame.opcode is Opcode.CLOSE:
            self._leave(f"closed with {bytes(frame.data[2:]).decode(errors='replace')!r}")

    def _flush(self) -> None:
        assert self._transport is not None
        for data in self._ws.data_to_send():
            if data:
                self._transport.write(data)
            else:
                self._transport.close()

    def _leave(self, why: str) -> None:
        if not self._deaf:
            self._deaf = True
            self._gone(why)
        if self._transport is not None:
            self._transport.close()


class PollingLink:
    """Long polling: one task that asks and one that writes, in the order of calls."""

    def __init__(self, http: httpx2.AsyncClient, encoding: Encoding, heard: Heard, gone: Gone) -> None:
        self._http = http
        self._path = encoding.path
        self._heard = heard
        self._gone = gone
        self._query = {"EIO": "4", "transport": "polling"}
        self._outbox: asyncio.Queue[Frame] = asyncio.Queue()
        self._tasks: list[asyncio.Task[None]] = []
        self._deaf = False

    @classmethod
    def open(cls, http: httpx2.AsyncClient, encoding: Encoding, heard: Heard, gone: Gone) -> "PollingLink":
        """Begin; the first frame heard tells that the server speaks Engine.IO."""
        link = cls(http, encoding, heard, gone)
        link._tasks = [asyncio.create_task(link._read()), asyncio.create_task(link._write())]
        return link

    def name(self, sid: str) -> None:
        """The session, as the first frame told."""
        self._query["sid"] = sid

    def send(self, frame: Frame) -> None:
        self._outbox.put_nowait(frame)

    def drop(self) -> None:
        self._deaf = True
        for task in self._tasks:
            task.cancel()

    def close(self) -> None:
        self.send(FAREWELL)

    async def _read(self) -> None:
        while not self._deaf:
            try:
                answer = await self._http.get(self._path, params=self._query, timeout=POLL_SECONDS)
            except httpx2.HTTPError as error:
                return self._leave(f"a poll failed: {type(error).__name__} {error}")
            if answer.status_code != httpx2.codes.OK:
                return self._leave(f"a poll was answered with {answer.status_code} {answer.text[:80]}")
            for packet in answer.content.split(SEPARATOR):
                self._heard(Frame(b64decode(packet[1:]), binary=True) if packet[:1] == b"b" else Frame(packet))
        return None

    async def _write(self) -> None:
        while not self._deaf:
            frame = await self._outbox.get()
            body = b"b" + b64encode(frame.data) if frame.binary else frame.data
            try:
                answer = await self._http.post(self._path, params=self._query, content=body)
            except httpx2.HTTPError as error:
                return self._leave(f"a post failed: {type(error).__name__} {error}")
            if answer.status_code != httpx2.codes.OK:
                return self._leave(f"a post was answered with {answer.status_code} {answer.text[:80]}")
        return None

    def _leave(self, why: str) -> None:
        if not self._deaf:
            self.drop()
            self._gone(why)
