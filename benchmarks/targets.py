"""The performance targets, as ratios within one run, and whether a run met them."""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import msgspec

from benchmarks.alone import SIZES
from benchmarks.experiments import COMPLETE, DOORS, HALL, Result

FLAT = 1.15
"""The tolerance for a cost that must not grow: what other load and short runs add. A decrease is allowed."""


class Verdict(msgspec.Struct, frozen=True):
    """One promise held against one run."""

    row: str
    promise: str
    target: float
    unit: str
    ours: float
    theirs: float | None
    """None where the target is no ratio."""
    measured: float | None
    """None where the peer or the gateway could not be measured."""
    is_met: bool | None
    shown: str
    """The two figures of the ratio."""


@dataclass(frozen=True, slots=True)
class _Ratio:
    row: str
    promise: str
    target: float
    experiment: str
    ours: str
    theirs: str
    of: Callable[[Result], float | None]
    unit: str
    beyond: tuple[str, str] | None = None
    """The experiment whose figures are subtracted from both sides first: the cost that neither server causes."""


def _per_delivery(result: Result) -> float | None:
    return result.best.cpu_us_per_delivery if result.best else None


def _per_sent(result: Result) -> float | None:
    return result.best.cpu_us_per_sent if result.best else None


def _bytes(result: Result) -> float | None:
    return result.best.bytes_per_delivery if result.best else None


def _connect(result: Result) -> float | None:
    return result.outcome.connect.cpu_us if result.outcome else None


def _memory(result: Result) -> float | None:
    return result.outcome.connect.rss_kib_per_socket if result.outcome else None


def _sent(result: Result) -> float | None:
    return result.wire.sent if result.wire else None


def _executed(result: Result) -> float | None:
    return result.wire.executed if result.wire else None


SMALLEST, MIDDLE, LARGEST = SIZES

RATIOS = (
    _Ratio("fanout", "CPU per delivery / socket.io", 0.55, "fanout", "ours", "socketio", _per_delivery, "us"),
    _Ratio("fanout", "CPU per delivery / nchan", 1.1, "fanout", "ours", "nchan", _per_delivery, "us"),
    _Ratio("fanout", "CPU per delivery / bare send()", 1.6, "fanout", "ours", "floor", _per_delivery, "us"),
    _Ratio(
        "storm", "CPU per delivery / socket.io at its best", 0.035, "storm", "ours", "socketio", _per_delivery, "us"
    ),
    _Ratio("connect", "CPU, authenticated / socket.io's bare", 0.8, "crowd", "ours", "socketio", _connect, "us"),
    _Ratio("memory", "RSS per idle viewer / socket.io", 0.8, "crowd", "ours", "socketio", _memory, "KiB"),
    _Ratio("incoming", "CPU per danmaku, accepted / socket.io", 1.3, "accepted", "ours", "socketio", _per_sent, "us"),
    _Ratio("incoming", "CPU per danmaku, refused / socket.io", 1.3, "refused", "ours", "socketio", _per_sent, "us"),
    _Ratio("bytes", "per delivered danmaku, JSON / socket.io", 0.9, "storm", "ours", "socketio", _bytes, "B"),
    _Ratio(
        "bytes", "per delivered danmaku, msgpack / socket.io", 0.75, "storm", "ours-msgpack", "socketio", _bytes, "B"
    ),
    _Ratio("commands", "sent to Redis, 5,000 viewers / 100", FLAT, "commands", LARGEST, SMALLEST, _sent, "/s"),
    _Ratio("commands", "executed there, 5,000 viewers / 100", FLAT, "commands", LARGEST, SMALLEST, _executed, "/s"),
    _Ratio("growth", "CPU per delivery, 10,000 sockets / 100", FLAT, "sockets", LARGEST, SMALLEST, _per_delivery, "us"),
    _Ratio("growth", "CPU per delivery, 10,000 sockets / 1,000", FLAT, "sockets", LARGEST, MIDDLE, _per_delivery, "us"),
    _Ratio(
        "growth",
        "CPU per delivery, 10,000 / bare send()",
        1.6,
        "sockets",
        LARGEST,
        "floor-largest",
        _per_delivery,
        "us",
    ),
    _Ratio(
        "growth",
        "CPU per delivery beyond bare send(), 10,000 sockets / 100",
        FLAT,
        "sockets",
        LARGEST,
        SMALLEST,
        _per_delivery,
        "us",
        beyond=("floor-largest", "floor-smallest"),
    ),
    _Ratio("growth", "CPU per delivery, 1,000 rooms / 1", FLAT, "rooms", LARGEST, SMALLEST, _per_delivery, "us"),
)


@dataclass(frozen=True, slots=True)
class _Bound:
    row: str
    promise: str
    target: float
    experiment: str
    of: Callable[[Result], float | None]
    unit: str
    at_least: bool = False
    contestant: str = "ours"


def _stage_p99(result: Result) -> float | None:
    """Of all deliveries: where some are missing it is unknown and without bound."""
    if result.best is None:
        return None
    return result.best.latency_ms.p99 if result.best.complete(HALL) >= COMPLETE else math.inf


def _complete(result: Result) -> float | None:
    return 100 * result.best.complete(HALL) if result.best else None


def _added_p99(result: Result) -> float | None:
    """At the far gateway less at the near one, at the rate where that is most; without bound where some is missing."""
    if result.outcome is None:
        return None
    if any(stage.complete(result.listeners) < COMPLETE for stage in result.outcome.stages):
        return math.inf
    return max(stage.latency_ms_at[-1].p99 - stage.latency_ms_at[0].p99 for stage in result.outcome.stages)


def _admitted(result: Result) -> float | None:
    """Of those that came, in per cent."""
    if result.outcome is None:
        return None
    connect = result.outcome.connect
    return 100 * connect.admitted / (connect.sockets + connect.lost) if connect.sockets + connect.lost else None


def _handshake_p99(result: Result) -> float | None:
    return result.outcome.connect.handshake_ms.p99 if result.outcome else None


BOUNDS = (
    _Bound("storm", "p99", 100, "storm", _stage_p99, "ms"),
    _Bound("storm", "delivered", 100, "storm", _complete, "%", at_least=True),
    _Bound("connect", "handshake p99 at 500/s", 10, "crowd", _handshake_p99, "ms"),
    _Bound("hop", "p99 added by the way over Redis", 30, "hop", _added_p99, "ms"),
    _Bound(DOORS, "10,000 within a minute: let in", 100, DOORS, _admitted, "%", at_least=True),
    _Bound(DOORS, "10,000 within a minute: handshake p99", 10, DOORS, _handshake_p99, "ms"),
    _Bound(DOORS, "3,000 within 5 s: let in", 100, DOORS, _admitted, "%", at_least=True, contestant="rush"),
    _Bound(DOORS, "3,000 within 5 s, low budget: let in", 100, DOORS, _admitted, "%", True, "budget"),
)

ROWS: dict[str, tuple[str, ...]] = {
    "fanout": ("fanout",),
    "storm": ("storm",),
    "connect": ("crowd",),
    "memory": ("crowd",),
    "incoming": ("accepted", "refused"),
    "bytes": ("storm",),
    "hop": ("hop",),
    "commands": ("commands",),
    "growth": ("sockets", "rooms"),
    DOORS: (DOORS,),
}
"""The rows of the targets, and the experiments that each needs."""


def judge(results: Sequence[Result], rows: Sequence[str]) -> list[Verdict]:
    """Every promise of the rows, in their order."""
    found = {(result.experiment, result.contestant): result for result in results}
    verdicts = [*_ratios(found), *_bounds(found)]
    return [verdict for row in ROWS if row in rows for verdict in verdicts if verdict.row == row]


def _ratios(found: dict[tuple[str, str], Result]) -> Iterator[Verdict]:
    for ratio in RATIOS:
        ours, theirs = (_value(found.get((ratio.experiment, who)), ratio.of) for who in (ratio.ours, ratio.theirs))
        if ratio.beyond is not None:
            floors = (_value(found.get((ratio.experiment, who)), ratio.of) for who in ratio.beyond)
            ours, theirs = (_less(value, floor) for value, floor in zip((ours, theirs), floors, strict=True))
        measured = ours / theirs if ours is not None and theirs else None
        yield Verdict(
            ratio.row,
            ratio.promise,
            ratio.target,
            "x",
            ours or 0,
            theirs,
            measured,
            None if measured is None else measured <= ratio.target,
            f"{_figure(ours)} / {_figure(theirs)} {ratio.unit}",
        )


def _bounds(found: dict[tuple[str, str], Result]) -> Iterator[Verdict]:
    for bound in BOUNDS:
        ours = _value(found.get((bound.experiment, bound.contestant)), bound.of)
        is_met = None
        if ours is not None:
            is_met = round(ours, 2) >= bound.target if bound.at_least else ours <= bound.target
        known = None if ours == math.inf else ours
        yield Verdict(
            bound.row,
            bound.promise,
            bound.target,
            bound.unit,
            known or 0,
            None,
            known,
            is_met,
            f"{_figure(ours)} {bound.unit}",
        )


def _value(result: Result | None, of: Callable[[Result], float | None]) -> float | None:
    return None if result is None else of(result)


def _less(value: float | None, floor: float | None) -> float | None:
    return None if value is None or floor is None else value - floor


def _figure(value: float | None) -> str:
    if value is None or value == math.inf:
        return "-" if value is None else "unbounded"
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"
