"""The Engine.IO transport as we need it: WebSocket closes that carry their reason, writes with a deadline."""

import asyncio
import contextlib
from typing import Any

import engineio
from engineio import packet as eio_packet
from engineio.async_drivers import asgi
from engineio.async_socket import AsyncSocket

CLOSE_NORMAL = 1000
SEND_DEADLINE_SECONDS = 10.0
"""A WebSocket write that stalls longer ends the socket."""


class ReasonedWebSocket(asgi.WebSocket):  # type: ignore[misc]  # python-engineio is untyped
    """The ASGI WebSocket, closing with the code of the last `bye` as its reason."""

    def __init__(self, handler: Any, server: Any) -> None:
        super().__init__(handler, server)
        self._socket = handler.__self__

    async def send(self, message: str | bytes) -> None:
        async with asyncio.timeout(SEND_DEADLINE_SECONDS):
            await super().send(message)

    async def close(self) -> None:
        reason = getattr(self._socket, "close_reason", "")
        with contextlib.suppress(RuntimeError, OSError):  # the client may have closed first
            await self.asgi_send({"type": "websocket.close", "code": CLOSE_NORMAL, "reason": reason})


class Engine(engineio.AsyncServer):  # type: ignore[misc]  # python-engineio is untyped
    """python-engineio's server over our WebSocket."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._async: dict[str, Any] = {**vars(self)["_async"], "websocket": ReasonedWebSocket}

    async def _trigger_event(self, event: str, *args: Any, **kwargs: Any) -> Any:
        if event == "disconnect":
            # stock leaves a waiting poll of a closed socket hanging until the next heartbeat
            asyncio.get_running_loop().call_soon(self._wake, args[0])
        return await super()._trigger_event(event, *args, **kwargs)

    def _wake(self, sid: str) -> None:
        socket = self.sockets.get(sid)
        if socket is not None and not socket.upgraded:
            socket.queue.put_nowait(None)


async def end(socket: AsyncSocket, reason: str) -> None:
    """Flush what is queued, then close the transport; never waits for the client."""
    socket.close_reason = reason
    await socket.close(wait=False, abort=socket.upgraded)
    # the WebSocket writer drains its queue, then meets None and closes; polling has got its CLOSE packet
    if socket.upgraded:
        socket.queue.put_nowait(None)


def queue(socket: AsyncSocket, packet: eio_packet.Packet) -> int:
    """Hand a packet to the socket's writer, in the order of calls, without waiting; answers the queue's length."""
    socket.queue.put_nowait(packet)
    return int(socket.queue.qsize())
