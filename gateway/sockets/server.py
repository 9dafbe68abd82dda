"""The facade over python-socketio: one server per codec, admission before anything, one ordered inbox per socket."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

import socketio
import structlog
from socketio import packet as sio

from auth.denials import RETRYABLE, Code, Denied
from gateway.contract.codec import Codec
from gateway.engine.engine import Engine
from gateway.engine.limits import EngineLimits
from gateway.engine.requests import Handshake
from gateway.engine.session import Reason
from gateway.engine.socket import Socket
from gateway.setup.origins import Origins
from gateway.sockets.codec import DECODE_ERRORS, PACKETS, announced_attachments, encode
from gateway.sockets.connection import Admit, Answer, Connection, Decision, Opening, Received, SocketLimits, flat_auth
from gateway.sockets.engineio_seam import EngineServer
from gateway.sockets.peer import NOTHING, Knock, Peer

log = structlog.get_logger(__name__)

NAMESPACES = ("/live", "/console")
FAILED = Denied(Code.INTERNAL, retry_after_ms=1000)
REFUSED_FOR_A_FAULT = Denied(Code.BUSY, retry_after_ms=2000)
ADMISSION_SECONDS = 10.0
"""The timeout of an admission; asking a payment provider about an order stays below it."""


class SocketServer(socketio.AsyncServer):  # type: ignore[misc]  # python-socketio is untyped
    """python-socketio reduced to what the contract uses: CONNECT, EVENT, ACK and DISCONNECT on two namespaces.

    It takes messages directly from the engine, without a task per message, and tracks namespaces per transport. It does
    not
    use the library's rooms and broadcasts: a socket that waits for admission would receive them.
    """

    def __init__(
        self,
        codec: Codec,
        admit: Admit,
        *,
        clock: Callable[[], int],
        origins: Origins,
        engine: EngineLimits,
        limits: SocketLimits,
        gave_way: Callable[[str], None] = lambda _: None,
        said_bye: Callable[[Code], None] = lambda _: None,
    ) -> None:
        """`gave_way` gets the address of each silent transport that was cut; `said_bye` hears of each `bye`."""
        self.codec = codec
        self._said_bye = said_bye
        self.ended = self._end  # one object, for all connections
        self._gave_way = gave_way
        self.limits = limits
        self.connections: dict[str, Connection] = {}
        """All connections, by Socket.IO id."""
        self.online = dict.fromkeys(NAMESPACES, 0)
        """The number of connections in each namespace."""
        self._admit = admit
        self._clock = clock
        self._tasks: set[asyncio.Task[None]] = set()
        super().__init__(
            async_mode="asgi",
            serializer=PACKETS[codec],
            namespaces=list(NAMESPACES),
            origins=origins,
            limits=engine,
            logger=False,
            engineio_logger=False,
        )
        self.eio.serve(self)

    @property
    def engine(self) -> Engine:
        """The engine below."""
        engine: Engine = self.eio.engine
        return engine

    def name_sessions(self, prefix: str) -> None:
        """Set the prefix of session ids. To be called before the engine is first used."""
        self.eio.sid_prefix = prefix

    def _end(self, connection: Connection, code: Code, retry_after_ms: int | None) -> None:
        """End a connection that has said its `bye`, and its transport unless another namespace still uses it.

        Clients reconnect only after the transport closed: a retryable code closes it, and all on it hear `bye`.
        """
        self._said_bye(code)
        peer: Peer = connection.socket.context
        if code not in RETRYABLE and (len(peer.connections) > 1 or peer.knocks):
            self._leave(peer, connection)
            return
        for other in list(peer.connections.values()):
            other.bye(code, retry_after_ms)
        connection.socket.close(code.value)

    async def close(self) -> None:
        """Stop handlers and end all transports."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.shutdown()

    def _engineio_server_class(self) -> type[Any]:
        return EngineServer

    # ---- gateway.engine.ports.Application ----------------------------------------------------------

    def opened(self, socket: Socket, _handshake: Handshake) -> None:
        """A transport has opened: set the deadline for a client to be let in on it."""
        socket.context = peer = Peer(self.limits)
        self._expect_connect(socket, peer)

    def received(self, socket: Socket, data: str | bytes) -> None:
        """A packet arrived."""
        peer: Peer = socket.context
        if isinstance(data, bytes) is not self.codec.is_binary:
            self._mismatch(socket, peer, data)
            return
        if peer.limited_until_ms and (limited := peer.limited_event(data, self._clock())) is not None:
            limited.connection.limit(limited.ack_id, limited.wait_ms, self.engine.clock())
            return
        packet = self.packet_class()
        try:
            packet.decode(data)
        except DECODE_ERRORS:
            self._unreadable(socket, peer, packet, data)
            return
        namespace = packet.namespace or "/"
        kind = packet.packet_type
        if kind == sio.EVENT:
            self._received_event(socket, peer.connections.get(namespace), packet.id, packet.data)
        elif kind == sio.CONNECT:
            self._received_connect(socket, peer, namespace, packet.data)
        elif kind == sio.DISCONNECT:
            if namespace in peer.connections or namespace in peer.knocks:
                self._forget(socket, peer, namespace)
                self._expect_connect(socket, peer)
        else:  # acks of events that asked for none, attachments, connect errors: no client of ours sends them
            self._unreadable(socket, peer, packet, data)

    def faulted(self, socket: Socket, *, is_final: bool) -> bool:
        """Something that is not Engine.IO arrived: forgive a few, then end every namespace with PROTOCOL."""
        peer: Peer = socket.context
        now = self.engine.clock()
        peer.faults.add(now)
        most = self.limits.protocol_errors
        is_over = is_final or peer.faults.count(now) >= most
        for connection in list(peer.connections.values()):
            if is_over or peer.faults_of(connection, now) >= most:
                connection.bye(Code.PROTOCOL)
        return not is_over

    def rerouted(self, socket: Socket) -> None:
        """The socket's descriptor for direct writes has changed: tell the audiences of its connections."""
        peer: Peer = socket.context
        for connection in peer.connections.values():
            connection.rerouted()

    def slow(self, socket: Socket) -> None:
        """The peer does not read: let every connection on it say `bye`."""
        peer: Peer = socket.context
        for connection in list(peer.connections.values()):
            connection.receiver.slow()

    def closed(self, socket: Socket, reason: Reason) -> None:
        """The transport has ended, and with it every connection on it."""
        if reason is Reason.CROWDED:
            self._gave_way(socket.address)
        peer: Peer = socket.context
        peer.met()
        for connection in list(peer.connections.values()):
            self._leave(peer, connection)

    # ---- packets -----------------------------------------------------------------------------------

    def _received_connect(self, socket: Socket, peer: Peer, namespace: str, data: object) -> None:
        if namespace not in NAMESPACES:
            self._refuse(socket, peer, namespace, Denied(Code.BAD_REQUEST, detail={"field": "namespace"}))
        elif namespace in peer.connections and not data:
            self._fault(socket, peer, namespace)  # it is inside, and names nobody who could take its place
        else:
            socket.spoke()
            self._forget(socket, peer, namespace)
            self._expect_connect(socket, peer)
            knock = peer.knocks.get(namespace)
            if knock is not None:
                knock.again = data
            else:
                self._decide(socket, peer, namespace, data)

    def _forget(self, socket: Socket, peer: Peer, namespace: str) -> None:
        """The client left a namespace, or connects to it anew: drop what still waits for the old connection.

        The race: an official client that disconnects while its CONNECT is under way sends nothing, and sends another
        CONNECT
        when it connects again. It would take the answers to the first as answers to the second.
        """
        connection, knock = peer.connections.get(namespace), peer.knocks.get(namespace)
        if connection is not None:
            self._leave(peer, connection)
        if knock is not None:
            knock.is_withdrawn, knock.again = True, NOTHING
        socket.withdraw(namespace)

    def _decide(self, socket: Socket, peer: Peer, namespace: str, data: object) -> None:
        answer = self._admission(socket, peer, namespace, data)
        if isinstance(answer, Awaitable):
            peer.knocks[namespace] = Knock()
            self._start(self._connect_later(socket, peer, namespace, answer))
        else:
            self._connect(socket, peer, namespace, answer)

    async def _connect_later(self, socket: Socket, peer: Peer, namespace: str, answer: Awaitable[Decision]) -> None:
        try:
            async with asyncio.timeout(ADMISSION_SECONDS):
                decided = await answer
        except Exception:
            log.exception("socket.admission_failed", namespace=namespace)
            decided = REFUSED_FOR_A_FAULT
        knock = peer.knocks.pop(namespace)
        if not knock.is_withdrawn:
            self._connect(socket, peer, namespace, decided)
            return
        if not isinstance(decided, Denied):
            decided.closed()
        if knock.again is not NOTHING and socket.is_open and not peer.is_late:
            self._decide(socket, peer, namespace, knock.again)
        elif peer.is_late:
            self._late(socket, peer)

    def _connect(self, socket: Socket, peer: Peer, namespace: str, answer: Decision) -> None:
        if isinstance(answer, Denied):
            if socket.is_open:
                self._refuse(socket, peer, namespace, answer)
            return
        if not socket.is_open:  # it left while we looked at its ticket
            answer.closed()
            return
        socket.accept()
        peer.met()
        sid, ended = self.eio.generate_id(), self.ended
        connection = Connection(sid, socket, namespace, answer, codec=self.codec, limits=self.limits, ended=ended)
        peer.connections[namespace] = self.connections[connection.sid] = connection
        self.online[namespace] += 1
        socket.send(encode(self.codec, sio.CONNECT, namespace, {"sid": connection.sid}), owner=namespace)
        try:
            answer.opened(connection)
        except Exception:
            log.exception("socket.open_failed", namespace=namespace)
            connection.bye(Code.BUSY, retry_after_ms=2000)

    def _received_event(self, socket: Socket, connection: Connection | None, ack_id: int | None, data: object) -> None:
        if connection is None or connection.leaving:
            return
        if not isinstance(data, list) or not data or not isinstance(data[0], str):
            connection.acknowledge(ack_id, Denied(Code.BAD_REQUEST, detail={"field": "event"}))
            self._fault(socket, socket.context, connection.namespace)
            return
        wait_ms = connection.bucket.take(self._clock())
        if wait_ms:
            peer: Peer = socket.context
            peer.limited_until_ms = max(peer.limited_until_ms, self._clock() + wait_ms)
            connection.limit(ack_id, wait_ms, self.engine.clock())
        elif len(data) > 2:  # an event has one payload
            connection.acknowledge(ack_id, Denied(Code.BAD_REQUEST, detail={"field": "payload"}))
        elif connection.inbox is not None and len(connection.inbox) >= self.limits.inbox:
            connection.acknowledge(ack_id, Denied(Code.BUSY, retry_after_ms=1000))
        else:
            received = Received(data[0], data[1] if len(data) > 1 else None, ack_id)
            if connection.inbox is None:
                self._handle(connection, received)
            else:
                connection.inbox.append(received)

    def _leave(self, peer: Peer, connection: Connection) -> None:
        """Remove a connection from its transport, and tell its receiver once."""
        del peer.connections[connection.namespace]
        del self.connections[connection.sid]
        self.online[connection.namespace] -= 1
        connection.leave()
        connection.receiver.closed()

    # ---- admission -----------------------------------------------------------------------------

    def _admission(self, socket: Socket, peer: Peer, namespace: str, data: object) -> Decision | Awaitable[Decision]:
        auth = flat_auth(data)
        if auth is None:
            return Denied(Code.BAD_REQUEST, detail={"field": "auth"})
        try:
            return self._admit(Opening(namespace, auth, socket.address, self.codec, socket.accept, peer.arrivals))
        except Exception:
            log.exception("socket.admission_failed", namespace=namespace)
            return REFUSED_FOR_A_FAULT

    def _refuse(self, socket: Socket, peer: Peer, namespace: str, denied: Denied, codec: Codec | None = None) -> None:
        error = {"message": denied.code.value, "data": denied.as_error()}
        socket.send(encode(codec or self.codec, sio.CONNECT_ERROR, namespace, error), owner=namespace)
        peer.refusals += not denied.retryable
        if peer.refusals >= self.limits.refusals and not peer.connections and not peer.knocks:
            socket.close(Code.PROTOCOL.value)
        elif peer.is_late:
            self._late(socket, peer)
        else:
            self._expect_connect(socket, peer)

    def _mismatch(self, socket: Socket, peer: Peer, data: str | bytes) -> None:
        """Refuse a client with the other parser at once and in its own encoding: else it would wait for ever."""
        if peer.attachments and isinstance(data, bytes):
            peer.attachments -= 1
            return
        if peer.connections or peer.knocks:
            socket.fault()
            return
        other = Codec.JSON if self.codec is Codec.MSGPACK else Codec.MSGPACK
        denied = Denied(Code.BAD_REQUEST, detail={"field": "parser", "expected": self.codec.value})
        for namespace in NAMESPACES:
            self._refuse(socket, peer, namespace, denied, other)
        socket.close(Code.PROTOCOL.value)

    # ---- the life of a transport -----------------------------------------------------------------

    def _expect_connect(self, socket: Socket, peer: Peer) -> None:
        """The transport has no connection: close it at the deadline, whatever is refused meanwhile."""
        if socket.is_open and not peer.connections and peer.deadline is None:
            peer.deadline = self.engine.wheel.after(self.limits.connect_seconds, lambda: self._late(socket, peer))

    def _late(self, socket: Socket, peer: Peer) -> None:
        """The deadline has passed; a CONNECT under way is decided first."""
        peer.is_late = True
        if not peer.connections and not peer.knocks:
            socket.close(Code.PROTOCOL.value)

    def _unreadable(self, socket: Socket, peer: Peer, packet: sio.Packet, data: str | bytes) -> None:
        """Count a malformed packet as a fault; answer its ack if its number could be read."""
        namespace = packet.namespace or "/"
        connection = peer.connections.get(namespace)
        peer.attachments = announced_attachments(data)  # one fault, and not one more for each of them
        if connection is not None and packet.packet_type in (sio.EVENT, sio.BINARY_EVENT):
            connection.acknowledge(packet.id, Denied(Code.BAD_REQUEST, detail={"field": "payload"}))
        self._fault(socket, peer, namespace)

    def _fault(self, socket: Socket, peer: Peer, namespace: str) -> None:
        """Count a fault against the namespace that it names; against the transport where that is not connected."""
        connection = peer.connections.get(namespace)
        if connection is None:
            socket.fault()
            return
        now = self.engine.clock()
        connection.faults.add(now)
        if peer.faults_of(connection, now) >= self.limits.protocol_errors:
            connection.bye(Code.PROTOCOL)

    # ---- the inbox -------------------------------------------------------------------------------

    def _handle(self, connection: Connection, received: Received) -> None:
        """Handle an event; while its handler awaits, later events wait in the inbox."""
        answer = self._answer(connection, received)
        if isinstance(answer, Answer):
            connection.acknowledge(received.ack_id, answer)
        else:
            connection.inbox = deque()
            self._start(self._drain(connection, received, answer))

    async def _drain(self, connection: Connection, received: Received, answer: Answer | Awaitable[Answer]) -> None:
        try:
            while True:
                connection.acknowledge(received.ack_id, await self._awaited(received, answer))
                if not connection.inbox or connection.leaving:
                    return
                received = connection.inbox.popleft()
                answer = self._answer(connection, received)
        finally:
            connection.inbox = None

    def _answer(self, connection: Connection, received: Received) -> Answer | Awaitable[Answer]:
        try:
            return connection.receiver.received(received.event, received.payload)
        except Exception:
            log.exception("socket.handler_failed", socket_event=received.event)
            return FAILED

    async def _awaited(self, received: Received, answer: Answer | Awaitable[Answer]) -> Answer:
        if isinstance(answer, Answer):
            return answer
        try:
            return await answer
        except Exception:
            log.exception("socket.handler_failed", socket_event=received.event)
            return FAILED

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
