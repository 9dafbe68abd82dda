"""How much a peer may send: bytes and packets, counted before anything of them is parsed. Pure."""

from dataclasses import dataclass
from typing import Final

MASKED: Final = 0x80
LENGTH: Final = 0x7F
MEDIUM: Final = 126
LARGE: Final = 127
"""In the second byte of a WebSocket frame (RFC 6455, 5.2)."""
ROUNDING_SECONDS: Final = 1e-6


@dataclass(frozen=True, slots=True)
class Allowance:
    """So much per second on average, and so much at once after a rest."""

    per_second: float
    burst: float


@dataclass(frozen=True, slots=True)
class Traffic:
    """What a peer may send, far above what any client of the application needs."""

    bytes: Allowance
    strangers_bytes: Allowance
    """The same as long as the application has not accepted anybody on the transport."""
    packets: Allowance
    """WebSocket frames of any kind, fragments, pings and pongs too; over polling the packets of the bodies."""
    strangers_packets: Allowance
    """The same as long as the application has not accepted anybody on the transport."""
    requests: Allowance
    """HTTP requests of one polling session, and of one connection to a path of the engine."""


class Meter:
    """A token bucket of one kind of thing; time is seconds of any monotonic clock."""

    __slots__ = ("_due", "_interval", "_tolerance", "is_spent")

    def __init__(self, allowance: Allowance) -> None:
        self._interval = 1 / allowance.per_second
        self._tolerance = allowance.burst * self._interval + ROUNDING_SECONDS
        self._due = 0.0
        """When the bucket will be full again."""
        self.is_spent = False
        """Whether more came than may."""

    def left(self, now: float) -> int:
        """How much may come at this moment."""
        return int((self._tolerance - max(0.0, self._due - now)) / self._interval)

    def take(self, count: int, now: float) -> bool:
        """Count what came; False, and nothing is counted, where it is too much."""
        due = max(self._due, now) + count * self._interval
        if due - now > self._tolerance:
            self.is_spent = True
            return False
        self._due = due
        return True


class Budget:
    """What one peer may still send."""

    __slots__ = ("_bytes", "_packets", "_requests", "_traffic")

    def __init__(self, traffic: Traffic) -> None:
        self._traffic = traffic
        self._bytes = Meter(traffic.strangers_bytes)
        self._packets = Meter(traffic.strangers_packets)
        self._requests: Meter | None = None

    def widen(self) -> None:
        """Somebody was let in on the transport: what it sends is counted anew, by what such a one may send."""
        self._bytes = Meter(self._traffic.bytes)
        self._packets = Meter(self._traffic.packets)

    def packets_left(self, now: float) -> int:
        """How many may come at this moment."""
        return self._packets.left(now)

    def take(self, packets: int, size: int, now: float) -> bool:
        """Count packets of so many bytes together; False where they are too much: nothing of them is to be parsed."""
        return self._bytes.take(size, now) and self._packets.take(packets, now)

    def take_request(self, now: float) -> bool:
        """Count one HTTP request; False where it is too much."""
        if self._requests is None:  # a WebSocket never needs it
            self._requests = Meter(self._traffic.requests)
        return self._requests.take(1, now)


class FrameCount:
    """Counts the WebSocket frames that begin in what a peer sends, told by their headers alone."""

    __slots__ = ("_head", "_skip")

    def __init__(self) -> None:
        self._head = b""
        """The beginning of a header whose rest has not come."""
        self._skip = 0
        """Bytes of the last frame still to come."""

    def begun_in(self, data: bytes, most: int) -> int:
        """How many headers are complete with these bytes; `most` + 1 stands for any larger number."""
        if self._head:
            data, self._head = self._head + data, b""
        size, at, count = len(data), self._skip, 0
        while at < size:
            if at + 2 > size:
                break
            length, head = data[at + 1] & LENGTH, 6 if data[at + 1] & MASKED else 2
            if length >= MEDIUM:
                wide = 2 if length == MEDIUM else 8
                if at + 2 + wide > size:
                    break
                length, head = int.from_bytes(data[at + 2 : at + 2 + wide], "big"), head + wide
            count += 1
            if count > most:
                return count
            at += head + length
        self._head, self._skip = (data[at:], 0) if at < size else (b"", at - size)
        return count
