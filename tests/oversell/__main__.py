"""The race for the last seats in full, on both databases. `python -m tests.oversell` writes its page."""

import argparse
import asyncio
import os
import platform
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

from tests.oversell.race import OFFICES, Round, open_box, without_guard
from tests.store import homes

PAGE = Path(__file__).parents[2] / "docs" / "measured" / "oversell.md"
CONTROL_ROUNDS = 1

HEAD = """# No oversell, measured

Written by `make oversell`. In every round a new show sells {seats} seats; {buyers} buyers order at the same moment at
{offices} box offices with connections of their own, and whoever holds a seat pays at once, while others still order. A
round is good when exactly {seats} seats are sold, none is left held and everybody else was told `SOLD_OUT`; at the end
the audit of the books must find nothing. The control is the same race without the guard of the UPDATE and without the
CHECK of the table: it must oversell, or the race would prove nothing.

{when:%Y-%m-%d}, {machine}, Python {python}; PostgreSQL without `fsync`, SQLite with `synchronous=FULL`.

| database | rounds | sold in every round | audit | seconds a round, median | worst | control sold |
| --- | ---: | ---: | --- | ---: | ---: | ---: |
"""


def main() -> int:
    """Exit status 1 where a seat was sold twice, or the control sold none twice."""
    parser = argparse.ArgumentParser(prog="python -m tests.oversell")
    parser.add_argument("--buyers", type=int, default=500)
    parser.add_argument("--seats", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--home", choices=homes.HOMES, action="append", help="one database only; may be repeated")
    parser.add_argument("--keep", action="store_true", help="leave docs/measured/oversell.md as it is")
    options = parser.parse_args()
    lines, good = [], True
    for home in options.home or homes.HOMES:
        with tempfile.TemporaryDirectory(prefix="liveroom-oversell-") as folder:
            line, is_good = asyncio.run(_race(home, Path(folder), options.buyers, options.seats, options.rounds))
        print(line, flush=True)
        lines.append(line)
        good &= is_good
    if not options.keep:
        PAGE.write_text(_head(options.buyers, options.seats) + "\n".join(lines) + "\n", "utf-8")
    return 0 if good else 1


async def _race(home: str, folder: Path, buyers: int, seats: int, rounds: int) -> tuple[str, bool]:
    async with open_box(home, folder) as box:
        ended = []
        for number in range(rounds):
            ended.append(await box.race(buyers, seats))
            print(f"\r{home}: round {number + 1} of {rounds}, {ended[-1]}", end="", file=sys.stderr, flush=True)
        print(file=sys.stderr)
        findings = await box.audit()
        async with without_guard(box):
            control = [(await box.race(buyers, seats)).sold for _ in range(CONTROL_ROUNDS)]
        good = all(_is_good(each, buyers, seats) for each in ended) and not findings and min(control) > seats
        sold = sorted({each.sold for each in ended})
        seconds = [each.seconds for each in ended]
        cells = (
            await box.server(),
            str(rounds),
            ", ".join(map(str, sold)),
            f"{len(findings)} findings" if findings else "nothing found",
            f"{median(seconds):.2f}",
            f"{max(seconds):.2f}",
            str(min(control)),
        )
        return f"| {' | '.join(cells)} |", good


def _is_good(ended: Round, buyers: int, seats: int) -> bool:
    return (ended.sold, ended.held, ended.refused) == (seats, 0, buyers - seats)


def _head(buyers: int, seats: int) -> str:
    return HEAD.format(
        buyers=buyers,
        seats=seats,
        offices=OFFICES,
        when=datetime.now(UTC),
        machine=f"{platform.system()} on {os.cpu_count()} cores",
        python=platform.python_version(),
    )


if __name__ == "__main__":
    sys.exit(main())
