"""What takes hours, one part after another, with one report: `python -m tests.night`. Writes var/measured/night.md."""

import argparse
import os
import platform
import signal
import sys
from datetime import UTC, datetime
from pathlib import Path

from tests.night.parts import INTERRUPTED, PARTS, Part, Played, play, report

FOLDER = Path(__file__).parents[2] / "var" / "measured"
HOURS = 6.0


def main() -> int:
    """0: every part held. 1: one was not held, or not to its end. 130: interrupted; the report says how far it came."""
    parser = argparse.ArgumentParser(prog="python -m tests.night")
    names = [part.name for part in PARTS]
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"{', '.join(names)}; all of them without")
    parser.add_argument("--hours", type=float, default=HOURS, help=f"the bound on the whole night ({HOURS:g})")
    parser.add_argument("--folder", type=Path, default=FOLDER, help="where the report and the output of each part go")
    asked = parser.parse_args()
    if unknown := set(asked.parts) - set(names):
        parser.error(f"there is no {', '.join(sorted(unknown))}; the parts are {', '.join(names)}")
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    return night([part for part in PARTS if part.name in (asked.parts or names)], asked.hours * 3600, asked.folder)


def night(parts: list[Part], seconds: float, folder: Path) -> int:
    """Play the parts and write the report after each one, so that a night that is cut short has one too."""
    folder.mkdir(parents=True, exist_ok=True)
    page = folder / "night.md"
    began = datetime.now(UTC)
    where = (
        f"{began:%Y-%m-%d %H:%M} UTC, {platform.system()} on {os.cpu_count()} cores, Python {platform.python_version()}"
    )
    played: list[Played] = []
    for part in parts:
        left = seconds - (datetime.now(UTC) - began).total_seconds()
        print(f"==> {part.name}, at most {min(part.seconds, max(left, 0)) / 60:.0f} minutes ...", flush=True)
        played.append(play(part, left, folder / f"night-{part.name}.log"))
        page.write_text(report(where, parts, played), "utf-8")
        print(f"    {played[-1].outcome} after {played[-1].seconds / 60:.1f} minutes", flush=True)
        if played[-1].outcome == INTERRUPTED:
            print(f"the report is {page}", flush=True)
            return 130
    print(f"the report is {page}", flush=True)
    return int(any(one.outcome != "held" for one in played))


if __name__ == "__main__":
    sys.exit(main())
