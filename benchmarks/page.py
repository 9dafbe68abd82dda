"""A full run as docs/measured/benchmarks.md; its picture and all that it measured as JSON in var/measured."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import msgspec

from benchmarks import picture
from benchmarks.experiments import DISTURBED
from benchmarks.report import Report
from benchmarks.tables import VERDICT_HEAD, Cells, experiment_table, verdict_rows

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs" / "measured"
RAW = ROOT / "var" / "measured"
"""The raw results, which are not committed; a release carries them."""
NAME = "benchmarks"

HEAD = """\
<!-- Written by `make bench`. Do not edit: run it again. -->

# What it costs, beside others

`make bench` starts the gateway and its peers one after the other on one core of this machine, puts the same load on
each from another core, and reads the CPU time and the memory of the servers' processes. What is measured and how, and
what is not: [benchmarks/README.md](../../benchmarks/README.md). Read the ratios: they are of one run on one machine.
"""


def write(report: Report, folder: Path = DOCS, raw: Path = RAW) -> list[Path]:
    """Keep the run; answers what was written."""
    raw.mkdir(parents=True, exist_ok=True)
    files = {
        folder / f"{NAME}.md": markdown(report),
        raw / f"{NAME}.svg": picture.draw(report),
        raw / f"{NAME}.json": msgspec.json.format(msgspec.json.encode(report), indent=1).decode() + "\n",
    }
    for file, text in files.items():
        file.write_text(text, "utf-8")
    return list(files)


def markdown(report: Report) -> str:
    """The page."""
    return "\n".join([HEAD, *_circumstances(report), *_targets(report), *_experiments(report)])


def _circumstances(report: Report) -> Iterator[str]:
    versions = ", ".join(f"{name} {version}" for name, version in report.versions.items() if version)
    yield f"* when: {report.at}, {report.seconds} s in all"
    yield f"* where: {report.machine}"
    yield f"* what: liveroom at {report.source or 'an unknown commit'}; {versions}"
    yield f"* how: `{report.command}`"
    others = [(result.outcome.others, result) for result in report.results if result.outcome is not None]
    loudest, result = max(others, key=lambda one: one[0])
    if loudest > DISTURBED:
        where = f"{result.experiment}, {result.label}"
        yield (
            f"* disturbed: other programs used up to {loudest:.1f} cores meanwhile ({where}); CPU time and memory "
            "stand that, latencies and highest rates do not"
        )
    yield ""


def _targets(report: Report) -> Iterator[str]:
    yield "## Targets\n"
    yield from _table(VERDICT_HEAD, verdict_rows(report.verdicts))


def _experiments(report: Report) -> Iterator[str]:
    for experiment in report.measured():
        title = report.titles[experiment]
        yield f"## {title[0].upper()}{title[1:]}\n"
        yield from _table(*experiment_table(report, experiment))


def _table(head: Cells, rows: Iterable[Sequence[str]]) -> Iterator[str]:
    yield _line(head)
    yield _line(["---"] * len(head))
    yield from (_line(row) for row in rows)
    yield ""


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cell.replace('|', '/') for cell in cells)} |"
