"""Every attack in full: `python -m tests.abuse`. `ABUSE_TREE=<folder>` attacks the sources there instead."""

import argparse
import os
import platform
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.abuse import attacks, floods
from tests.abuse.crowd import Stall, percentile, stalled_readers
from tests.abuse.target import TREE, Gateway, gateway

MIB = 2**20
FLOOD_SECONDS = 20.0
DRIP_SECONDS = 40.0
DEADLINE_SECONDS = 2.0
FAREWELL_SECONDS = 2.0
LATE_SECONDS = 2.0
DEADLINES: dict[str, Any] = {
    "header_seconds": DEADLINE_SECONDS,
    "body_seconds": DEADLINE_SECONDS,
    "connect_seconds": DEADLINE_SECONDS,
    "ping_interval_seconds": DEADLINE_SECONDS / 2,
    "ping_timeout_seconds": DEADLINE_SECONDS / 2,
}
FLAT_BYTES = 16 * MIB
CUT_SECONDS = 10.0
P99_SHARE = 1.2
FLOODS: list[Callable[[Gateway, float], attacks.Flood]] = [
    attacks.attachment_bombs,
    attacks.empty_fragments,
    attacks.tiny_fragments,
    attacks.pings_unread,
    attacks.requests_unread,
]


class Report:
    """Lines of a table, and whether one of them was bad."""

    def __init__(self) -> None:
        self.failed = False

    def add(self, attack: str, figures: str, *, is_good: bool) -> None:
        """One attack."""
        self.failed |= not is_good
        print(f"| {attack} | {figures} | {'held' if is_good else 'not held'} |", flush=True)


def main() -> int:
    """Exit status 1 where a promise was not held."""
    parser = argparse.ArgumentParser(prog="python -m tests.abuse")
    parser.add_argument("--fans", type=int, default=2000)
    parser.add_argument("--stalled", type=int, default=200)
    parser.add_argument("--rate", type=float, default=40.0, help="danmaku a second")
    asked = parser.parse_args()
    report = Report()
    print(f"{datetime.now(UTC):%Y-%m-%d}, {os.cpu_count()} cores, {_processor()}, Python {platform.python_version()}")
    print("\n| attack | what became of it | promise |\n| --- | --- | --- |", flush=True)
    with _fresh(fans=asked.fans) as target:
        waves = 2
        stall = stalled_readers(target, asked.fans, asked.stalled, asked.rate, waves=waves, limit=CUT_SECONDS + 2)
        _stalled(report, stall)
    for attack in FLOODS:
        with _fresh() as target:
            flood = attack(target, FLOOD_SECONDS)
        end = f"cut after {flood.seconds:.1f} s" if flood.was_cut else f"stood {flood.seconds:.0f} s"
        figures = f"{flood.sent_bytes / MIB:,.0f} MiB sent, {end}, memory {flood.growth_bytes / MIB:+.1f} MiB"
        report.add(_name(attack), figures, is_good=flood.growth_bytes < FLAT_BYTES)
    for kind in floods.FLOODS:
        with _fresh(fans=40, packets_per_second=20, packets_burst=40) as target:
            noise = floods.flooded(target, kind, sockets=20, seconds=FLOOD_SECONDS)
        before, during = (percentile(values, 0.99) * 1000 for values in (noise.before, noise.during))
        figures = f"a fan's p99 {before:.1f} ms before, {during:.1f} ms then"
        report.add(f"20 sockets at 8 Mbit/s, {kind}", figures, is_good=during <= max(before * P99_SHARE, before + 5))
    for drip in (attacks.dripped_heads, attacks.dripped_bodies, attacks.silent_sockets, attacks.pongless_sockets):
        with _fresh(**DEADLINES) as target:
            _dripped(report, _name(drip), drip(target, 20, DRIP_SECONDS).seconds)
    with _fresh(production=True) as target:
        answers = attacks.knocks(target, 60)
    let_in = answers.count(101)
    report.add("60 sockets of one address, none let in", f"{let_in} opened", is_good=let_in <= 20)
    return 1 if report.failed and Path(__file__).parents[2] == TREE else 0


def _stalled(report: Report, stall: Stall) -> None:
    ends = [end for end in stall.cut if end is not None]
    before, during = (percentile(values, 0.99) * 1000 for values in (stall.before, stall.during))
    which = f"{stall.stalled} stalled readers among {stall.fans:,}, twice, {stall.danmaku_per_second:.0f} danmaku/s"
    cut = f"{len(ends)} of {len(stall.cut)} cut, the last after {max(ends, default=float('inf')):.1f} s"
    report.add(which, cut, is_good=len(ends) == len(stall.cut) and max(ends) <= CUT_SECONDS)
    report.add("the others meanwhile", f"{stall.healthy_cut} cut", is_good=stall.healthy_cut == 0)
    figures = f"p50 {_ms(stall.before)}, p99 {before:.0f} ms before; p50 {_ms(stall.during)}, p99 {during:.0f} ms then"
    report.add("what the others hear", figures, is_good=during <= before * P99_SHARE)
    first, *later = (f"{(after - stall.memory_before) / MIB:+.1f}" for after in stall.memory_after)
    most = (stall.memory_most - stall.memory_before) / MIB
    figures = f"{most:+.1f} MiB at most; {first} after the first wave, {', '.join(later)} after the second"
    growth = stall.memory_after[-1] - stall.memory_before
    report.add("memory", figures, is_good=growth < stall.stalled * 0.1 * MIB)


def _dripped(report: Report, name: str, seconds: list[float | None]) -> None:
    ends = [end for end in seconds if end is not None]
    last = f"the last after {max(ends):.1f} s" if ends else f"none within {DRIP_SECONDS:.0f} s"
    is_good = len(ends) == len(seconds) and max(ends) < DEADLINE_SECONDS + FAREWELL_SECONDS + LATE_SECONDS
    report.add(name, f"{len(ends)} of {len(seconds)} closed, {last}", is_good=is_good)


@contextmanager
def _fresh(*, fans: int = 20, production: bool = False, **settings: object) -> Iterator[Gateway]:
    with (
        tempfile.TemporaryDirectory() as folder,
        gateway(Path(folder), fans=fans, production=production, **settings) as running,
    ):
        yield running


def _name(attack: Callable[..., object]) -> str:
    return attack.__name__.replace("_", " ")


def _ms(values: list[float]) -> str:
    return f"{percentile(values, 0.5) * 1000:.0f}"


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())


if __name__ == "__main__":
    sys.exit(main())
