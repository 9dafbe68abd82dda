"""The measured servers: the gateway and its peers, each started fresh for every load."""

import glob
import json
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field, replace
from enum import StrEnum
from importlib.metadata import version
from pathlib import Path

from benchmarks import audience, build
from benchmarks.crowd import Address
from benchmarks.house import house
from benchmarks.machine import version_of
from benchmarks.processes import CannotRunError, listening
from tests.ports import free_port

RAW_BYTES = 180
"""The size of a message that is relayed unchanged: that of a socket.io server's frame for one danmaku."""
NCHAN_MODULES = ("/usr/lib/nginx/modules/ngx_nchan_module.so", "/usr/lib*/nginx/modules/ngx_nchan_module.so")


class Scene(StrEnum):
    """What a server does with a danmaku."""

    HALL = "hall"
    """Everybody is in one room and receives each message."""
    ALONE = "alone"
    """Everybody is alone in a room: one message in, one message out."""
    ANSWER = "answer"
    """Each message is answered by an ack and goes nowhere; the gateway refuses it by its rate limit."""


@dataclass(frozen=True, slots=True)
class Stand:
    """What a server is started for."""

    scene: Scene
    sockets: int
    folder: Path
    core: int | None


@dataclass(frozen=True, slots=True)
class Contestant:
    """One server, in one encoding."""

    key: str
    label: str
    start: Callable[[Stand], AbstractContextManager[Address]] = field(repr=False)
    is_ours: bool = False
    scenes: frozenset[Scene] = frozenset(Scene)
    """The scenes that it supports."""


# ---- the gateway ------------------------------------------------------------------------------------------

# few sockets stand for many: what a socket may say in a second is raised for them
PACKETS = {"LIVEROOM_PACKETS_PER_SECOND": "1000", "LIVEROOM_PACKETS_BURST": "1000"}
OWN_LIMITS = {
    Scene.HALL: {},
    # nothing is refused and nothing is shared: each danmaku is checked, published, kept, and sent back
    Scene.ALONE: {**PACKETS, "LIVEROOM_DANMAKU_PER_SECOND": "1000", "LIVEROOM_DANMAKU_BURST": "1000"},
    # all but the first are refused by the danmaku's own limit, after the rights were checked
    Scene.ANSWER: {**PACKETS, "LIVEROOM_DANMAKU_PER_SECOND": "0.01", "LIVEROOM_DANMAKU_BURST": "1"},
}


def _gateway(codec: str, path: str) -> Callable[[Stand], AbstractContextManager[Address]]:
    @contextmanager
    def start(stand: Stand) -> Iterator[Address]:
        rooms = 1 if stand.scene is Scene.HALL else stand.sockets
        auths = audience.put_on(stand.folder, stand.sockets, rooms)
        with house(stand.folder, stand.core, auths, env=OWN_LIMITS[stand.scene]) as address:
            yield replace(address, codec=codec, target=f"{path}?EIO=4&transport=websocket")

    return start


# ---- the peers ---------------------------------------------------------------------------------------------


def _socketio(codec: str) -> Callable[[Stand], AbstractContextManager[Address]]:
    @contextmanager
    def start(stand: Stand) -> Iterator[Address]:
        try:
            build.node_peers()
        except build.CannotBuildError as error:
            raise CannotRunError(str(error)) from error
        port = free_port()
        command = ["node", str(build.PEERS / "socketio.mjs"), str(port), codec, stand.scene.value]
        with listening(command, port, core=stand.core, folder=stand.folder) as pids:
            yield Address(port, pids, codec)

    return start


@contextmanager
def _stock(stand: Stand) -> Iterator[Address]:
    port = free_port()
    command = [sys.executable, str(build.PEERS / "stock.py"), str(port), stand.scene.value]
    with listening(command, port, core=stand.core, folder=stand.folder) as pids:
        yield Address(port, pids)


@contextmanager
def _nchan(stand: Stand) -> Iterator[Address]:
    modules = [module for pattern in NCHAN_MODULES for module in glob.glob(pattern)]  # noqa: PTH207 - absolute pattern
    nginx = shutil.which("nginx", path="/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin")
    if nginx is None or not modules:
        raise CannotRunError("it is not installed (Debian: apt-get install nginx-light libnginx-mod-nchan)")
    port = free_port()
    text = (build.PEERS / "nginx.conf").read_text("utf-8")
    for name, value in (("MODULE", modules[0]), ("PORT", str(port)), ("FOLDER", str(stand.folder))):
        text = text.replace(name, value)
    (stand.folder / "nginx.conf").write_text(text, "utf-8")
    command = [nginx, "-p", str(stand.folder), "-c", str(stand.folder / "nginx.conf")]
    with listening(command, port, core=stand.core, folder=stand.folder) as pids:
        yield Address(port, pids, "raw", "/hall", text_bytes=RAW_BYTES)


@contextmanager
def _floor(stand: Stand) -> Iterator[Address]:
    try:
        program = build.floor()
    except build.CannotBuildError as error:
        raise CannotRunError(str(error)) from error
    port = free_port()
    with listening([str(program), str(port)], port, core=stand.core, folder=stand.folder) as pids:
        yield Address(port, pids, "raw", "/hall", text_bytes=RAW_BYTES)


HALL_ONLY = frozenset({Scene.HALL})

OURS = Contestant("ours", "liveroom", _gateway("json", "/socket.io/"), is_ours=True)
OURS_MSGPACK = Contestant("ours-msgpack", "liveroom, msgpack", _gateway("msgpack", "/socket.io-msgpack/"), is_ours=True)
SOCKETIO = Contestant("socketio", "socket.io 4.8", _socketio("json"))
SOCKETIO_MSGPACK = Contestant("socketio-msgpack", "socket.io 4.8, msgpack", _socketio("msgpack"))
STOCK = Contestant("stock", "python-socketio + uvicorn", _stock)
NCHAN = Contestant("nchan", "nchan (no Socket.IO)", _nchan, scenes=HALL_ONLY)
FLOOR = Contestant("floor", "bare send() in C", _floor, scenes=HALL_ONLY)


def versions() -> dict[str, str]:
    """What exactly is compared."""
    return {
        "Node": version_of(["node", "--version"]),
        "python-socketio": version("python-socketio"),
        "uvicorn": version("uvicorn"),
        "nginx": version_of(["nginx", "-v"]).rpartition("/")[2],
        "cc": version_of(["cc", "--version"]).rpartition(" ")[2],
        "socket.io": json.loads((build.PEERS / "package.json").read_text("utf-8"))["dependencies"]["socket.io"],
    }
