"""The parent of the processes on one port: starts, restarts and replaces them, and waits until they have drained."""

import asyncio
import os
import signal
import socket
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

import structlog

from gateway.node.port import Port
from gateway.node.sibling import LINE_BYTES, READY, REFUSED, RETIRE
from gateway.setup import clock, logs
from gateway.setup.preflight import CommandError
from gateway.setup.settings import Settings

log = structlog.get_logger(__name__)

SHORTEST_WAIT_SECONDS: Final = 0.5
LONGEST_WAIT_SECONDS: Final = 10.0
STEADY_SECONDS: Final = 30.0
"""A process that lived longer than this restarts with the shortest backoff."""
SILENCE_SECONDS: Final = 5.0
"""A process without a heartbeat for this long, and then for as long again, hangs and is ended."""
START_SECONDS: Final = 60.0
"""The timeout for a replacement to serve; after it the old process is kept."""
FOLDER_BYTES: Final = 90
"""The longest path of the folder: the address of a Unix socket has room for 107 bytes."""
GIVEN: Final = ("mode", "host", "port", "data_dir", "database_url", "redis_url", "role", "node", "workers")
"""Settings that a command line option may have set; they are passed on to the processes by their environment."""


async def supervise(settings: Settings, program: Sequence[str] = ("-m", "gateway.house")) -> None:
    """Serve with this many processes until SIGINT or SIGTERM, and return when all have drained.

    A second signal ends them at once. SIGHUP replaces the processes one after another. CommandError when the first of
    them
    cannot serve. `program`: the arguments with which Python runs one.
    """
    logs.configure(settings.log_format)
    with tempfile.TemporaryDirectory(prefix="liveroom-", ignore_cleanup_errors=True) as folder:  # ours alone: 0700
        if len(os.fsencode(folder)) > FOLDER_BYTES:
            raise CommandError(f"the folder {folder} has too long a name for Unix sockets: set a shorter TMPDIR.")
        supervisor = Supervisor(settings, Path(folder), program)
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, supervisor.end)
        loop.add_signal_handler(signal.SIGHUP, supervisor.renew)
        try:
            await supervisor.run()
        finally:
            loop.remove_signal_handler(signal.SIGHUP)


class Slot:
    """A place for one process; its listening sockets, and the connections in their queues, outlive the process."""

    def __init__(self) -> None:
        self.listeners: list[socket.socket] = []
        self.worker: Child | None = None
        self.falls = 0


class Child:
    """A process as its supervisor knows it."""

    def __init__(self, number: int, process: asyncio.subprocess.Process, line: socket.socket) -> None:
        self.number = number
        self.process = process
        self.refusal = ""
        self.born = time.monotonic()
        self.serves: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        """A future of whether it serves."""
        self._line = line

    async def ended(self) -> int:
        """Read its reports until it ends; answers its exit status."""
        said = await self._hear()
        if said.startswith(REFUSED):
            self.refusal = said.removeprefix(REFUSED).strip()
        self.serves.set_result(said.startswith(READY))
        if said:
            await self._listen()
        return await self.gone()

    async def _listen(self) -> None:
        """Read its heartbeats until it closes the pipe; end it if it falls silent before."""
        silences = 0
        while silences < 2:  # the first may have been the supervisor's own, which was stopped for a while
            try:
                async with asyncio.timeout(SILENCE_SECONDS):
                    said = await self._hear()
            except TimeoutError:
                silences += 1
                continue
            if not said:
                return
            silences = 0
        log.error("worker.hung", worker=self.number)
        self.signal(signal.SIGKILL)

    async def _hear(self) -> str:
        """Its next report; empty once it has ended, or drains."""
        try:
            return (await asyncio.get_running_loop().sock_recv(self._line, LINE_BYTES)).decode().strip()
        except OSError:
            return ""

    async def gone(self) -> int:
        """Wait for its end; answers its exit status."""
        status = await self.process.wait()
        self._line.close()
        return status

    def retire(self, successor: "Child") -> None:
        """Tell it to leave the port and drain."""
        with suppress(OSError):
            self._line.send(f"{RETIRE} {successor.number}\n".encode())

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal if it is running."""
        with suppress(ProcessLookupError):
            self.process.send_signal(number)


class Supervisor:
    """All processes of a node."""

    def __init__(self, settings: Settings, folder: Path, program: Sequence[str]) -> None:
        self._settings = settings
        self._program = program
        self._folder = folder
        self._node = settings.node or clock.new_node()
        self._port = Port(settings.host, settings.port)
        self._slots = [Slot() for _ in range(settings.workers)]
        self._living: set[Child] = set()
        self._numbers: set[int] = set()
        self._ending = asyncio.Event()
        self._is_serving = False
        self._is_clean = True
        self._renewing: asyncio.Task[None] | None = None
        self._group: asyncio.TaskGroup

    async def run(self) -> None:
        """Run until `end`, and until all have ended. The first process starts alone: it shows whether any can serve."""
        try:
            async with asyncio.TaskGroup() as self._group:
                first = await self._place(self._slots[0])
                self._is_serving = await first.serves
                if self._is_serving:
                    for slot in self._slots[1:]:
                        await self._place(slot)
                    log.info("workers.started", node=self._node, workers=len(self._slots))
            was_asked = self._ending.is_set()
        finally:  # somebody may have cancelled it
            self.end()
            for child in self._living:
                await child.gone()
            for slot in self._slots:
                self._port.close(slot.listeners)
        if not self._is_serving and not was_asked:
            status = first.process.returncode
            raise CommandError(first.refusal or f"the first worker ended with status {status}; its words stand above.")
        if not self._is_clean:
            raise CommandError("not every worker drained as it should; their words stand above.")

    def end(self) -> None:
        """Let all processes drain; called again, end them at once."""
        self._ending.set()
        for child in self._living:
            child.signal(signal.SIGTERM)

    def renew(self) -> None:
        """Replace all processes, one after another."""
        if self._is_serving and not self._ending.is_set() and (self._renewing is None or self._renewing.done()):
            self._renewing = self._group.create_task(self._renew())

    async def _renew(self) -> None:
        log.info("workers.renewal_started")
        for slot in self._slots:
            if not await self._exchange(slot):
                log.error("workers.renewal_stopped")
                return
        log.info("workers.renewal_ended")

    async def _exchange(self, slot: Slot) -> bool:
        """Replace a process: the new one serves before the old one leaves the port; if it cannot, the old one stays."""
        old = slot.worker
        if old is None or old not in self._living:
            return True  # it fell, and is being started anew in any case
        new = await self._start(slot)
        try:
            is_serving = await asyncio.wait_for(asyncio.shield(new.serves), START_SECONDS)
        except TimeoutError:
            is_serving = False
        if not is_serving:
            log.error("worker.not_started", worker=new.number, reason=new.refusal)
            new.signal(signal.SIGKILL)
            return False
        slot.worker = new
        slot.falls = 0
        old.retire(new)
        await old.process.wait()
        return True

    async def _watch(self, child: Child, slot: Slot) -> None:
        """Wait for a process to end, and restart it unless it was told to end."""
        status = await child.ended()
        self._living.discard(child)
        self._numbers.discard(child.number)
        if slot.worker is not child or self._ending.is_set():
            self._leave_behind(child, status)
            return
        if not self._is_serving:
            return
        slot.falls = 1 if time.monotonic() - child.born > STEADY_SECONDS else slot.falls + 1
        wait = min(LONGEST_WAIT_SECONDS, SHORTEST_WAIT_SECONDS * 2 ** (slot.falls - 1))
        log.error("worker.ended", worker=child.number, status=status, reason=child.refusal, again_in_seconds=wait)
        if slot.falls > 1:
            self._port.close(slot.listeners)  # it will not be back soon: nobody shall wait for it
        with suppress(TimeoutError):
            await asyncio.wait_for(self._ending.wait(), wait)
        if not self._ending.is_set():
            await self._place(slot)

    def _leave_behind(self, child: Child, status: int) -> None:
        if status != 0 and child.serves.done() and child.serves.result():
            self._is_clean = False
            log.error("worker.not_drained", worker=child.number, status=status)
            (self._folder / f"{child.number}.sock").unlink(missing_ok=True)

    async def _place(self, slot: Slot) -> Child:
        slot.worker = child = await self._start(slot)
        return child

    async def _start(self, slot: Slot) -> Child:
        slot.listeners = slot.listeners or self._port.open()
        number = next(number for number in range(len(self._numbers) + 1) if number not in self._numbers)
        self._numbers.add(number)
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        try:
            with theirs:
                process = await self._spawn(number, [theirs, *slot.listeners])
        except BaseException:
            ours.close()
            raise
        child = Child(number, process, ours)
        self._living.add(child)
        self._group.create_task(self._watch(child, slot))
        if self._ending.is_set():
            child.signal(signal.SIGTERM)
        return child

    async def _spawn(self, number: int, given: Sequence[socket.socket]) -> asyncio.subprocess.Process:
        descriptors = [each.fileno() for each in given]
        return await asyncio.create_subprocess_exec(
            sys.executable,
            *(*self._program, str(number), str(self._folder), *map(str, descriptors)),
            env={**os.environ, **self._environment()},
            stdin=asyncio.subprocess.DEVNULL,
            pass_fds=descriptors,
            start_new_session=True,  # a Ctrl-C is for the supervisor, which lets them drain
        )

    def _environment(self) -> dict[str, str]:
        given = self._settings.model_dump(mode="json", include=set(GIVEN))
        return {f"LIVEROOM_{name.upper()}": str(value) for name, value in {**given, "node": self._node}.items()}
