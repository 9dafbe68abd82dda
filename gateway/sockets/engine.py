"""The Engine.IO transport as we need it.

WebSocket closes that carry their reason, writes with a deadline, polling bodies measured by what they are,
and nothing undecodable below Socket.IO, where it can be counted.
"""

import asyncio
import base64
import contextlib
from typing import Any

import engineio
from engineio import packet as eio_packet
from engineio.async_drivers import asgi
from engineio.async_socket import AsyncSocket
from engineio.exceptions import ContentTooLongError
from engineio.payload import Payload

CLOSE_NORMAL = 1000
SEND_DEADLINE_SECONDS = 10.0
"""A WebSocket write that stalls longer ends the socket."""


LOOK_SECONDS = 0.02
NO_PACKET = "4?"
"""Stands for what is no Engine.IO packet: a message that no Socket.IO packet begins like."""
SEPARATOR = "\x1e"

# stock throws away a body of more than 16 packets and answers 200; the body's own bound is enough
Payload.max_decode_packets = 65_536


class ReasonedWebSocket(asgi.WebSocket):  # type: ignore[misc]  # python-engineio is untyped
    """The ASGI WebSocket, closing with the code of the last `bye` as its reason."""

    def __init__(self, handler: Any, server: Any) -> None:
        super().__init__(handler, server)
        self._socket = handler.__self__

    async def wait(self) -> str | bytes:
        message: str | bytes = await super().wait()
        return message if isinstance(message, bytes) or _is_packet(message) else NO_PACKET

    async def send(self, message: str | bytes) -> None:
        async with asyncio.timeout(SEND_DEADLINE_SECONDS):
            await super().send(message)

    async def close(self) -> None:
        reason = getattr(self._socket, "close_reason", "")
        with contextlib.suppress(RuntimeError, OSError):  # the client may have closed first
            await self.asgi_send({"type": "websocket.close", "code": CLOSE_NORMAL, "reason": reason})


class PolledBody:
    """A polling body of at most `limit` bytes, announced or not; more of it ends the socket."""

    def __init__(self, stream: Any, limit: int) -> None:
        self._stream = stream
        self._limit = limit

    async def read(self, _announced: int) -> bytes:
        body: bytes = await self._stream.read(self._limit + 1)
        if len(body) > self._limit:
            raise ContentTooLongError
        packets = body.decode("utf-8", "replace").split(SEPARATOR)
        return SEPARATOR.join(one if _is_polled_packet(one) else NO_PACKET for one in packets).encode()


class Engine(engineio.AsyncServer):  # type: ignore[misc]  # python-engineio is untyped
    """python-engineio's server over our WebSocket."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        driver = vars(self)["_async"]
        self._async: dict[str, Any] = {
            **driver,
            "websocket": ReasonedWebSocket,
            "translate_request": self._translate_request,
        }

    async def disconnect(self, sid: str) -> None:
        """End a transport that broke the protocol. Stock waits for the client to read everything first."""
        socket = self.sockets.pop(sid, None)
        if socket is not None:
            await socket.close(wait=False)

    async def _translate_request(self, scope: Any, receive: Any, send: Any) -> dict[str, Any]:
        environ: dict[str, Any] = await asgi.translate_request(scope, receive, send)
        if "wsgi.input" in environ:
            environ["wsgi.input"] = PolledBody(environ["wsgi.input"], self.max_http_buffer_size)
        return environ

    async def _trigger_event(self, event: str, *args: Any, **kwargs: Any) -> Any:
        if event == "disconnect":
            # stock leaves a waiting poll of a closed socket hanging until the next heartbeat
            asyncio.get_running_loop().call_soon(self._wake, args[0])
        return await super()._trigger_event(event, *args, **kwargs)

    def _wake(self, sid: str) -> None:
        socket = self.sockets.get(sid)
        if socket is not None and not socket.upgraded:
            socket.queue.put_nowait(eio_packet.Packet(eio_packet.NOOP))


async def end(socket: AsyncSocket, reason: str, fetch_seconds: float) -> None:
    """Close the transport after what is queued; polling has `fetch_seconds` to fetch it.

    No CLOSE packet: the official Python client would take it for the end and not come back after a retryable
    `bye`. A polling client finds its session gone at its next request, which every client takes for a lost line.
    """
    socket.close_reason = reason
    if not socket.upgraded:
        await _until_fetched(socket, fetch_seconds)
    await socket.close(wait=False, abort=True)
    # the WebSocket writer drains its queue, then meets None and closes
    if socket.upgraded:
        socket.queue.put_nowait(None)


async def _until_fetched(socket: AsyncSocket, seconds: float) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            while not socket.queue.empty() and not socket.closed:  # noqa: ASYNC110 - stock queues announce nothing
                await asyncio.sleep(LOOK_SECONDS)


def queue(socket: AsyncSocket, packet: eio_packet.Packet) -> int:
    """Hand a packet to the socket's writer, in the order of calls, without waiting; answers the queue's length."""
    socket.queue.put_nowait(packet)
    return int(socket.queue.qsize())


def _is_packet(text: str) -> bool:
    """Whether a client may say this: a Socket.IO packet, or an Engine.IO packet that stock reads without harm."""
    if text[:1] == "4":
        return text[1:2] in set("0123456")
    return text in {"1", "3", "5", "2probe"}


def _is_polled_packet(text: str) -> bool:
    if text[:1] != "b":
        return _is_packet(text)
    try:
        base64.b64decode(text[1:], validate=True)
    except ValueError:
        return False
    return True
