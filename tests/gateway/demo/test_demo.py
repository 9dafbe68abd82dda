"""The demo as two processes that live and die together, with the real sandbox provider."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.ports import free_port

DEADLINE_SECONDS = 20.0


def is_open(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def children(process: int) -> list[int]:
    listed = Path(f"/proc/{process}/task/{process}/children")
    return [int(child) for child in listed.read_text("ascii").split()]


class Demo:
    def __init__(self, folder: Path) -> None:
        self.port, self.sandbox_port = free_port(), free_port()
        self.process = subprocess.Popen(
            [
                *(sys.executable, "-m", "tests.gateway.demo.demo_with_a_small_gateway"),
                *(str(folder), str(self.port), str(self.sandbox_port)),
            ],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def line(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def end(self) -> tuple[int, str, str]:
        out, err = self.process.communicate(timeout=DEADLINE_SECONDS)
        return self.process.returncode, out, err

    def is_gone(self) -> bool:
        return not is_open(self.port) and not is_open(self.sandbox_port)


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[Demo]:
    running = Demo(tmp_path)
    try:
        yield running
    finally:
        with contextlib.suppress(ProcessLookupError):
            running.process.kill()
        running.process.communicate()
        until(lambda: not is_open(running.sandbox_port))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_drains_the_gateway_and_ends_both(demo: Demo, number: signal.Signals) -> None:
    assert demo.line() == "ready"
    assert is_open(demo.port)
    assert is_open(demo.sandbox_port)
    demo.process.send_signal(number)
    assert demo.end() == (0, "drained\n", "")
    assert demo.is_gone()


def test_a_signal_during_the_start_ends_it_cleanly(demo: Demo) -> None:
    until(lambda: children(demo.process.pid) != [])
    demo.process.send_signal(signal.SIGTERM)
    status, out, err = demo.end()
    assert (status, err) == (0, "")
    assert out in {"", "ready\ndrained\n"}
    assert demo.is_gone()


def test_without_its_provider_the_demo_ends_and_says_so(demo: Demo) -> None:
    assert demo.line() == "ready"
    [provider] = children(demo.process.pid)
    os.kill(provider, signal.SIGKILL)
    status, _, err = demo.end()
    assert status == 2
    assert err == (
        "the sandbox payment provider ended with status -9, and the demo with it; its own words stand above.\n"
    )
    assert demo.is_gone()


def test_a_provider_that_cannot_start_is_told_in_its_own_words(tmp_path: Path) -> None:
    (tmp_path / "sandbox.sqlite").mkdir()
    demo = Demo(tmp_path)
    status, out, err = demo.end()
    assert (status, out) == (2, "")
    assert "sandbox.sqlite" in err.splitlines()[0]
    assert "ended with status 1" in err.splitlines()[1]
    assert demo.is_gone()


def test_the_provider_does_not_outlive_a_demo_that_was_killed(demo: Demo) -> None:
    assert demo.line() == "ready"
    demo.process.kill()
    demo.end()
    until(demo.is_gone)
