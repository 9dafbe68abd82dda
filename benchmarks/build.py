"""Builds what measuring needs: two C programs and the npm packages of the peers."""

import hashlib
import shutil
import subprocess
from pathlib import Path

HERE = Path(__file__).parent
BUILT = HERE / ".build"
LOAD = HERE / "load"
PEERS = HERE / "peers"
FLAGS = ("-O2", "-std=gnu11", "-Wall", "-Wextra")


class CannotBuildError(Exception):
    """What is missing, in one sentence."""


def swarm() -> Path:
    """The load generator, compiled."""
    return _compiled("liveroom-swarm", sorted(LOAD.glob("*.c")), sorted(LOAD.glob("*.h")))


def floor() -> Path:
    """The bare send() server, compiled."""
    return _compiled("floor", [PEERS / "floor.c"], [])


def node_peers() -> None:
    """socket.io and its parser, as the lock names them."""
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        raise CannotBuildError("Node and npm are needed for the socket.io peers")
    installed = PEERS / "node_modules" / ".package-lock.json"
    if installed.is_file() and installed.stat().st_mtime >= (PEERS / "package-lock.json").stat().st_mtime:
        return
    done = subprocess.run(
        [npm, "ci", "--no-audit", "--no-fund", "--ignore-scripts"],
        cwd=PEERS,
        check=False,
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise CannotBuildError(f"npm ci of the peers failed: {done.stderr.strip().splitlines()[-1][:200]}")


def _compiled(name: str, sources: list[Path], headers: list[Path]) -> Path:
    digest = hashlib.sha256("".join(FLAGS).encode())
    for file in (*sources, *headers):
        digest.update(file.read_bytes())
    program = BUILT / f"{name}-{digest.hexdigest()[:12]}"
    if program.is_file():
        return program
    compiler = shutil.which("cc")
    if compiler is None:
        raise CannotBuildError("there is no C compiler: install one (Debian: apt-get install gcc libc6-dev)")
    BUILT.mkdir(exist_ok=True)
    unfinished = program.with_suffix(".new")
    done = subprocess.run(
        [compiler, *FLAGS, "-o", str(unfinished), *map(str, sources)], check=False, capture_output=True, text=True
    )
    if done.returncode:
        raise CannotBuildError(f"cc could not compile {name}: {done.stderr.strip()[:400]}")
    unfinished.replace(program)
    return program
