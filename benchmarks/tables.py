"""Prints a report as tables of text: on the terminal and in Markdown."""

from collections.abc import Callable, Sequence

from rich.console import Console
from rich.table import Table

from benchmarks.alone import SIZES
from benchmarks.experiments import DOORS, Result
from benchmarks.report import Report
from benchmarks.targets import Verdict

Cells = tuple[str, ...]

STAGE_HEAD = (
    "server",
    "messages/s",
    "CPU us / delivery",
    "x socket.io",
    "core busy",
    "delivered",
    "p50 ms",
    "p99 ms",
    "bytes",
    "per frame",
)
CROWD_HEAD = ("server", "CPU us / connect", "x socket.io", "handshake p50 ms", "p99 ms", "KiB / socket", "x socket.io")
INCOMING_HEAD = ("server", "CPU us / message", "x socket.io", "answered", "p50 ms", "p99 ms")
HOP_HEAD = (
    "gateways",
    "messages/s",
    "CPU us / delivery",
    "delivered",
    "near p50 ms",
    "near p99 ms",
    "far p50 ms",
    "far p99 ms",
    "p99 added",
    "Redis busy",
)
COMMANDS_HEAD = ("viewers", "sent/s", "executed/s", "of these for seats", "Redis busy", "CPU us / delivery", "p99 ms")
GROWTH_HEAD = ("size", "messages/s", "CPU us / delivery", "x smallest", "core busy", "delivered", "p99 ms", "per frame")
DOORS_HEAD = (
    "fans",
    "let in",
    "within s",
    "CPU us / connect",
    "core busy",
    "handshake p50 ms",
    "p99 ms",
    "waited",
    "wait p50 s",
    "wait max s",
)
VERDICT_HEAD = ("row", "promise", "target", "measured", "figures", "")
REFERENCES = frozenset({"socketio", SIZES[0]})
ABSENT = "not measured"
SEAT_COMMANDS = ("get", "set")
"""Commands that only the scripts of seats call: two for each viewer and renewal."""


def print_report(report: Report) -> None:
    """Every experiment and every verdict."""
    console = Console(width=None if Console().is_terminal else 140)
    for experiment in report.measured():
        head, rows = experiment_table(report, experiment)
        _print(console, report.titles[experiment], head, rows)
    if report.verdicts:
        _print(console, "targets", VERDICT_HEAD, verdict_rows(report.verdicts))
    console.print(f"{report.profile} run, {report.seconds} s", style="dim")


def experiment_table(report: Report, experiment: str) -> tuple[Cells, list[Cells]]:
    """Head and rows of one experiment."""
    results = report.of(experiment)
    peer = next((result for result in results if result.contestant in REFERENCES and result.outcome is not None), None)
    kinds: dict[str, tuple[Cells, Callable[[Result, Result | None], list[Cells]]]] = {
        "crowd": (CROWD_HEAD, _crowd_rows),
        "accepted": (INCOMING_HEAD, _incoming_rows),
        "refused": (INCOMING_HEAD, _incoming_rows),
        "hop": (HOP_HEAD, _hop_rows),
        "commands": (COMMANDS_HEAD, _commands_rows),
        "sockets": (GROWTH_HEAD, _growth_rows),
        "rooms": (GROWTH_HEAD, _growth_rows),
        DOORS: (DOORS_HEAD, _doors_rows),
    }
    head, rows_of = kinds.get(experiment, (STAGE_HEAD, _stage_rows))
    rows: list[Cells] = []
    for result in results:
        if result.outcome is None:
            rows.append((result.label, f"{ABSENT}: {result.reason}", *[""] * (len(head) - 2)))
        else:
            rows += rows_of(result, peer)
    return head, rows


def verdict_rows(verdicts: Sequence[Verdict]) -> list[Cells]:
    """Each promise with its target, what was measured, and whether it is kept."""
    words = {True: "met", False: "NOT MET", None: ABSENT}
    return [
        (
            one.row,
            one.promise,
            f"{'>=' if one.unit == '%' else '<='} {one.target:g} {one.unit}",
            "-" if one.measured is None else f"{one.measured:.3g} {one.unit}",
            one.shown,
            words[one.is_met],
        )
        for one in verdicts
    ]


def _stage_rows(result: Result, peer: Result | None) -> list[Cells]:
    stage = result.best
    if stage is None:
        return []
    reference = peer.best.cpu_us_per_delivery if peer is not None and peer.best is not None else 0
    return [
        (
            result.label,
            f"{stage.rate:.0f}",
            f"{stage.cpu_us_per_delivery:.2f}",
            _ratio(stage.cpu_us_per_delivery, reference),
            f"{stage.busy:.0%}",
            f"{stage.complete(result.listeners):.2%}",
            f"{stage.latency_ms.p50:.1f}",
            f"{stage.latency_ms.p99:.1f}",
            f"{stage.bytes_per_delivery:.0f}",
            f"{stage.arrived / stage.frames:.1f}" if stage.frames else "-",
        )
    ]


def _crowd_rows(result: Result, peer: Result | None) -> list[Cells]:
    assert result.outcome is not None
    one, other = result.outcome.connect, peer.outcome.connect if peer is not None and peer.outcome is not None else None
    return [
        (
            result.label + (f" ({one.lost} lost)" if one.lost else ""),
            f"{one.cpu_us:.0f}",
            _ratio(one.cpu_us, other.cpu_us if other else 0),
            f"{one.handshake_ms.p50:.1f}",
            f"{one.handshake_ms.p99:.1f}",
            f"{one.rss_kib_per_socket:.1f}",
            _ratio(one.rss_kib_per_socket, other.rss_kib_per_socket if other else 0),
        )
    ]


def _incoming_rows(result: Result, peer: Result | None) -> list[Cells]:
    stage = result.best
    if stage is None:
        return []
    reference = peer.best.cpu_us_per_sent if peer is not None and peer.best is not None else 0
    answered, spread = (stage.answers, stage.answer_ms) if stage.answers else (stage.returned, stage.latency_ms)
    return [
        (
            result.label,
            f"{stage.cpu_us_per_sent:.1f}",
            _ratio(stage.cpu_us_per_sent, reference),
            f"{answered / stage.sent:.2%}" if stage.sent else "-",
            f"{spread.p50:.1f}",
            f"{spread.p99:.1f}",
        )
    ]


def _hop_rows(result: Result, _: Result | None) -> list[Cells]:
    assert result.outcome is not None
    rows: list[Cells] = []
    for stage in result.outcome.stages:
        near, far = stage.latency_ms_at[0], stage.latency_ms_at[-1]
        is_last = stage is result.outcome.stages[-1]
        rows.append(
            (
                result.label,
                f"{stage.rate:.0f}",
                f"{stage.cpu_us_per_delivery:.2f}",
                f"{stage.complete(result.listeners):.2%}",
                f"{near.p50:.1f}",
                f"{near.p99:.1f}",
                f"{far.p50:.1f}",
                f"{far.p99:.1f}",
                f"{far.p99 - near.p99:.1f}",
                f"{result.wire.busy:.1%}" if is_last and result.wire is not None else "-",
            )
        )
    return rows


def _commands_rows(result: Result, _: Result | None) -> list[Cells]:
    stage, wire = result.best, result.wire
    if stage is None or wire is None:
        return []
    seats = sum(wire.by_command.get(name, 0) for name in SEAT_COMMANDS)
    return [
        (
            result.label,
            f"{wire.sent:.1f}",
            f"{wire.executed:.0f}",
            f"{seats:.0f}",
            f"{wire.busy:.1%}",
            f"{stage.cpu_us_per_delivery:.2f}",
            f"{stage.latency_ms.p99:.1f}",
        )
    ]


def _growth_rows(result: Result, smallest: Result | None) -> list[Cells]:
    stage = result.best
    if stage is None:
        return []
    reference = smallest.best.cpu_us_per_delivery if smallest is not None and smallest.best is not None else 0
    return [
        (
            result.label,
            f"{stage.rate:g}",
            f"{stage.cpu_us_per_delivery:.2f}",
            _ratio(stage.cpu_us_per_delivery, reference),
            f"{stage.busy:.0%}",
            f"{stage.complete(result.listeners):.2%}",
            f"{stage.latency_ms.p99:.1f}",
            f"{stage.arrived / stage.frames:.1f}" if stage.frames else "-",
        )
    ]


def _doors_rows(result: Result, _: Result | None) -> list[Cells]:
    assert result.outcome is not None
    one = result.outcome.connect
    return [
        (
            result.label + (f" ({one.lost} lost)" if one.lost else ""),
            f"{one.admitted:,} of {one.sockets + one.lost:,}",
            f"{one.admitted_seconds:.1f}",
            f"{one.cpu_us:.0f}",
            f"{one.cpu_seconds / one.admitted_seconds:.0%}",
            f"{one.handshake_ms.p50:.1f}",
            f"{one.handshake_ms.p99:.1f}",
            f"{one.wait_ms.count:,}",
            f"{one.wait_ms.p50 / 1000:.1f}" if one.wait_ms.count else "-",
            f"{one.wait_ms.max / 1000:.1f}" if one.wait_ms.count else "-",
        )
    ]


def _ratio(value: float, reference: float) -> str:
    return f"{value / reference:.2g}" if reference else "-"


def _print(console: Console, title: str, head: Cells, rows: Sequence[Cells]) -> None:
    table = Table(title=title, title_justify="left")
    for number, name in enumerate(head):
        table.add_column(name, justify="left" if number == 0 or head is VERDICT_HEAD else "right")
    absent = [row for row in rows if row[1].startswith(ABSENT)]
    for row in rows:
        table.add_row(row[0], *["-"] * (len(head) - 1)) if row in absent else table.add_row(*row)
    console.print(table)
    for label, reason, *_ in absent:
        console.print(f"{label}: {reason}", markup=False)
