"""The polling transport, as an ASGI app: a GET waits for packets, a POST brings those of the peer."""

import asyncio
from collections.abc import Callable
from typing import Any

from gateway.engine import packets, requests
from gateway.engine.engine import Engine
from gateway.engine.frames import NOOP
from gateway.engine.requests import Handshake, Refusal, read_query
from gateway.engine.session import Reason, Via
from gateway.engine.socket import Socket
from gateway.setup.origins import Headers

Receive = Callable[[], Any]
Send = Callable[[dict[str, Any]], Any]

PROBING_WAIT_SECONDS = 0.1
"""A poll is held no longer than this during a WebSocket probe: the client upgrades when it ends."""
PREFLIGHT_SECONDS = b"600"
METHODS = b"GET, POST"
DEFAULT_HEADERS = "content-type"
"""The headers allowed to a preflight that names none."""
MAX_ASKED_CHARS = 1024
"""A preflight gets back at most this many characters of the header names it asks for."""
OK = b"ok"


class Poll:
    """A GET that waits for packets."""

    __slots__ = ("answer",)

    def __init__(self) -> None:
        self.answer: asyncio.Future[str | None] = asyncio.get_running_loop().create_future()
        """The one packet to answer with; None: collect the packets from the socket."""

    def ready(self) -> None:
        """The socket has packets to collect."""
        self._settle(None)

    def release(self, packet: str) -> None:
        """Answer with this packet and no other."""
        self._settle(packet)

    def _settle(self, packet: str | None) -> None:
        if not self.answer.done():
            self.answer.set_result(packet)


class PollingApp:
    """The ASGI app of one engine's path."""

    def __init__(self, engine: Callable[[], Engine]) -> None:
        """`engine` is called at each request, because the engine may be made after the app."""
        self._engine = engine
        self._bringing: set[str] = set()
        """The sessions that have a POST in progress."""

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        """The ASGI entry point for HTTP requests."""
        client = scope.get("client") or ("unknown", 0)
        handshake = Handshake(client[0], scope["path"], read_query(scope["query_string"]), scope["headers"])
        engine = self._engine()
        if scope["method"] == "OPTIONS":
            await self._preflight(engine, handshake, send)
            return
        answer = await self._answer(engine, handshake, scope["method"], receive)
        readable = engine.origins.readable_by(handshake.header(b"origin"), handshake.header(b"host"))
        if isinstance(answer, Refusal):
            await _respond(send, readable, answer.status, answer.body(), b"application/json")
        else:
            await _respond(send, readable, 200, answer)

    async def _preflight(self, engine: Engine, handshake: Handshake, send: Send) -> None:
        """Answer a CORS preflight."""
        readable = engine.origins.readable_by(handshake.header(b"origin"), handshake.header(b"host"))
        if not readable:
            await _respond(send, readable, 403 if handshake.header(b"origin") is not None else 204, b"")
            return
        asked = (handshake.header(b"access-control-request-headers") or DEFAULT_HEADERS)[:MAX_ASKED_CHARS]
        may = [
            (b"access-control-allow-methods", METHODS),
            (b"access-control-allow-headers", asked.encode("latin-1")),
            (b"access-control-max-age", PREFLIGHT_SECONDS),
        ]
        await _respond(send, readable + may, 204, b"")

    async def _answer(self, engine: Engine, handshake: Handshake, method: str, receive: Receive) -> bytes | Refusal:
        refusal = requests.refusal_of(handshake, Via.POLLING, method, engine.origins)
        if refusal is not None:
            return refusal
        sid = handshake.query.get("sid")
        if sid is None:
            opened = engine.open(handshake, Via.POLLING)
            if isinstance(opened, Refusal):
                return opened
            opening = opened.open_packet()
            engine.announce(opened, handshake)
            return opening.encode()
        socket = engine.find(sid)
        if socket is None:
            return requests.UNKNOWN_SESSION
        if socket.transport is Via.WEBSOCKET and socket.is_open:
            return requests.BAD_REQUEST
        if socket.budget is not None and not socket.budget.take_request(engine.clock()):
            was_open = socket.is_open
            socket.fault(Via.POLLING, is_final=True)
            if method != "GET":
                return _ended(socket, requests.TOO_MANY_REQUESTS) if was_open else requests.TOO_MANY_REQUESTS
        if method == "GET":
            return await _fetch(engine, socket, receive)
        if sid in self._bringing:  # their order would be anybody's guess
            socket.fault(Via.POLLING, is_final=True)
            return _ended(socket, requests.BAD_REQUEST)
        self._bringing.add(sid)
        try:
            return await _bring(engine, socket, receive)
        finally:
            self._bringing.discard(sid)


async def _fetch(engine: Engine, socket: Socket, receive: Receive) -> bytes | Refusal:
    poll = Poll()
    if not socket.poll(poll):
        return requests.BAD_REQUEST
    waiting: asyncio.Future[Any] = asyncio.create_task(_until_gone(receive))
    answering: asyncio.Future[Any] = poll.answer
    patience = PROBING_WAIT_SECONDS if socket.is_probing else None
    try:
        await asyncio.wait({waiting, answering}, timeout=patience, return_when=asyncio.FIRST_COMPLETED)
        if waiting.done() and not answering.done():
            socket.poll_lost(poll)
            return requests.BAD_REQUEST
        packet = answering.result() if answering.done() else NOOP.polled
    except asyncio.CancelledError:
        socket.poll_lost(poll)
        raise
    finally:
        waiting.cancel()
    fetched = socket.collect()
    if not socket.is_open and not socket.waits:
        engine.gone(socket)
    if packet is not None:
        fetched.append(packet)
    return packets.SEPARATOR.join(fetched or [NOOP.polled]).encode()


async def _until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _bring(engine: Engine, socket: Socket, receive: Receive) -> bytes | Refusal:
    body = await _body(receive, engine.limits.message_bytes)
    if body is None:
        socket.fault(Via.POLLING, is_final=True)
        return requests.TOO_LARGE
    count = packets.count_in(body)
    if socket.budget is not None and not socket.budget.take(count, len(body), engine.clock()):
        socket.fault(Via.POLLING, is_final=True)
        return _ended(socket, requests.TOO_MANY_REQUESTS)
    socket.packets_per_poll = max(socket.packets_per_poll, count - 1)
    for packet in packets.read_payload(body):
        if not socket.is_open:
            break
        if packet is None:
            socket.fault(Via.POLLING)
        else:
            socket.receive(packet, Via.POLLING)
    return OK if socket.is_open else _ended(socket, requests.BAD_REQUEST)


def _ended(socket: Socket, refusal: Refusal) -> bytes | Refusal:
    """What a POST is answered that ended its session, or came behind that end.

    Official clients drop the line at any status but 200, and would not hear what the application said last, which
    waits for their poll.
    """
    return OK if socket.ended in (Reason.CLIENT, Reason.SERVER) else refusal


async def _body(receive: Receive, limit: int) -> bytes | None:
    """The whole body; None when it is longer than `limit`."""
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if size > limit:
            return None
        if not message.get("more_body", False):
            return b"".join(parts)


async def _respond(
    send: Send, more: Headers, status: int, body: bytes, kind: bytes = b"text/plain; charset=UTF-8"
) -> None:
    headers = [(b"content-type", kind), (b"content-length", str(len(body)).encode()), (b"cache-control", b"no-store")]
    await send({"type": "http.response.start", "status": status, "headers": headers + more})
    await send({"type": "http.response.body", "body": body})
