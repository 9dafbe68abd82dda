"""The attacks. Each answers with figures; whether they are good ones is for the tests and `make abuse` to say."""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field

from tests.abuse.line import BINARY, CONTINUED, FINAL, PING, TEXT, Line, frame, line
from tests.abuse.target import Gateway

HEADER = b"GET / HTTP/1.1\r\nhost: a\r\nx-slow: "
BODY = (
    b"POST /socket.io/?EIO=4&transport=polling&sid=x HTTP/1.1\r\nhost: a\r\ncontent-type: text/plain\r\n"
    b"content-length: 100000\r\n\r\n"
)
BOMB = b'451-9999999999-/live,["danmaku",{"_placeholder":true,"num":0}]'
"""The most that stock python-socketio takes for a number of attachments has ten digits."""


@dataclass
class Flood:
    """What became of a peer that sends without end."""

    sent_bytes: int
    seconds: float
    was_cut: bool
    growth_bytes: int
    """The most that the gateway's memory grew by meanwhile."""


@dataclass
class Drip:
    """What became of lines that say next to nothing."""

    seconds: list[float | None] = field(default_factory=list)
    """Until each was closed; None: it never was."""


def attachment_bombs(target: Gateway, seconds: float) -> Flood:
    """An event that announces ten thousand million attachments, then attachments."""
    return _flood(target, seconds, frame(BOMB), frame(b"\x00" * 60_000, FINAL | BINARY))


def empty_fragments(target: Gateway, seconds: float) -> Flood:
    """A message that begins and never ends, in fragments of nothing."""
    return _flood(target, seconds, frame(b"4", TEXT), frame(b"", CONTINUED) * 10_000)


def tiny_fragments(target: Gateway, seconds: float) -> Flood:
    """The same, one byte in each, ended before it is too large, again and again."""
    message = frame(b"4", TEXT) + frame(b"x", CONTINUED) * 60_000 + frame(b"", FINAL | CONTINUED)
    return _flood(target, seconds, b"", message)


def pings_unread(target: Gateway, seconds: float) -> Flood:
    """Pings of a peer that does not read the pongs."""
    return _flood(target, seconds, b"", frame(b"p" * 125, FINAL | PING) * 500, reads=False)


def requests_unread(target: Gateway, seconds: float) -> Flood:
    """Events that ask for an ack, of a peer that does not read the acks."""
    return _flood(target, seconds, b"", frame(b'42/live,1["clock",{"t0":1}]') * 500, reads=False)


def _flood(target: Gateway, seconds: float, first: bytes, again: bytes, *, reads: bool = True) -> Flood:
    """Send until cut off or the time is over."""
    with line(target.port, window=0 if reads else 4096) as peer:
        peer.upgrade()
        peer.enter(target.tokens["fan0"], target.room)
        before = most = target.resident_bytes()
        started = looked = time.monotonic()
        sent = 0
        peer.say(first)
        peer.socket.settimeout(0.5)
        was_cut = False
        while not was_cut and time.monotonic() - started < seconds:
            view = memoryview(again)
            while view and not was_cut and time.monotonic() - started < seconds:
                try:
                    took = peer.socket.send(view)
                    sent += took
                    view = view[took:]
                except TimeoutError:
                    pass
                except OSError:
                    was_cut = True
                if reads and _drained(peer):
                    was_cut = True
                if time.monotonic() - looked > 0.02:
                    looked = time.monotonic()
                    most = max(most, target.resident_bytes())
        return Flood(sent, time.monotonic() - started, was_cut, max(most, target.resident_bytes()) - before)


def _drained(peer: Line) -> bool:
    """Read what there is; True where the line is closed."""
    peer.socket.setblocking(False)
    try:
        while True:
            if not peer.socket.recv(65536):
                return True
    except BlockingIOError:
        return False
    except OSError:
        return True
    finally:
        peer.socket.settimeout(0.5)


def dripped_heads(target: Gateway, count: int, limit: float) -> Drip:
    """Heads of requests that never end, and lines on which nothing is said at all."""
    return _drips(target, count, limit, lambda number: (HEADER, b"z") if number % 2 else (b"", b""))


def dripped_bodies(target: Gateway, count: int, limit: float) -> Drip:
    """Bodies of requests that never end."""
    return _drips(target, count, limit, lambda _: (BODY, b"z"))


def silent_sockets(target: Gateway, count: int, limit: float) -> Drip:
    """WebSockets that never say CONNECT, half of them without an answer to a ping either."""
    outcome = Drip()
    with ExitStack() as open_lines:
        peers = [open_lines.enter_context(line(target.port, f"127.0.1.{1 + number}")) for number in range(count)]
        for peer in peers:
            peer.upgrade()
        outcome.seconds = list(_ends(peers, limit))
    return outcome


def pongless_sockets(target: Gateway, count: int, limit: float) -> Drip:
    """Sockets that were let in and then answer no ping, though they read."""
    outcome = Drip()
    with ExitStack() as open_lines:
        peers = [open_lines.enter_context(line(target.port, f"127.0.1.{1 + number}")) for number in range(count)]
        for number, peer in enumerate(peers):
            peer.upgrade()
            peer.enter(target.tokens[f"fan{number}"], target.room)
        outcome.seconds = list(_ends(peers, limit))
    return outcome


def _drips(target: Gateway, count: int, limit: float, kind: Callable[[int], tuple[bytes, bytes]]) -> Drip:
    outcome = Drip()
    with ExitStack() as open_lines:
        peers = [open_lines.enter_context(line(target.port)) for _ in range(count)]
        drips = []
        for number, peer in enumerate(peers):
            first, drip = kind(number)
            peer.say(first)
            drips.append(drip)
        outcome.seconds = list(_ends(peers, limit, drips))
    return outcome


def _ends(peers: list[Line], limit: float, drips: list[bytes] | None = None) -> Iterator[float | None]:
    """When each was closed; those that drip say a byte each tenth of a second."""
    started = time.monotonic()
    ends: dict[int, float] = {}
    for peer in peers:
        peer.socket.setblocking(False)
    while len(ends) < len(peers) and time.monotonic() - started < limit:
        for number, peer in enumerate(peers):
            if number in ends:
                continue
            try:
                if drips and drips[number]:
                    peer.socket.send(drips[number])
                if not peer.socket.recv(65536):
                    ends[number] = time.monotonic() - started
            except BlockingIOError:
                pass
            except OSError:
                ends[number] = time.monotonic() - started
        time.sleep(0.05)
    return (ends.get(number) for number in range(len(peers)))


def knocks(target: Gateway, count: int) -> list[int]:
    """So many WebSockets of one address that nobody lets in; the HTTP status of each."""
    with ExitStack() as open_lines:
        return [open_lines.enter_context(line(target.port)).upgrade() for _ in range(count)]
