"""The WebSocket side: bytes of one TCP connection, from its handshake to its close frame.

Frames are read by the sans-I/O core of `websockets` and written as prepared bytes straight to the transport.
There is no task, queue or ASGI scope per socket.
"""

import asyncio
import base64
import binascii
import logging
import socket as os_socket
import struct
from collections.abc import Callable
from typing import Final

from websockets.frames import Frame as WebSocketFrame
from websockets.frames import Opcode
from websockets.protocol import Protocol, Side, State
from websockets.utils import accept_key

from gateway.engine import requests
from gateway.engine.budget import FrameCount
from gateway.engine.engine import Engine
from gateway.engine.frames import TEXT, websocket_frame
from gateway.engine.lines import NO_LINE, line_of
from gateway.engine.requests import Handshake, Refusal
from gateway.engine.session import Via
from gateway.engine.socket import Socket
from gateway.engine.wheel import Alarm

try:
    from websockets.speedups import apply_mask
except ImportError:  # where its wheel is the one without C
    from websockets.utils import apply_mask

LOGGER: Final = logging.getLogger(__name__)

WHOLE_TEXT: Final = 0x81
WHOLE_MESSAGES: Final = (WHOLE_TEXT, 0x82)
"""The first byte of a text or binary frame that nothing precedes or continues (RFC 6455, 5.2)."""
MASK: Final = 4
HEAD: Final = 6
"""Bytes of a small frame's mask, and of all its head."""
CLOSE_NORMAL: Final = 1000
CLOSE_REASON_BYTES: Final = 123
"""The longest reason in a close frame (RFC 6455, 5.5)."""
KEY_BYTES: Final = 16
VERSION: Final = "13"
INTERNET: Final = (os_socket.AF_INET, os_socket.AF_INET6)
RESET: Final = struct.pack("ii", 1, 0)
"""SO_LINGER with a timeout of 0: closing drops unsent bytes and sends a RST."""


def negotiate(engine: Engine, handshake: Handshake, method: str) -> "WebSocketConnection | Refusal":
    """Answer an upgrade request: a connection for a new session, or for an existing polling session."""
    refusal = requests.refusal_of(handshake, Via.WEBSOCKET, method, engine.origins)
    if refusal is None and method != "GET":
        refusal = requests.BAD_METHOD
    key = handshake.header(b"sec-websocket-key") or ""
    if refusal is None and (handshake.header(b"sec-websocket-version") != VERSION or not _is_key(key)):
        refusal = requests.BAD_REQUEST
    if refusal is not None:
        return refusal
    sid = handshake.query.get("sid")
    if sid is None:
        opened = engine.open(handshake, Via.WEBSOCKET)
        return opened if isinstance(opened, Refusal) else WebSocketConnection(engine, opened, key)
    found = engine.sockets.get(sid)
    if found is None:
        return requests.UNKNOWN_SESSION
    return WebSocketConnection(engine, found, key)


def _is_key(key: str) -> bool:
    try:
        return len(base64.b64decode(key.encode(), validate=True)) == KEY_BYTES
    except (binascii.Error, UnicodeEncodeError):
        return False


class WebSocketConnection(asyncio.Protocol):
    """One WebSocket connection, from its 101 to its end."""

    __slots__ = (
        "_alarm",
        "_budget",
        "_core",
        "_engine",
        "_fragments",
        "_frames",
        "_is_text",
        "_key",
        "_on_lost",
        "_socket",
        "_transport",
        "is_full",
        "line",
        "write",
    )

    def __init__(self, engine: Engine, socket: Socket, key: str) -> None:
        self._engine = engine
        self._socket: Socket | None = socket
        self._budget = socket.budget
        self._frames = FrameCount()
        self._key = key
        self._core = Protocol(Side.SERVER, max_size=engine.limits.message_bytes, logger=LOGGER)
        self._fragments = bytearray()  # a list of one-byte fragments would take forty times their size
        self._is_text = True
        self._alarm: Alarm | None = None
        self._on_lost: Callable[[WebSocketConnection], None] | None = None
        self._transport: asyncio.Transport
        self.is_full = False
        """Whether the transport holds bytes that the kernel has not taken."""
        self.line = NO_LINE
        """The descriptor for direct writes, valid while the transport holds nothing."""
        self.write: Callable[[bytes], None]
        """The transport's own `write`, called directly for whole frames. It never waits."""

    def start(
        self, transport: asyncio.Transport, handshake: Handshake, on_lost: Callable[["WebSocketConnection"], None]
    ) -> None:
        """Answer 101 on a connection whose request was read, and begin; `on_lost` is called with it when it is gone."""
        socket = self._socket
        if socket is None:
            raise RuntimeError("a connection starts once")
        self._transport = transport
        self.write = transport.write
        self._on_lost = on_lost
        self.line = line_of(transport)
        transport.set_write_buffer_limits(high=0)  # pause at the first unsent byte: later frames wait in the backlog
        transport.write(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: "
            + accept_key(self._key).encode()
            + b"\r\n\r\n"
        )
        self._key = ""
        if "sid" in handshake.query:
            if not socket.attach(
                self
            ):  # the session has a WebSocket already: a browser learns that only from a close frame
                self.finish("", b"")
                return
            self._alarm = self._engine.wheel.after(self._engine.limits.upgrade_seconds, self.abort)
            return
        self.write(websocket_frame(TEXT, socket.open_packet().encode()))
        socket.attach(self)
        self._engine.announce(socket, handshake)

    # ---- the socket's ------------------------------------------------------------------------------

    def confirmed(self) -> None:
        """The probe succeeded: cancel its deadline."""
        if self._alarm is not None:
            self._alarm.discard()
            self._alarm = None

    def finish(self, text: str, last: bytes) -> None:
        """Write what is left and a close frame; close after `farewell_seconds` at the latest."""
        self._socket = None
        if self._transport.is_closing():
            return
        if self._core.close_sent is None and self._core.close_rcvd is None and self._core.parser_exc is None:
            self._core.send_close(CLOSE_NORMAL, text.encode()[:CLOSE_REASON_BYTES].decode(errors="ignore"))
        self._transport.write(last + b"".join(self._core.data_to_send()))
        self.confirmed()
        self._alarm = self._engine.wheel.after(self._engine.limits.farewell_seconds, self.abort)

    def abort(self) -> None:
        """Reset the connection, and drop what it and the kernel still hold for the peer."""
        raw = self._transport.get_extra_info("socket")
        if raw is not None and raw.family in INTERNET:
            raw.setsockopt(os_socket.SOL_SOCKET, os_socket.SO_LINGER, RESET)
        self._transport.abort()

    # ---- the event loop's --------------------------------------------------------------------------

    def data_received(self, data: bytes) -> None:
        """Count the peer's bytes against its budget, then parse them."""
        budget = self._budget
        if budget is not None:
            now, frames = self._engine.clock(), self._frames
            is_one = frames.is_one(data)
            if not budget.take(1 if is_one else frames.begun_in(data, budget.packets_left(now)), len(data), now):
                self._cut_off()
                return
            if is_one and self._is_message(data):
                self._is_text = data[0] == WHOLE_TEXT
                self._message(apply_mask(data[HEAD:], data[HEAD - MASK : HEAD]))
                return
        core = self._core
        core.receive_data(data)
        for event in core.events_received():
            if isinstance(event, WebSocketFrame):
                self._received(event)
                event.data = b""  # the core keeps a frame until the next one comes, which may be never
        if core.parser_exc is not None and self._socket is not None:
            # which finishes this connection; the core has the close frame ready
            self._socket.fault(Via.WEBSOCKET, is_final=True)
        elif core.close_rcvd is not None:
            self._answer_close()
        elif core.writes:  # pongs; a peer that does not read them gets none
            pongs = b"".join(core.data_to_send())
            if self._socket is not None and not self.is_full:
                self._transport.write(pongs)

    def eof_received(self) -> bool:
        """The peer will send nothing more: close."""
        return False

    def connection_lost(self, _exc: Exception | None) -> None:
        """The connection has closed: tell the socket."""
        self.confirmed()
        self._core.parser.close()  # parser and core refer to each other: without this only the collector frees them
        self._core.parser_exc = None  # its traceback refers to the core too
        socket, self._socket = self._socket, None
        if socket is not None:
            socket.lost(self)
        on_lost, self._on_lost = self._on_lost, None
        if on_lost is not None:
            on_lost(self)

    def pause_writing(self) -> None:
        """The transport holds bytes: tell the socket to queue."""
        self.is_full = True
        if self._socket is not None:
            self._socket.paused()

    def resume_writing(self) -> None:
        """The transport is empty again: tell the socket."""
        self.is_full = False
        if self._socket is not None:
            self._socket.resumed()

    def shutdown(self) -> None:
        """Called by uvicorn when the server stops."""
        if self._socket is None:
            return
        self._socket.close()

    # ---- within ------------------------------------------------------------------------------------

    def _is_message(self, data: bytes) -> bool:
        """Whether one small frame, masked and whole, is a message by itself, and comes when one may.

        Nearly all that come are. The core would take some thirty calls to say the same; it is left as it is, between
        two frames.
        """
        core = self._core
        return (
            data[0] in WHOLE_MESSAGES
            and core.current_size is None
            and core.state is State.OPEN
            and len(data) - HEAD <= self._engine.limits.message_bytes
        )

    def _cut_off(self) -> None:
        """The peer exceeded its budget: stop reading, and let it read the reason if it can."""
        self._transport.pause_reading()
        socket, hears = self._socket, not self.is_full
        if socket is not None:
            socket.fault(Via.WEBSOCKET, is_final=True)  # which finishes this connection
        if socket is None or not hears:
            self.abort()

    def _received(self, frame: WebSocketFrame) -> None:
        opcode = frame.opcode
        if opcode is Opcode.TEXT or opcode is Opcode.BINARY:
            self._is_text = opcode is Opcode.TEXT
            if frame.fin:
                self._message(frame.data)
                return
            self._fragments = bytearray(frame.data)
        elif opcode is Opcode.CONT:
            self._fragments += frame.data
            if frame.fin:
                message, self._fragments = self._fragments, bytearray()
                self._message(message)

    def _message(self, data: bytes | bytearray | memoryview) -> None:
        socket = self._socket
        if socket is None:
            return
        if not self._is_text:
            socket.receive(bytes(data), Via.WEBSOCKET)
            return
        try:
            text = str(data, "utf-8")
        except UnicodeDecodeError:
            socket.fault(Via.WEBSOCKET)
            return
        socket.receive(text, Via.WEBSOCKET)

    def _answer_close(self) -> None:
        socket, self._socket = self._socket, None
        if not self._transport.is_closing():
            self._transport.write(b"".join(self._core.data_to_send()))
            self._transport.close()
            self.confirmed()
            # a peer that reads nothing would keep the connection and its buffer for ever
            self._alarm = self._engine.wheel.after(self._engine.limits.farewell_seconds, self.abort)
        if socket is not None:
            socket.lost(self)
