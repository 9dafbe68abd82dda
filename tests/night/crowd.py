"""A crowd of 500 in a house of its own: starts `liveroom demo` and plays `liveroom rehearse` against it."""

import argparse
import os
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

from tests.ports import free_port

LIVEROOM = [sys.executable, "-m", "gateway.cli"]
START_SECONDS = 60.0
END_SECONDS = 30.0


def main() -> int:
    """The exit status of the rehearsal."""
    parser = argparse.ArgumentParser(prog="python -m tests.night.crowd")
    parser.add_argument("--fans", type=int, default=500)
    parser.add_argument("--seconds", type=float, default=60.0)
    asked = parser.parse_args()
    url = f"http://127.0.0.1:{(port := free_port())}"
    with tempfile.TemporaryDirectory(prefix="liveroom-crowd-") as folder:
        own = {"LIVEROOM_DATA_DIR": folder, "LIVEROOM_PORT": str(port), "LIVEROOM_SANDBOX_PORT": str(free_port())}
        with (Path(folder) / "demo.log").open("wb") as log:
            demo = subprocess.Popen([*LIVEROOM, "demo"], env={**os.environ, **own}, stdout=log, stderr=log)
        try:
            _wait(demo, f"{url}/readyz")
            wishes = ["--url", url, "--fans", str(asked.fans), "--seconds", str(asked.seconds)]
            return subprocess.run([*LIVEROOM, "rehearse", *wishes], check=False).returncode
        finally:
            demo.send_signal(signal.SIGINT)
            try:
                demo.wait(END_SECONDS)
            except subprocess.TimeoutExpired:
                demo.kill()
                demo.wait()


def _wait(demo: subprocess.Popen[bytes], url: str) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        assert demo.poll() is None, "the demo ended before it was ready"
        assert time.monotonic() < deadline, "the demo did not become ready"
        try:
            urllib.request.urlopen(url, timeout=5).close()  # noqa: S310 - our own address
        except OSError:
            time.sleep(0.1)
        else:
            return


if __name__ == "__main__":
    sys.exit(main())
