"""The processes of one house on the loopback, each with a role: started, awaited, signalled and ended by their ids."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import httpx2

from gateway.setup.settings import Settings

START_SECONDS = 60.0
END_SECONDS = 10.0
ROLES = {"presale": "presale", "worker": "worker"}
"""Of processes by name; every other one of `Processes.start` is a gateway."""


@dataclass
class Processes:
    """The processes by name, with the addresses of those that listen."""

    folder: Path
    """Where their logs are, and what each keeps."""
    environment: dict[str, str]
    ports: dict[str, int]
    settings: Settings
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def address(self, name: str) -> str:
        """Of one process."""
        return f"http://127.0.0.1:{self.ports[name]}"

    def start(self, *names: str) -> None:
        """Begin processes of the house; return when all are ready."""
        for name in names:
            own = {"ROLE": ROLES.get(name, "gateway"), "NODE": name, "PORT": str(self.ports[name])}
            with (self.folder / f"{name}.log").open("ab") as log:
                self.processes[name] = subprocess.Popen(
                    [sys.executable, "-m", "gateway.cli", "serve"],
                    env={**self.environment, **{f"LIVEROOM_{key}": value for key, value in own.items()}},
                    stdout=log,
                    stderr=log,
                )
        for name in names:
            until(lambda name=name: self._is_ready(name), f"{name} to be ready")  # type: ignore[misc]

    def start_provider(self, notify: str) -> None:
        """Begin the sandbox provider, which calls back at this address."""
        settings = self.settings
        self.processes["sandbox"] = subprocess.Popen(
            [
                *(sys.executable, "-m", "presale.sandbox", "--port", str(settings.sandbox_port)),
                *("--data", str(self.folder / "sandbox.sqlite"), "--notify", f"{notify}/pay/sandbox/notify"),
                *("--public-url", settings.sandbox_url, "--stop-with-parent"),
            ],
            env={**self.environment, "LIVEROOM_SANDBOX_SECRETS": ",".join(settings.sandbox_secrets)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
        )

    def signal(self, name: str, number: signal.Signals = signal.SIGTERM) -> None:
        """Send it one."""
        self.processes[name].send_signal(number)

    def ended(self, name: str) -> int:
        """The status with which a process ends."""
        return self.processes[name].wait(START_SECONDS)

    def log(self, name: str) -> str:
        """What it has said."""
        return (self.folder / f"{name}.log").read_text("utf-8", "replace")

    def end_all(self) -> None:
        """End whatever runs, frozen or not."""
        for process in self.processes.values():
            if process.poll() is None:
                process.send_signal(signal.SIGCONT)
                process.terminate()
        for process in self.processes.values():
            try:
                process.wait(END_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def _is_ready(self, name: str) -> bool:
        assert self.processes[name].poll() is None, self.log(name)
        return answers(f"{self.address(name)}/readyz")


def house_environment(folder: Path, settings: Settings, redis_url: str, **more: object) -> dict[str, str]:
    """What every process of one house is told; `more` names further settings."""
    told = {
        "MODE": "test",
        "DATA_DIR": folder,
        "DATABASE_URL": settings.database_url,
        "REDIS_URL": redis_url,
        "PUBLIC_URL": settings.own_url,
        "SANDBOX_PORT": settings.sandbox_port,
        "HANDSHAKES_PER_MINUTE": 1000,
        "UNACCEPTED_SOCKETS_PER_ADDRESS": 1000,
        **more,
    }
    return {**os.environ, **{f"LIVEROOM_{name}": str(value) for name, value in told.items()}}


def answers(url: str) -> bool:
    """Whether something there says 200."""
    try:
        return httpx2.get(url, trust_env=False, timeout=2).status_code == 200
    except httpx2.HTTPError:
        return False


def until(condition: Callable[[], bool], what: str, seconds: float = START_SECONDS) -> None:
    """Poll a condition with a deadline."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"waited in vain for {what}"
        time.sleep(0.02)
