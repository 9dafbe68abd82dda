"""A house of many processes behind a real nginx with the configuration that ships: only addresses are others."""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx2
from redis import Redis

from gateway.settings import Mode, Settings
from tests.integration.running import free_port
from tests.redis_server import RedisServer
from tests.store import homes

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
START_SECONDS = 60.0
DRAIN_SECONDS = 1.5
PLACES = {"a": "127.0.0.1:8001", "b": "127.0.0.1:8002", "presale": "127.0.0.1:8010"}
"""Whose addresses stand in deploy/upstreams.conf."""
TEMPORARY = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")


def nginx_program() -> str:
    """Where nginx is; AssertionError where there is none."""
    found = shutil.which("nginx") or shutil.which("/usr/sbin/nginx")
    assert found is not None, "nginx is missing: install it (on Debian `apt-get install nginx-light`)."
    return found


@dataclass
class Street:
    """The processes by name, and the one address that fans know."""

    folder: Path
    environment: dict[str, str]
    ports: dict[str, int]
    processes: dict[str, subprocess.Popen[bytes]]
    settings: Settings
    redis: "ShippedRedis"

    @property
    def url(self) -> str:
        return self.settings.own_url

    def address(self, name: str) -> str:
        """Of one process, past nginx."""
        return f"http://127.0.0.1:{self.ports[name]}"

    def start(self, *names: str) -> None:
        """Begin processes of the house; return when all are ready."""
        for name in names:
            role = name if name in ("presale", "worker") else "gateway"
            own = {"ROLE": role, "NODE": name, "PORT": str(self.ports[name])}
            log = (self.folder / f"{name}.log").open("ab")
            self.processes[name] = subprocess.Popen(
                [sys.executable, "-m", "gateway.cli", "serve"],
                env={**self.environment, **{f"LIVEROOM_{key}": value for key, value in own.items()}},
                stdout=log,
                stderr=log,
            )
            log.close()
        for name in names:
            until(lambda name=name: self._is_ready(name), f"{name} to be ready")  # type: ignore[misc]

    def signal(self, name: str, number: signal.Signals = signal.SIGTERM) -> None:
        self.processes[name].send_signal(number)

    def ended(self, name: str) -> int:
        """The status with which a process ends."""
        return self.processes[name].wait(START_SECONDS)

    def log(self, name: str) -> str:
        return (self.folder / f"{name}.log").read_text("utf-8", "replace")

    def _is_ready(self, name: str) -> bool:
        assert self.processes[name].poll() is None, self.log(name)
        try:
            return httpx2.get(f"{self.address(name)}/readyz", trust_env=False, timeout=2).status_code == 200
        except httpx2.HTTPError:
            return False


class ShippedRedis(RedisServer):
    """Redis with the configuration that ships, whose one user may do no more than it lists."""

    PASSWORD = "a-password-of-this-test"

    @property
    def url(self) -> str:
        return f"redis://liveroom:{self.PASSWORD}@127.0.0.1:{self.port}/0"

    def refusals(self) -> list[str]:
        """What its user was refused."""
        with Redis(port=self.port, username="inspector", password="inspector") as inspector:
            entries = inspector.execute_command("ACL", "LOG")
            return [str(entry) for entry in entries if b"inspector" not in str(entry).encode()]

    def _command(self) -> list[str]:
        shipped = (DEPLOY / "redis.conf").read_text("utf-8").replace("REDIS_PASSWORD", self.PASSWORD)
        own = f"port {self.port}\nbind 127.0.0.1\ndir {self._folder.name}\nuser inspector on >inspector ~* +acl\n"
        file = Path(self._folder.name) / "redis.conf"
        file.write_text(shipped + own, "utf-8")
        return [self._program, str(file)]

    def _answers(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=0.5) as client:
                client.sendall(b"PING\r\n")
                return client.recv(16).startswith(b"-NOAUTH")
        except OSError:
            return False


@contextmanager
def street() -> Iterator[Street]:
    """Two gateways, presale, worker, nginx, Redis and the sandbox provider; all ended at the end."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="liveroom-street-")))
        redis = ShippedRedis()
        stack.callback(redis.close)
        redis.start()
        ports = {name: free_port() for name in ("a", "b", "presale", "worker", "nginx", "sandbox")}
        settings = Settings.load(
            Mode.TEST,
            public_url=f"http://127.0.0.1:{ports['nginx']}",
            sandbox_port=ports["sandbox"],
            sandbox_url=f"http://127.0.0.1:{ports['sandbox']}",
            database_url=stack.enter_context(homes.migrated(homes.POSTGRESQL, folder)),
        )
        environment = {
            **os.environ,
            "LIVEROOM_MODE": "test",
            "LIVEROOM_DATA_DIR": str(folder),
            "LIVEROOM_DATABASE_URL": settings.database_url,
            "LIVEROOM_REDIS_URL": redis.url,
            "LIVEROOM_PUBLIC_URL": settings.own_url,
            "LIVEROOM_SANDBOX_PORT": str(settings.sandbox_port),
            "LIVEROOM_TRUSTED_PROXIES": "127.0.0.1",
            "LIVEROOM_HANDSHAKES_PER_MINUTE": "1000",
            "LIVEROOM_UNACCEPTED_SOCKETS_PER_ADDRESS": "1000",
            "LIVEROOM_DRAIN_SECONDS": str(DRAIN_SECONDS),
        }
        made = Street(folder, environment, ports, {}, settings, redis)
        stack.callback(_end_all, made.processes)
        made.processes["nginx"] = _nginx(made)
        made.processes["sandbox"] = _sandbox(made)
        made.start("a", "b", "presale", "worker")
        until(lambda: _answers(f"{made.url}/readyz"), "nginx to answer")
        yield made


def until(condition: Callable[[], bool], what: str, seconds: float = START_SECONDS) -> None:
    """Poll a condition with a deadline."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"waited in vain for {what}"
        time.sleep(0.02)


def configured(folder: Path, addresses: dict[str, str], listen: str) -> Path:
    """The shipped configuration in a folder, with other addresses; where nginx keeps its own files is added."""
    folder.mkdir(exist_ok=True)
    main = shutil.copy(DEPLOY / "nginx.conf", folder)
    upstreams = (DEPLOY / "upstreams.conf").read_text("utf-8")
    for name, place in PLACES.items():
        assert place in upstreams
        upstreams = upstreams.replace(place, addresses[name])
    kept = "".join(f"{name}_temp_path {folder}/{name};\n" for name in TEMPORARY)
    (folder / "upstreams.conf").write_text(upstreams + kept, "utf-8")
    listening, count = re.subn(
        r"^listen 80 ", f"listen {listen} ", (DEPLOY / "listen.conf").read_text("utf-8"), flags=re.MULTILINE
    )
    assert count == 1
    (folder / "listen.conf").write_text(listening, "utf-8")
    return Path(main)


def command(folder: Path, configuration: Path, *more: str) -> list[str]:
    """nginx in the foreground, with its other files in a folder."""
    here = f"daemon off; pid {folder}/nginx.pid;"
    return [nginx_program(), "-p", str(folder), "-e", "stderr", "-c", str(configuration), "-g", here, *more]


def _nginx(street: Street) -> subprocess.Popen[bytes]:
    addresses = {name: f"127.0.0.1:{street.ports[name]}" for name in PLACES}
    folder = street.folder / "nginx"
    configuration = configured(folder, addresses, f"127.0.0.1:{street.ports['nginx']}")
    folder.chmod(0o755)
    with (street.folder / "nginx.log").open("wb") as log:
        return subprocess.Popen(command(folder, configuration), stdout=log, stderr=log)


def _sandbox(street: Street) -> subprocess.Popen[bytes]:
    settings = street.settings
    return subprocess.Popen(
        [
            *(sys.executable, "-m", "presale.sandbox", "--port", str(settings.sandbox_port)),
            *("--data", str(street.folder / "sandbox.sqlite"), "--notify", f"{street.url}/pay/sandbox/notify"),
            *("--public-url", settings.sandbox_url, "--stop-with-parent"),
        ],
        env={**street.environment, "LIVEROOM_SANDBOX_SECRETS": ",".join(settings.sandbox_secrets)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
    )


def _answers(url: str) -> bool:
    try:
        return httpx2.get(url, trust_env=False, timeout=2).status_code == 200
    except httpx2.HTTPError:
        return False


def _end_all(processes: dict[str, subprocess.Popen[bytes]]) -> None:
    for process in processes.values():
        if process.poll() is None:
            process.send_signal(signal.SIGCONT)
            process.terminate()
    for process in processes.values():
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
