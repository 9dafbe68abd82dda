"""A house as it runs: two gateways, presale, worker and sandbox provider as processes, on PostgreSQL and one wire."""

import asyncio
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx2
from sqlalchemy.engine import URL

from gateway.setup import clock as ambient
from gateway.setup.settings import Mode, Settings
from store import migrations
from store.database_sql import Database
from tests.integration.running import Liveroom
from tests.ports import free_port
from tests.store import postgresql

START_SECONDS = 60.0
END_SECONDS = 10.0
GATEWAYS = ("a", "b")
UNHURRIED = {
    "DANMAKU_PER_SECOND": "1000",
    "DANMAKU_BURST": "1000",
    "GIFTS_PER_SECOND": "1000",
    "PACKETS_PER_SECOND": "1000",
    "PACKETS_BURST": "1000",
    "HANDSHAKES_PER_MINUTE": "1000",
}
"""Only what is measured is ever refused: rates leave the fans' own pace alone."""


@dataclass
class House:
    """The running processes by name."""

    settings: Settings
    desk: Liveroom
    """How presale is spoken to."""
    gateways: tuple[httpx2.AsyncClient, httpx2.AsyncClient]
    database: Database
    processes: dict[str, subprocess.Popen[bytes]]
    folder: Path

    def check_alive(self) -> None:
        """AssertionError with its log where a process has ended by itself."""
        for name, process in self.processes.items():
            assert process.poll() is None, f"{name} ended: {_tail(self.folder / (name + '.log'))}"


@asynccontextmanager
async def house(
    redis_url: str, *, cores: dict[str, int] | None = None, postgres: URL | None = None, **settings: str
) -> AsyncIterator[House]:
    """All are ready when the block begins, and ended by their ids at its end; `cores` pins some by name.

    `postgres` is a server of the caller's own.
    """
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="liveroom-outages-")))
        url = stack.enter_context(postgresql.fresh(postgres) if postgres is not None else postgresql.migrated())
        if postgres is not None:
            await migrations.upgrade(url)
        ports = {name: free_port() for name in (*GATEWAYS, "presale", "worker", "sandbox")}
        address = {name: f"http://127.0.0.1:{port}" for name, port in ports.items()}
        chosen = Settings.load(
            Mode.TEST,
            public_url=address["presale"],
            sandbox_port=ports["sandbox"],
            sandbox_url=address["sandbox"],
            database_url=url,
        )
        environment = {
            **os.environ,
            **{f"LIVEROOM_{name.upper()}": value for name, value in {**UNHURRIED, **settings}.items()},
            "LIVEROOM_MODE": "test",
            "LIVEROOM_DATA_DIR": str(folder),
            "LIVEROOM_DATABASE_URL": url,
            "LIVEROOM_REDIS_URL": redis_url,
            "LIVEROOM_PUBLIC_URL": address["presale"],
            "LIVEROOM_SANDBOX_PORT": str(ports["sandbox"]),
            "LIVEROOM_SANDBOX_SECRETS": ",".join(chosen.sandbox_secrets),
            "LIVEROOM_DRAIN_SECONDS": "0",
            "LIVEROOM_LOG_FORMAT": "json",
        }
        processes: dict[str, subprocess.Popen[bytes]] = {}
        stack.callback(_end_all, processes)
        for name, port in ports.items():
            processes[name] = _started(folder, name, port, environment, chosen, (cores or {}).get(name))
        for name in (*GATEWAYS, "presale", "worker"):
            await _ready(address[name], processes[name], folder / f"{name}.log")
        http = [
            await stack.enter_async_context(httpx2.AsyncClient(base_url=address[name], trust_env=False, timeout=30))
            for name in (*GATEWAYS, "presale")
        ]
        database = await Database.open(url, clock=ambient.now_ms, new_id=ambient.new_id)
        stack.push_async_callback(database.close)
        desk = Liveroom(chosen, http[2], asyncio.Event())
        yield House(chosen, desk, (http[0], http[1]), database, processes, folder)


def _started(
    folder: Path, name: str, port: int, environment: dict[str, str], settings: Settings, core: int | None
) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "gateway.cli", "serve"]
    role = name if name in {"presale", "worker"} else "gateway"
    own = {"LIVEROOM_ROLE": role, "LIVEROOM_NODE": name, "LIVEROOM_PORT": str(port)}
    if name == "sandbox":
        command = [sys.executable, "-m", "presale.sandbox", "--port", str(port), "--stop-with-parent"]
        command += ["--data", str(folder / "sandbox.sqlite"), "--public-url", settings.sandbox_url]
        command += ["--notify", f"{settings.own_url}/pay/sandbox/notify"]
        own = {}
    with (folder / f"{name}.log").open("wb") as log:
        process = subprocess.Popen(
            command, env={**environment, **own}, stdin=subprocess.DEVNULL, stdout=log, stderr=log
        )
    if core is not None:
        os.sched_setaffinity(process.pid, {core})
    return process


async def _ready(address: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    async with httpx2.AsyncClient(base_url=address, trust_env=False, timeout=2) as http:
        while True:
            assert process.poll() is None, _tail(log)
            try:
                if (await http.get("/readyz")).status_code == httpx2.codes.OK:
                    return
            except httpx2.HTTPError:
                pass
            assert time.monotonic() < deadline, _tail(log)
            await asyncio.sleep(0.05)


def _tail(log: Path) -> str:
    return log.read_text("utf-8", "replace")[-2000:]


def _end_all(processes: dict[str, subprocess.Popen[bytes]]) -> None:
    for process in processes.values():
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
    for process in processes.values():
        try:
            process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
