"""A TCP wire between a client and a gateway that can be cut without a word, as a tunnel cuts a phone off."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from urllib.parse import urlsplit

CHUNK = 65536


class Wire:
    """Forwards connections; `cut` resets all of them, and new ones until `mend`."""

    def __init__(self, target: str) -> None:
        where = urlsplit(target)
        self._target = (where.hostname or "", where.port or 80)
        self._port = 0
        self._is_whole = True
        self._writers: set[asyncio.StreamWriter] = set()
        self._pipes: set[asyncio.Task[None]] = set()

    @property
    def url(self) -> str:
        """Where to connect instead."""
        return f"http://127.0.0.1:{self._port}"

    @asynccontextmanager
    async def strung(self) -> AsyncIterator[None]:
        """Takes connections in here."""
        server = await asyncio.start_server(self._join, "127.0.0.1", 0)
        self._port = server.sockets[0].getsockname()[1]
        try:
            yield
        finally:
            await self.cut()
            await self._last_one_out()
            server.close()

    def mend(self) -> None:
        """Let connections live again."""
        self._is_whole = True

    async def cut(self) -> None:
        """End every connection at both ends with a reset."""
        self._is_whole = False
        for writer in self._writers:
            writer.transport.abort()
        self._writers.clear()
        await asyncio.gather(*self._pipes, return_exceptions=True)

    async def _join(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            onward_reader, onward_writer = await asyncio.open_connection(*self._target)
        except OSError:
            writer.transport.abort()
            return
        if not self._is_whole:
            writer.transport.abort()
            onward_writer.transport.abort()
            return
        self._writers |= {writer, onward_writer}
        ways = ((reader, onward_writer), (onward_reader, writer))
        self._pipes = {pipe for pipe in self._pipes if not pipe.done()}
        self._pipes |= {asyncio.create_task(_forward(*way)) for way in ways}

    async def _last_one_out(self) -> None:
        """asyncio forgets connections that are half accepted when a server closes: wait behind all of them."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        with suppress(OSError):
            await reader.read()
        writer.close()


async def _forward(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await reader.read(CHUNK):
            writer.write(data)
            await writer.drain()
    writer.close()


@asynccontextmanager
async def wire(target: str) -> AsyncIterator[Wire]:
    """A wire to a URL, cut at the end."""
    made = Wire(target)
    async with made.strung():
        yield made
