"""A telephone line between a browser and the gateway that a test can cut and mend."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

CHUNK_BYTES = 65_536


class Line:
    """Passes bytes on, as long as it is not cut."""

    def __init__(self, target: str) -> None:
        self._target = urlsplit(target)
        self._open: set[asyncio.StreamWriter] = set()
        self._cut = False
        self.url = ""

    def cut(self) -> None:
        """Every connection breaks, and new ones with it."""
        self._cut = True
        for writer in self._open:
            writer.transport.abort()

    def mend(self) -> None:
        """New connections get through again."""
        self._cut = False

    async def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, until either side ends it."""
        self._open.add(writer)
        try:
            if self._cut:
                writer.transport.abort()
                return
            behind, ahead = await asyncio.open_connection(self._target.hostname, self._target.port)
            self._open.add(ahead)
            try:
                await asyncio.gather(_pour(reader, ahead), _pour(behind, writer))
            finally:
                self._open.discard(ahead)
                await _end(ahead)
        finally:
            self._open.discard(writer)
            await _end(writer)


async def _pour(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(ConnectionError):
        while data := await reader.read(CHUNK_BYTES):
            writer.write(data)
            await writer.drain()
    writer.close()


async def _end(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with contextlib.suppress(ConnectionError):
        await writer.wait_closed()


@asynccontextmanager
async def line_to(url: str) -> AsyncIterator[Line]:
    """A line to this address, at an address of its own."""
    line = Line(url)
    server = await asyncio.start_server(line.accept, "127.0.0.1", 0)
    line.url = "http://{}:{}".format(*server.sockets[0].getsockname())
    try:
        yield line
    finally:
        line.cut()
        server.close()
        await server.wait_closed()
