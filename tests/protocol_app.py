"""What the public protocol suites expect to find, on our own engine:

    python -m tests.protocol_app engineio|socketio [--port 3000] [--codec json|msgpack]

engineio: `/engine.io/` says everything back. socketio: `/socket.io/`, a plain `socketio.AsyncServer` with the
namespaces `/` and `/custom`. Beyond what the suites need, `ask` lets the server ask for an ack and tell it as
`answered`, `leave` lets it end the namespace.
"""

import argparse
import asyncio
import socket as os_socket
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import socketio
import socketio.exceptions
import uvicorn
from socketio.msgpack_packet import MsgPackPacket

from gateway.engine.backlog import BacklogLimits
from gateway.engine.engine import Engine
from gateway.engine.frames import Frame
from gateway.engine.handover import Handover
from gateway.engine.http import adopt, http_protocol
from gateway.engine.limits import EngineLimits
from gateway.engine.polling import PollingApp
from gateway.engine.requests import Handshake
from gateway.engine.session import Heartbeat, Reason
from gateway.engine.socket import Socket
from gateway.setup.origins import Origins
from tests.engineio_handlers import HandlerServer
from tests.ports import free_port

PING_INTERVAL_SECONDS = 0.3
PING_TIMEOUT_SECONDS = 0.2
MAX_PAYLOAD = 1_000_000
CONNECT_SECONDS = 1.0
DEAF_SECONDS = 0.02
"""The suite's client listens anew for each frame, and misses one that it reads together with the frame before."""

NAMESPACES = ("/", "/custom")
NODE = "node1"


def limits(pong_seconds: float) -> EngineLimits:
    """Those of the suites, with so much time for a pong."""
    return EngineLimits(
        heartbeat=Heartbeat(PING_INTERVAL_SECONDS, pong_seconds),
        backlog=BacklogLimits(bytes=4 * MAX_PAYLOAD, frames=100_000),
        message_bytes=MAX_PAYLOAD,
        unaccepted_per_address=0,
    )


class Echo:
    """An application of the engine that says everything back."""

    def opened(self, socket: Socket, handshake: Handshake) -> None: ...

    def received(self, socket: Socket, data: str | bytes) -> None:
        socket.send(Frame(data))

    def faulted(self, socket: Socket, *, is_final: bool) -> bool:
        return False

    def rerouted(self, socket: Socket) -> None: ...

    def slow(self, socket: Socket) -> None: ...

    def closed(self, socket: Socket, reason: Reason) -> None: ...


class LeanPacket(MsgPackPacket):  # type: ignore[misc]  # python-socketio is untyped
    """A packet without the fields that are empty: the JavaScript parser takes no null for them."""

    def _to_dict(self) -> dict[str, object]:
        return {name: value for name, value in super()._to_dict().items() if value is not None}


class SocketioServer(socketio.AsyncServer):  # type: ignore[misc]  # python-socketio is untyped
    """python-socketio as it is, on our engine, with the deadline for CONNECT that it does not have."""

    def __init__(self, codec: str, bounds: EngineLimits, sid_prefix: str) -> None:
        serializer = LeanPacket if codec == "msgpack" else "default"
        super().__init__(
            async_mode="asgi",
            async_handlers=False,
            namespaces="*",
            serializer=serializer,
            origins=Origins(is_open=True),
            limits=bounds,
            sid_prefix=sid_prefix,
        )

    def _engineio_server_class(self) -> type[HandlerServer]:
        return HandlerServer

    async def _handle_eio_connect(self, eio_sid: str, environ: dict[str, Any]) -> None:
        await super()._handle_eio_connect(eio_sid, environ)
        asyncio.get_running_loop().call_later(CONNECT_SECONDS, self._expect_namespace, eio_sid)

    def _expect_namespace(self, eio_sid: str) -> None:
        socket = self.eio.engine.sockets.get(eio_sid)
        if socket is not None and not any(self.manager.sid_from_eio_sid(eio_sid, name) for name in NAMESPACES):
            socket.close()


class Conversation(socketio.AsyncNamespace):  # type: ignore[misc]  # python-socketio is untyped
    """What is said on one namespace."""

    async def on_connect(self, sid: str, _environ: object, auth: object) -> None:
        async def tell() -> None:
            await asyncio.sleep(DEAF_SECONDS)
            await self.emit("auth", auth or {}, to=sid)

        self.server.start_background_task(tell)

    async def on_message(self, sid: str, *data: object) -> None:
        await self.emit("message-back", data, to=sid)

    async def on_ask(self, sid: str, *data: object) -> None:
        async def answered(*answer: object) -> None:
            await self.emit("answered", answer, to=sid)

        await self.emit("question", data, to=sid, callback=answered)

    async def on_leave(self, sid: str) -> None:
        await self.disconnect(sid)

    async def trigger_event(self, event: str, *args: Any) -> Any:
        """`message-with-ack` is no name of a method."""
        if event == "message-with-ack":
            return args[1:]
        return await super().trigger_event(event, *args)


class Elsewhere(socketio.AsyncNamespace):  # type: ignore[misc]  # python-socketio is untyped
    """Any other namespace."""

    async def on_connect(self, *_: object) -> None:
        raise socketio.exceptions.ConnectionRefusedError("Invalid namespace")


def configuration(
    protocol: str,
    port: int,
    codec: str,
    pong_seconds: float = PING_TIMEOUT_SECONDS,
    handover: Handover | None = None,
) -> uvicorn.Config:
    """The whole server. On a running event loop."""
    app: Any
    sid_prefix = handover.sid_prefix if handover else ""
    bounds = limits(pong_seconds)
    if protocol == "engineio":
        engine = Engine(Echo(), bounds, origins=Origins(is_open=True), sid_prefix=sid_prefix)
        path, app = "/engine.io/", PollingApp(lambda: engine)
    else:
        server = SocketioServer(codec, bounds, sid_prefix)
        for namespace in NAMESPACES:
            server.register_namespace(Conversation(namespace))
        server.register_namespace(Elsewhere("*"))
        path, app, engine = "/socket.io/", socketio.ASGIApp(server), server.eio.engine
    return uvicorn.Config(
        app,
        host="localhost",
        port=port,
        http=http_protocol({path: engine}, handover),
        lifespan="off",
        access_log=False,
        log_level="warning",
        timeout_graceful_shutdown=1,
    )


@asynccontextmanager
async def running(
    protocol: str, codec: str = "json", *, pong_seconds: float = PING_TIMEOUT_SECONDS
) -> AsyncIterator[str]:
    """The server in this loop; its URL."""
    port = free_port()
    server = uvicorn.Server(configuration(protocol, port, codec, pong_seconds))
    serving = asyncio.create_task(server._serve())  # `serve` would take the signals of the test runner
    while not server.started:
        assert not serving.done(), serving
        await asyncio.sleep(0.01)
    try:
        yield f"http://localhost:{port}"
    finally:
        server.should_exit = True
        await serving


@dataclass
class Worker:
    """One of several servers on a port."""

    server: uvicorn.Server
    handover: Handover
    port: int
    """Where it alone listens."""
    serving: asyncio.Task[None]

    @property
    def url(self) -> str:
        """Its own."""
        return f"http://localhost:{self.port}"

    async def end(self) -> None:
        """As a process ends."""
        self.server.should_exit = True
        await self.serving
        await self.handover.close()


@asynccontextmanager
async def running_node(
    protocol: str, codec: str = "json", *, workers: int = 3, pong_seconds: float = PING_TIMEOUT_SECONDS
) -> AsyncIterator[tuple[str, list[Worker]]]:
    """Several servers in this loop that share a port, its URL; each has a port of its own besides."""
    port = free_port()
    started: list[Worker] = []
    with tempfile.TemporaryDirectory() as folder:
        for number in range(workers):
            handover = Handover(Path(folder), NODE, number)
            own = free_port()
            server = uvicorn.Server(configuration(protocol, own, codec, pong_seconds, handover))
            handover.open(partial(adopt, server))
            serving = asyncio.create_task(server._serve([_listener(port), _listener(own)]))
            started.append(Worker(server, handover, own, serving))
            while not server.started:
                assert not serving.done(), serving
                await asyncio.sleep(0.01)
        try:
            yield f"http://localhost:{port}", started
        finally:
            for worker in started:
                await worker.end()


def _listener(port: int) -> os_socket.socket:
    listener = os_socket.socket()
    listener.setsockopt(os_socket.SOL_SOCKET, os_socket.SO_REUSEPORT, 1)
    listener.bind(("127.0.0.1", port))
    return listener


async def serve(protocol: str, port: int, codec: str) -> None:
    """Until a signal."""
    await uvicorn.Server(configuration(protocol, port, codec)).serve()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("protocol", choices=["engineio", "socketio"])
    parser.add_argument("--port", type=int, default=3000)
    parser.add_argument("--codec", choices=["json", "msgpack"], default="json")
    asked = parser.parse_args()
    asyncio.run(serve(asked.protocol, asked.port, asked.codec))
