"""The rest of engineio.AsyncServer on our engine: what a python-socketio server as it is needs of it."""

import asyncio
from collections import deque
from typing import Any

from engineio import packet as eio_packet

from gateway.engine.frames import Frame
from gateway.engine.requests import Handshake
from gateway.engine.session import Reason
from gateway.engine.socket import Socket
from gateway.sockets.engineio_seam import EngineServer

INBOX_BODIES = 4
"""How many of the largest messages may wait for python-socketio's handlers, of one socket; more end it."""
MESSAGE_BYTES = 256
"""What a waiting message counts beside its length."""


class HandlerServer(EngineServer):
    """Messages go to the handlers that were registered with `on`, one after another per socket."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.serve(_Handlers(self))

    async def send_packet(self, sid: str, pkt: eio_packet.Packet) -> None:
        """Queue one message."""
        socket = self.engine.sockets.get(sid)
        if socket is not None:
            socket.send(Frame(pkt.data))

    async def disconnect(self, sid: str | None = None) -> None:
        """End one session, or all."""
        for socket in [self.engine.sockets.get(sid)] if sid is not None else list(self.engine.sockets.values()):
            if socket is not None:
                socket.close()

    def transport(self, sid: str) -> str:
        """`polling` or `websocket`."""
        return self.engine.sockets[sid].transport

    async def get_session(self, sid: str) -> Any:
        """The application's dictionary of a session."""
        return self.engine.sockets[sid].context.session

    async def save_session(self, sid: str, session: Any) -> None:
        """Replace it."""
        self.engine.sockets[sid].context.session = session


class _Inbox:
    """What waits for the handlers of one socket."""

    __slots__ = ("calls", "octets", "session", "task")

    def __init__(self) -> None:
        self.calls: deque[tuple[Any, ...]] = deque()
        self.octets = 0
        self.task: asyncio.Task[None] | None = None
        self.session: dict[str, Any] = {}


class _Handlers:
    """An application of the engine made of python-engineio's handlers: `connect`, `message`, `disconnect`."""

    def __init__(self, server: HandlerServer) -> None:
        self._server = server

    def opened(self, socket: Socket, handshake: Handshake) -> None:
        socket.context = _Inbox()
        self._put(socket, "connect", socket.sid, _environ(handshake))

    def received(self, socket: Socket, data: str | bytes) -> None:
        inbox: _Inbox = socket.context
        inbox.octets += len(data) + MESSAGE_BYTES
        # a polling client may bring any number at once, and so may one read of a WebSocket: what counts is their size
        if inbox.octets > INBOX_BODIES * self._server.limits.message_bytes:
            socket.close(reason=Reason.PROTOCOL)
            return
        socket.accept()
        self._put(socket, "message", socket.sid, data)

    def faulted(self, _socket: Socket, *, is_final: bool) -> bool:
        return False

    def rerouted(self, _socket: Socket) -> None:
        pass

    def slow(self, _socket: Socket) -> None:
        pass

    def closed(self, socket: Socket, reason: Reason) -> None:
        told = {
            Reason.CLIENT: EngineServer.reason.CLIENT_DISCONNECT,
            Reason.SERVER: EngineServer.reason.SERVER_DISCONNECT,
            Reason.SILENT: EngineServer.reason.PING_TIMEOUT,
            Reason.TRANSPORT: EngineServer.reason.TRANSPORT_CLOSE,
        }
        self._put(socket, "disconnect", socket.sid, told.get(reason, EngineServer.reason.TRANSPORT_ERROR))

    def _put(self, socket: Socket, *call: Any) -> None:
        inbox: _Inbox | None = socket.context
        if inbox is None:
            return
        inbox.calls.append(call)
        if inbox.task is None:
            inbox.task = asyncio.get_running_loop().create_task(self._work(socket, inbox))

    async def _work(self, socket: Socket, inbox: _Inbox) -> None:
        try:
            while inbox.calls:
                event, *arguments = inbox.calls.popleft()
                if event == "message":
                    inbox.octets -= len(arguments[1]) + MESSAGE_BYTES
                try:
                    answer = await self._server.handlers[event](*arguments)
                except Exception:
                    self._server.logger.exception("handler of %s", event)
                    answer = None
                    if event == "message":
                        socket.close(reason=Reason.PROTOCOL)
                if event == "connect" and answer is False:
                    socket.close()
        finally:
            inbox.task = None


def _environ(handshake: Handshake) -> dict[str, Any]:
    """What python-socketio's handlers are given of a request."""
    headers = {
        "HTTP_" + name.decode("latin-1").upper().replace("-", "_"): value.decode("latin-1")
        for name, value in handshake.headers
    }
    scope = {"type": "http", "path": handshake.path, "headers": handshake.headers, "client": (handshake.address, 0)}
    return {**headers, "REMOTE_ADDR": handshake.address, "PATH_INFO": handshake.path, "asgi.scope": scope}
