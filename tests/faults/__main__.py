"""The kill matrix: `python -m tests.faults`. Whoever plays all of it writes docs/measured/faults.md."""

import argparse
import asyncio
import json
import os
import platform
import sys
import time
import traceback
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from tests.faults.journal import What
from tests.faults.line import PATIENCE_SECONDS
from tests.faults.play import Played, outages, play
from tests.faults.quarter import DOWN_SECONDS, How, Who, quarter
from tests.faults.scene import GIVERS, LEAVERS, TRUSTING, VISITORS, WATCHERS
from tests.faults.verdict import Cell

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "measured" / "faults.md"
RAW = ROOT / "var" / "measured" / "faults.json"
"""Every cell of the run; not committed, a release carries it."""

HEAD = """# Faults

Written by `make faults`. Two gateways, a box office and a worker as processes of their own, on a PostgreSQL and a
Redis, with the sandbox provider beside them. One of them is frozen for {freeze:g} s (`SIGSTOP`), killed and started
again {down:g} s later, or restarted, while fans order, pay, return tickets, give, come in and watch. When all have come
to rest, what every one of them was told is held against SQL, and what every screen showed against both.

{when:%Y-%m-%d}, {machine}, Python {python}. `load` is the load average of the minute,
other programs included.

| fault | out for | load | {heads} |
| --- | ---: | ---: | {rules} |
"""

REPEATED = """
Played again above, because not all of it held in the first place:

| fault | out for | load | {heads} |
| --- | ---: | ---: | {rules} |
{rows}
"""

LEGEND = """
A cell was held when none of its promises broke. Its number is the longest wait in seconds.

* **order**: a new fan every second asks for a seat until answered, with one key. Each acknowledged order stands
  once, the same key is answered the same order at the end, and the audit finds nothing. The number: until an order was
  acknowledged.
* **callback**: every second one pays, and the provider calls back twice. The order is paid once: one ticket, the
  credits of one. The number: from the cashier until the order is paid.
* **refund**: {leavers} ticket holders inside return their tickets one after another, and go on asking for streams,
  danmaku, gifts and media. Each is refunded once. The numbers: until a refund was acknowledged; the longest that
  somebody was served after that, which may be 1 s, and 30 s without Redis. A gateway that stands still serves nobody.
* **gift**: {givers} fans give a rose at a time, with one key until acknowledged. Each stands once, on the wallet too,
  and the same key is answered the same gift at the end. The number: until a gift was acknowledged.
* **connect**: {visitors} ticket holders come and go, at either gateway, and a stranger knocks. No ticket holder is
  turned away or out for more than 10 s, no stranger is let in. The number: until somebody was inside.
* **broadcast**: gifts, danmaku and retractions on {screens} screens at both gateways. Nothing is shown twice, and no
  screen has a gap of which it was not told (`recovered`, `danmaku_truncated`, `degraded`). The number: the longest that
  a screen was without a line, which may be 10 s.

Fans give a gateway {patience:g} s to let them in, and as long to answer each second's question whether it still lives;
then they try the other one. {trusting} of the screens trust the heartbeat instead, as clients do by default, and stay
with a gateway that is frozen: they are held to the same gaps, and are not counted as locked out. The fault meets the
first of the two gateways. Whatever needs a frozen process waits for it: nobody can buy without a box office, nor give
without PostgreSQL. A Redis that was killed or restarted has lost everything.

What this does not show: each fault strikes once, at whatever moment that is, and a house of this size is not at its
limits. Where other programs left it a tenth of a core (2026-11-23, `load` 6 to 16, without `--priority`), nothing
acknowledged was lost or doubled and no stranger was served, but the bounds in seconds broke: somebody was served up to
5.6 s after their right had ended, fans were out for up to 19 s, and once a house was not ready again within a minute
after PostgreSQL had been frozen.
"""


def main() -> int:
    """Exit status 1 where a cell did not hold."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults")
    parser.add_argument("--who", type=Who, choices=list(Who), action="append", help="may be repeated")
    parser.add_argument("--how", type=How, choices=list(How), action="append")
    parser.add_argument("--what", type=What, choices=list(What), action="append")
    parser.add_argument("--freeze-seconds", type=float, default=10.0)
    parser.add_argument("--tries", type=int, default=3, help="how often a fault is played until all cells hold")
    parser.add_argument("--priority", action="store_true", help="what is measured goes before other programs")
    parser.add_argument("--keep", action="store_true", help="leave docs/measured/faults.md as it is")
    options = parser.parse_args()
    whos, hows, whats = options.who or list(Who), options.how or list(How), options.what or list(What)
    played: list[Played] = []
    if options.priority:
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))  # and of all that is started from here
    with ExitStack() as stack:
        house = stack.enter_context(quarter())
        for who, how in outages(whos, hows):
            for _ in range(options.tries):
                began = time.monotonic()
                try:
                    played.append(asyncio.run(play(house, who, how, whats, options.freeze_seconds)))
                except Exception:  # noqa: BLE001 - a machine that is too busy to play a fault ends no other
                    traceback.print_exc()
                    print(f"{who} {how} could not be played to its end", flush=True)
                    stack.close()
                    house = stack.enter_context(quarter())
                    continue
                print(_line(played[-1], whats), f"({time.monotonic() - began:.0f} s)", flush=True)
                if not (options.who or options.how or options.what or options.keep):
                    _write(played, options.freeze_seconds, is_first=options.priority)
                if played[-1].has_held:
                    break
    last = _last(played)
    return 0 if len(last) == len(outages(whos, hows)) and all(row.has_held for row in last) else 1


def _last(played: list[Played]) -> list[Played]:
    """Of each fault the last time it was played."""
    return list({(row.who, row.how): row for row in played}.values())


def _line(row: Played, whats: Sequence[What]) -> str:
    cells = (_told(row.cells[what]) for what in whats)
    return f"| {' | '.join((f'{row.who} {row.how}', f'{row.seconds:.1f}', f'{row.load:.1f}', *cells))} |"


def _told(cell: Cell) -> str:
    figures = f"{cell.longest:.1f}" if cell.late is None else f"{cell.longest:.1f}; {cell.late:.2f}"
    return f"**broke**: {'; '.join(cell.broke)} ({figures})" if cell.broke else f"held {figures}"


def _write(played: list[Played], freeze: float, *, is_first: bool) -> None:
    whats = list(What)
    head = HEAD.format(
        freeze=freeze,
        down=DOWN_SECONDS,
        when=datetime.now(UTC),
        machine=f"{platform.system()} on {os.cpu_count()} cores{', before other programs' if is_first else ''}",
        python=platform.python_version(),
        heads=" | ".join(whats),
        rules=" | ".join("---" for _ in whats),
    )
    legend = LEGEND.format(
        leavers=LEAVERS,
        givers=GIVERS,
        visitors=VISITORS,
        screens=WATCHERS + TRUSTING,
        trusting=TRUSTING,
        patience=PATIENCE_SECONDS,
    )
    last = _last(played)
    before = [_line(row, whats) for row in played if not any(row is one for one in last)]
    repeated = REPEATED.format(rows="\n".join(before), heads=" | ".join(whats), rules=" | ".join("---" for _ in whats))
    rows = "".join(f"{_line(row, whats)}\n" for row in last)
    PAGE.write_text(head + rows + (repeated if before else "") + legend, "utf-8")
    RAW.parent.mkdir(parents=True, exist_ok=True)
    RAW.write_text(json.dumps([asdict(row) for row in played], indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    sys.exit(main())
