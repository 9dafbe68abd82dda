"""Starts servers on their core, waits until they listen, and ends them by id whatever happens."""

import os
import resource
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from benchmarks.machine import pinned

START_SECONDS = 30.0
END_SECONDS = 3.0
LOOK_SECONDS = 0.05


class CannotRunError(Exception):
    """Why a server cannot take part, in one sentence; the tables say so in its place."""


@contextmanager
def listening(
    command: list[str],
    port: int,
    *,
    core: int | None,
    folder: Path,
    env: Mapping[str, str] | None = None,
    name: str = "server",
) -> Iterator[list[int]]:
    """The ids of a running server's processes, once it listens. What it says goes to `name`.log in `folder`."""
    log = folder / f"{name}.log"
    with log.open("wb") as out:
        process = subprocess.Popen(
            pinned(command, core),
            env={**os.environ, **(env or {})},
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # a Ctrl-C is ours to handle
        )
    try:
        _until_it_listens(process, port, log)
        yield family(process.pid)
    finally:
        _end(process)


def require_files(count: int) -> None:
    """See to it that each process started from now on may have so many open files. CannotRunError: it may not."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < count:
        raise CannotRunError(f"{count:,} open files are needed for it and {hard:,} are allowed: see `ulimit -n`")
    if soft != resource.RLIM_INFINITY and soft < count:
        resource.setrlimit(resource.RLIMIT_NOFILE, (count, hard))


def family(pid: int) -> list[int]:
    """A process and everything it started."""
    children = Path(f"/proc/{pid}/task/{pid}/children")
    try:
        born = [int(child) for child in children.read_text("ascii").split()]
    except OSError:
        born = []
    return [pid, *(one for child in born for one in family(child))]


def _until_it_listens(process: "subprocess.Popen[bytes]", port: int, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        if process.poll() is not None:
            raise CannotRunError(f"it ended with status {process.returncode}: {_last_words(log)}")
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        if time.monotonic() > deadline:
            raise CannotRunError(f"it did not listen within {START_SECONDS:.0f} seconds: {_last_words(log)}")
        time.sleep(LOOK_SECONDS)


def _last_words(log: Path) -> str:
    lines = [line for line in log.read_text("utf-8", "replace").splitlines() if line.strip()]
    return lines[-1][:200] if lines else "it said nothing"


def _end(process: "subprocess.Popen[bytes]") -> None:
    """The whole family: asked, then made to."""
    for number, seconds in ((signal.SIGTERM, END_SECONDS), (signal.SIGKILL, END_SECONDS)):
        for pid in family(process.pid) if process.poll() is None else []:
            with suppress(ProcessLookupError):
                os.kill(pid, number)
        with suppress(subprocess.TimeoutExpired):
            process.wait(seconds)
            return
