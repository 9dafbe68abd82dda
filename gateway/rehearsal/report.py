"""What a rehearsal found, for people and for machines."""

from collections.abc import Sequence

from msgspec import Struct
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from gateway.rehearsal import books, history, manners, rights
from gateway.rehearsal.evening import Check, Evening


class Figures(Struct, frozen=True):
    """How much there was of it."""

    seconds: float
    """From the first login to the end."""
    sockets: int
    """Connected when the show was about to end."""
    connects: int
    events: int
    """Received by all sockets."""
    busiest_events_per_s: int
    orders_paid: int
    refunds: int
    danmaku: int
    gifts: int
    returns: int
    """With a cursor, after a drop."""
    worst_lag_ms: int
    """How late the server's event loop ran, as it told the console."""
    ack_ms: dict[str, dict[str, int]]
    """By event, of the crowd and the host."""
    promotion_ms: dict[str, int]
    demotion_ms: dict[str, int]
    """`p50`, `p99`, `max`."""
    refusals: dict[str, int]


class Report(Struct, frozen=True):
    """The document of `--json`."""

    url: str
    show: str
    fans: int
    live_seconds: float
    seed: int
    passed: bool
    checks: Sequence[Check]
    figures: Figures


def examine(evening: Evening) -> list[Check]:
    """Every check, in the order a person reads them."""
    return [
        *books.checks(evening),
        *rights.checks(evening),
        *history.checks(evening),
        *manners.checks(evening),
    ]


def figures(evening: Evening, seconds: float, busiest_events_per_s: int) -> Figures:
    """The figures of an evening."""
    fans = evening.fans
    return Figures(
        seconds=round(seconds, 1),
        sockets=sum(journal.was_online_at_the_end for journal in evening.everybody()),
        connects=sum(len(journal.sockets) for journal in evening.everybody()),
        events=sum(journal.events for journal in evening.everybody()),
        busiest_events_per_s=busiest_events_per_s,
        orders_paid=sum(len(journal.paid_minor) for journal in fans),
        refunds=sum(len(journal.returned_minor) for journal in fans),
        danmaku=sum(item.key[0] == "danmaku" for item in evening.console.items()),
        gifts=sum(item.key[0] == "gift" for item in evening.console.items()),
        returns=sum(log.resumed for journal in fans for log in journal.sockets),
        worst_lag_ms=max(
            (one.payload["lag_ms"] for one in evening.console.entries if one.event == "health"), default=0
        ),
        ack_ms=_acks(evening),
        promotion_ms=_latency([ms for journal in fans for ms in journal.promoted_ms]),
        demotion_ms=_latency([ms for journal in fans for ms in journal.demoted_ms]),
        refusals=dict(manners.refusals(evening).most_common()),
    )


def told(report: Report) -> RenderableType:
    """The report as a person reads it."""
    table = Table(title=f"Rehearsal of {report.fans} fans at {report.url}", title_justify="left")
    table.add_column("")
    table.add_column("check", no_wrap=True)
    table.add_column("what must hold")
    table.add_column("expected")
    table.add_column("observed")
    for check in report.checks:
        mark = Text("ok", style="green") if check.holds else Text("FAILED", style="bold red")
        texts = [Text(text) for text in (check.name, check.says, check.expected, check.observed)]
        table.add_row(mark, *texts)
        for example in () if check.holds else check.examples:
            table.add_row("", "", Text(example, style="red"))
    numbers = report.figures
    lines = [
        f"{numbers.connects} connects, {numbers.returns} of them returns; {numbers.orders_paid} orders paid",
        f"{numbers.refunds} refunds, {numbers.danmaku} danmaku, {numbers.gifts} gifts",
        f"{numbers.events} events received, {numbers.busiest_events_per_s}/s at most",
        f"promotion {_spoken(numbers.promotion_ms)}; demotion {_spoken(numbers.demotion_ms)}",
        f"acks of danmaku {_spoken(numbers.ack_ms.get('danmaku'))}, of gifts {_spoken(numbers.ack_ms.get('gift'))}",
        f"the server's event loop ran {numbers.worst_lag_ms} ms late at worst",
        "refusals: " + (", ".join(f"{count} {code}" for code, count in numbers.refusals.items()) or "none"),
    ]
    failed = [check.name for check in report.checks if not check.holds]
    verdict = (
        Text(
            f"Passed: {len(report.checks)} checks in {numbers.seconds:.0f} s (seed {report.seed}).", style="bold green"
        )
        if report.passed
        else Text(f"Failed: {', '.join(failed)} (seed {report.seed}, show {report.show}).", style="bold red")
    )
    return Group(table, *(Text(line) for line in lines), verdict)


def _acks(evening: Evening) -> dict[str, dict[str, int]]:
    took: dict[str, list[int]] = {}
    for journal in evening.everybody():
        for event, waits in journal.ack_ms.items():
            took.setdefault(event, []).extend(waits)
    return {event: _latency(waits) for event, waits in sorted(took.items())}


def _latency(took_ms: list[int]) -> dict[str, int]:
    return {
        "p50": manners.percentile(took_ms, 50),
        "p99": manners.percentile(took_ms, 99),
        "max": max(took_ms, default=0),
    }


def _spoken(latency: dict[str, int] | None) -> str:
    return ", ".join(f"{name} {value}" for name, value in latency.items()) + " ms" if latency else "none"
