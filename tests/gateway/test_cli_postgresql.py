"""The commands on a database of a server, and what they say when it is not there."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import httpx2
import pytest

from store import migrations
from tests.store import homes, postgresql

START_SECONDS = 30.0


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    with homes.empty(homes.POSTGRESQL, tmp_path) as made:
        yield made


@pytest.fixture
def environment(url: str, tmp_path: Path) -> dict[str, str]:
    named = {"LIVEROOM_DATABASE_URL": url, "LIVEROOM_DATA_DIR": str(tmp_path / "var"), "COLUMNS": "200"}
    return {**os.environ, **named, "LIVEROOM_MODE": "demo"}


def liveroom(environment: Mapping[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "gateway.cli", *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)


def test_every_command_works_on_it(environment: dict[str, str]) -> None:
    assert "run `liveroom migrate`" in liveroom(environment, "audit").stderr
    assert f"to {migrations.head()}" in liveroom(environment, "migrate").stdout
    assert "already stands" in liveroom(environment, "migrate").stdout
    assert "Nothing found" in liveroom(environment, "audit").stdout
    given = liveroom(environment, "role", "grant", "ann", "operator")
    assert given.returncode == 0, given.stderr
    assert "ann" in liveroom(environment, "role", "list").stdout
    assert "No job was given up" in liveroom(environment, "jobs").stdout
    examined = liveroom(environment, "doctor").stdout
    assert "at this version's schema" in examined
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    served(environment, port)
    assert "Nothing found" in liveroom(environment, "audit").stdout


def served(environment: Mapping[str, str], port: int) -> None:
    """A server comes up on it, is ready, and ends when asked."""
    command = [sys.executable, "-m", "gateway.cli", "serve", "--port", str(port)]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as server:
        deadline = time.monotonic() + START_SECONDS
        while not is_ready(port):
            assert server.poll() is None, server.stdout and server.stdout.read()
            assert time.monotonic() < deadline
            time.sleep(0.1)
        server.send_signal(signal.SIGTERM)
        said, _ = server.communicate(timeout=30)
        assert server.returncode == 0, said


def is_ready(port: int) -> bool:
    try:
        return httpx2.get(f"http://127.0.0.1:{port}/readyz", trust_env=False).status_code == 200
    except httpx2.HTTPError:
        return False


@pytest.mark.parametrize("command", ["migrate", "audit"])
def test_a_server_that_is_not_there_is_told_in_one_sentence(environment: dict[str, str], command: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        nobody = probe.getsockname()[1]
    url = f"postgresql+asyncpg://liveroom:hush@127.0.0.1:{nobody}/shows"
    found = liveroom({**environment, "LIVEROOM_DATABASE_URL": url}, command)
    assert found.returncode == 2
    assert found.stderr.startswith("liveroom: the database 127.0.0.1/shows cannot be used: ")
    assert found.stderr.count("\n") == 1
    assert "hush" not in found.stdout + found.stderr


def test_a_database_that_is_not_there_is_named(environment: dict[str, str]) -> None:
    url = postgresql.server().set(database="no_such").render_as_string(hide_password=False)
    found = liveroom({**environment, "LIVEROOM_DATABASE_URL": url}, "migrate")
    assert found.returncode == 2
    assert '"no_such" does not exist' in found.stderr


def test_the_url_as_others_write_it_will_do(environment: dict[str, str], url: str) -> None:
    plain = url.replace("postgresql+asyncpg:", "postgresql:")
    assert plain != url
    assert liveroom({**environment, "LIVEROOM_DATABASE_URL": plain}, "migrate").returncode == 0
