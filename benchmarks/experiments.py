"""Runs one load on every contestant that supports it, one after the other, and collects the results."""

import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from benchmarks.contestants import Contestant, Scene, Stand
from benchmarks.crowd import Address, Load, Outcome, Stage, run
from benchmarks.machine import Cores
from benchmarks.processes import CannotRunError
from benchmarks.wire import Watch, WireUse

SATURATED_MS = 500
"""A p99 above this means that the server could not keep up with the load."""
COMPLETE = 0.99
DISTURBED = 0.2
"""Above this many cores used by other programs, latencies and highest rates say little about the server."""
HALL = 1_000
DOORS = "doors"
INCOMING = frozenset({Scene.ALONE, Scene.ANSWER})
HALL_EXPERIMENTS = frozenset({"fanout", "storm"})
"""Experiments in which every socket, of peers and ours, must receive every message."""


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
    """How many connect before the measurement: they use the memory that the server freed at its start."""
    ladder_seconds: float
    ladder: tuple[float, ...]
    has_everybody: bool
    """Whether peers that no target names take part too."""
    over_redis: tuple[int, int, int]
    """The number of viewers on two gateways."""
    in_a_room: tuple[int, int, int]
    rooms: tuple[int, ...]
    growth_rounds: int
    seat_renew_seconds: float
    doors: int
    """How many fans connect within a minute, or at the rate of a full run."""
    rush: int
    """How many fans connect within five seconds, or at the rate of a full run."""


FULL = Profile(
    "full",
    seconds=8,
    warm_seconds=2,
    settle_seconds=1,
    hall_connect_rate=500,
    viewers=5_000,
    first_viewers=1_000,
    ladder_seconds=4,
    ladder=(20, 30, 40, 50, 60, 75, 90),
    has_everybody=True,
    over_redis=(100, 1_000, 5_000),
    in_a_room=(100, 1_000, 10_000),
    rooms=(1, 100, 1_000),
    growth_rounds=3,
    seat_renew_seconds=15,
    doors=10_000,
    rush=3_000,
)
QUICK = Profile(
    "quick",
    seconds=2.5,
    warm_seconds=1,
    settle_seconds=0.3,
    hall_connect_rate=1_000,
    viewers=1_400,
    first_viewers=400,
    ladder_seconds=1.5,
    ladder=(30, 45),
    has_everybody=False,
    over_redis=(100, 300, 600),
    in_a_room=(100, 400, 1_000),
    rooms=(1, 10, 200),
    growth_rounds=1,
    seat_renew_seconds=2,
    doors=500,
    rush=1_000,
)


@dataclass(frozen=True, slots=True)
class Experiment:
    """One load and who takes it."""

    key: str
    title: str
    scene: Scene
    contestants: Sequence[Contestant]
    load: Callable[[Contestant], Load]
    listeners: Callable[[Contestant], int] = lambda _: HALL
    """How many sockets receive each message."""
    rounds: int = 1
    """How many rounds each contestant gets; the median counts, so that other load on the machine matters less."""


class Result(msgspec.Struct, frozen=True):
    """What one contestant did in one experiment, or why it could not."""

    experiment: str
    contestant: str
    label: str
    outcome: Outcome | None = None
    reason: str = ""
    listeners: int = HALL
    wire: WireUse | None = None
    """Redis's figures in the last stage, where Redis took part."""

    @property
    def best(self) -> Stage | None:
        """The highest rate at which everything was delivered in time; where there is none, the lowest rate."""
        stages = self.outcome.stages if self.outcome is not None else []
        return next(
            (stage for stage in reversed(stages) if not is_saturated(stage, self.listeners)),
            stages[0] if stages else None,
        )


def is_saturated(stage: Stage, listeners: int = HALL) -> bool:
    """Whether the server could not keep up."""
    return stage.complete(listeners) < COMPLETE or stage.latency_ms.p99 > SATURATED_MS


def perform(
    experiment: Experiment, swarm: Path, cores: Cores, tell: Callable[[str], None], *, ours_only: bool
) -> list[Result]:
    """Each contestant in turn on a fresh server; a failure is a result too."""
    contestants = [who for who in experiment.contestants if who.is_ours or not ours_only]
    results: dict[str, list[Result]] = {who.key: [] for who in contestants}
    for _ in range(experiment.rounds):
        for who in contestants:
            began = time.monotonic()
            result = _perform_one(experiment, who, swarm, cores)
            results[who.key].append(result)
            tell(f"{experiment.key:<9} {who.label:<26} {_short(result, experiment)} ({time.monotonic() - began:.0f} s)")
    return [in_the_middle(rounds) for rounds in results.values()]


def in_the_middle(rounds: Sequence[Result]) -> Result:
    """The round that half of the others cost less than; the first that was not measured, where there is such."""
    costs = [
        (one.best.cpu_us_per_delivery if one.best is not None else -1, number) for number, one in enumerate(rounds)
    ]
    cheapest, middle = min(costs), sorted(costs)[len(costs) // 2]
    return rounds[(cheapest if cheapest[0] < 0 else middle)[1]]


def _perform_one(experiment: Experiment, who: Contestant, swarm: Path, cores: Cores) -> Result:
    load = experiment.load(who)
    with tempfile.TemporaryDirectory(prefix="liveroom-bench-", ignore_cleanup_errors=True) as folder:
        stand = Stand(experiment.scene, load.sockets, Path(folder), cores.server)
        try:
            with who.start(stand) as address:
                outcome, wire = put(swarm, load, address, cores)
        except CannotRunError as error:
            return Result(experiment.key, who.key, who.label, reason=str(error))
    if outcome.connect.lost == load.sockets:
        return Result(experiment.key, who.key, who.label, reason=f"it let nobody in: {outcome.first_loss}")
    return Result(experiment.key, who.key, who.label, outcome, listeners=experiment.listeners(who), wire=wire)


def put(swarm: Path, load: Load, to: Address, cores: Cores) -> tuple[Outcome, WireUse | None]:
    """Put the load on a server, and look at its Redis meanwhile."""
    if to.redis_port is None:
        return run(swarm, load, to, cores.load), None
    with Watch(to.redis_port) as watch:
        outcome = run(swarm, load, to, cores.load)
    return outcome, watch.during(outcome.stages[-1]) if outcome.stages else None


def _short(result: Result, experiment: Experiment) -> str:
    if result.outcome is None:
        return f"not measured: {result.reason}"
    connect, best = result.outcome.connect, result.best
    lost = f", {connect.lost} lost ({result.outcome.first_loss})" if connect.lost else ""
    if result.outcome.others > DISTURBED:
        lost += f", disturbed: others used {result.outcome.others:.1f} cores"
    if best is None:
        p99 = connect.handshake_ms.p99
        if experiment.key == DOORS:
            admitted = f"{connect.admitted:,} of {connect.sockets:,} admitted within {connect.admitted_seconds:.0f} s"
            return f"{connect.cpu_us:.0f} us a connect, p99 {p99:.1f} ms, {admitted}{lost}"
        return f"{connect.cpu_us:.0f} us a connect, p99 {p99:.1f} ms, {connect.rss_kib_per_socket:.1f} KiB each{lost}"
    if experiment.scene in INCOMING:
        return f"{best.cpu_us_per_sent:.0f} us a message{lost}"
    if result.wire is not None:
        lost = f", {result.wire.executed:.0f} commands/s of Redis{lost}"
    return (
        f"{best.cpu_us_per_delivery:.2f} us a delivery at {best.rate:.0f}/s, p99 {best.latency_ms.p99:.0f} ms, "
        f"{best.complete(result.listeners):.2%} delivered{lost}"
    )
