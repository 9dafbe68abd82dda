"""The facade over python-socketio: one server per codec, admission before anything, one ordered inbox per socket."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import socketio
import structlog
from socketio import packet as sio

from auth.denials import RETRYABLE, Code, Denied
from gateway.sockets import engine
from gateway.sockets.codec import DECODE_ERRORS, PACKETS, Codec, encode
from gateway.sockets.connection import Admit, Connection, Guest, Opening, Received, SocketLimits

log = structlog.get_logger(__name__)

NAMESPACES = ("/live", "/console")
REFUSED_FOR_A_FAULT = Denied(Code.BUSY, retry_after_ms=2000)
ADMISSION_SECONDS = 10.0
"""A door that takes longer refuses; asking a payment provider about an order stays below."""
FLUSH_SECONDS = 2.0
"""How long a polling client may take to fetch its farewell."""


class SocketServer(socketio.AsyncServer):  # type: ignore[misc]  # python-socketio is untyped
    """python-socketio reduced to what the contract uses: CONNECT, EVENT, ACK and DISCONNECT on two namespaces.

    Rooms and broadcasts of the library are not used: a socket waiting for admission would receive them.
    """

    def __init__(
        self,
        codec: Codec,
        admit: Admit,
        *,
        clock: Callable[[], int],
        allowed_origins: list[str] | str | None,
        max_packet_bytes: int,
        ping_seconds: tuple[float, float],
        limits: SocketLimits,
    ) -> None:
        self.codec = codec
        self.limits = limits
        self.connections: dict[str, Connection] = {}
        self._admit = admit
        self._clock = clock
        self._tasks: set[asyncio.Task[None]] = set()
        self._unconnected: dict[str, asyncio.TimerHandle] = {}
        self._protocol_errors: dict[str, int] = {}
        if allowed_origins == []:
            raise ValueError("an empty list of origins would switch the check off: name one, or none for same-origin")
        super().__init__(
            async_mode="asgi",
            serializer=PACKETS[codec],
            namespaces=list(NAMESPACES),
            cors_allowed_origins=allowed_origins,
            cors_credentials=False,
            max_http_buffer_size=max_packet_bytes,
            ping_interval=ping_seconds[0],
            ping_timeout=ping_seconds[1],
            http_compression=False,
            logger=False,
            engineio_logger=False,
        )

    def queue(self, eio_sid: str, packet: Any) -> int:
        """Queue one Engine.IO packet; 0 where the transport is already gone."""
        socket = self.eio.sockets.get(eio_sid)
        return 0 if socket is None or socket.closed else engine.queue(socket, packet)

    def end(self, connection: Connection, code: Code) -> None:
        """End a connection that has said its `bye`, and its transport unless another namespace still uses it."""
        self._start(self._end(connection, code))

    async def close(self) -> None:
        """Stop timers and handlers. The transports are the web server's to close."""
        for timer in self._unconnected.values():
            timer.cancel()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.shutdown()

    # ---- python-socketio's seams ---------------------------------------------------------------

    def _engineio_server_class(self) -> type[Any]:
        return engine.Engine

    async def _handle_eio_connect(self, eio_sid: str, environ: dict[str, Any]) -> None:
        await super()._handle_eio_connect(eio_sid, environ)
        self._expect_connect(eio_sid)

    async def _handle_eio_disconnect(self, eio_sid: str, reason: str) -> None:
        self._connected(eio_sid)
        self._protocol_errors.pop(eio_sid, None)
        await super()._handle_eio_disconnect(eio_sid, reason)

    async def _handle_eio_message(self, eio_sid: str, data: str | bytes) -> None:
        if isinstance(data, bytes) is not self.codec.is_binary:
            await self._mismatch(eio_sid)
            return
        packet = self.packet_class()
        try:
            packet.decode(data)
        except DECODE_ERRORS:
            self._unreadable(eio_sid, packet)
            return
        if packet.packet_type == sio.CONNECT:
            await self._handle_connect(eio_sid, packet.namespace, packet.data)
        elif packet.packet_type == sio.EVENT:
            await self._handle_event(eio_sid, packet.namespace, packet.id, packet.data)
        elif packet.packet_type == sio.DISCONNECT:
            await self._handle_disconnect(eio_sid, packet.namespace, self.reason.CLIENT_DISCONNECT)
        else:  # acks of events that asked for none, attachments, connect errors: no client of ours sends them
            self._unreadable(eio_sid, packet)

    async def _handle_connect(self, eio_sid: str, namespace: str | None, data: object) -> None:
        namespace = namespace or "/"
        if namespace not in NAMESPACES:
            await self._refuse(eio_sid, namespace, Denied(Code.BAD_REQUEST, detail={"field": "namespace"}))
            return
        sid = await self.manager.pre_connect(eio_sid, namespace)
        if sid is None:  # this transport already has that namespace
            self._protocol_error(eio_sid)
            return
        self._connected(eio_sid)
        answer = await self._admitted(eio_sid, namespace, data)
        if isinstance(answer, Denied):
            await self.manager.disconnect(sid, namespace, ignore_queue=True)
            await self._refuse(eio_sid, namespace, answer)
            return
        self._open(eio_sid, sid, namespace, answer)
        await self.manager.connect(sid, namespace)
        connection = self.connections[sid]
        transport = self.eio.sockets.get(eio_sid)
        if transport is None or transport.closed:  # it left while we looked at its ticket
            await self._handle_disconnect(eio_sid, namespace, self.reason.TRANSPORT_CLOSE)
            return
        try:
            answer.opened(connection)
        except Exception:
            log.exception("socket.open_failed", namespace=namespace)
            connection.bye(Code.BUSY, retry_after_ms=2000)

    async def _handle_event(self, eio_sid: str, namespace: str | None, ack_id: int | None, data: object) -> None:
        connection = self._connection(eio_sid, namespace)
        if connection is None or connection.leaving:
            return
        if not isinstance(data, list) or not data or not isinstance(data[0], str):
            connection.acknowledge(ack_id, Denied(Code.BAD_REQUEST, detail={"field": "event"}))
            self._protocol_error(eio_sid)
            return
        wait_ms = connection.bucket.take(self._clock())
        if wait_ms:
            connection.acknowledge(ack_id, Denied(Code.RATE_LIMITED, retry_after_ms=wait_ms))
        elif len(data) > 2:  # an event has one payload
            connection.acknowledge(ack_id, Denied(Code.BAD_REQUEST, detail={"field": "payload"}))
        elif len(connection.inbox) >= self.limits.inbox:
            connection.acknowledge(ack_id, Denied(Code.BUSY, retry_after_ms=1000))
        else:
            connection.inbox.append(Received(data[0], data[1] if len(data) > 1 else None, ack_id))
            if not connection.running:
                connection.running = True
                self._start(self._drain(connection))

    async def _trigger_event(self, event: str, _namespace: str, *args: Any) -> Any:
        if event == "disconnect":
            connection = self.connections.pop(args[0], None)
            if connection is not None:
                connection.inbox.clear()
                connection.guest.closed()
        return None

    # ---- admission -----------------------------------------------------------------------------

    async def _admitted(self, eio_sid: str, namespace: str, data: object) -> Guest | Denied:
        auth = {} if data is None else data
        if not isinstance(auth, dict):
            return Denied(Code.BAD_REQUEST, detail={"field": "auth"})
        present = {key: value for key, value in auth.items() if value is not None}
        if not all(isinstance(key, str) and isinstance(value, str) for key, value in present.items()):
            return Denied(Code.BAD_REQUEST, detail={"field": "auth"})
        client = self.environ[eio_sid]["asgi.scope"].get("client") or ("unknown", 0)
        try:
            async with asyncio.timeout(ADMISSION_SECONDS):
                return await self._admit(Opening(namespace, present, client[0], self.codec))
        except Exception:
            log.exception("socket.admission_failed", namespace=namespace)
            return REFUSED_FOR_A_FAULT

    def _open(self, eio_sid: str, sid: str, namespace: str, guest: Guest) -> None:
        self.connections[sid] = Connection(self, sid, eio_sid, namespace, guest)
        self.queue(eio_sid, encode(self.codec, sio.CONNECT, namespace, {"sid": sid}))

    async def _refuse(self, eio_sid: str, namespace: str, denied: Denied, codec: Codec | None = None) -> None:
        error = {"message": denied.code.value, "data": denied.as_error()}
        self.queue(eio_sid, encode(codec or self.codec, sio.CONNECT_ERROR, namespace, error))
        self._connected(eio_sid)
        self._expect_connect(eio_sid)

    async def _mismatch(self, eio_sid: str) -> None:
        """A client with the other parser: refuse it in its own words, at once, or it would wait for ever."""
        other = Codec.JSON if self.codec is Codec.MSGPACK else Codec.MSGPACK
        if self._connections_of(eio_sid):
            self._protocol_error(eio_sid)
            return
        denied = Denied(Code.BAD_REQUEST, detail={"field": "parser", "expected": self.codec.value})
        for namespace in NAMESPACES:
            await self._refuse(eio_sid, namespace, denied, other)
        self._start(self._end_transport(eio_sid, Code.PROTOCOL))

    # ---- the life of a transport -----------------------------------------------------------------

    def _expect_connect(self, eio_sid: str) -> None:
        loop = asyncio.get_running_loop()
        self._unconnected[eio_sid] = loop.call_later(self.limits.connect_seconds, self._unconnected_too_long, eio_sid)

    def _connected(self, eio_sid: str) -> None:
        timer = self._unconnected.pop(eio_sid, None)
        if timer is not None:
            timer.cancel()

    def _unconnected_too_long(self, eio_sid: str) -> None:
        self._unconnected.pop(eio_sid, None)
        if not self._connections_of(eio_sid):
            self._start(self._end_transport(eio_sid, Code.PROTOCOL))

    def _unreadable(self, eio_sid: str, packet: sio.Packet) -> None:
        """A packet that says nothing of the contract; who asked for an ack gets it where its number could be read."""
        connection = self._connection(eio_sid, packet.namespace)
        if connection is not None and packet.packet_type in (sio.EVENT, sio.BINARY_EVENT):
            connection.acknowledge(packet.id, Denied(Code.BAD_REQUEST, detail={"field": "payload"}))
        self._protocol_error(eio_sid)

    def _protocol_error(self, eio_sid: str) -> None:
        count = self._protocol_errors.get(eio_sid, 0) + 1
        self._protocol_errors[eio_sid] = count
        if count < self.limits.protocol_errors:
            return
        connections = self._connections_of(eio_sid)
        for connection in connections:
            connection.bye(Code.PROTOCOL)
        if not connections:
            self._start(self._end_transport(eio_sid, Code.PROTOCOL))

    def _connection(self, eio_sid: str, namespace: str | None) -> Connection | None:
        return self.connections.get(self.manager.sid_from_eio_sid(eio_sid, namespace or "/") or "")

    def _connections_of(self, eio_sid: str) -> list[Connection]:
        sids = (self.manager.sid_from_eio_sid(eio_sid, namespace) for namespace in NAMESPACES)
        return [self.connections[sid] for sid in sids if sid in self.connections]

    async def _end(self, connection: Connection, code: Code) -> None:
        others = [other for other in self._connections_of(connection.eio_sid) if other is not connection]
        if others and code not in RETRYABLE:
            await self._handle_disconnect(connection.eio_sid, connection.namespace, self.reason.SERVER_DISCONNECT)
            return
        await self._end_transport(connection.eio_sid, code)

    async def _end_transport(self, eio_sid: str, code: Code) -> None:
        socket = self.eio.sockets.get(eio_sid)
        if socket is not None:
            await engine.end(socket, code.value, FLUSH_SECONDS)

    # ---- the inbox -------------------------------------------------------------------------------

    async def _drain(self, connection: Connection) -> None:
        try:
            while connection.inbox and not connection.leaving:
                received = connection.inbox.popleft()
                connection.acknowledge(received.ack_id, await self._answer(connection, received))
        finally:
            connection.running = False

    async def _answer(self, connection: Connection, received: Received) -> Any:
        try:
            return await connection.guest.received(received.event, received.payload)
        except Exception:
            log.exception("socket.handler_failed", socket_event=received.event, namespace=connection.namespace)
            return Denied(Code.INTERNAL, retry_after_ms=1000)

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
