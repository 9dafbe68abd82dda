"""`python -m benchmarks.soak [--minutes 60]`: what two gateways still hold after a crowd has come and gone."""

import argparse
import asyncio
import contextlib
import datetime as dt
import signal
import sys
import tempfile
import time
from pathlib import Path

from benchmarks import machine, page
from benchmarks.build import BUILT
from benchmarks.processes import CannotRunError, require_files
from benchmarks.soak.evening import Evening, evening
from benchmarks.soak.page import WORDS, Soak, write
from benchmarks.soak.samples import LEAST_JUDGED_SECONDS, Looks, Sample, judge
from benchmarks.soak.visitors import Crowd
from gateway.setup.preflight import CommandError

FOUND = 1
NOT_RUN = 2
FILES_PER_PLACE = 4
TELL_SECONDS = 60.0


def main() -> int:
    """0: everything held. 1: something grew or was left. 2: it could not be played to its end."""
    wanted = _arguments()
    try:
        require_files(wanted.places * FILES_PER_PLACE + 500)
        soak = asyncio.run(_soak(wanted))
    except (CannotRunError, CommandError) as error:
        print(f"soak: {error}", file=sys.stderr)
        return NOT_RUN
    except KeyboardInterrupt:
        print("soak: interrupted; every process is ended.", file=sys.stderr)
        return 130
    except asyncio.CancelledError:
        print("soak: told to stop; every process is ended.", file=sys.stderr)
        return 143
    for verdict in soak.verdicts:
        print(f"{WORDS[verdict.is_met]:<10}  {verdict.promise}: {verdict.found}")
    raw = page.RAW if wanted.folder == page.DOCS else wanted.folder
    print("kept in " + ", ".join(str(file) for file in write(soak, wanted.folder, raw)))
    return 0 if soak.holds else FOUND


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make soak ARGS=...", description="Two gateways under coming and going.")
    parser.add_argument("--minutes", type=float, default=60, help="how long, a tenth of it to warm up (60)")
    parser.add_argument("--places", type=int, default=150, help="how many are there at a time, about (150)")
    parser.add_argument("--shows", type=int, default=3, help="at which they are (3)")
    parser.add_argument("--seed", type=int, default=5, help="of what everybody does")
    parser.add_argument(
        "--folder", type=Path, help="where it is kept: docs/measured, of a short run benchmarks/.build/"
    )
    wanted = parser.parse_args()
    if wanted.folder is None:
        wanted.folder = page.DOCS if wanted.minutes * 60 > 2 * LEAST_JUDGED_SECONDS else BUILT
    return wanted


async def _soak(wanted: argparse.Namespace) -> Soak:
    playing = asyncio.current_task()
    assert playing is not None
    # not by an exception wherever the loop happens to be: one in the middle of a client's task once let it hang
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, playing.cancel)
    with tempfile.TemporaryDirectory(prefix="liveroom-soak-", ignore_cleanup_errors=True) as folder:
        async with evening(Path(folder), wanted.shows) as stage, contextlib.aclosing(Looks(stage.address)) as looks:
            source, described = machine.source(), machine.described()
            before, after, samples = await _play(stage, looks, wanted)
    return Soak(
        at=dt.datetime.now(dt.UTC).isoformat(timespec="minutes"),
        minutes=wanted.minutes,
        places=wanted.places,
        shows=wanted.shows,
        source=source,
        machine=described,
        samples=samples,
        before=before,
        after=after,
        deeds=stage.deeds,
        troubles=stage.troubles,
        verdicts=judge([one for one in samples if before.at_s < one.at_s < after.at_s], before, after),
    )


async def _play(stage: Evening, looks: Looks, wanted: argparse.Namespace) -> tuple[Sample, Sample, list[Sample]]:
    """Warm up, rest, churn, rest."""
    samples: list[Sample] = []
    seconds = wanted.minutes * 60
    crowd = Crowd(stage, wanted.places, wanted.seed)
    every = 10 if seconds >= LEAST_JUDGED_SECONDS else 2
    began = time.monotonic()
    watching = asyncio.create_task(looks.watch(every, lambda sample: _take(sample, samples)))
    try:
        await crowd.run(max(10.0, seconds / 10))
        before = await _rest(stage, looks)
        await stage.open_consoles()
        await crowd.run(max(10.0, began + seconds - time.monotonic()))
        after = await _rest(stage, looks)
    finally:
        watching.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await watching
    return before, after, samples


async def _rest(stage: Evening, looks: Looks) -> Sample:
    stage.close_consoles()
    return await looks.rest()


def _take(sample: Sample, samples: list[Sample]) -> None:
    if not samples or int(sample.at_s / TELL_SECONDS) > int(samples[-1].at_s / TELL_SECONDS):
        held = ", ".join(
            f"{one.rss_kib / 1024:.1f} MiB {one.descriptors} descriptors {one.tasks} tasks {one.sockets} sockets"
            for one in sample.gateways
        )
        print(f"{sample.at_s:6.0f} s  {held}", flush=True)
    samples.append(sample)


if __name__ == "__main__":
    sys.exit(main())
