"""Draws a report as an SVG: bars of what a server spends, shorter is better, readable at a README's width."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

from benchmarks.experiments import HALL, HALL_EXPERIMENTS, Result, is_saturated
from benchmarks.report import Report

WIDTH = 880
MARGIN = 24
GAP = 40
COLUMN = (WIDTH - 2 * MARGIN - GAP) // 2
LABEL = 152
FIGURE = 100
BAR = 16
LINE = 24
HEAD = 46
TOP = 72
FONT = 'font-family="system-ui, -apple-system, Segoe UI, Helvetica, Arial, sans-serif"'
OURS, PEER, INK, FAINT, PAPER = "#c2255c", "#adb5bd", "#212529", "#6c757d", "#ffffff"


@dataclass(frozen=True, slots=True)
class Bar:
    """One server's figure."""

    label: str
    value: float
    is_ours: bool
    note: str = ""


@dataclass(frozen=True, slots=True)
class Panel:
    """One figure of all servers."""

    title: str
    subtitle: str
    bars: Sequence[Bar]

    @property
    def height(self) -> int:
        return HEAD + LINE * len(self.bars) + 18


@dataclass(frozen=True, slots=True)
class _Figure:
    experiment: str
    title: str
    subtitle: str
    of: Callable[[Result], float]


def _delivery(result: Result) -> float:
    return result.best.cpu_us_per_delivery if result.best else 0


def _message(result: Result) -> float:
    return result.best.cpu_us_per_sent if result.best else 0


def _size(result: Result) -> float:
    return result.best.bytes_per_delivery if result.best else 0


def _connect(result: Result) -> float:
    return result.outcome.connect.cpu_us if result.outcome else 0


def _memory(result: Result) -> float:
    return result.outcome.connect.rss_kib_per_socket if result.outcome else 0


FIGURES = (
    _Figure("fanout", "CPU per delivered message, µs", "1,000 sockets in a room, 20 messages a second", _delivery),
    _Figure(
        "storm", "CPU per delivered danmaku in a storm, µs", "500/s to 1,000; peers at the most they can", _delivery
    ),
    _Figure("crowd", "CPU per connect, µs", "liveroom: token, ticket and welcome; peers: bare", _connect),
    _Figure("crowd", "memory per idle socket, KiB", "after the same connects", _memory),
    _Figure("accepted", "CPU per message answered, µs", "liveroom: with rights, rate limit and history", _message),
    _Figure("storm", "bytes per delivered danmaku", "with the frame's header", _size),
)


def draw(report: Report) -> str:
    """The picture."""
    panels = [panel for figure in FIGURES if (panel := _panel(report, figure)).bars]
    lines = [panels[at : at + 2] for at in range(0, len(panels), 2)]
    height = TOP + sum(max(panel.height for panel in line) for line in lines) + MARGIN
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" {FONT} role="img">',
        "<title>What liveroom and its peers spend under one load; shorter is better</title>",
        f'<rect width="{WIDTH}" height="{height}" rx="8" fill="{PAPER}"/>',
        text(MARGIN, 34, "One load, one machine, one run: shorter is better", size=18, weight=600),
        text(MARGIN, 54, f"{report.at[:10]}, {report.machine}", fill=FAINT),
    ]
    top = TOP
    for line in lines:
        for number, panel in enumerate(line):
            parts += _drawn(panel, MARGIN + number * (COLUMN + GAP), top)
        top += max(panel.height for panel in line)
    return "\n".join([*parts, "</svg>", ""])


def _panel(report: Report, figure: _Figure) -> Panel:
    measured = ((result, figure.of(result)) for result in report.of(figure.experiment) if result.outcome is not None)
    bars = [
        Bar(result.label, value, result.contestant.startswith("ours"), _note(result))
        for result, value in measured
        if value > 0
    ]
    return Panel(figure.title, figure.subtitle, bars)


def _note(result: Result) -> str:
    """What must be known of a figure that was measured while the server could not keep up."""
    if result.best is None or result.experiment not in HALL_EXPERIMENTS or not is_saturated(result.best):
        return ""
    return f" ({result.best.complete(HALL):.0%} in time)"


def _drawn(panel: Panel, left: int, top: int) -> Iterator[str]:
    yield text(left, top + 16, panel.title, size=14, weight=600)
    yield text(left, top + 34, panel.subtitle, fill=FAINT)
    longest = max(bar.value for bar in panel.bars)
    for number, bar in enumerate(panel.bars):
        y = top + HEAD + number * LINE
        length = max(2.0, bar.value / longest * (COLUMN - LABEL - FIGURE))
        weight = 600 if bar.is_ours else 400
        yield text(left + LABEL - 8, y + 12, bar.label, weight=weight, anchor="end")
        yield (
            f'<rect x="{left + LABEL}" y="{y}" width="{length:.1f}" height="{BAR}" rx="2" '
            f'fill="{OURS if bar.is_ours else PEER}"/>'
        )
        yield text(left + LABEL + length + 6, y + 12, _figure(bar.value) + bar.note, weight=weight)


def _figure(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def text(
    x: float, y: float, words: str, *, size: int = 12, weight: int = 400, fill: str = INK, anchor: str = "start"
) -> str:
    """Words at a place."""
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" font-weight="{weight}" fill="{fill}" '
        f'text-anchor="{anchor}">{escape(words)}</text>'
    )
