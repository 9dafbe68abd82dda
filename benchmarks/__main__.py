"""`python -m benchmarks [--quick] [--only ROW] [--ours]`: measure, print, and keep what a full run found."""

import argparse
import datetime as dt
import fcntl
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from benchmarks import build, machine, page
from benchmarks.contestants import versions
from benchmarks.experiments import FULL, QUICK, Result, perform
from benchmarks.programme import experiments
from benchmarks.report import Report
from benchmarks.tables import print_report
from benchmarks.targets import ROWS, judge

LAST = build.BUILT / "last.json"
NOTHING_MEASURED = 2


def main() -> int:
    """0: measured, whatever came of it. 2: it could not be."""
    wanted = _arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # the servers are ended on the way out
    try:
        swarm = build.swarm()
    except build.CannotBuildError as error:
        print(f"bench: {error}.", file=sys.stderr)
        return NOTHING_MEASURED
    try:
        with _alone():
            report = _measure(wanted, swarm)
    except KeyboardInterrupt:
        print("bench: interrupted; every server is ended.", file=sys.stderr)
        return 130
    print_report(report)
    LAST.write_bytes(msgspec.json.format(msgspec.json.encode(report), indent=1))
    if not (wanted.quick or wanted.only or wanted.ours):
        print("kept in " + ", ".join(str(file.relative_to(page.ROOT)) for file in page.write(report)))
    return 0


@contextmanager
def _alone() -> Iterator[None]:
    """Wait until no other run of this clone measures: two on the same cores would measure each other."""
    with (build.BUILT / "running").open("w", encoding="ascii") as held:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print("another run is measuring; waiting for it to end ...", flush=True)
            fcntl.flock(held, fcntl.LOCK_EX)
        yield


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="make bench ARGS=...", description="The gateway and its peers under one load."
    )
    parser.add_argument("--quick", action="store_true", help="shorter, smaller, less exact: below two minutes")
    parser.add_argument(
        "--only", choices=list(ROWS), action="append", help="this row of the targets alone; may be repeated"
    )
    parser.add_argument(
        "--priority", action="store_true", help="before the machine's other programs, where they cannot be ended (root)"
    )
    parser.add_argument("--ours", action="store_true", help="the gateway alone, without peers and without verdicts")
    return parser.parse_args()


def _measure(wanted: argparse.Namespace, swarm: Path) -> Report:
    profile = QUICK if wanted.quick else FULL
    rows = wanted.only or list(ROWS)
    needed = {experiment for row in rows for experiment in ROWS[row]}
    machine.PRIORITY.is_wanted = wanted.priority
    cores = machine.cores()
    began = time.monotonic()

    def tell(line: str) -> None:
        print(f"{time.monotonic() - began:4.0f} s  {line}", flush=True)

    print(f"{profile.name} run on {machine.described()}")
    if cores.server is None:
        print("fewer than two cores, or no taskset: servers and load share what there is, latencies mean little")
    results: list[Result] = []
    for experiment in experiments(profile):
        if experiment.key in needed:
            results += perform(experiment, swarm, cores, tell, ours_only=wanted.ours)
    return Report(
        at=dt.datetime.now(dt.UTC).isoformat(timespec="minutes"),
        profile=profile.name,
        command="make bench" + (f' ARGS="{" ".join(sys.argv[1:])}"' if sys.argv[1:] else ""),
        source=machine.source(),
        machine=machine.described(),
        versions=versions(),
        seconds=round(time.monotonic() - began),
        titles={experiment.key: experiment.title for experiment in experiments(profile)},
        results=results,
        verdicts=[] if wanted.ours else judge(results, rows),
    )


if __name__ == "__main__":
    sys.exit(main())
