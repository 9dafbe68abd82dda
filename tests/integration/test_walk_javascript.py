"""tests/clients/walk.mjs against the demo as a person starts it, on every codec and transport."""

import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.gateway.demo.test_demo import children, is_open
from tests.integration.test_demo_command import END_SECONDS, House, house
from tests.ports import free_port

WALK = Path(__file__).parents[1] / "clients" / "walk.mjs"
WALK_SECONDS = 60.0


def walk(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = ["node", str(WALK), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=WALK_SECONDS, check=False)


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """One demo for all walks; ended as a person ends it, with everything it started."""
    with house(tmp_path_factory.mktemp("demo")) as running:
        started = children(running.process.pid)
        assert len(started) == 1
        yield running
        running.process.send_signal(signal.SIGTERM)
        out, err = running.process.communicate(timeout=END_SECONDS)
        assert running.process.returncode == 0, out + err
        assert "Traceback" not in out + err
        assert [child for child in started if Path(f"/proc/{child}").exists()] == []
        assert not is_open(running.port)
        assert not is_open(running.sandbox_port)


@pytest.mark.parametrize("codec", ["json", "msgpack"])
@pytest.mark.parametrize("transport", ["websocket", "polling", "upgrade"])
def test_the_official_javascript_client_walks_the_whole_evening(demo: House, codec: str, transport: str) -> None:
    ended = walk(f"http://127.0.0.1:{demo.port}", "--codec", codec, "--transport", transport)
    assert (ended.returncode, ended.stderr) == (0, ""), ended.stdout + ended.stderr
    steps = [line.split(" ms  ")[1] for line in ended.stdout.splitlines()[1:]]
    assert len(steps) == 13
    assert steps[-1] == "all of it held"


@pytest.mark.parametrize("arguments", [["--codec", "xml"], ["--transport", "pigeon"], ["nowhere"], ["--loud"]])
def test_a_walk_asked_for_wrongly_says_so_in_one_sentence(arguments: list[str]) -> None:
    ended = walk(*arguments)
    assert (ended.returncode, ended.stdout) == (1, "")
    assert len(ended.stderr.splitlines()) == 1


def test_a_walk_without_a_gateway_fails_and_says_why() -> None:
    ended = walk(f"http://127.0.0.1:{free_port()}")
    assert ended.returncode == 1
    assert "ECONNREFUSED" in ended.stderr
