"""What stands for the network: transports that take everything and keep nothing."""

import asyncio
from collections.abc import Mapping
from typing import Any

from gateway.engine.engine import Engine
from gateway.engine.requests import Handshake, Refusal
from gateway.engine.websocket import WebSocketConnection, negotiate

KEY = b"dGhlIHNhbXBsZSBub25jZQ=="
QUERY = {"EIO": "4", "transport": "websocket"}


class Wire(asyncio.Transport):
    """Counts what is written; closes when told to."""

    def __init__(self) -> None:
        super().__init__()
        self.written = 0
        self.protocol: Any = None
        self._is_closing = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.written += len(data)

    def is_closing(self) -> bool:
        return self._is_closing

    def close(self) -> None:
        self._is_closing = True

    def abort(self) -> None:
        self._is_closing = True

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None: ...

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        self.protocol = protocol

    def pause_reading(self) -> None: ...

    def resume_reading(self) -> None: ...

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return ("127.0.0.1", 1) if name in ("peername", "sockname") else default


def upgrade(
    engine: Engine, path: str = "/socket.io/", query: Mapping[str, str] = QUERY
) -> tuple[WebSocketConnection, Handshake]:
    """A connection that was agreed to and stands on no transport yet."""
    headers = [(b"sec-websocket-key", KEY), (b"sec-websocket-version", b"13")]
    handshake = Handshake("127.0.0.1", path, query, headers)
    connection = negotiate(engine, handshake, "GET")
    assert not isinstance(connection, Refusal), connection
    return connection, handshake


def dial(
    engine: Engine, path: str = "/socket.io/", query: Mapping[str, str] = QUERY
) -> tuple[WebSocketConnection, Wire]:
    """A connection after its handshake."""
    connection, handshake = upgrade(engine, path, query)
    wire = Wire()
    connection.start(wire, handshake, lambda _: None)
    return connection, wire
