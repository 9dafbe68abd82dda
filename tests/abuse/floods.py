"""Sockets that send without end while fans listen, and what the fans notice of it."""

import multiprocessing
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from multiprocessing.synchronize import Event

from tests.abuse.crowd import Room, speaking
from tests.abuse.line import FINAL, TEXT, Line, frame, line
from tests.abuse.target import Gateway

BYTES_PER_SECOND = 1_000_000
"""Eight Mbit."""
TURN_SECONDS = 0.01
AGAIN_SECONDS = 1.0
"""After which a flooder that was cut comes back."""
EARS = 20
DANMAKU_PER_SECOND = 15.0
"""Of the host, within what one socket may send."""
FLOODS = {
    "pongs of strangers": frame(b"3"),
    "stray namespaces of strangers": frame(b"40/nowhere,{}"),
    "refused events of fans": frame(b'42/live,1["clock",{"t0":1}]'),
    "fragments of strangers": frame(b"4", TEXT) + frame(b"x", 0) * 20 + frame(b"", FINAL),
}


@dataclass
class Noise:
    """Latencies of danmaku at the fans, in seconds."""

    before: list[float] = field(default_factory=list)
    during: list[float] = field(default_factory=list)


def flooded(target: Gateway, kind: str, sockets: int, seconds: float) -> Noise:
    """Everybody listens for a while, then as long again while so many sockets send at 8 Mbit/s each."""
    outcome = Noise()
    with ExitStack() as open_lines:
        crowd = [open_lines.enter_context(line(target.port, f"127.0.2.{1 + number}")) for number in range(EARS)]
        for number, fan in enumerate(crowd):
            fan.upgrade()
            fan.enter(target.tokens[f"fan{number}"], target.room)
        room = Room(target, crowd, ears=slice(0, EARS))
        with speaking(target, DANMAKU_PER_SECOND):
            until = time.monotonic() + 15
            while not room.listen(0.2):
                assert time.monotonic() < until, "nothing is heard"
            outcome.before = room.listen(seconds)
            context = multiprocessing.get_context("spawn")
            stop, started = context.Event(), context.Event()
            names = [f"fan{EARS + number}" for number in range(sockets)] if kind.endswith("fans") else []
            tokens = [target.tokens[name] for name in names]
            flooder = context.Process(
                target=_flood,
                args=(target.port, target.room, FLOODS[kind], sockets, tokens, started, stop),
                daemon=True,
            )
            flooder.start()
            until = time.monotonic() + 15
            while not started.is_set():  # the fans read on: what waited for them would count as late
                assert time.monotonic() < until, "nobody floods"
                room.listen(0.05)
            outcome.during = room.listen(seconds)
            stop.set()
            flooder.join(10)
            if flooder.is_alive():
                flooder.terminate()
                flooder.join()
        assert not room.lost, "somebody else was cut"
    return outcome


def _flood(port: int, room: str, data: bytes, sockets: int, tokens: list[str], started: Event, stop: Event) -> None:
    chunk = data * max(1, round(BYTES_PER_SECOND * TURN_SECONDS / len(data)))
    lines: list[Line | None] = [_join(port, room, number, tokens) for number in range(sockets)]
    again = [0.0] * sockets
    started.set()
    due = time.monotonic()
    while not stop.is_set():
        for number, peer in enumerate(lines):
            if peer is None:
                if time.monotonic() >= again[number]:
                    lines[number] = _join(port, room, number, tokens)
                    again[number] = time.monotonic() + AGAIN_SECONDS
            elif not _said(peer, chunk):
                peer.close()
                lines[number], again[number] = None, time.monotonic() + AGAIN_SECONDS
        due = max(due + TURN_SECONDS, time.monotonic() - TURN_SECONDS)
        time.sleep(max(0.0, due - time.monotonic()))
    for peer in lines:
        if peer is not None:
            peer.close()


def _join(port: int, room: str, number: int, tokens: list[str]) -> Line | None:
    try:
        peer = Line(port, f"127.0.4.{1 + number}")
        peer.upgrade()
        if tokens:
            peer.enter(tokens[number], room)
    except (OSError, EOFError, AssertionError):
        return None
    peer.socket.setblocking(False)
    return peer


def _said(peer: Line, chunk: bytes) -> bool:
    try:
        peer.socket.send(chunk)
        return peer.socket.recv(65536) != b""
    except BlockingIOError:
        return True
    except OSError:
        return False
