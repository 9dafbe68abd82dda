"""uvicorn's HTTP protocol with deadlines on heads and bodies, which hands upgrade requests to the engines itself.

Among sibling processes it looks at the first line of a request before anybody reads the rest: one for a session of a
sibling leaves with its connection.
"""

import asyncio
import os
import socket as os_socket
from collections import deque
from collections.abc import Mapping
from functools import partial
from http import HTTPStatus
from typing import Any

import httptools
import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from gateway.engine import framing
from gateway.engine.budget import Meter
from gateway.engine.engine import Engine
from gateway.engine.handover import Handover
from gateway.engine.idle import IdleConnections
from gateway.engine.idle_http import IdleHttpProtocol
from gateway.engine.requests import BAD_REQUEST, Handshake, Refusal, read_query
from gateway.engine.websocket import negotiate
from gateway.engine.wheel import Alarm

NO_REQUEST = b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
HEAD_TOO_LARGE = b"HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
TOO_MANY = b"HTTP/1.1 429 Too Many Requests\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
TOO_SLOW = b"HTTP/1.1 408 Request Timeout\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"

NOWHERE: Any = deque(maxlen=0)
UNREAD_SECONDS = 60.0
"""The deadline for a peer to read part of an answer that fills the transport."""


class TooManyRequestsError(Exception):
    """Stops the parser of a connection that exceeded its rate of requests to the engines."""


class AmbiguousRequestError(Exception):
    """Stops the parser of a connection whose requests a proxy might delimit differently."""


def http_protocol(
    engines: Mapping[str, Engine],
    handover: Handover | None = None,
    *,
    limits_of: Engine | None = None,
    idle: IdleConnections | None = None,
) -> type[HttpToolsProtocol]:
    """The class for uvicorn's `http=`. The keys are paths with a slash at both ends.

    `limits_of`: whose limits bind a request, where no engine is served; else the first one's do. `idle`: what bounds
    connections without a request, where anything does.
    """
    siblings, idle_ones = handover, idle

    class EngineHttpProtocol(_EngineHttpProtocol):
        engines_by_path = engines
        timing = limits_of or next(iter(engines.values()))
        handover = siblings
        idle = idle_ones

    return EngineHttpProtocol


async def adopt(server: uvicorn.Server, connection: os_socket.socket, read: bytes) -> None:
    """Go on in a server that uses `http_protocol` with a connection that a sibling handed over."""
    loop = asyncio.get_running_loop()

    def adopted() -> asyncio.Protocol:
        protocol: Any = server.config.http_protocol_class
        made: _EngineHttpProtocol = protocol(server.config, server.server_state, server.lifespan.state, loop)
        made.adopted = read
        return made

    await loop.connect_accepted_socket(adopted, connection)


def limit_unsent(listener: os_socket.socket, size: int) -> None:
    """Let the kernel take little beyond what a peer has room for, so that one that does not read shows early.

    Connections have it from the socket that accepts them.
    """
    option = getattr(os_socket, "TCP_NOTSENT_LOWAT", None)
    if option is not None and listener.family in (os_socket.AF_INET, os_socket.AF_INET6):
        listener.setsockopt(os_socket.IPPROTO_TCP, option, size)


class _EngineHttpProtocol(IdleHttpProtocol):
    """One HTTP connection until it ends or becomes a WebSocket."""

    engines_by_path: Mapping[str, Engine]
    timing: Engine
    """Supplies the limits and the wheel for the deadlines of requests."""
    handover: Handover | None
    adopted = b""
    """The bytes of the first request that a sibling has read; such a request is not handed on."""

    _deadline: Alarm | None = None
    _head_bytes = 0
    _in_head = True
    _requests: Meter | None = None
    """Counts requests to the engines; not those of a trusted proxy, which come from many."""
    _unread: Alarm | None = None
    _first_line: bytes | None = b""
    """The bytes of the first line so far; None once it was examined."""
    _takes_upgrade = False
    """Whether this request asks for a WebSocket that will be opened."""
    _head_of_the_rest = b""
    """The head with which a new parser reads the body of an ignored upgrade."""
    _path, _query = "", b""
    _before: Any = None
    """The previous request, whose answer may still be pending."""
    _is_over = False
    """Whether the protocol has stopped reading."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as in uvicorn
        """Set the deadline for the head of the first request."""
        super().connection_made(transport)
        self._await_within(self.timing.limits.header_seconds)
        if self.adopted:  # at once, before anything is read of what follows
            self._first_line = None
            self.data_received(self.adopted)
            self.adopted = b""

    def connection_lost(self, exc: Exception | None) -> None:
        """Cancel the deadlines of this connection."""
        self._await_nothing()
        self.resume_writing()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse bytes of requests; the bytes of a WebSocket go to its own protocol."""
        if self._is_over:
            return
        if self._in_head:
            self._head_bytes += len(data)
            if self._deadline is None:
                self._await_within(self.timing.limits.header_seconds)
        if self.handover is not None and self._first_line is not None:
            data = self._first_line + data
            self._first_line = data
            if b"\n" not in data and len(data) <= self.timing.limits.header_bytes:
                self._unset_keepalive_if_required()  # a request has begun
                return
            self._first_line = None
            owner = self._owner(self.handover, data)
            if owner is not None:
                self._leave(self.handover, owner, data)
                return
        self._read(data)

    def _read(self, data: bytes) -> None:
        self._unset_keepalive_if_required()
        try:
            rest: bytes | None = data
            while rest is not None:
                rest = self._parse(rest)
        except httptools.HttpParserError:
            self.send_400_response("Invalid HTTP request received.")
        if self._in_head and self._head_bytes > self.timing.limits.header_bytes and not self.transport.is_closing():
            self._give_up(HEAD_TOO_LARGE)

    def _parse(self, data: bytes) -> bytes | None:
        """Take a request in; what follows the head of one whose upgrade is ignored is left over, and to be read on."""
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            rest = data[upgrade.args[0] :]
            if not self._takes_upgrade:
                self._ignore_upgrade()
                return rest
            self._upgrade(rest)
        return None

    def _ignore_upgrade(self) -> None:
        """Go on behind the head: this parser takes what follows for the other protocol, a new one for the body.

        Left to itself, it would read a body that comes in a packet of its own as the next request.
        """
        self.parser = httptools.HttpRequestParser(framing.Onward(self))
        self.parser.set_dangerous_leniencies(lenient_data_after_close=True)  # as uvicorn does with its own
        self.parser.feed_data(self._head_of_the_rest)

    def on_message_begin(self) -> None:
        """A request begins, whose first line was looked at if it did not come together with the one before."""
        self._first_line = None
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """The head is read; a body may follow."""
        self._path, self._query = _target(self.url)
        is_ours = self._is_ours(self._path)
        if is_ours and not self._may_ask():
            raise TooManyRequestsError
        version, method = self.parser.get_http_version(), self.parser.get_method()
        if framing.is_ambiguous(self.headers, version) or method == b"CONNECT":
            raise AmbiguousRequestError
        if self.parser.should_upgrade():
            self._takes_upgrade = is_ours and framing.asks_for_websocket(self.headers, version)
            self._head_of_the_rest = framing.head_of_the_rest(method, self.headers, version)
        self._before = self.cycle
        super().on_headers_complete()
        self._in_head = False
        if not self._takes_upgrade:  # else the request ends with its head
            self._await_within(self.timing.limits.body_seconds)
            self.headers = NOWHERE  # goes what stands behind a body in chunks: it is no header
            if self.expect_100_continue:
                cycle: Any = self.cycle
                cycle.send = partial(_answer_in_time, cycle, cycle.send)

    def on_message_complete(self) -> None:
        """The request is read; the next one on this connection may take its time to begin."""
        if self.parser.should_upgrade() and not self._takes_upgrade:
            return  # for this parser, which knows of no body: see `_ignore_upgrade`
        self._in_head = True
        self._head_bytes = 0
        self._first_line = b""
        self._await_nothing()
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        """Answer what is no request, or one too many, and see the peer off."""
        if self._requests is not None and self._requests.is_spent:
            self._give_up(TOO_MANY)
            return
        self.logger.warning(msg)
        self._give_up(NO_REQUEST)

    def pause_writing(self) -> None:
        """The peer reads too slowly: set a deadline for it to read part of the answer."""
        super().pause_writing()
        self._unread = self.timing.wheel.after(UNREAD_SECONDS, self.transport.abort)

    def resume_writing(self) -> None:
        """The peer has read: cancel that deadline."""
        super().resume_writing()
        if self._unread is not None:
            self._unread.discard()
            self._unread = None

    def _should_upgrade(self) -> bool:
        return self._takes_upgrade

    def _upgrade(self, early: bytes) -> None:
        """Answer the upgrade here, without the ASGI app. `early`: bytes sent behind the request."""
        self._await_nothing()
        if self._is_answering():
            self._end_after_answers()
            return
        if framing.announces_body(self.headers):
            self._refuse(BAD_REQUEST)
            return
        handshake = Handshake(self._address(), self._path, read_query(self._query), self.headers)
        answer = negotiate(self.engines_by_path[_slashed(self._path)], handshake, self.scope["method"])
        if isinstance(answer, Refusal):
            self._refuse(answer)
            return
        self.connections.discard(self)
        connections: set[Any] = self.connections
        connections.add(answer)
        self.transport.set_protocol(answer)
        self.parser = None  # type: ignore[assignment]  # it holds us as we hold it: only the collector would end the two
        answer.start(self.transport, handshake, connections.discard)
        if early and not self.transport.is_closing():
            answer.data_received(early)

    def _owner(self, handover: Handover, data: bytes) -> int | None:
        """The sibling that owns the session of this request."""
        if self._is_answering() or self.transport.get_write_buffer_size():
            return None  # asked before the last answer was read, which has to leave from here
        words = data[: data.find(b"\n")].split(b" ")
        path, query = _target(words[1]) if len(words) > 2 else ("", b"")
        return handover.owner(read_query(query).get("sid") if self._is_ours(path) else None)

    def _leave(self, handover: Handover, owner: int, data: bytes) -> None:
        self._unset_keepalive_if_required()
        self.transport.pause_reading()
        # a copy at once: the connection may be closed, and its number given to another, before it is on its way
        descriptor = os.dup(self.transport.get_extra_info("socket").fileno())
        task = self.loop.create_task(self._hand_over(handover, owner, descriptor, data))
        task.add_done_callback(self.tasks.discard)
        self.tasks.add(task)

    async def _hand_over(self, handover: Handover, owner: int, descriptor: int, data: bytes) -> None:
        try:
            is_given = await handover.give(owner, descriptor, data)
        finally:
            os.close(descriptor)
        if self.transport.is_closing():
            return
        if is_given:
            self.transport.abort()  # which closes our descriptor; the connection lives by the other one
        else:
            self.transport.resume_reading()
            self._read(data)

    def _may_ask(self) -> bool:
        """Whether this request for the engines is not one too many of them."""
        traffic = self.timing.limits.traffic
        if traffic is None or self.is_of_a_proxy:
            return True
        if self._requests is None:
            self._requests = Meter(traffic.requests)
        return self._requests.take(1, self.timing.clock())

    def _is_ours(self, path: str) -> bool:
        return _slashed(path) in self.engines_by_path

    def _address(self) -> str:
        """The peer's address; behind a trusted proxy the one that the proxy forwards."""
        host = self.client[0] if self.client else "unknown"
        app: Any = self.app
        if self.is_of_a_proxy:
            forwarded = b", ".join(value for name, value in self.headers if name == b"x-forwarded-for")
            if forwarded:
                return app.trusted_hosts.get_trusted_client_address(forwarded.decode("latin1"))[0] or host
        return host

    def _refuse(self, refusal: Refusal) -> None:
        body = refusal.body()
        self.transport.write(
            f"HTTP/1.1 {refusal.status} {HTTPStatus(refusal.status).phrase}\r\ncontent-type: application/json\r\n"
            f"content-length: {len(body)}\r\nconnection: close\r\n\r\n".encode()
            + body
        )
        self._see_off()

    def _await_within(self, seconds: float) -> None:
        if self._deadline is None:
            self._deadline = self.timing.wheel.alarm(lambda: self._give_up(TOO_SLOW))
        self._deadline.set(self.timing.clock() + seconds)

    def _await_nothing(self) -> None:
        if self._deadline is not None:
            self._deadline.discard()
            self._deadline = None

    def _is_answering(self) -> bool:
        """Whether an answer to a request read so far is not complete."""
        cycle: Any = self.cycle  # None before the first request, whatever its annotation says
        return cycle is not None and not cycle.response_complete

    def _give_up(self, answer: bytes) -> None:
        """Answer the current request with an error and stop reading. No request gets two answers."""
        self._await_nothing()
        if self.transport.is_closing():
            return
        if not self._in_head and self.pipeline and self.pipeline[0][0] is self.cycle:
            self.pipeline.popleft()  # nobody was asked yet: as if it had never begun
            self.cycle, self._in_head = self._before, True
        if self._in_head and self._is_answering():
            self._end_after_answers()
            return
        if self._in_head or not self.cycle.response_started:
            self.transport.write(answer)
        self._see_off()

    def _end_after_answers(self) -> None:
        """Finish the pending answers, then close; later bytes are no requests."""
        self._is_over = True
        self.cycle.keep_alive = False  # of the last one

    def _see_off(self) -> None:
        """Close the connection once the peer has read what was written, or after a short time."""
        self._await_nothing()
        self._is_over = True
        if self._is_answering():  # what is left of the answer could follow another one
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        self.transport.close()
        self._deadline = self.timing.wheel.after(self.timing.limits.farewell_seconds, self.transport.abort)


async def _answer_in_time(cycle: Any, send: Any, message: Any) -> None:
    """End the connection with an answer to a peer that still waits to be asked for its body.

    It need not send the body then, and what it sends next would be read as one.
    """
    if cycle.waiting_for_100_continue and cycle.more_body:
        cycle.keep_alive = False
    await send(message)


def _slashed(path: str) -> str:
    return path if path.endswith("/") else path + "/"


def _target(url: bytes) -> tuple[str, bytes]:
    """Path and query of a request's target; both empty where it has none, as with `host:port` or `*`."""
    try:
        parsed = httptools.parse_url(url)
    except httptools.HttpParserInvalidURLError:
        return "", b""
    return (parsed.path or b"").decode("ascii", "replace"), parsed.query or b""
