"""Every surface under so many hostile samples, one process each: `python -m tests.fuzz --count 1000000`."""

import argparse
import multiprocessing
import sys

from tests.fuzz.run import FLAT_BYTES, judge
from tests.fuzz.targets import TARGETS


def main() -> int:
    """Exit status 1 where a sample was not taken well, or memory grew."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz")
    parser.add_argument("--count", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", action="append", choices=list(TARGETS), help="may be given several times")
    asked = parser.parse_args()
    failures = 0
    print("| target | samples | samples/s | memory from 20 % on to the end |\n| --- | ---: | ---: | ---: |", flush=True)
    for name in asked.only or TARGETS:
        with multiprocessing.get_context("spawn").Pool(1) as pool:
            outcome = pool.apply(judge, (name, asked.count, asked.seed))
        if isinstance(outcome, str):
            failures += 1
            print(f"| {name} | failed: {outcome} | | |", flush=True)
            continue
        is_flat = outcome.growth_bytes <= FLAT_BYTES
        failures += not is_flat
        growth = f"{outcome.growth_bytes / 2**20:+.1f} MiB" + ("" if is_flat else ", too much")
        print(f"| {name} | {outcome.samples:,} | {outcome.samples / outcome.seconds:,.0f} | {growth} |", flush=True)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
