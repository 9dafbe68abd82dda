"""`liveroom rehearse` from its arguments to its report."""

import random
import time

from msgspec import Struct
from rich.console import Console

from gateway.rehearsal import plan, report
from gateway.rehearsal.crowd import SETTLE_SECONDS, Crowd, Stage
from gateway.rehearsal.desk import Desk
from gateway.rehearsal.evening import Evening
from gateway.rehearsal.progress import watched
from gateway.rehearsal.report import Report
from gateway.setup import clock
from gateway.setup.preflight import CommandError

RUN_CHARS = 6
"""How many final characters of a ULID make the names of one rehearsal unique."""


class Wishes(Struct, frozen=True):
    """What was asked for."""

    url: str
    fans: int
    seconds: float
    """The length of the live part."""
    seed: int
    rights_within_ms: int = 1000
    settle_seconds: float = SETTLE_SECONDS
    """How long counters may take to agree with SQL after the last act."""


async def rehearse(wishes: Wishes, console: Console) -> Report:
    """Play, watch, examine. CommandError where it could not be played to its end."""
    started = time.monotonic()
    run = f"r{clock.new_id()[-RUN_CHARS:].lower()}"
    try:
        drawn = plan.draw(wishes.fans, wishes.seconds, run, random.Random(wishes.seed))  # noqa: S311 - a cast, no secret
    except ValueError as error:
        raise CommandError(f"--fans: {error}.") from error
    stage = Stage()
    async with Desk(wishes.url) as desk:
        await desk.require_playground()
        crowd = Crowd(desk, drawn, run, stage)
        async with watched(stage, console) as gauge:
            evening = await _played(crowd, wishes)
    checks = report.examine(evening)
    return Report(
        url=desk.url,
        show=crowd.show,
        fans=wishes.fans,
        live_seconds=wishes.seconds,
        seed=wishes.seed,
        passed=all(check.holds for check in checks),
        checks=checks,
        figures=report.figures(evening, time.monotonic() - started, gauge.busiest_events_per_s),
    )


async def _played(crowd: Crowd, wishes: Wishes) -> Evening:
    try:
        return await crowd.rehearse(wishes.rights_within_ms, wishes.settle_seconds)
    except BaseExceptionGroup as group:
        reasons, others = group.split(CommandError)
        if others is not None or reasons is None:
            raise
        raise _first(reasons) from group


def _first(group: BaseExceptionGroup[CommandError]) -> CommandError:
    for error in group.exceptions:
        return _first(error) if isinstance(error, BaseExceptionGroup) else error
    raise AssertionError("a group of exceptions holds one")
