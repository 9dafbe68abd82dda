"""The surfaces: each takes samples for ever, and says in the end whether everything was let go of."""

import asyncio
import json
import random
import struct
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

import msgpack
import uvicorn
from uvicorn.server import ServerState

from auth.denials import Code, Denied
from gateway.contract.codec import Codec
from gateway.engine.engine import Engine
from gateway.engine.frames import Frame
from gateway.engine.http import http_protocol
from gateway.engine.limits import EngineLimits
from gateway.engine.polling import PollingApp
from gateway.engine.requests import Handshake
from gateway.engine.session import Reason, Via
from gateway.engine.socket import Socket
from gateway.engine.websocket import WebSocketConnection
from gateway.features.session.wire import ClockAck
from gateway.setup.origins import Origins
from gateway.sockets.connection import Answer, Connection, Decision, Opening, SocketLimits
from gateway.sockets.server import SocketServer
from tests.fuzz.mutation import Mutator
from tests.fuzz.requests import AFTER, STREAMS, Reader, as_h11_reads
from tests.fuzz.wire import KEY, QUERY, Wire, dial

LIMITS = EngineLimits(unaccepted_per_address=0)
PATH = "/socket.io/"
POLLED = {"EIO": "4", "transport": "polling"}

TEXTS = [
    b'0/live,{"token":"a.b.c","room":"r"}',
    b"0/console,{}",
    b"0",
    b"1/live,",
    b'2/live,["clock",{"t0":1}]',
    b'2/live,17["danmaku",{"text":"hello \\u5f39","style":{"color":"#ffffff","place":"top"}}]',
    '2/live,18["danmaku",{"text":"弹幕 👩‍👩‍👧"}]'.encode(),
    b'2/live,19["gift",{"gift":"rose","count":1,"key":"k"}]',
    b'3/live,20[{"ok":true}]',
    b'4/live,{"message":"no"}',
    b'51-/live,["danmaku",{"_placeholder":true,"num":0}]',
    b'61-/live,1[{"_placeholder":true,"num":0}]',
]
"""Socket.IO packets as text."""


def masked(first: int, payload: bytes, mask: bytes = b"\x01\x02\x03\x04") -> bytes:
    size = len(payload)
    head = bytes((first, 0x80 | size)) if size < 126 else bytes((first, 0x80 | 126)) + struct.pack("!H", size)
    return head + mask + bytes(byte ^ mask[at % 4] for at, byte in enumerate(payload))


FRAMES = [
    *(masked(0x81, b"4" + text) for text in TEXTS),
    *(masked(0x81, packet) for packet in (b"1", b"2", b"2probe", b"3", b"5", b"6", b"4")),
    masked(0x82, b"\x00\x01\x02"),
    masked(0x89, b"ping"),
    masked(0x8A, b"pong"),
    masked(0x88, b""),
    masked(0x88, b"\x03\xe8bye"),
    masked(0x88, b"\x03"),
    masked(0x01, b"4fragm") + masked(0x00, b"") * 3 + masked(0x89, b"between") + masked(0x80, b"ented"),
    masked(0x02, b"\x00" * 200) + masked(0x80, b"\x00" * 200),
    masked(0x81, b"4" + b"x" * 300),
    b"\x81\xff\x00\x00\x00\x00\x00\x01\x00\x01mask",
    b"\x81\x05hello",
    b"\xc1\x85\x00\x00\x00\x004hell",
    b"\x83\x80\x00\x00\x00\x00",
    b"\x89\xfe\x00\x7e\x00\x00\x00\x00" + bytes(126),
]
"""WebSocket frames of a client, good and bad."""

PACKETS = [
    *(b"4" + text for text in TEXTS),
    *(b"1", b"2", b"2probe", b"3", b"5", b"6", b"0{}", b"bAQIDBA==", b"b", b"4"),
    b"4a\x1e3\x1ebAQID\x1e4b",
    b"\x1e".join([b'42/live,["clock",{"t0":1}]'] * 5),
]
"""Engine.IO packets and bodies of polls."""

MAPS = [
    {"type": 0, "nsp": "/live", "data": {"token": "a.b.c", "room": "r"}},
    {"type": 0, "nsp": "/console", "data": msgpack.ExtType(0, b"\x00")},
    {"type": 1, "nsp": "/live"},
    {"type": 2, "nsp": "/live", "data": ["clock", {"t0": 1.5}]},
    {"type": 2, "nsp": "/live", "id": 17, "data": ["danmaku", {"text": "弹幕", "style": {"color": "#ffffff"}}]},
    {"type": 3, "nsp": "/live", "id": 2**40, "data": [{"ok": True}]},
    {"type": 4, "nsp": "/live", "data": {"message": "no"}},
    {"type": 5, "nsp": "/live", "data": ["x", b"bytes"], "attachments": 2**33},
]

_UPGRADE = b"host: a\r\nupgrade: websocket\r\nconnection: upgrade\r\n"
_KEY = b"sec-websocket-version: 13\r\nsec-websocket-key: " + KEY + b"\r\n"
REQUESTS = [
    b"GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\n" + _UPGRADE + _KEY + b"\r\n",
    b"GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\norigin: http://a\r\n" + _UPGRADE + _KEY + b"\r\n",
    b"GET http://a/socket.io/?EIO=4&transport=websocket HTTP/1.1\r\n" + _UPGRADE + b"\r\n",
    b"CONNECT a:443 HTTP/1.1\r\n" + _UPGRADE + b"\r\n",
    b"GET /socket.io/?EIO=4&transport=polling HTTP/1.1\r\nhost: a\r\n\r\n",
    b"POST /socket.io/?EIO=4&transport=polling&sid=x HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\n\r\n4hell",
    b"POST /x HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    b"OPTIONS * HTTP/1.1\r\nhost: a\r\norigin: http://b\r\naccess-control-request-method: POST\r\n\r\n",
]
"""HTTP requests, upgrades most of them."""


class Target(ABC):
    """One surface."""

    corpus: Sequence[bytes]

    def __init__(self, mutator: Mutator) -> None:
        self.mutator = mutator
        self.random: random.Random = mutator.random

    @abstractmethod
    async def feed(self, sample: bytes) -> None:
        """Let one sample in."""

    @abstractmethod
    async def end(self) -> None:
        """Hang up; an AssertionError where something is still held."""


class Echo:
    """An application of the engine that says everything back, forgives two faults and counts who is here."""

    def __init__(self) -> None:
        self.here: set[Socket] = set()

    def opened(self, socket: Socket, _handshake: Handshake) -> None:
        assert socket not in self.here
        self.here.add(socket)
        socket.context = 0

    def received(self, socket: Socket, data: str | bytes) -> None:
        assert socket in self.here
        socket.send(Frame(data))

    def faulted(self, socket: Socket, *, is_final: bool) -> bool:
        assert socket in self.here
        socket.context += 1
        return not is_final and socket.context < 3

    def rerouted(self, socket: Socket) -> None: ...

    def slow(self, socket: Socket) -> None: ...

    def closed(self, socket: Socket, _reason: Reason) -> None:
        self.here.remove(socket)


def nothing_is_held(engine: Engine) -> None:
    """All sockets have ended, and all that was kept for them."""
    assert engine.sockets == {}
    assert engine._unaccepted == {}
    assert not engine._watched
    engine.wheel.close()


class Line:
    """A WebSocket that is dialled again when it has closed."""

    def __init__(self, engine: Engine, chance: random.Random) -> None:
        self._engine = engine
        self._random = chance
        self._rest = 0
        self._connection, self._wire = dial(engine, PATH)

    def receive(self, pieces: Sequence[bytes]) -> None:
        """Bytes of the peer, who may not read what it is sent."""
        congested = self._random.random() < 0.05
        if congested:
            self._connection.pause_writing()
        for piece in pieces:
            if not self._wire.is_closing():
                self._connection.data_received(piece)
        if congested:
            self._connection.resume_writing()
        if self._connection._socket is None:
            self._rest += 1
        if self._wire.is_closing() or self._rest > 3 or self._random.random() < 0.01:
            self.redial()

    def redial(self) -> None:
        """The line is cut."""
        self.hang_up()
        self._rest = 0
        self._connection, self._wire = dial(self._engine, PATH)

    def hang_up(self) -> None:
        """For good."""
        self._connection.connection_lost(None)


class FrameTarget(Target):
    """Bytes on a WebSocket, under the engine."""

    corpus = FRAMES

    def __init__(self, mutator: Mutator) -> None:
        super().__init__(mutator)
        self.application = Echo()
        self.engine = Engine(self.application, LIMITS)
        self.line = Line(self.engine, self.random)

    async def feed(self, sample: bytes) -> None:
        self.line.receive(self.mutator.pieces(sample))

    async def end(self) -> None:
        self.line.hang_up()
        assert self.application.here == set()
        nothing_is_held(self.engine)


class PacketTarget(Target):
    """Engine.IO packets on a session in any of its stages, from either transport."""

    corpus = PACKETS

    def __init__(self, mutator: Mutator) -> None:
        super().__init__(mutator)
        self.application = Echo()
        self.engine = Engine(self.application, LIMITS)
        self.connection: WebSocketConnection | None = None
        self.socket: Socket | None = None

    async def feed(self, sample: bytes) -> None:
        socket = self.socket
        if socket is None or not socket.is_open:
            self._hang_up()
            self.socket = socket = self._open()
        via = self.random.choice(list(Via))
        socket.receive(sample if self.random.random() < 0.1 else sample.decode("utf-8", "replace"), via)
        if self.random.random() < 0.1:
            socket.collect()
        if self.random.random() < 0.02:
            socket.close()

    async def end(self) -> None:
        if self.socket is not None:
            self.socket.cut(Reason.SERVER)
        self._hang_up()
        assert self.application.here == set()
        nothing_is_held(self.engine)

    def _open(self) -> Socket:
        if self.random.random() < 0.5:
            self.connection, _ = dial(self.engine, PATH)
            assert self.connection._socket is not None
            return self.connection._socket
        handshake = Handshake("127.0.0.1", PATH, POLLED, [])
        socket = self.engine.open(handshake, Via.POLLING)
        assert isinstance(socket, Socket)
        self.engine.announce(socket, handshake)
        if self.random.random() < 0.5:
            query = {**QUERY, "sid": socket.sid}
            self.connection, _ = dial(self.engine, PATH, query)
        return socket

    def _hang_up(self) -> None:
        if self.connection is not None:
            self.connection.connection_lost(None)
            self.connection = None
        if self.socket is not None:
            self.engine.gone(self.socket)


class PollTarget(Target):
    """Requests of polling clients: queries and bodies."""

    corpus = (*PACKETS, b"GET", b"EIO=4&transport=polling", b"sid=nobody&transport=polling&EIO=4")

    def __init__(self, mutator: Mutator) -> None:
        super().__init__(mutator)
        self.application = Echo()
        self.engine = Engine(self.application, LIMITS)
        self.app = PollingApp(lambda: self.engine)
        self.sid = ""

    async def feed(self, sample: bytes) -> None:
        if self.sid not in self.engine.sockets:
            self.sid = json.loads((await self._ask("GET", b"EIO=4&transport=polling"))[1][1:])["sid"]
        turn = self.random.random()
        query = b"EIO=4&transport=polling&sid=" + self.sid.encode()
        if turn < 0.1:
            status, _ = await self._ask(self.random.choice(["GET", "POST", "OPTIONS", "PUT"]), sample)
            assert status in (200, 204, 400, 403), status
        else:
            status, _ = await self._ask("POST", query, sample)
            assert status in (200, 400), status
        socket = self.engine.sockets.get(self.sid)
        if socket is not None and self.random.random() < 0.2:
            socket.send(Frame("something to fetch"))
            status, body = await self._ask("GET", query)
            assert (status, body != b"") == (200, True)

    async def end(self) -> None:
        for socket in list(self.engine.sockets.values()):
            socket.cut(Reason.SERVER)
        assert self.application.here == set()
        nothing_is_held(self.engine)

    async def _ask(self, method: str, query: bytes, body: bytes = b"") -> tuple[int, bytes]:
        requested = [{"type": "http.request", "body": body, "more_body": False}]
        answered: list[dict[str, Any]] = []

        async def receive() -> dict[str, Any]:
            if requested:
                return requested.pop()
            await asyncio.get_running_loop().create_future()  # the client waits
            raise AssertionError

        async def send(message: dict[str, Any]) -> None:
            answered.append(message)

        scope = {"client": ("127.0.0.1", 1), "path": PATH, "query_string": query, "headers": [], "method": method}
        await self.app(scope, receive, send)
        return answered[0]["status"], answered[1]["body"]


class Visitor:
    """A guest of whom some events are refused."""

    def __init__(self) -> None:
        self.is_here = True

    def opened(self, connection: Connection) -> None: ...

    async def received(self, event: str, payload: object) -> Answer:
        assert self.is_here
        return Denied(Code.BAD_REQUEST) if payload is None else ClockAck(1, 2, 3)

    def slow(self) -> None: ...

    def closed(self) -> None:
        assert self.is_here
        self.is_here = False


class SocketioTarget(Target):
    """Socket.IO packets of one encoding, on a transport that may have been let in."""

    codec: Codec

    def __init__(self, mutator: Mutator) -> None:
        super().__init__(mutator)
        self.now_ms = 0
        limits = SocketLimits()
        self.server = SocketServer(
            self.codec,
            self._admit,
            clock=lambda: self.now_ms,
            origins=Origins(is_open=True),
            engine=LIMITS,
            limits=limits,
        )
        self.visitors: set[Visitor] = set()
        self.connection, self.wire = dial(self.server.engine, PATH)

    async def feed(self, sample: bytes) -> None:
        self.now_ms += 100
        socket = self.connection._socket
        if socket is None or not socket.is_open:
            self.connection.connection_lost(None)
            self.connection, self.wire = dial(self.server.engine, PATH)
            socket = self.connection._socket
            assert socket is not None
            if self.random.random() < 0.7:
                socket.receive(self.entrance(), Via.WEBSOCKET)
                await self._settled()
        socket.receive(self.frame(sample), Via.WEBSOCKET)
        if self.server._tasks:
            await self._settled()

    async def end(self) -> None:
        self.connection.connection_lost(None)
        await self._settled()
        assert self.server.connections == {}
        assert not any(visitor.is_here for visitor in self.visitors)
        nothing_is_held(self.server.engine)

    @abstractmethod
    def frame(self, sample: bytes) -> str | bytes:
        """A sample as it comes from the transport."""

    @abstractmethod
    def entrance(self) -> str | bytes:
        """A CONNECT that is welcome."""

    async def _settled(self) -> None:
        while self.server._tasks:
            await asyncio.sleep(0)
        self.visitors = {visitor for visitor in self.visitors if visitor.is_here}

    async def _admit(self, opening: Opening) -> Decision:
        await asyncio.sleep(0)
        if "token" not in opening.auth:
            return Denied(Code.BAD_REQUEST)
        visitor = Visitor()
        self.visitors.add(visitor)
        return visitor


class JsonTarget(SocketioTarget):
    """Text."""

    codec = Codec.JSON
    corpus = TEXTS

    def frame(self, sample: bytes) -> str:
        return "4" + sample.decode("utf-8", "replace")

    def entrance(self) -> str:
        return "4" + TEXTS[0].decode()


class MsgpackTarget(SocketioTarget):
    """Bytes."""

    codec = Codec.MSGPACK
    corpus = tuple(msgpack.packb(one) for one in MAPS)

    def frame(self, sample: bytes) -> bytes:
        return sample

    def entrance(self) -> bytes:
        return self.corpus[0]


class RequestTarget(Target):
    """HTTP requests and upgrades, as they come from the network."""

    corpus = REQUESTS

    def __init__(self, mutator: Mutator) -> None:
        super().__init__(mutator)
        self.application = Echo()
        self.engine = Engine(self.application, LIMITS)
        protocol = http_protocol({PATH: self.engine})
        self.config = uvicorn.Config(
            self._app, http=protocol, interface="asgi3", lifespan="off", log_config=None, access_log=False
        )
        self.config.load()
        self.state = ServerState()
        self.protocol_class: Any = protocol

    async def feed(self, sample: bytes) -> None:
        wire = Wire()
        wire.protocol = self.protocol_class(config=self.config, server_state=self.state, app_state={})
        wire.protocol.connection_made(wire)
        for piece in self.mutator.pieces(sample):
            if not wire.is_closing():
                wire.protocol.data_received(piece)
        if self.state.tasks:
            await asyncio.sleep(0)
        wire.protocol.connection_lost(None)

    async def end(self) -> None:
        while self.state.tasks:
            await asyncio.sleep(0)
        assert self.state.connections == set()
        for socket in list(self.engine.sockets.values()):
            socket.cut(Reason.SERVER)
        assert self.application.here == set()
        nothing_is_held(self.engine)

    async def _app(self, _scope: Any, receive: Any, send: Any) -> None:
        while (await receive()).get("more_body"):
            pass
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]})
        await send({"type": "http.response.body", "body": b""})


class RequestEndsTarget(Target):
    """Several requests on one connection: each is what another reader sees too, however the bytes are cut."""

    corpus = STREAMS

    def __init__(self, mutator: Mutator) -> None:
        super().__init__(mutator)
        self.engine = Engine(Echo(), LIMITS)
        self.reader = Reader(self.engine, PATH)

    async def feed(self, sample: bytes) -> None:
        more = self.random.choice((b"", AFTER, self.random.choice(self.corpus) + AFTER))
        stream = sample + more
        told = await self.reader.exchange(*self.mutator.pieces(stream))
        again = await self.reader.exchange(stream)
        assert told.whole == again.whole, "it depends on the cut"
        for one in (told, again):  # each that was read has one answer; one more may say why nothing more is
            assert one.statuses.count(200) == len(one.whole)
            assert len(one.statuses) <= one.begun + 1
        others, could_read = as_h11_reads(stream)
        agreed = len(told.whole) if could_read else min(len(told.whole), len(others))
        assert told.whole[:agreed] == others[:agreed], others

    async def end(self) -> None:
        for socket in list(self.engine.sockets.values()):
            socket.cut(Reason.SERVER)
        nothing_is_held(self.engine)


TARGETS: dict[str, type[Target]] = {
    "websocket frames": FrameTarget,
    "Engine.IO packets": PacketTarget,
    "Engine.IO polls": PollTarget,
    "Socket.IO JSON": JsonTarget,
    "Socket.IO msgpack": MsgpackTarget,
    "HTTP requests": RequestTarget,
    "ends of HTTP requests": RequestEndsTarget,
}
