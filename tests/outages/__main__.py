"""Outages in full: `python -m tests.outages`. Writes its page, section by section."""

import argparse
import asyncio
import os
import platform
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime

from tests.outages import page
from tests.outages.flood import flooded
from tests.outages.outages import Frozen, Site, behind_a_line, clustered, one_server, watched
from tests.outages.priority import first_in_line
from tests.outages.processes import house
from tests.outages.refunds import AT_ONCE, Refunds, give_back, watching
from tests.outages.scenario import Outcome, suffer
from tests.outages.show import live_show

SITES: tuple[Callable[[], AbstractAsyncContextManager[Site]], ...] = (one_server, behind_a_line, watched, clustered)
SECONDS = (3.0, 10.0, 60.0)
NOTICED_SECONDS = 3.0
"""From the freeze to the first refund without Redis: nobody waits for it any more."""


def main() -> int:
    """Exit status 1 where a promise was not held."""
    parser = argparse.ArgumentParser(prog="python -m tests.outages")
    parser.add_argument("--part", choices=page.HEADINGS, action="append", help="one section only; may be repeated")
    parser.add_argument("--seconds", type=float, action="append", help="how long Redis is out; may be repeated")
    parser.add_argument("--only", default="", help="outages with this in their name")
    parser.add_argument("--fans", type=int, default=40)
    parser.add_argument("--refunds", type=int, default=1_000)
    parser.add_argument("--refunds-out", type=int, default=1_000, help="the same, without Redis")
    parser.add_argument("--at-once", type=int, default=AT_ONCE, help="refunds under way at a time")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--round-seconds", type=float, default=8.0)
    parser.add_argument("--priority", action="store_true", help="what is measured goes before other programs")
    parser.add_argument("--keep", action="store_true", help="leave docs/measured/outages.md as it is")
    asked = parser.parse_args()
    parts = asked.part or list(page.HEADINGS)
    where = f"{datetime.now(UTC):%Y-%m-%d}, {_machine()}"
    where += ", scheduled before other programs" if asked.priority else ""
    held = True
    for part in parts:
        work = {"outages": _outages, "refunds": _refunds, "flood": _flood}[part]
        section, is_held = asyncio.run(work(asked, where))
        held &= is_held
        if not asked.keep:
            page.write(part, section, keeps_rows=bool(asked.only or asked.seconds))
    return 0 if held else 1


async def _outages(asked: argparse.Namespace, where: str) -> tuple[str, bool]:
    suffered = _suffered(asked.seconds or SECONDS, asked.only, asked.fans, is_first=asked.priority)
    outcomes = [outcome async for outcome in suffered]
    return page.outages(where, outcomes), all(map(page.is_held, outcomes))


async def _suffered(spans: tuple[float, ...], only: str, fans: int, *, is_first: bool) -> AsyncIterator[Outcome]:
    for at in SITES:
        async with at() as site:
            wanted = [outage for outage in site.outages if only in outage.name]
            if not wanted:
                continue
            async with house(site.url) as running:
                for outage in wanted:
                    for seconds in spans if outage.is_repeatable else (0.0,):
                        with first_in_line(is_wanted=is_first):
                            outcome = await suffer(running, outage, seconds, fans, site.takes)
                        _say(page.row(outcome), "" if page.is_held(outcome) else str(outcome))
                        yield outcome


async def _refunds(asked: argparse.Namespace, where: str) -> tuple[str, bool]:
    came: list[Refunds] = []
    async with one_server() as site, house(site.url, GRANT_SECONDS="3600") as running, live_show(running) as show:
        frozen = next(outage for outage in site.outages if isinstance(outage, Frozen))
        for is_out in (False, True):
            fans = await watching(
                running, asked.refunds_out if is_out else asked.refunds, f"out-{is_out}".lower(), show
            )
            _say(f"{len(fans)} watch")
            if is_out:
                await frozen.begin()
                await asyncio.sleep(NOTICED_SECONDS)
            with first_in_line(is_wanted=asked.priority):
                came.append(await give_back(show, fans, asked.at_once))
            _say(page.refund_row("frozen" if is_out else "there", came[-1]))
            for fan in fans:
                fan.device.leave()
        await frozen.end()
    there, out = came
    return page.refunds(where, there, out, asked.at_once), page.are_held(there, page.OUT_SECONDS) and page.are_held(
        out, page.OUT_WITHOUT_REDIS_SECONDS
    )


async def _flood(asked: argparse.Namespace, where: str) -> tuple[str, bool]:
    came = await flooded(asked.rounds, asked.round_seconds, is_first=asked.priority)
    _say(str(came))
    is_held = came.danmaku.growth <= page.MOST_GROWTH and came.connect.growth <= page.MOST_GROWTH and not came.failed
    return page.flood(where, came, asked.rounds, asked.round_seconds), is_held


def _say(*words: str) -> None:
    sys.stdout.write(" ".join(words) + "\n")
    sys.stdout.flush()


def _machine() -> str:
    load, _, _ = os.getloadavg()
    return (
        f"{platform.system()} on {os.cpu_count()} cores, Python {platform.python_version()}, "
        f"load {load:.1f} at the start of the run"
    )


if __name__ == "__main__":
    sys.exit(main())
