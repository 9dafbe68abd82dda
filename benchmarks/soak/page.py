"""A soak as it is kept: docs/measured/soak.md; its picture and every sample as CSV in var/measured."""

import csv
import io
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import msgspec

from benchmarks.picture import FAINT, FONT, INK, OURS, PAPER, text
from benchmarks.soak.samples import Held, Sample, Verdict

NAME = "soak"
WIDTH, MARGIN, PANEL, LEFT = 880, 24, 110, 155
COLOURS = (OURS, "#1c7ed6")
"""The colours of gateway A and gateway B."""
WORDS = {True: "met", False: "NOT MET", None: "not judged"}
FIELDS = Held.__struct_fields__
HEAD = """\
<!-- Written by `make soak`. Do not edit: run it again. -->

# Hours on end

`make soak` has two gateways on one Redis and one database, shows that go on, and a crowd that comes and goes in every
way there is: WebSockets in both encodings, long polling, polling that becomes a WebSocket, sockets that fall silent
at every stage of coming in. Everybody talks, gives, buys, takes the money back, drops and comes back with a cursor at
either gateway, while the shows pause and go on. How it is judged:
[benchmarks/README.md](../../benchmarks/README.md#soak).
"""


class Soak(msgspec.Struct, frozen=True):
    """One run."""

    at: str
    minutes: float
    places: int
    shows: int
    source: str
    machine: str
    samples: list[Sample]
    before: Sample
    after: Sample
    deeds: dict[str, int]
    troubles: list[str]
    verdicts: list[Verdict]

    @property
    def holds(self) -> bool:
        """Whether nothing was found."""
        return all(verdict.is_met is not False for verdict in self.verdicts)


def write(soak: Soak, folder: Path, raw: Path) -> list[Path]:
    """Keep the run, its picture and samples in `raw`; answers what was written."""
    files = {
        folder / f"{NAME}.md": markdown(soak),
        raw / f"{NAME}.svg": draw(soak),
        raw / f"{NAME}.csv": table(soak.samples),
    }
    for file, content in files.items():
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content, "utf-8")
    return list(files)


def markdown(soak: Soak) -> str:
    """The page."""
    return "\n".join([HEAD, *_circumstances(soak), *_verdicts(soak), *_levels(soak), *_deeds(soak)])


def table(samples: Sequence[Sample]) -> str:
    """A line for each sample."""
    out = io.StringIO()
    lines = csv.writer(out, lineterminator="\n")
    gateways = range(len(samples[0].gateways))
    lines.writerow(["at_s", *(f"{'ab'[number]}_{name}" for number in gateways for name in FIELDS), "redis_kib"])
    for sample in samples:
        held = [getattr(one, name) for one in sample.gateways for name in FIELDS]
        lines.writerow([sample.at_s, *held, sample.redis_kib])
    return out.getvalue()


def _circumstances(soak: Soak) -> Iterator[str]:
    yield f"* when: {soak.at}, {soak.minutes:g} minutes, {soak.samples[-1].at_s:.0f} s with the rests"
    yield f"* where: {soak.machine}"
    yield f"* what: liveroom at {soak.source or 'an unknown commit'}"
    yield f"* how: {soak.places} places in {soak.shows} shows\n"


def _verdicts(soak: Soak) -> Iterator[str]:
    yield "| promise | found | |\n| --- | --- | --- |"
    yield from (f"| {one.promise} | {one.found} | {WORDS[one.is_met]} |" for one in soak.verdicts)
    yield ""


def _levels(soak: Soak) -> Iterator[str]:
    yield "| gateway | | at rest after the warm-up | most | at rest at the end |\n| --- | --- | --- | --- | --- |"
    for number in range(len(soak.after.gateways)):
        for name in FIELDS:
            most = max(getattr(sample.gateways[number], name) for sample in soak.samples)
            was, now = (getattr(rest.gateways[number], name) for rest in (soak.before, soak.after))
            yield f"| {'AB'[number]} | {name.replace('_', ' ')} | {was:,} | {most:,} | {now:,} |"
    most = max(sample.redis_kib for sample in soak.samples)
    yield f"| | memory of Redis, KiB | {soak.before.redis_kib:,} | {most:,} | {soak.after.redis_kib:,} |"
    yield "\nRedis is not judged: it keeps gifts for an hour, and ids for as long as something may come twice.\n"


def _deeds(soak: Soak) -> Iterator[str]:
    yield "| what happened | times |\n| --- | --- |"
    yield from (f"| {deed} | {times:,} |" for deed, times in sorted(soak.deeds.items()))
    if soak.troubles:
        yield "\nTroubles that clients had, the first of them:\n"
        yield from (f"* {trouble}" for trouble in soak.troubles[:10])
    yield ""


PANELS: Sequence[tuple[str, Callable[[Held], float]]] = (
    ("memory, MiB", lambda one: one.rss_kib / 1024),
    ("descriptors", lambda one: one.descriptors),
    ("tasks", lambda one: one.tasks),
    ("sockets", lambda one: one.sockets),
)


def draw(soak: Soak) -> str:
    """Lines over time, a panel for each figure and a colour for each gateway."""
    top, height = 72, 72 + (PANEL + 34) * len(PANELS) + MARGIN
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" {FONT} role="img">',
        "<title>What two gateways hold while a crowd comes and goes</title>",
        f'<rect width="{WIDTH}" height="{height}" rx="8" fill="{PAPER}"/>',
        text(MARGIN, 34, f"{soak.minutes:g} minutes of coming and going", size=18, weight=600),
        text(MARGIN, 54, f"{soak.at[:10]}, {soak.machine}", fill=FAINT),
    ]
    for number, colour in enumerate(COLOURS):
        parts.append(text(WIDTH - MARGIN - (1 - number) * 80, 34, f"gateway {'AB'[number]}", fill=colour, anchor="end"))
    for name, of in PANELS:
        parts += _panel(soak.samples, name, of, top)
        top += PANEL + 34
    return "\n".join([*parts, "</svg>", ""])


def _panel(samples: Sequence[Sample], name: str, of: Callable[[Held], float], top: int) -> Iterator[str]:
    most = max(1.0, *(of(one) for sample in samples for one in sample.gateways))
    width, last = WIDTH - LEFT - MARGIN, max(1.0, samples[-1].at_s)
    yield text(MARGIN, top + 14, name, weight=600)
    yield text(LEFT - 8, top + 12, f"{most:,.0f}", fill=FAINT, anchor="end")
    yield text(LEFT - 8, top + PANEL, "0", fill=FAINT, anchor="end")
    yield f'<line x1="{LEFT}" y1="{top + PANEL}" x2="{WIDTH - MARGIN}" y2="{top + PANEL}" stroke="{INK}"/>'
    for number, colour in zip(range(len(samples[0].gateways)), COLOURS, strict=False):
        points = "\n".join(
            f"{LEFT + sample.at_s / last * width:.1f},{top + PANEL - of(sample.gateways[number]) / most * PANEL:.1f}"
            for sample in samples
        )
        yield f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="1.5"/>'
    yield text(WIDTH - MARGIN, top + PANEL + 16, f"{last / 60:.0f} min", fill=FAINT, anchor="end")
