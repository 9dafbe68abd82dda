"""Rate limits of one transport: bytes, packets and requests are counted before anything is parsed. Pure."""

from dataclasses import dataclass
from typing import Final

MASKED: Final = 0x80
LENGTH: Final = 0x7F
MEDIUM: Final = 126
LARGE: Final = 127
"""Masks and marks of the second byte of a WebSocket frame (RFC 6455, 5.2)."""
ROUNDING_SECONDS: Final = 1e-6


@dataclass(frozen=True, slots=True)
class Allowance:
    """The parameters of a token bucket: its refill rate and its size."""

    per_second: float
    burst: float


@dataclass(frozen=True, slots=True)
class Traffic:
    """What a peer may send; each limit lies far above what a client of the application needs."""

    bytes: Allowance
    strangers_bytes: Allowance
    """The byte limit while the application has accepted nobody on the transport."""
    packets: Allowance
    """WebSocket frames of any kind (fragments, pings and pongs too), or packets in the bodies of POSTs."""
    strangers_packets: Allowance
    """The packet limit while the application has accepted nobody on the transport."""
    requests: Allowance
    """HTTP requests of one polling session, and of one connection to a path of the engine."""


class Meter:
    """A token bucket; time is seconds of any monotonic clock."""

    __slots__ = ("_due", "_interval", "_tolerance", "is_spent")

    def __init__(self, allowance: Allowance) -> None:
        self._interval = 1 / allowance.per_second
        self._tolerance = allowance.burst * self._interval + ROUNDING_SECONDS
        self._due = 0.0
        """The time at which the bucket will be full again."""
        self.is_spent = False
        """Whether a `take` was ever refused."""

    def left(self, now: float) -> int:
        """How many tokens the bucket holds now."""
        return int((self._tolerance - max(0.0, self._due - now)) / self._interval)

    def take(self, count: int, now: float) -> bool:
        """Take `count` tokens; False, and none is taken, when the bucket holds fewer."""
        due = max(self._due, now) + count * self._interval
        if due - now > self._tolerance:
            self.is_spent = True
            return False
        self._due = due
        return True


class Budget:
    """The token buckets of one peer."""

    __slots__ = ("_bytes", "_packets", "_requests", "_traffic")

    def __init__(self, traffic: Traffic) -> None:
        self._traffic = traffic
        self._bytes = Meter(traffic.strangers_bytes)
        self._packets = Meter(traffic.strangers_packets)
        self._requests: Meter | None = None

    def widen(self) -> None:
        """Replace the limits for strangers by those for accepted peers, with full buckets."""
        self._bytes = Meter(self._traffic.bytes)
        self._packets = Meter(self._traffic.packets)

    def packets_left(self, now: float) -> int:
        """How many packets the peer may send at this moment."""
        return self._packets.left(now)

    def take(self, packets: int, size: int, now: float) -> bool:
        """Count packets of `size` bytes in all; False when they exceed the budget and must not be parsed."""
        return self._bytes.take(size, now) and self._packets.take(packets, now)

    def take_request(self, now: float) -> bool:
        """Count one HTTP request; False when it exceeds the budget."""
        if self._requests is None:  # a WebSocket never needs it
            self._requests = Meter(self._traffic.requests)
        return self._requests.take(1, now)


class FrameCount:
    """Counts the WebSocket frames in a byte stream by reading their headers only."""

    __slots__ = ("_head", "_skip")

    def __init__(self) -> None:
        self._head = b""
        """The bytes of a header that is not complete yet."""
        self._skip = 0
        """How many bytes of the last frame's body are still to come."""

    def begun_in(self, data: bytes, most: int) -> int:
        """How many frame headers these bytes complete; counting stops at `most` + 1."""
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
