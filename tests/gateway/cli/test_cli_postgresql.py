"""The commands on a database of a server, and what they say when it is not there."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping

import httpx2
import pytest

from store import migrations
from tests.gateway.cli.test_cli import Liveroom
from tests.ports import free_port
from tests.store import postgresql

START_SECONDS = 30.0


@pytest.fixture
def url() -> Iterator[str]:
    with postgresql.fresh() as made:
        yield made


@pytest.fixture
def environment(
    url: str, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Mapping[str, str]:
    named = {"DATABASE_URL": url, "DATA_DIR": str(tmp_path_factory.mktemp("var")), "MODE": "demo"}
    for name, value in named.items():
        monkeypatch.setenv(f"LIVEROOM_{name}", value)
    monkeypatch.setenv("COLUMNS", "200")
    return os.environ


@pytest.fixture
def liveroom(
    environment: Mapping[str, str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Liveroom:
    assert environment["LIVEROOM_DATABASE_URL"]
    return Liveroom(monkeypatch, capsys)


def test_every_command_works_on_it(liveroom: Liveroom, environment: Mapping[str, str]) -> None:
    assert "run `liveroom migrate`" in liveroom("audit").one_sentence()
    assert f"to {migrations.head()}" in liveroom("migrate").out
    assert "already stands" in liveroom("migrate").out
    assert liveroom("role", "grant", "ann", "operator").status == 0
    assert "ann" in liveroom("role", "list").out
    assert "No job was given up" in liveroom("jobs").out
    assert "at this version's schema" in liveroom("doctor").out
    served(environment, free_port())
    assert "Nothing found" in liveroom("audit").out


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
def test_a_server_that_is_not_there_is_told_in_one_sentence(liveroom: Liveroom, command: str) -> None:
    url = f"postgresql+asyncpg://liveroom:hush@127.0.0.1:{free_port()}/shows"
    found = liveroom(command, database_url=url)
    assert found.one_sentence().startswith("liveroom: the database 127.0.0.1/shows cannot be used: ")
    assert "hush" not in found.out + found.err


def test_a_database_that_is_not_there_is_named(liveroom: Liveroom) -> None:
    url = postgresql.server().set(database="no_such").render_as_string(hide_password=False)
    assert '"no_such" does not exist' in liveroom("migrate", database_url=url).one_sentence()


def test_the_url_as_others_write_it_will_do(liveroom: Liveroom, url: str) -> None:
    plain = url.replace("postgresql+asyncpg:", "postgresql:")
    assert plain != url
    assert liveroom("migrate", database_url=plain).status == 0
