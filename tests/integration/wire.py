"""A TCP wire between a client and a gateway that can be cut without a word, as a tunnel cuts a phone off."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from urllib.parse import urlsplit

CHUNK = 65536


class Wire:
    """Forwards connections; `cut` resets all of them and refuses new ones until `mend`."""

    def __init__(self, target: str) -> None:
        where = urlsplit(target)
        self._target = (where.hostname or "", where.port or 80)
        self._server: asyncio.Server | None = None
        self._port = 0
        self._writers: set[asyncio.StreamWriter] = set()
        self._pipes: set[asyncio.Task[None]] = set()

    @property
    def url(self) -> str:
        """Where to connect instead; the same before and after a cut."""
        return f"http://127.0.0.1:{self._port}"

    async def mend(self) -> None:
        """Take connections (again)."""
        self._server = await asyncio.start_server(self._join, "127.0.0.1", self._port)
        self._port = self._server.sockets[0].getsockname()[1]

    async def cut(self) -> None:
        """End every connection at both ends with a reset, and take no new ones."""
        if self._server is not None:
            self._server.close()
        for writer in list(self._writers):
            writer.transport.abort()
        await asyncio.gather(*self._pipes, return_exceptions=True)

    async def _join(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        try:
            onward_reader, onward_writer = await asyncio.open_connection(*self._target)
        except OSError:
            writer.transport.abort()
            return
        self._writers.add(onward_writer)
        ways = ((reader, onward_writer), (onward_reader, writer))
        self._pipes = {pipe for pipe in self._pipes if not pipe.done()}
        self._pipes |= {asyncio.create_task(_forward(*way)) for way in ways}


async def _forward(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await reader.read(CHUNK):
            writer.write(data)
            await writer.drain()
    writer.close()


@asynccontextmanager
async def wire(target: str) -> AsyncIterator[Wire]:
    """A mended wire to a URL, cut at the end."""
    made = Wire(target)
    await made.mend()
    try:
        yield made
    finally:
        await made.cut()
