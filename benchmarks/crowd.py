"""Starts the load generator in benchmarks/load, and parses its answers."""

import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from benchmarks.machine import pinned
from benchmarks.processes import CannotRunError

GRACE_SECONDS = 30.0
WAITS_WHEN = '"admission":{'
"""The part of `welcome` that tells a client to wait in the queue."""
ADMITTED_ON = '"admission",{"position":0,'
"""The event that ends the wait."""


@dataclass(frozen=True, slots=True)
class Load:
    """What one crowd does to one server."""

    sockets: int
    first: int = 50
    """How many sockets connect before the measurement begins."""
    connect_rate: float = 500
    settle_seconds: float = 1
    senders: int = 1
    rates: tuple[float, ...] = ()
    """Messages per second, one value per stage."""
    warm_seconds: float = 1
    seconds: float = 5
    drain_seconds: float = 1
    ack: bool = False
    connect_limit_seconds: float = 40
    waits: bool = False
    """Whether clients may have to wait in the gateway's queue: `welcome` arrives first, admission later."""

    @property
    def longest_seconds(self) -> float:
        """No load lasts longer."""
        stage = self.warm_seconds + self.seconds + self.drain_seconds
        return 3 * (self.connect_limit_seconds + self.settle_seconds) + len(self.rates) * stage * 2 + GRACE_SECONDS


@dataclass(frozen=True, slots=True)
class Address:
    """Where a server listens, what it speaks, and which processes it is."""

    port: int
    pids: Sequence[int]
    codec: str = "json"
    target: str = "/socket.io/?EIO=4&transport=websocket"
    namespace: str = ""
    ready_on: str = ""
    auths: Path | None = None
    text_bytes: int = 40
    farther_ports: Sequence[int] = ()
    """Ports of the other gateways: the first sockets connect to `port`, the last ones to the last of these."""
    redis_port: int | None = None
    """The port of the Redis between them."""


class Spread(msgspec.Struct, frozen=True):
    """Of `count` durations, in milliseconds."""

    p50: float
    p99: float
    max: float
    count: int


class Arrival(msgspec.Struct, frozen=True):
    """The sockets that came after the first ones."""

    sockets: int
    lost: int
    seconds: float
    cpu_seconds: float
    others_cpu_seconds: float
    rss_kib_before: float
    rss_kib: float
    handshake_ms: Spread
    admitted: int = 0
    """How many sockets are connected and no longer wait."""
    admitted_seconds: float = 0
    wait_ms: Spread = Spread(0, 0, 0, 0)
    """The time from `welcome` to admission, of those that had to wait."""

    @property
    def cpu_us(self) -> float:
        """CPU time of the server for one socket."""
        return self.cpu_seconds * 1e6 / self.sockets if self.sockets else 0

    @property
    def rss_kib_per_socket(self) -> float:
        """Resident memory of the server for one more socket."""
        return (self.rss_kib - self.rss_kib_before) / self.sockets if self.sockets else 0


class Stage(msgspec.Struct, frozen=True):
    """What came of one rate of messages."""

    rate: float
    seconds: float
    cpu_seconds: float
    others_cpu_seconds: float
    """CPU time of all other programs on the machine during the stage."""
    sent: int
    held_back: int
    answers: int
    arrived: int
    returned: int
    frames: int
    frame_bytes: int
    all_bytes: int
    latency_ms: Spread
    answer_ms: Spread
    began: float = 0
    """The time on the monotonic clock."""
    latency_ms_at: list[Spread] = []
    """The latency by gateway, where there are several."""

    @property
    def cpu_us_per_delivery(self) -> float:
        """CPU time of the server for one message to one socket."""
        return self.cpu_seconds * 1e6 / self.arrived if self.arrived else 0

    @property
    def cpu_us_per_sent(self) -> float:
        """CPU time of the server for one message from a client, with all that follows."""
        return self.cpu_seconds * 1e6 / self.sent if self.sent else 0

    @property
    def busy(self) -> float:
        """The part of a core that the server used."""
        return self.cpu_seconds / self.seconds

    @property
    def bytes_per_delivery(self) -> float:
        """Of the frames that carried deliveries, with their headers."""
        return self.frame_bytes / self.arrived if self.arrived else 0

    def complete(self, listeners: int) -> float:
        """The part of all deliveries that there should have been."""
        return self.returned / (self.sent * listeners) if self.sent and listeners else 0


class Outcome(msgspec.Struct, frozen=True):
    """All that one load measured."""

    connect: Arrival
    stages: list[Stage]
    standing: int
    first_loss: str

    @property
    def others(self) -> float:
        """How many cores other programs of the machine used while this was measured."""
        spans = [(stage.others_cpu_seconds, stage.seconds) for stage in self.stages]
        spans = spans or [(self.connect.others_cpu_seconds, self.connect.seconds)]
        return max(0.0, sum(cpu for cpu, _ in spans) / sum(seconds for _, seconds in spans))


def run(swarm: Path, load: Load, to: Address, core: int | None) -> Outcome:
    """Put the load on a server. CannotRunError when the generator cannot say what came of it."""
    command = [str(swarm), *_arguments(load, to)]
    try:
        done = subprocess.run(
            pinned(command, core), capture_output=True, timeout=load.longest_seconds, check=False, text=True
        )
    except subprocess.TimeoutExpired:
        raise CannotRunError(f"the load did not end within {load.longest_seconds:.0f} seconds") from None
    if done.returncode:
        raise CannotRunError(f"the load ended with status {done.returncode}: {done.stderr.strip()[:200]}")
    return msgspec.json.decode(done.stdout, type=Outcome)


def _arguments(load: Load, to: Address) -> list[str]:
    given: dict[str, object] = {
        "port": ",".join(map(str, (to.port, *to.farther_ports))),
        "codec": to.codec,
        "target": to.target,
        "namespace": to.namespace,
        "ready-on": to.ready_on,
        "text-bytes": to.text_bytes,
        "pids": ",".join(map(str, to.pids)),
        "sockets": load.sockets,
        "first": load.first,
        "connect-rate": load.connect_rate,
        "connect-limit": load.connect_limit_seconds,
        "settle": load.settle_seconds,
        "senders": load.senders,
        "warm": load.warm_seconds,
        "seconds": load.seconds,
        "drain": load.drain_seconds,
    }
    if load.rates:
        given["rates"] = ",".join(map(str, load.rates))
    if to.auths is not None:
        given["auth"] = to.auths
    if load.waits:
        given |= {"waits-when": WAITS_WHEN, "admitted-on": ADMITTED_ON}
    pairs = (("--" + name, str(value)) for name, value in given.items())
    return [part for pair in pairs for part in pair] + (["--ack"] if load.ack else [])
