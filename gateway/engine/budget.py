"""Rate limits of one transport: bytes, packets and requests are counted before anything is parsed. Pure."""

from dataclasses import dataclass, field
from typing import Final

MASKED: Final = 0x80
LENGTH: Final = 0x7F
MEDIUM: Final = 126
LARGE: Final = 127
"""Masks and marks of the second byte of a WebSocket frame (RFC 6455, 5.2)."""
MASK_AND_HEAD: Final = 6
"""Bytes of a small frame beside its payload, as every client sends it."""
ROUNDING_SECONDS: Final = 1e-6


@dataclass(frozen=True, slots=True)
class Allowance:
    """The parameters of a token bucket: its refill rate and its size."""

    per_second: float
    burst: float
    interval: float = field(init=False)
    """Seconds that one of it takes to come back."""
    tolerance: float = field(init=False)
    """Seconds that all of it takes to come back."""

    def __post_init__(self) -> None:
        interval = 1 / self.per_second
        object.__setattr__(self, "interval", interval)
        object.__setattr__(self, "tolerance", self.burst * interval + ROUNDING_SECONDS)


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

    __slots__ = ("_allowance", "_due", "is_spent")

    def __init__(self, allowance: Allowance) -> None:
        self._allowance = allowance
        self._due = 0.0
        """The time at which the bucket will be full again."""
        self.is_spent = False
        """Whether a `take` was ever refused."""

    def take(self, count: int, now: float) -> bool:
        """Take `count` tokens; False, and none is taken, when the bucket holds fewer."""
        allowance = self._allowance
        due = max(self._due, now) + count * allowance.interval
        if due - now > allowance.tolerance:
            self.is_spent = True
            return False
        self._due = due
        return True


class Budget:
    """The token buckets of one peer. Each socket keeps one, so its bytes and packets are fields and no meters."""

    __slots__ = ("_bytes", "_bytes_due", "_packets", "_packets_due", "_requests", "_traffic")

    def __init__(self, traffic: Traffic) -> None:
        self._traffic = traffic
        self._bytes, self._packets = traffic.strangers_bytes, traffic.strangers_packets
        self._bytes_due = self._packets_due = 0.0
        """When each bucket will be full again."""
        self._requests: Meter | None = None

    def widen(self) -> None:
        """Somebody was let in on the transport: what it sends is counted anew, by what such a one may send."""
        self._bytes, self._packets = self._traffic.bytes, self._traffic.packets
        self._bytes_due = self._packets_due = 0.0

    def packets_left(self, now: float) -> int:
        """How many may come at this moment."""
        return int((self._packets.tolerance - max(0.0, self._packets_due - now)) / self._packets.interval)

    def take(self, packets: int, size: int, now: float) -> bool:
        """Count packets of so many bytes together; False where they are too much: nothing of them is to be parsed."""
        allowed, due = self._bytes, self._bytes_due
        due = (due if due > now else now) + size * allowed.interval  # noqa: FURB136 - for every message: no call
        if due - now > allowed.tolerance:
            return False
        self._bytes_due = due
        allowed, due = self._packets, self._packets_due
        due = (due if due > now else now) + packets * allowed.interval  # noqa: FURB136 - as above
        if due - now > allowed.tolerance:
            return False
        self._packets_due = due
        return True

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

    def is_one(self, data: bytes) -> bool:
        """Whether these bytes are one small frame, masked and whole, as nearly all that come: nothing else is told."""
        size = len(data)
        return (
            MASK_AND_HEAD <= size < MEDIUM + MASK_AND_HEAD
            and data[1] == MASKED | (size - MASK_AND_HEAD)
            and not self._skip
            and not self._head
        )

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
