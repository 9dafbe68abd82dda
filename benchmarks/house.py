"""Starts the gateway under load: one process, or several over Redis, on a prepared database."""

import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

from benchmarks.crowd import Address
from benchmarks.processes import listening
from benchmarks.wire import redis_running
from tests.ports import free_port


@contextmanager
def house(
    folder: Path, core: int | None, auths: Path, *, env: Mapping[str, str] | None = None, gateways: int = 1
) -> Iterator[Address]:
    """Every gateway listens; with more than one there is Redis between them. All are on one core."""
    settings = {
        "LIVEROOM_MODE": "test",
        "LIVEROOM_DATA_DIR": str(folder),
        "LIVEROOM_ADMISSIONS_BURST": "1000000",  # the doors are measured, not the queue before them
        **(env or {}),
    }
    with ExitStack() as running:
        redis_port = None
        if gateways > 1:
            redis_port = running.enter_context(redis_running(core, folder))
            settings["LIVEROOM_REDIS_URL"] = f"redis://127.0.0.1:{redis_port}/0"
        ports: list[int] = []
        pids: list[int] = []
        for number in range(gateways):
            port = free_port()
            command = [sys.executable, "-m", "gateway.cli", "serve", "--host", "127.0.0.1", "--port", str(port)]
            own = {**settings, "LIVEROOM_NODE": f"g{number}"}
            name = f"gateway-{number}"
            pids += running.enter_context(listening(command, port, core=core, folder=folder, env=own, name=name))
            ports.append(port)
        yield Address(
            ports[0],
            pids,
            namespace="/live",
            ready_on="welcome",
            auths=auths,
            farther_ports=ports[1:],
            redis_port=redis_port,
        )
