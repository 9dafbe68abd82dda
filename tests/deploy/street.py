"""A house of many processes behind a real nginx with the configuration that ships: only addresses are others."""

import re
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from redis import Redis

from gateway.setup.settings import Mode, Settings
from tests.ports import free_port
from tests.processes import Processes, answers, house_environment, until
from tests.redis_server import RedisServer
from tests.store import homes

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
DRAIN_SECONDS = 1.5
PLACES = {"a": "127.0.0.1:8001", "b": "127.0.0.1:8002", "presale": "127.0.0.1:8010"}
"""Whose addresses stand in deploy/upstreams.conf."""
PLATFORM = "https://www.example.com"
"""The site that deploy/origins.conf has as its example."""
TEMPORARY = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")


def nginx_program() -> str:
    """Where nginx is; AssertionError where there is none."""
    found = shutil.which("nginx") or shutil.which("/usr/sbin/nginx")
    assert found is not None, "nginx is missing: install it (on Debian `apt-get install nginx-light`)."
    return found


@dataclass(kw_only=True)
class Street(Processes):
    """The processes by name, and the one address that fans know."""

    redis: "ShippedRedis"

    @property
    def url(self) -> str:
        return self.settings.own_url


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
        environment = house_environment(
            folder,
            settings,
            redis.url,
            TRUSTED_PROXIES="127.0.0.1",
            DRAIN_SECONDS=DRAIN_SECONDS,
            ALLOWED_ORIGINS=PLATFORM,
        )
        made = Street(folder, environment, ports, settings, redis=redis)
        stack.callback(made.end_all)
        made.processes["nginx"] = _nginx(made)
        made.start_provider(made.url)
        made.start("a", "b", "presale", "worker")
        until(lambda: answers(f"{made.url}/livez"), "nginx to answer")
        yield made


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
    origins, count = re.subn(r"^    # ", "    ", (DEPLOY / "origins.conf").read_text("utf-8"), flags=re.MULTILINE)
    assert (count, PLATFORM in origins) == (1, True)
    (folder / "origins.conf").write_text(origins, "utf-8")
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
