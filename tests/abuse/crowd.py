"""A room full of fans of whom some stop reading, and what the others notice of it."""

import multiprocessing
import re
import select
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from multiprocessing.synchronize import Event

from tests.abuse.line import Line, frame, line
from tests.abuse.target import Gateway

SMALL_WINDOW = 4096
EARS = 50
"""Fans whose danmaku are timed."""
SAID = re.compile(rb'"text":"t(\d+) ')
FILLING = "\N{PARTY POPPER}" * 70
"""Three hundred bytes in characters that a danmaku may have."""
PING, PONG = b"\x81\x012", frame(b"3")
SOURCES = 200
START_SECONDS = 15.0
"""For the host to begin to speak."""


@dataclass
class Stall:
    """Figures of one attack; times in seconds, memory in bytes."""

    fans: int
    stalled: int
    danmaku_per_second: float
    cut: list[float | None] = field(default_factory=list)
    """Of each stalled reader, from when it stopped reading; None: it was not."""
    healthy_cut: int = 0
    before: list[float] = field(default_factory=list)
    """Latencies of danmaku while everybody reads."""
    during: list[float] = field(default_factory=list)
    """Of the others while the stalled are there."""
    memory_before: int = 0
    memory_most: int = 0
    memory_after: list[int] = field(default_factory=list)
    """At the end of each wave."""


def percentile(values: list[float], share: float) -> float:
    """The value below which this share lies; infinite where nothing was heard."""
    return sorted(values)[min(len(values) - 1, int(len(values) * share))] if values else float("inf")


def stalled_readers(
    target: Gateway, fans: int, stalled: int, rate: float, *, listen: float = 10.0, limit: float = 10.0, waves: int = 1
) -> Stall:
    """Everybody listens for a while, then some stop and are watched until `limit`; once more for each further wave."""
    outcome = Stall(fans, stalled, rate)
    with ExitStack() as open_lines:
        crowd = [
            open_lines.enter_context(
                line(target.port, f"127.0.2.{1 + number % SOURCES}", SMALL_WINDOW if number < stalled * waves else 0)
            )
            for number in range(fans)
        ]
        for number, fan in enumerate(crowd):
            fan.upgrade()
            fan.enter(target.tokens[f"fan{number}"], target.room)
        room = Room(target, crowd, ears=slice(stalled * waves, stalled * waves + EARS))
        with speaking(target, rate):
            started = time.monotonic()
            while not room.listen(0.2):
                assert time.monotonic() - started < START_SECONDS, "nothing is heard"
            outcome.before = room.listen(listen)
            outcome.memory_before = target.resident_bytes()
            for wave in range(waves):
                room.stall(crowd[wave * stalled : (wave + 1) * stalled])
                outcome.during += room.listen(limit)
                outcome.cut += room.cut()
                outcome.memory_after.append(target.resident_bytes())
        outcome.memory_most = room.most
        outcome.healthy_cut = len(room.lost)
    return outcome


class Room:
    """The fans' ends of all lines, in one loop."""

    def __init__(self, target: Gateway, crowd: list[Line], ears: slice) -> None:
        self._target = target
        self._poll = select.epoll()
        self._lines = {fan.socket.fileno(): fan.socket for fan in crowd}
        self._stalled: dict[int, float | None] = {}
        """When each of those that stopped reading was cut, from then on."""
        self._ears = {fan.socket.fileno() for fan in crowd[ears]}
        self._since = 0.0
        self._looked = 0.0
        self.most = 0
        self.lost: set[int] = set()
        for number, one in self._lines.items():
            one.setblocking(False)
            self._poll.register(number, select.EPOLLIN | select.EPOLLRDHUP)

    def listen(self, seconds: float) -> list[float]:
        """Read what comes; the latencies at the ears."""
        latencies: list[float] = []
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            for number, events in self._poll.poll(min(left, 0.1)):
                if number in self._stalled:
                    self._poll.unregister(number)
                    self._stalled[number] = time.monotonic() - self._since
                    continue
                data = self._read(number)
                if data and number in self._ears:
                    now = time.monotonic_ns()
                    latencies += [(now - int(said)) / 1e9 for said in SAID.findall(data)]
                if not data and events & ~select.EPOLLIN:
                    self._poll.unregister(number)
                    self.lost.add(number)
            if time.monotonic() - self._looked > 0.1:
                self._looked = time.monotonic()
                self.most = max(self.most, self._target.resident_bytes())
        return latencies

    def stall(self, fans: list[Line]) -> None:
        """These stop reading now."""
        self._since = time.monotonic()
        self._stalled = {fan.socket.fileno(): None for fan in fans}
        for number in self._stalled:
            self._poll.modify(number, select.EPOLLRDHUP)

    def cut(self) -> list[float | None]:
        """When each of those was cut."""
        return list(self._stalled.values())

    def _read(self, number: int) -> bytes:
        one = self._lines[number]
        try:
            data = one.recv(262144)
            if data.startswith(PING) or PING in data:
                one.send(PONG)
        except BlockingIOError:
            return b"-"
        except OSError:
            return b""
        return data


@contextmanager
def speaking(target: Gateway, rate: float) -> Iterator[None]:
    """The host says so many danmaku a second, each with the moment in it, from a process of its own."""
    context = multiprocessing.get_context("spawn")
    stop = context.Event()
    process = context.Process(
        target=_speak, args=(target.port, target.room, target.tokens["host"], rate, stop), daemon=True
    )
    process.start()
    try:
        yield
    finally:
        stop.set()
        process.join(10)
        if process.is_alive():
            process.terminate()
            process.join()


def _speak(port: int, room: str, token: str, rate: float, stop: Event) -> None:
    with line(port, "127.0.3.1") as host:
        host.upgrade()
        host.enter(token, room)
        host.socket.settimeout(5)
        due = time.monotonic()
        while not stop.is_set():
            text = f"t{time.monotonic_ns()} {FILLING}"
            if not host.say(frame(f'42/live,["danmaku",{{"text":"{text}"}}]'.encode())):
                return
            due += 1 / rate
            _drain(host.socket, max(0.0, due - time.monotonic()))


def _drain(one: socket.socket, seconds: float) -> None:
    until = time.monotonic() + seconds
    while (left := until - time.monotonic()) > 0:
        readable, _, _ = select.select([one], [], [], left)
        if readable:
            one.setblocking(False)
            data = one.recv(262144)
            one.settimeout(5)
            if PING in data:
                one.send(PONG)
