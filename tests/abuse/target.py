"""Starts a gateway to be attacked, and looks at it from outside."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.ports import free_port

HALL = Path(__file__).with_name("hall.py")
TREE = Path(os.environ.get("ABUSE_TREE", HALL.parents[2]))
"""Whose sources run: another tree shows what an attack did to another version."""
SECRET = "t4Rk9ZxQm2WvB7nYc5HsJ8dLf3GpU6eA"
GRANT_SECRET = "B6hTq3XzW9kMv5RnY2cPs8JdLf7GuE4o"
PAGE = os.sysconf("SC_PAGE_SIZE")
END_SECONDS = 10


@dataclass(frozen=True)
class Gateway:
    """A running one, a live show, and a token for everybody."""

    process: "subprocess.Popen[str]"
    port: int
    room: str
    tokens: dict[str, str]
    log: Path

    def resident_bytes(self) -> int:
        """Memory of the process."""
        return int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1]) * PAGE

    def warnings(self) -> list[str]:
        """What it has logged as a warning or worse."""
        return [line for line in self.log.read_text().splitlines() if '"level": "info"' not in line]


@contextmanager
def gateway(folder: Path, *, fans: int = 20, production: bool = False, **settings: object) -> Iterator[Gateway]:
    """A gateway on an empty database in `folder`, with settings that leave a test's own pace alone."""
    port = free_port()
    given: dict[str, object] = {
        "mode": "production" if production else "test",
        "port": port,
        "data_dir": folder,
        "sandbox_url": "",
        "jwt_secrets": SECRET,
        "grant_secrets": GRANT_SECRET,
        "log_format": "json",
        "drain_seconds": 0,
        "handshakes_per_minute": 100_000,
        "packets_per_second": 1_000_000,
        "packets_burst": 1_000_000,
        "danmaku_per_second": 1_000_000,
        "danmaku_burst": 1_000_000,
        **settings,
    }
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("LIVEROOM_")},
        **{f"LIVEROOM_{name.upper()}": str(value) for name, value in given.items()},
        "PYTHONPATH": str(TREE),
    }
    log = folder / "log"
    with log.open("w") as err:
        process = subprocess.Popen(
            [sys.executable, str(HALL), str(fans)],
            cwd=TREE,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=err,
            text=True,
        )
    try:
        assert process.stdout is not None
        first = process.stdout.readline()
        assert first, log.read_text()
        said = json.loads(first)
        yield Gateway(process, port, said["room"], said["tokens"], log)
    finally:
        process.terminate()
        try:
            process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stdout is not None:
            process.stdout.close()
