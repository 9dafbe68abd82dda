"""One outgoing message, encoded once per transport and shared by all sockets that receive it."""

from typing import Final

from gateway.engine import packets

TEXT: Final = 0x81
BINARY: Final = 0x82
"""The first byte of an unfragmented WebSocket frame (RFC 6455, 5.2)."""
SHORT: Final = 126
MEDIUM: Final = 1 << 16


def websocket_frame(first_byte: int, payload: bytes) -> bytes:
    """A server's frame around this payload. It is unmasked, so the same bytes serve every socket."""
    size = len(payload)
    if size < SHORT:
        return bytes((first_byte, size)) + payload
    if size < MEDIUM:
        return bytes((first_byte, 126)) + size.to_bytes(2, "big") + payload
    return bytes((first_byte, 127)) + size.to_bytes(8, "big") + payload


class Frame:
    """One Engine.IO message, encoded at most once per transport however many sockets it goes to."""

    __slots__ = ("_polled", "_wire", "payload")

    def __init__(self, payload: str | bytes) -> None:
        self.payload = payload
        self._wire: bytes | None = None
        self._polled: str | None = None

    @property
    def wire(self) -> bytes:
        """The message as a WebSocket frame."""
        wire = self._wire
        if wire is None:
            payload = self.payload
            if isinstance(payload, bytes):
                wire = websocket_frame(BINARY, payload)
            else:
                wire = websocket_frame(TEXT, (packets.MESSAGE + payload).encode())
            self._wire = wire
        return wire

    @property
    def polled(self) -> str:
        """The message as a packet in the body of a poll."""
        polled = self._polled
        if polled is None:
            payload = self.payload
            polled = packets.write_binary(payload) if isinstance(payload, bytes) else packets.MESSAGE + payload
            self._polled = polled
        return polled


class Control(Frame):
    """An Engine.IO packet other than a message: ping, noop, close, or the answer to a probe."""

    __slots__ = ()

    def __init__(self, packet: str) -> None:
        super().__init__(packet)
        self._wire = websocket_frame(TEXT, packet.encode())
        self._polled = packet


PING: Final = Control(packets.PING)
NOOP: Final = Control(packets.NOOP)
CLOSE: Final = Control(packets.CLOSE)
PROBED: Final = Control(packets.PONG + packets.PROBE)
