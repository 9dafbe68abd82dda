"""The parts of a night: the command of each, its bound in time, and how it ended."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
FAREWELL_SECONDS = 30.0
"""How long a part that ran out of time has to end its own processes before all of its process group are killed."""

INTERRUPTED = "interrupted"


@dataclass(frozen=True)
class Part:
    """A command below `python -m`, whose exit status 0 means that all its promises held."""

    name: str
    arguments: tuple[str, ...]
    minutes: float

    @property
    def seconds(self) -> float:
        return self.minutes * 60


@dataclass(frozen=True)
class Played:
    """One part that has ended."""

    part: Part
    seconds: float
    outcome: str
    last: str
    """The last line that it printed."""


PARTS = (
    Part("crowds", ("tests.night.crowd",), 10),
    Part("faults", ("tests.faults", "--keep"), 45),
    Part("outages", ("tests.outages", "--keep"), 60),
    Part("oversell", ("tests.oversell", "--keep"), 60),
    Part("fuzz", ("tests.fuzz",), 45),
    Part("abuse", ("tests.abuse",), 20),
    Part("soak", ("benchmarks.soak", "--minutes", "60", "--folder", "var/measured"), 80),
)


def play(part: Part, left_seconds: float, log: Path) -> Played:
    """Run a part to its end or to its bound, whichever is first; its output goes to `log`."""
    if left_seconds <= 0:
        return Played(part, 0.0, "not run: the night was over", "")
    began = time.monotonic()
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", *part.arguments],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            status = process.wait(min(part.seconds, left_seconds))
            outcome = "held" if status == 0 else f"not held (exit status {status})"
        except subprocess.TimeoutExpired:
            outcome = "out of time"
        except KeyboardInterrupt:
            outcome = INTERRUPTED
        finally:
            _end(process)
    return Played(part, time.monotonic() - began, outcome, _last_line(log))


def report(where: str, parts: Sequence[Part], played: Sequence[Played]) -> str:
    """The page of a night. A part that has not been reached is in it, too."""
    held = sum(one.outcome == "held" for one in played)
    rows = [
        (one.part, f"{one.seconds / 60:.1f}", f"**{one.outcome}**" if one.outcome != "held" else "held", one.last)
        for one in played
    ]
    rows += [(part, "", "not reached", "") for part in parts[len(played) :]]
    lines = [
        "# A night",
        "",
        f"{where}. {held} of {len(parts)} parts held. The output of each is in `night-PART.log` beside this page.",
        "",
        "| part | command | minutes | at most | outcome | last line |",
        "| --- | --- | ---: | ---: | --- | --- |",
        *(
            f"| {part.name} | `python -m {' '.join(part.arguments)}` | {minutes} | {part.minutes:g} | {outcome} "
            f"| {_cell(last)} |"
            for part, minutes, outcome, last in rows
        ),
    ]
    return "\n".join(lines) + "\n"


def _end(process: subprocess.Popen[bytes]) -> None:
    """End what is left of a part: it is asked first, and may clean up; then its whole process group is killed."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGINT)
        with suppress(subprocess.TimeoutExpired):
            process.wait(FAREWELL_SECONDS)
    with suppress(ProcessLookupError):  # mostly nobody of the group is left
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _last_line(log: Path) -> str:
    lines = [line for line in log.read_text("utf-8", "replace").splitlines() if line.strip()]
    return lines[-1].strip() if lines else ""


def _cell(text: str) -> str:
    return text.replace("|", "\\|")[:200]
