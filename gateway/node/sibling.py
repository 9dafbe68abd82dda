"""One process of a node as it knows itself: its number, its port, and the pipe to the supervisor that started it."""

import asyncio
import socket
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from gateway.engine.handover import Handover

READY: Final = "ready"
REFUSED: Final = "refused"
RETIRE: Final = "retire"
ALIVE: Final = "alive"
ALIVE_SECONDS: Final = 1.0
LINE_BYTES: Final = 4096


@dataclass(frozen=True, slots=True)
class Worker:
    """What the supervisor gave to one of the processes on a port."""

    handover: Handover
    listeners: Sequence[socket.socket]
    line: socket.socket
    folder: Path

    @classmethod
    def inherited(cls, node: str, number: int, folder: Path, line: int, listeners: Sequence[int]) -> "Worker":
        """Made from the descriptors that the supervisor passed on."""
        return cls(
            Handover(folder, node, number),
            [socket.socket(fileno=descriptor) for descriptor in listeners],
            socket.socket(fileno=line),
            folder,
        )

    def ready(self) -> None:
        """Tell the supervisor that this process serves."""
        self._say(READY)

    def refused(self, sentence: str) -> None:
        """Tell the supervisor why this process cannot serve."""
        self._say(f"{REFUSED} {' '.join(sentence.split())}"[: LINE_BYTES // 4])

    async def stay_alive(self) -> None:
        """Send heartbeats until cancelled: the supervisor ends a process that sends none."""
        while True:
            await asyncio.sleep(ALIVE_SECONDS)
            self._say(ALIVE)

    async def obey(self, leave_port: Callable[[], None]) -> None:
        """Return when it is time to end: another process took this one's place, or the supervisor is gone.

        In the first case `leave_port` is called, and new connections go to the successor.
        """
        reader, writer = await asyncio.open_unix_connection(sock=self.line)
        try:
            said = (await reader.readline()).decode().split()
            if len(said) == 2 and said[0] == RETIRE:
                self.handover.successor = int(said[1])
                leave_port()
            elif not said:
                self._tidy_up_behind_the_supervisor()
        finally:
            writer.close()

    def _say(self, words: str) -> None:
        with suppress(OSError):  # it is gone, which `obey` finds out
            self.line.sendall(f"{words}\n".encode())

    def _tidy_up_behind_the_supervisor(self) -> None:
        """Remove the dead supervisor's folder; siblings do the same, and nobody uses it any more."""
        for path in self.folder.glob("*"):
            path.unlink(missing_ok=True)
        with suppress(OSError):
            self.folder.rmdir()
