"""The live display of a rehearsal: phase, sockets, orders, rates, refusals by code."""

import asyncio
import contextlib
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from gateway.rehearsal.crowd import Stage

REFRESH_SECONDS = 0.5


class Gauge:
    """Rates between two looks, and the highest of them."""

    def __init__(self, stage: Stage) -> None:
        self.busiest_events_per_s = 0
        self.events_per_s = 0
        self.danmaku_per_s = 0.0
        self._stage = stage
        self._at = time.monotonic()
        self._events = 0
        self._danmaku = 0

    def look(self) -> None:
        """Take the counts of now."""
        now = time.monotonic()
        passed = now - self._at
        if passed < REFRESH_SECONDS / 2:
            return
        events = sum(fan.journal.events for fan in self._stage.fans)
        danmaku = sum(len(fan.journal.accepted_danmaku) for fan in self._stage.fans)
        self.events_per_s = round((events - self._events) / passed)
        self.danmaku_per_s = (danmaku - self._danmaku) / passed
        self.busiest_events_per_s = max(self.busiest_events_per_s, self.events_per_s)
        self._at, self._events, self._danmaku = now, events, danmaku


@asynccontextmanager
async def watched(stage: Stage, console: Console) -> AsyncIterator[Gauge]:
    """Look at the stage while the block runs: live on a terminal, one line per part elsewhere."""
    gauge = Gauge(stage)
    live = Live(console=console, transient=True, auto_refresh=False) if console.is_terminal else None
    if live is None:
        stage.changed = lambda says: console.print(f"{time.monotonic() - stage.started:6.1f} s  {says}", style="dim")

    async def look() -> None:
        while True:
            gauge.look()
            if live is not None:
                live.update(_table(stage, gauge), refresh=True)
            await asyncio.sleep(REFRESH_SECONDS)

    with live or contextlib.nullcontext():
        looking = asyncio.create_task(look())
        try:
            yield gauge
        finally:
            looking.cancel()
            await asyncio.gather(looking, return_exceptions=True)


def _table(stage: Stage, gauge: Gauge) -> Table:
    fans = [fan.journal for fan in stage.fans]
    refused = Counter(refusal.code for journal in fans for refusal in journal.refusals)
    rows = {
        "part": f"{stage.says}, {time.monotonic() - stage.started:.0f} s",
        "sockets": f"{sum(journal.online for journal in fans)} of {len(fans)} fans",
        "orders": f"{sum(len(journal.paid_minor) for journal in fans)} paid, "
        f"{sum(journal.unpaid for journal in fans)} left unpaid, "
        f"{sum(len(journal.returned_minor) for journal in fans)} refunded",
        "danmaku": f"{gauge.danmaku_per_s:.1f}/s said",
        "events": f"{gauge.events_per_s}/s received",
        "refusals": ", ".join(f"{count} {code}" for code, count in refused.most_common()) or "none",
    }
    table = Table.grid(padding=(0, 2))
    for name, value in rows.items():
        table.add_row(Text(name, style="dim"), Text(value))
    return table
