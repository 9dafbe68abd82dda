"""`liveroom demo` as a person runs it: one command, two processes, one end."""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.gateway.demo.test_demo import is_open
from tests.ports import free_port

START_SECONDS = 30.0
END_SECONDS = 15.0


class House:
    def __init__(self, folder: Path) -> None:
        self.port, self.sandbox_port = free_port(), free_port()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "gateway.cli", "demo"],
            env={
                **os.environ,
                "LIVEROOM_DATA_DIR": str(folder),
                "LIVEROOM_PORT": str(self.port),
                "LIVEROOM_SANDBOX_PORT": str(self.sandbox_port),
                "COLUMNS": "160",
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def get(self, path: str) -> bytes:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=5) as answer:
            data = answer.read()
        assert isinstance(data, bytes)
        return data

    def wait_until_ready(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while True:
            assert self.process.poll() is None, self.process.communicate()
            assert time.monotonic() < deadline
            try:
                self.get("/readyz")
            except OSError:
                time.sleep(0.05)
            else:
                return


@contextmanager
def house(folder: Path) -> Iterator[House]:
    running = House(folder)
    try:
        running.wait_until_ready()
        yield running
    finally:
        running.process.kill()
        running.process.communicate()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_one_command_opens_the_house_and_one_signal_closes_all_of_it(tmp_path: Path, number: signal.Signals) -> None:
    with house(tmp_path) as running:
        show = json.loads(running.get("/demo/show"))
        assert {product["tier"] for product in show["products"]} == {"main", "vip"}
        assert is_open(running.sandbox_port)
        running.process.send_signal(number)
        out, err = running.process.communicate(timeout=END_SECONDS)
        assert running.process.returncode == 0
        assert f"http://127.0.0.1:{running.port}/split" in out
        assert "Traceback" not in out + err
        assert not is_open(running.port)
        assert not is_open(running.sandbox_port)


def test_a_second_start_finds_the_show_of_the_first(tmp_path: Path) -> None:
    shows = []
    for _ in range(2):
        with house(tmp_path) as running:
            shows.append(json.loads(running.get("/demo/show"))["show"])
            running.process.send_signal(signal.SIGTERM)
            running.process.communicate(timeout=END_SECONDS)
    assert shows[0] == shows[1]
