"""A TCP proxy on loopback that loses what passes it, when told."""

import asyncio
import contextlib


class TcpProxy:
    """Connections to `port` reach the server behind it."""

    def __init__(self, upstream_port: int) -> None:
        self.upstream_port = upstream_port
        """Where connections made from now on lead."""
        self.port = 0
        self._is_black = False
        self._server: asyncio.Server | None = None
        self._lines: set[asyncio.Task[None]] = set()
        self._writers: set[asyncio.StreamWriter] = set()

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    def blackhole(self) -> None:
        """Swallow what comes from either side, and go on accepting. Connections of this time stay dead for good."""
        self._is_black = True

    def heal(self) -> None:
        """Let connections made from now on pass."""
        self._is_black = False

    def reset(self) -> None:
        """Cut every connection."""
        for writer in self._writers:
            writer.transport.abort()

    async def close(self) -> None:
        assert self._server is not None
        self._server.close()
        self.reset()
        for line in self._lines:
            line.cancel()
        await asyncio.gather(*self._lines, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._lines.add(task)
        self._writers.add(writer)
        try:
            up_reader, up_writer = await asyncio.open_connection("127.0.0.1", self.upstream_port)
            self._writers.add(up_writer)
            line = Line()
            line.is_dead = self._is_black
            async with asyncio.TaskGroup() as group:
                group.create_task(self._carry(line, reader, up_writer))
                group.create_task(self._carry(line, up_reader, writer))
        except OSError:
            pass
        except asyncio.CancelledError:
            pass  # closed; the stream's own callback would complain about a cancelled handler
        finally:
            self._lines.discard(task)
            writer.transport.abort()

    async def _carry(self, line: "Line", reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(65_536):
                line.is_dead = line.is_dead or self._is_black
                if not line.is_dead:
                    writer.write(data)
                    await writer.drain()
        if not line.is_dead:
            writer.transport.abort()


class Line:
    """One connection through the proxy."""

    is_dead = False
