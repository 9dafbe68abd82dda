"""The connection of sharded pub/sub to one Redis server: one reader, a probe of its own, rebuilt when silent."""

import asyncio
import logging
import math
import time
from collections import deque
from collections.abc import Callable

from redis.asyncio.connection import AbstractConnection

from pubsub.commands_redis import COMMAND_TIMEOUT_S, FAULTS, Backoff, CommandLink, Server, keep
from pubsub.link import BrokerAwayError

log = logging.getLogger(__name__)

PROBE_S = 2.0
SILENCE_S = 6.0
"""A connection that has not even brought the node's own probe for this long is rebuilt."""


class ListeningLink:
    """Brings the messages of all wanted channels; kept up by `run`.

    `probe` is the name of a channel of its own. It is up once every wanted channel is confirmed. What was published
    while it was down never comes.
    """

    def __init__(
        self, server: Server, probe: str, heard: Callable[[str, bytes], None], changed: Callable[[], None]
    ) -> None:
        self.is_up = False
        self.lag_s = 0.0
        """The round trip of the last probe."""
        self.tried = asyncio.Event()
        """Set once the first attempt to connect has ended."""
        self._server = server
        self._heard = heard
        self._changed = changed
        self._probe = probe
        self._wanted: set[str] = set()
        self._confirmed: set[str] = set()
        self._leaving: set[str] = set()
        """Channels that we unsubscribed from; any other unsubscription means that their slot has moved."""
        self._waiting: dict[str, list[asyncio.Future[None]]] = {}
        self._barriers: deque[asyncio.Future[None]] = deque()
        self._connection: AbstractConnection | None = None
        self._reader: asyncio.Task[None] | None = None

    async def listen(self, name: str) -> None:
        """Messages come from the return of this call on; while Redis is away, once the link is up again."""
        self._wanted.add(name)
        if self._connection is None or name in self._confirmed:
            return
        future = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(name, []).append(future)
        await self._send([("SSUBSCRIBE", name)])
        await _settled(future)

    async def ignore(self, name: str) -> None:
        """No message of this channel is wanted any more."""
        self._wanted.discard(name)
        self._confirmed.discard(name)
        if self._connection is not None:
            self._leaving.add(name)
            await self._send([("SUNSUBSCRIBE", name)])

    async def barrier(self) -> bool:
        """On return, everything published before the call was received; False if the link is down."""
        if self._connection is None:
            return False
        future = asyncio.get_running_loop().create_future()
        self._barriers.append(future)
        await self._send([("PING",)])
        return await _settled(future)

    async def doubt(self) -> None:
        """Rebuild the connection unless it answers soon."""
        reader = self._reader
        if reader is not None and not await self.barrier() and self._reader is reader:
            reader.cancel()

    async def run(self) -> None:
        """Keep the connection until cancelled."""
        await keep(self._hold, self.tried, "subscriptions")

    async def probe(self, commands: CommandLink) -> None:
        """Publish a probe to this connection's own channel again and again, until cancelled."""
        while True:
            await asyncio.sleep(PROBE_S)
            try:
                await commands.ask("SPUBLISH", self._probe, time.monotonic_ns())
            except BrokerAwayError:
                continue  # the command link has told

    async def _hold(self, backoff: Backoff) -> None:
        connection = await self._server.connect()
        try:
            await self._send([("SSUBSCRIBE", self._probe)], connection)
            async with asyncio.timeout(COMMAND_TIMEOUT_S):
                await connection.read_response(disable_decoding=True, timeout=math.inf)
            backoff.succeeded()
            self._connection = connection
            await self._send([("SSUBSCRIBE", name) for name in self._wanted])
            self._rise()
            self._reader = asyncio.create_task(self._read(connection))
            await asyncio.wait([self._reader])
            if not self._reader.cancelled():
                self._reader.result()
        finally:
            await self._fall(connection)

    async def _fall(self, connection: AbstractConnection) -> None:
        reader, self._reader, self._connection, self.is_up = self._reader, None, None, False
        self._confirmed.clear()
        self._leaving.clear()
        for future in (*self._barriers, *(future for futures in self._waiting.values() for future in futures)):
            if not future.done():
                future.cancel()
        self._barriers.clear()
        self._waiting.clear()
        if reader is not None:
            reader.cancel()
            await asyncio.wait([reader])
        await connection.disconnect(nowait=True)
        self._changed()

    async def _read(self, connection: AbstractConnection) -> None:
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(SILENCE_S) as silence:
            while True:
                message = await connection.read_response(disable_decoding=True, timeout=math.inf)
                silence.reschedule(loop.time() + SILENCE_S)
                match message:
                    case [b"smessage", name, body]:
                        if name.decode() != self._probe:
                            self._heard(name.decode(), body)
                        elif body.isdigit() and len(body) < 20:
                            self.lag_s = (time.monotonic_ns() - int(body)) / 1e9
                    case [b"ssubscribe", name, _]:
                        self._confirm(name.decode())
                    case [b"pong", _] if self._barriers:
                        _settle(self._barriers.popleft())
                    case [b"sunsubscribe", bytes() as name, _] if name.decode() not in self._leaving:
                        raise ConnectionError("the slot of a channel has moved")
                    case [b"sunsubscribe", bytes() as name, _]:
                        self._leaving.discard(name.decode())

    def _confirm(self, name: str) -> None:
        if name in self._wanted:
            self._confirmed.add(name)
        for future in self._waiting.pop(name, ()):
            _settle(future)
        self._rise()

    def _rise(self) -> None:
        if not self.is_up and self._wanted <= self._confirmed:
            self.is_up = True
            self.tried.set()
            self._changed()

    async def _send(self, commands: list[tuple[str, ...]], connection: AbstractConnection | None = None) -> None:
        connection = connection or self._connection
        if connection is None or not connection.is_connected or not commands:
            return
        try:
            await connection.send_packed_command(connection.pack_commands(commands), check_health=False)
        except FAULTS:  # the reader of this connection meets the same fault, and it is the one to tell
            log.debug("a command to a lost connection", exc_info=True)


def _settle(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)


async def _settled(future: asyncio.Future[None]) -> bool:
    """Whether the future completed in time."""
    await asyncio.wait([future], timeout=COMMAND_TIMEOUT_S)
    return future.done() and not future.cancelled()
