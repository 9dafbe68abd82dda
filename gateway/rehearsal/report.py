"""The result of a rehearsal, for people and for machines."""

from collections.abc import Sequence
from typing import Literal

from msgspec import Struct
from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.table import Table
from rich.text import Text

from gateway.rehearsal import books, history, manners, rights
from gateway.rehearsal.evening import Check, Evening


class Figures(Struct, frozen=True):
    """How much there was of it."""

    seconds: float
    """The time from the first login to the end."""
    sockets: int
    """How many sockets were connected just before the show ended."""
    connects: int
    events: int
    """How many events all sockets received."""
    busiest_events_per_s: int
    orders_paid: int
    refunds: int
    danmaku: int
    gifts: int
    returns: int
    """How many reconnects with a cursor followed a drop."""
    worst_lag_ms: int
    """The greatest lag of the server's event loop, as reported to the console."""
    ack_ms: dict[str, dict[str, int]]
    """The latency of acks by event, over the crowd and the host."""
    promotion_ms: dict[str, int]
    demotion_ms: dict[str, int]
    """The keys are `p50`, `p99` and `max`."""
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
    """The report as a person reads it: each check with what it saw, the figures, and the verdict last."""
    failed = [check.name for check in report.checks if not check.holds]
    verdict = (
        Text(
            f"Passed: {len(report.checks)} checks in {report.figures.seconds:.0f} s (seed {report.seed}).", "bold green"
        )
        if report.passed
        else Text(
            f"Failed: {len(failed)} of {len(report.checks)} checks: {', '.join(failed)} "
            f"(seed {report.seed}, show {report.show}).",
            "bold red",
        )
    )
    return Group(
        Text(f"\nRehearsal of {report.fans} fans at {report.url}\n", "bold"),
        _checks(report.checks),
        Text(),
        _figures(report.figures),
        Text(),
        verdict,
    )


class _Claim:
    """What was claimed and what was seen, which stands on a line of its own rather than be torn apart."""

    def __init__(self, says: str, saw: str) -> None:
        self._says = Text(f"{says}:")
        self._saw = Text(saw, "cyan")

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        *above, last = self._says.wrap(console, options.max_width)
        last.rstrip()
        yield from above
        if last.cell_len + 1 + self._saw.cell_len <= options.max_width:
            yield Text.assemble(last, " ", self._saw)
        else:
            yield last
            yield self._saw


def _checks(checks: Sequence[Check]) -> Table:
    table = _columns("no_wrap", "no_wrap", "wrapped")
    for check in checks:
        if check.holds:
            wanted = "" if check.observed == check.expected else f" ({check.expected})"
            table.add_row(Text("ok", "green"), Text(check.name), _Claim(check.says, check.observed + wanted))
            continue
        found = [f"expected {check.expected}", f"observed {check.observed}", *(f"- {one}" for one in check.examples)]
        table.add_row(
            Text("FAILED", "bold red"), Text(check.name, "bold red"), Text("\n".join((check.says, *found)), "red")
        )
    return table


def _figures(numbers: Figures) -> Table:
    promotion, demotion = _spoken(numbers.promotion_ms), _spoken(numbers.demotion_ms)
    danmaku, gift = (_spoken(numbers.ack_ms.get(event)) for event in ("danmaku", "gift"))
    groups = {
        "sockets": [
            f"{numbers.connects} connects, {numbers.returns} of them returns; {numbers.sockets} open at the end"
        ],
        "box office": [f"{numbers.orders_paid} orders paid, {numbers.refunds} refunds"],
        "room": [f"{numbers.danmaku} danmaku, {numbers.gifts} gifts"],
        "events": [f"{numbers.events} received, {numbers.busiest_events_per_s}/s at most"],
        "rights": [f"promotion {promotion}", f"demotion {demotion}"],
        "acks": [f"danmaku {danmaku}", f"gift {gift}"],
        "event loop": [f"{numbers.worst_lag_ms} ms late at worst"],
        "refusals": [", ".join(f"{count} {code}" for code, count in numbers.refusals.items()) or "none"],
    }
    table = _columns("no_wrap", "wrapped")
    for name, lines in groups.items():
        table.add_row(Text(name, "bold"), Text("\n".join(lines)))
    return table


def _columns(*columns: Literal["no_wrap", "wrapped"]) -> Table:
    """Rows without lines between them; what is too long goes on under its own beginning."""
    table = Table.grid(padding=(0, 2, 0, 0))
    for column in columns:
        table.add_column(no_wrap=column == "no_wrap", overflow="fold")
    return table


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
