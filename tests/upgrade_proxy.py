"""An HTTP proxy on loopback, of the kinds that WebSockets do not get through."""

import asyncio
import re
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from enum import StrEnum
from typing import Any
from urllib.parse import urlsplit

END_OF_HEAD = b"\r\n\r\n"
OPENING = re.compile(rb"^GET [^ ?]*\?(?![^ ]*\bsid=)[^ ]*\btransport=(\w+)", re.MULTILINE)
"""The request line of a new session."""
HOP_BY_HOP = re.compile(rb"^(?:upgrade|connection):.*\r\n", re.IGNORECASE | re.MULTILINE)


class Upgrades(StrEnum):
    """What becomes of a request that wants to be a WebSocket. Any other passes."""

    PASS = "pass"
    DROPPED = "dropped"
    """The proxy leaves `Upgrade` and `Connection` out, as nginx does unless it is told not to."""
    REFUSED = "refused"
    """It answers 400 itself."""
    PLAIN = "plain"
    """It answers with a page, as a filter does that wants a login."""
    SILENT = "silent"
    """It takes the request and never answers."""
    SWALLOWED = "swallowed"
    """It takes the upgrade and swallows every frame of either side, and the end of the connection too."""
    DEAF = "deaf"
    """It takes the upgrade and swallows what the client sends."""


ANSWERS = {
    Upgrades.REFUSED: b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\nconnection: close\r\n\r\n",
    Upgrades.PLAIN: b"HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: 2\r\nconnection: close\r\n\r\nhi",
}


class UpgradeProxy:
    """Looks at the first request of each connection: a WebSocket has one to itself."""

    def __init__(self, target: str, upgrades: Upgrades) -> None:
        self._target = urlsplit(target)
        self._open: set[asyncio.StreamWriter] = set()
        self.upgrades = upgrades
        self.url = ""
        self.asked: list[str] = []
        """The transport of each new session that was asked for, in order."""

    def cut(self) -> None:
        """Break every connection; new ones get through."""
        for writer in self._open:
            writer.transport.abort()

    async def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, until either side ends it."""
        self._open.add(writer)
        try:
            await self._carry(reader, writer)
        except (OSError, asyncio.IncompleteReadError):
            pass  # either side is gone
        finally:
            self._open.discard(writer)
            writer.transport.abort()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(END_OF_HEAD)
        is_upgrade = re.search(rb"^upgrade: *websocket", head, re.IGNORECASE | re.MULTILINE) is not None
        self._note(head)
        kind = self.upgrades if is_upgrade else Upgrades.PASS
        if kind in ANSWERS:
            writer.write(ANSWERS[kind])
            return await _drained(writer)
        if kind is Upgrades.SILENT:
            return await _swallow(reader)
        if kind is Upgrades.DROPPED:
            head = HOP_BY_HOP.sub(b"", head)
        behind, ahead = await asyncio.open_connection(self._target.hostname, self._target.port)
        self._open.add(ahead)
        try:
            ahead.write(head)
            if kind in (Upgrades.SWALLOWED, Upgrades.DEAF):
                writer.write(await behind.readuntil(END_OF_HEAD))
            coming = _swallow(behind) if kind is Upgrades.SWALLOWED else self._pour(behind, writer)
            going = self._pour(reader, ahead) if kind in (Upgrades.PASS, Upgrades.DROPPED) else _swallow(reader)
            await _until_the_first_ends(going, coming, both=kind is Upgrades.SWALLOWED)
        finally:
            self._open.discard(ahead)
            ahead.transport.abort()
        return None

    def _note(self, data: bytes) -> None:
        self.asked += [transport.decode() for transport in OPENING.findall(data)]

    async def _pour(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65_536):
            self._note(data)
            writer.write(data)
            await writer.drain()


async def _until_the_first_ends(*ways: Coroutine[Any, Any, None], both: bool) -> None:
    pipes = [asyncio.ensure_future(way) for way in ways]
    try:
        when = asyncio.ALL_COMPLETED if both else asyncio.FIRST_COMPLETED
        await asyncio.wait(pipes, return_when=when)
    finally:
        for pipe in pipes:
            pipe.cancel()
        await asyncio.gather(*pipes, return_exceptions=True)


async def _swallow(reader: asyncio.StreamReader) -> None:
    while await reader.read(65_536):
        pass


async def _drained(writer: asyncio.StreamWriter) -> None:
    writer.close()
    await writer.wait_closed()


@asynccontextmanager
async def upgrade_proxy(target: str, upgrades: Upgrades) -> AsyncIterator[UpgradeProxy]:
    """A proxy before this address, at an address of its own."""
    proxy = UpgradeProxy(target, upgrades)
    async with await asyncio.start_server(proxy.accept, "127.0.0.1", 0) as server:
        proxy.url = "http://{}:{}".format(*server.sockets[0].getsockname())
        try:
            yield proxy
        finally:
            server.close()
            proxy.cut()
