"""What is done to whom: four loads, each on every contestant that can take it, one after the other."""

import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec

from benchmarks.contestants import (
    FLOOR,
    NCHAN,
    OURS,
    OURS_MSGPACK,
    SOCKETIO,
    SOCKETIO_MSGPACK,
    STOCK,
    Contestant,
    Scene,
    Stand,
)
from benchmarks.crowd import Load, Outcome, Stage, run
from benchmarks.machine import Cores
from benchmarks.processes import CannotRunError

SATURATED_MS = 500
"""A p99 above it: more was asked than could be done."""
COMPLETE = 0.99
DISTURBED = 0.2
"""Cores used by programs that do not belong here: latencies and highest rates then tell of them."""
HALL = 1_000
STORM_RATE = 500.0
FAN_OUT_RATE = 20.0
ALONE = 16
"""Sockets, each in a room of its own: enough to take turns, few enough that no room's upkeep is measured."""
INCOMING_RATE = 2_000.0
CONNECT_RATE = 500.0
HALL_EXPERIMENTS = frozenset({"fanout", "storm"})
"""Where everybody must receive everything."""


@dataclass(frozen=True, slots=True)
class Profile:
    """How thoroughly."""

    name: str
    seconds: float
    warm_seconds: float
    settle_seconds: float
    hall_connect_rate: float
    viewers: int
    first_viewers: int
    """Of them come unmeasured: the memory that a server freed while it started is theirs, and hides nobody else's."""
    ladder_seconds: float
    ladder: tuple[float, ...]
    has_everybody: bool
    """Whether the peers that no target names take part too."""


FULL = Profile("full", 8, 2, 1, 500, 5_000, 1_000, 4, (20, 30, 40, 50, 60, 75, 90), has_everybody=True)
QUICK = Profile("quick", 2.5, 1, 0.3, 1_000, 1_400, 400, 1.5, (30, 45), has_everybody=False)


@dataclass(frozen=True, slots=True)
class Experiment:
    """One load and who takes it."""

    key: str
    title: str
    scene: Scene
    contestants: Sequence[Contestant]
    load: Callable[[Contestant], Load]


class Result(msgspec.Struct, frozen=True):
    """What one contestant did in one experiment, or why it could not."""

    experiment: str
    contestant: str
    label: str
    outcome: Outcome | None = None
    reason: str = ""

    @property
    def best(self) -> Stage | None:
        """The highest rate at which everything was delivered in time; where there is none, the lowest rate."""
        stages = self.outcome.stages if self.outcome is not None else []
        return next((stage for stage in reversed(stages) if not is_saturated(stage)), stages[0] if stages else None)


def is_saturated(stage: Stage, listeners: int = HALL) -> bool:
    """Whether the server could not keep up."""
    return stage.complete(listeners) < COMPLETE or stage.latency_ms.p99 > SATURATED_MS


def experiments(profile: Profile) -> list[Experiment]:
    """All of them, cheapest first."""
    stages = Load(
        HALL,
        seconds=profile.seconds,
        warm_seconds=profile.warm_seconds,
        settle_seconds=profile.settle_seconds,
        drain_seconds=profile.settle_seconds,
        connect_rate=profile.hall_connect_rate,
    )
    fan_out = replace(stages, senders=40, rates=(FAN_OUT_RATE,))
    storm = replace(stages, senders=HALL, rates=(STORM_RATE,), drain_seconds=1)
    ladder = replace(storm, rates=profile.ladder, seconds=profile.ladder_seconds, warm_seconds=1)
    crowd = Load(profile.viewers, first=profile.first_viewers, connect_rate=CONNECT_RATE, settle_seconds=1)
    incoming = replace(stages, sockets=ALONE, first=ALONE, connect_rate=100, senders=ALONE, rates=(INCOMING_RATE,))
    msgpack, stock = ((SOCKETIO_MSGPACK,), (STOCK,)) if profile.has_everybody else ((), ())
    everybody = (OURS, OURS_MSGPACK, SOCKETIO, *msgpack, *stock, NCHAN, FLOOR)
    return [
        Experiment(
            "fanout", f"fan-out: {FAN_OUT_RATE:.0f} messages/s to {HALL:,}", Scene.HALL, everybody, lambda _: fan_out
        ),
        Experiment(
            "storm",
            f"storm: {STORM_RATE:.0f} danmaku/s to {HALL:,}; peers at the highest rate they can",
            Scene.HALL,
            (OURS, OURS_MSGPACK, SOCKETIO, *msgpack),
            lambda who: storm if who.is_ours else ladder,
        ),
        Experiment(
            "crowd",
            f"crowd: {profile.viewers:,} connect at {CONNECT_RATE:.0f}/s and stay",
            Scene.HALL,
            (OURS, SOCKETIO, *stock, NCHAN),
            lambda _: crowd,
        ),
        Experiment(
            "accepted",
            f"incoming: {INCOMING_RATE:,.0f} danmaku/s accepted, each sent back to its sender",
            Scene.ALONE,
            (OURS, SOCKETIO, *stock),
            lambda _: incoming,
        ),
        Experiment(
            "refused",
            f"incoming: {INCOMING_RATE:,.0f} danmaku/s refused for their rate, each answered by an ack",
            Scene.ANSWER,
            (OURS, SOCKETIO, *stock),
            lambda _: replace(incoming, ack=True),
        ),
    ]


def perform(
    experiment: Experiment, swarm: Path, cores: Cores, tell: Callable[[str], None], *, ours_only: bool
) -> list[Result]:
    """Each contestant in turn on a fresh server; a failure is a result too."""
    results = []
    for who in experiment.contestants:
        if ours_only and not who.is_ours:
            continue
        began = time.monotonic()
        result = _perform_one(experiment, who, swarm, cores)
        results.append(result)
        tell(f"{experiment.key:<9} {who.label:<26} {_short(result, experiment)} ({time.monotonic() - began:.0f} s)")
    return results


def _perform_one(experiment: Experiment, who: Contestant, swarm: Path, cores: Cores) -> Result:
    load = experiment.load(who)
    with tempfile.TemporaryDirectory(prefix="liveroom-bench-", ignore_cleanup_errors=True) as folder:
        stand = Stand(experiment.scene, load.sockets, Path(folder), cores.server)
        try:
            with who.start(stand) as address:
                outcome = run(swarm, load, address, cores.load)
        except CannotRunError as error:
            return Result(experiment.key, who.key, who.label, reason=str(error))
    if outcome.connect.lost == load.sockets:
        return Result(experiment.key, who.key, who.label, reason=f"it let nobody in: {outcome.first_loss}")
    return Result(experiment.key, who.key, who.label, outcome)


def _short(result: Result, experiment: Experiment) -> str:
    if result.outcome is None:
        return f"not measured: {result.reason}"
    connect, best = result.outcome.connect, result.best
    lost = f", {connect.lost} lost ({result.outcome.first_loss})" if connect.lost else ""
    if result.outcome.others > DISTURBED:
        lost += f", disturbed: others used {result.outcome.others:.1f} cores"
    if best is None:
        p99 = connect.handshake_ms.p99
        return f"{connect.cpu_us:.0f} us a connect, p99 {p99:.1f} ms, {connect.rss_kib_per_socket:.1f} KiB each{lost}"
    if experiment.scene is not Scene.HALL:
        return f"{best.cpu_us_per_sent:.0f} us a message{lost}"
    return (
        f"{best.cpu_us_per_delivery:.2f} us a delivery at {best.rate:.0f}/s, p99 {best.latency_ms.p99:.0f} ms, "
        f"{best.complete(HALL):.2%} delivered{lost}"
    )
