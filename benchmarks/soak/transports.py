"""Clients that a rehearsal does not have: polling that upgrades to a WebSocket, and abandoned connections."""

import asyncio
from enum import StrEnum
from urllib.parse import urlsplit

import httpx2
import msgspec
from websockets.protocol import OPEN

from gateway.rehearsal.device import Device
from gateway.rehearsal.links import Gone, Heard, Link, WebSocketLink
from gateway.rehearsal.wire import Encoding, Frame

PROBE, PROBED, UPGRADE = b"2probe", b"3probe", b"5"
HEAD = b"GET %s?EIO=4&transport=websocket HTTP/1.1\r\nHost: x\r\n"
HANDSHAKE = b"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
VERSION = b"Sec-WebSocket-Version: 13\r\n\r\n"


class UpgradingLink(WebSocketLink):
    """Asks for a session by polling, and goes on over a WebSocket; `heard` is told of it opened then."""

    _opened = Frame(b"")
    _probed = False

    @classmethod
    async def upgrade(cls, http: httpx2.AsyncClient, encoding: Encoding, heard: Heard, gone: Gone) -> "UpgradingLink":
        """Begin; OSError where the server does not let it."""
        try:
            answer = await http.get(encoding.path, params={"EIO": "4", "transport": "polling"})
            opened = Frame(answer.content)
            sid = msgspec.json.decode(opened.data[1:])["sid"]
        except (httpx2.HTTPError, msgspec.DecodeError, KeyError, TypeError) as error:
            raise ConnectionError(f"no session by polling: {type(error).__name__}") from error

        def first(frame: Frame) -> None:
            if frame.data == PROBED:
                link.send(Frame(UPGRADE))
                heard(opened)
            else:
                heard(frame)

        parts = urlsplit(str(http.base_url))
        link = cls(f"ws://{parts.netloc}{encoding.path}?EIO=4&transport=websocket&sid={sid}", first, gone)
        await asyncio.get_running_loop().create_connection(lambda: link, parts.hostname or "", parts.port or 80)
        return link

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if not self._probed and self._ws.state is OPEN:
            self._probed = True
            self.send(Frame(PROBE))


class UpgradingDevice(Device):
    """A device whose client begins as the official ones do."""

    async def _open(self, heard: Heard, gone: Gone) -> Link:
        return await UpgradingLink.upgrade(self._http, self._wire.encoding, heard, gone)


class Wreck(StrEnum):
    """How far somebody came before they fell silent."""

    CONNECTED = "connected"
    """A TCP connection on which nothing was sent."""
    HALF_A_HEAD = "half a head"
    OPENED = "opened"
    """A WebSocket without a CONNECT."""
    WELCOMED = "welcomed"
    """A connected client that reads nothing and answers no ping."""


async def run_aground(port: int, how: Wreck, connect: Frame, seconds: float) -> bool:
    """Come so far, fall silent, and stay; whether the server had ended it by then."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=2**12)
    try:
        head = HEAD % Encoding.JSON.path.encode()
        if how is Wreck.HALF_A_HEAD:
            writer.write(head)
        elif how is not Wreck.CONNECTED:
            writer.write(head + HANDSHAKE + VERSION)
        if how is Wreck.WELCOMED:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(_masked(connect.data))
            await asyncio.sleep(seconds)  # a buffer's worth is read, and no more
            return True
        async with asyncio.timeout(seconds):
            while await reader.read(2**12):
                pass
    except (TimeoutError, asyncio.IncompleteReadError, OSError) as error:
        return not isinstance(error, TimeoutError)
    finally:
        writer.transport.abort()
    return True


def _masked(payload: bytes) -> bytes:
    """A text frame of less than 64 KiB; the mask is zero."""
    return b"\x81\xfe" + len(payload).to_bytes(2, "big") + bytes(4) + payload
