"""Describes the machine of a measurement, and assigns one core to the servers and another to the load."""

import os
import platform
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Cores:
    """Which core is whose; None where the machine or its tools cannot tell them apart."""

    server: int | None
    load: int | None


class Priority:
    """Whether servers and load go before the machine's other programs."""

    is_wanted = False


PRIORITY = Priority()


def cores() -> Cores:
    """The first two cores this process may use."""
    usable = sorted(os.sched_getaffinity(0))
    if len(usable) < 2 or shutil.which("taskset") is None:
        return Cores(None, None)
    return Cores(usable[0], usable[1])


def pinned(command: list[str], core: int | None) -> list[str]:
    """The command on its core; the process keeps its id through the tools that prepare it.

    Linux ends it with us, however we end.
    """
    leash = ["setpriv", "--pdeathsig", "KILL"] if shutil.which("setpriv") else []
    haste = ["chrt", "--rr", "1"] if PRIORITY.is_wanted else []
    return [*haste, *leash, *([] if core is None else ["taskset", "--cpu-list", str(core)]), *command]


def described() -> str:
    """The machine in one line, without its name."""
    lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    memory_kib = int(Path("/proc/meminfo").read_text("utf-8").split()[1])
    return (
        f"{models[0] if models else platform.machine()}, {len(os.sched_getaffinity(0))} cores usable, "
        f"{memory_kib / 2**20:.0f} GiB, Linux {platform.release()}, Python {platform.python_version()}"
    )


def source() -> str:
    """The commit that is measured, and whether something was changed since; empty outside of a clone."""
    commit = version_of(["git", "-C", str(Path(__file__).parent), "rev-parse", "--short", "HEAD"])
    changes = version_of(["git", "-C", str(Path(__file__).parent), "status", "--porcelain", "--untracked-files=no"])
    if not re.fullmatch("[0-9a-f]{7,40}", commit):
        return ""
    return f"{commit} with changes" if changes else commit


def version_of(command: list[str]) -> str:
    """The first line a program says about its version; empty where there is no such program."""
    try:
        said = subprocess.run(command, check=False, capture_output=True, text=True, timeout=10)
    except OSError:
        return ""
    return (said.stdout or said.stderr).strip().split("\n")[0]
