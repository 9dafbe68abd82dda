"""Requests for a session of a sibling process, handed to it together with their TCP connection.

The processes of one node accept connections on one port; a session lives in one of them, whose number its id names.
What is read of a foreign request travels over the sibling's Unix socket with the descriptor of its connection. From
then on the connection is the sibling's: it sees the real peer, answers by itself, and nothing passes through here.
"""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Coroutine
from pathlib import Path
from typing import Any, Final

Adopt = Callable[[socket.socket, bytes], Awaitable[None]]
"""Go on with a connection of which something was read already."""

SECONDS: Final = 2.0
"""The timeout for handing a connection to a sibling process."""
READ_BYTES: Final = 2**20
"""A connection can be handed over with at most this much already read; loops read a quarter of it at once."""
CHUNK_BYTES: Final = 2**16
WAITING: Final = 1024
"""How many handed-over connections may queue for a process that is busy."""
NUMBER_DIGITS: Final = 3


class Handover:
    """The place of one process among its siblings. Only the owner of `folder` can reach anything in it."""

    def __init__(self, folder: Path, node: str, number: int) -> None:
        self.number = number
        self.successor: int | None = None
        """Set when this process retires: the sibling that takes new connections."""
        self._folder = folder
        self._node = node
        self._listener: socket.socket | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def sid_prefix(self) -> str:
        """The prefix of the ids of sessions in this process."""
        return sid_prefix(self._node, self.number)

    def siblings(self) -> list[int]:
        """The numbers of the other processes whose socket exists; a killed one leaves its socket behind."""
        numbers = sorted(int(path.stem) for path in self._folder.glob("*.sock"))
        return [number for number in numbers if number != self.number]

    def owner(self, sid: str | None) -> int | None:
        """The number of the sibling that owns the session of this request; it may have ended. None: we do."""
        node, _, rest = (sid or "").partition(".")
        number, dot, _ = rest.partition(".")
        if node != self._node or not dot or not number.isascii() or not number.isdecimal():
            return self.successor
        if len(number) > NUMBER_DIGITS:
            return self.successor
        return None if int(number) == self.number else int(number)

    async def give(self, number: int, descriptor: int, read: bytes) -> bool:
        """Hand a connection over with the bytes read so far. False: nobody took it, and it is still ours."""
        loop = asyncio.get_running_loop()
        try:
            with socket.socket(socket.AF_UNIX) as line:
                line.setblocking(False)
                async with asyncio.timeout(SECONDS):
                    await loop.sock_connect(line, str(self._path(number)))
                    sent = socket.send_fds(line, [read], [descriptor])
                    await loop.sock_sendall(line, read[sent:])
        except (OSError, TimeoutError):
            return False
        return True

    def open(self, adopt: Adopt) -> None:
        """Accept connections that siblings hand over."""
        path = self._path(self.number)
        path.unlink(missing_ok=True)  # of somebody with our number who was killed
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.setblocking(False)
        self._listener.bind(str(path))
        self._listener.listen(WAITING)
        self._start(self._take_all(self._listener, adopt))

    async def close(self) -> None:
        """Stop accepting connections from siblings."""
        if self._listener is None:
            return
        self._path(self.number).unlink(missing_ok=True)
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._listener.close()
        self._listener = None

    async def _take_all(self, listener: socket.socket, adopt: Adopt) -> None:
        loop = asyncio.get_running_loop()
        while True:
            line, _ = await loop.sock_accept(listener)
            self._start(_take(line, adopt))

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _path(self, number: int) -> Path:
        return self._folder / f"{number}.sock"


def sid_prefix(node: str, number: int) -> str:
    """The prefix of the ids of sessions in one process of a node."""
    return f"{node}.{number}."


async def _take(line: socket.socket, adopt: Adopt) -> None:
    connection: socket.socket | None = None
    try:
        with line:
            async with asyncio.timeout(SECONDS):
                await _readable(line)
                data, descriptors, _, _ = socket.recv_fds(line, CHUNK_BYTES, 1)
                connection = socket.socket(fileno=descriptors[0]) if descriptors else None
                read = bytearray(data)
                while data and len(read) <= READ_BYTES:
                    data = await asyncio.get_running_loop().sock_recv(line, CHUNK_BYTES)
                    read += data
        if connection is not None and 0 < len(read) <= READ_BYTES:
            connection.setblocking(False)
            await adopt(connection, bytes(read))
            connection = None
    except (OSError, TimeoutError):
        pass  # the giver is gone, or the peer: nobody waits for an answer
    finally:
        if connection is not None:
            connection.close()


async def _readable(line: socket.socket) -> None:
    """Wait without reading: a read by the event loop would drop the descriptor that comes with the bytes."""
    loop = asyncio.get_running_loop()
    ready = asyncio.Event()
    loop.add_reader(line, ready.set)
    try:
        await ready.wait()
    finally:
        loop.remove_reader(line)
