"""One TCP connection in the hands of somebody who does as they please. Blocking, with a deadline on everything."""

import json
import socket
import struct
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

PATH = "/socket.io/"
DEADLINE_SECONDS = 10.0
KEY = "dGhlIHNhbXBsZSBub25jZQ=="
MASK = bytes(4)
TEXT, BINARY, PING, CONTINUED, FINAL = 0x1, 0x2, 0x9, 0x0, 0x80


def frame(payload: bytes, first: int = FINAL | TEXT) -> bytes:
    """A frame of a client; its mask is zero, which leaves the payload readable."""
    size = len(payload)
    if size < 126:
        return bytes((first, 0x80 | size)) + MASK + payload
    if size < 65536:
        return bytes((first, 0x80 | 126)) + struct.pack("!H", size) + MASK + payload
    return bytes((first, 0x80 | 127)) + struct.pack("!Q", size) + MASK + payload


class Line:
    """A connection; `end_seconds` is what most tests ask of it."""

    def __init__(self, port: int, source: str = "127.0.0.1", window: int = 0) -> None:
        self.socket = socket.socket()
        if window:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, window)
        self.socket.settimeout(DEADLINE_SECONDS)
        self.socket.bind((source, 0))
        self.socket.connect(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.port = port
        self._read = b""

    def say(self, data: bytes) -> bool:
        """Send bytes; False where the line is closed."""
        try:
            self.socket.sendall(data)
        except OSError:
            return False
        return True

    def upgrade(self, path: str = PATH) -> int:
        """Become a WebSocket and read OPEN; the HTTP status."""
        self.say(
            f"GET {path}?EIO=4&transport=websocket HTTP/1.1\r\nhost: 127.0.0.1:{self.port}\r\nupgrade: websocket\r\n"
            f"connection: upgrade\r\nsec-websocket-version: 13\r\nsec-websocket-key: {KEY}\r\n\r\n".encode()
        )
        while b"\r\n\r\n" not in self._read:
            more = self.socket.recv(4096)
            if not more:
                break
            self._read += more
        head, _, self._read = self._read.partition(b"\r\n\r\n")
        status = int(head.split()[1]) if head else 0
        if status == 101:
            assert self.hear()[1][:1] == b"0"
        return status

    def enter(self, token: str, room: str) -> None:
        """Be let in to `/live` and hear the welcome."""
        self.say(frame(f"40/live,{json.dumps({'token': token, 'room': room})}".encode()))
        assert self.hear()[1].startswith(b"40/live,"), "refused"
        while not self.hear()[1].startswith(b'42/live,["welcome"'):
            pass

    def hear(self) -> tuple[int, bytes]:
        """The next frame: its first byte and payload. EOFError at the end, TimeoutError where nothing comes."""
        self._fill(2)
        first, size = self._read[0], self._read[1]
        head = 2
        if size == 126:
            self._fill(4)
            size, head = struct.unpack("!H", self._read[2:4])[0], 4
        elif size == 127:
            self._fill(10)
            size, head = struct.unpack("!Q", self._read[2:10])[0], 10
        self._fill(head + size)
        payload, self._read = self._read[head : head + size], self._read[head + size :]
        return first, payload

    def hear_event(self, name: str) -> Any:
        """The payload of the next event of this name."""
        while True:
            _, payload = self.hear()
            if payload.startswith(f'42/live,["{name}"'.encode()):
                return json.loads(payload[8:])[1]

    def hear_all(self, seconds: float) -> bytes:
        """Everything that comes within a time."""
        heard, until = self._read, time.monotonic() + seconds
        self._read = b""
        while (left := until - time.monotonic()) > 0:
            self.socket.settimeout(left)
            try:
                more = self.socket.recv(65536)
            except TimeoutError:
                break
            if not more:
                break
            heard += more
        self.socket.settimeout(DEADLINE_SECONDS)
        return heard

    def end_seconds(self, limit: float, drip: bytes = b"", every: float = 0.1) -> float | None:
        """How long until it is closed, while `drip` is sent byte by byte; None where it still stands at the limit."""
        started = time.monotonic()
        at = 0
        self.socket.settimeout(every)
        while (passed := time.monotonic() - started) < limit:
            try:
                if drip:
                    self.socket.sendall(drip[at % len(drip) : at % len(drip) + 1])
                    at += 1
                if not self.socket.recv(65536):
                    return passed
            except TimeoutError:
                continue
            except OSError:
                return passed
        return None

    def close(self) -> None:
        """Gone."""
        self.socket.close()

    def _fill(self, size: int) -> None:
        while len(self._read) < size:
            more = self.socket.recv(65536)
            if not more:
                raise EOFError
            self._read += more


@contextmanager
def line(port: int, source: str = "127.0.0.1", window: int = 0) -> Iterator[Line]:
    """A line that is closed at the end."""
    made = Line(port, source, window)
    try:
        yield made
    finally:
        made.close()
