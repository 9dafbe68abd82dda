"""The nginx that ships, before our HTTP connections: both see each request end in the same place."""

import asyncio
import re
import subprocess
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from gateway.engine.engine import Engine
from gateway.engine.limits import EngineLimits
from tests.deploy.street import PLACES, command, configured
from tests.fuzz.requests import STREAMS, Reader, Seen, as_h11_reads, statuses
from tests.fuzz.targets import Echo
from tests.gateway.engine.test_request_ends import (
    AMBIGUOUS,
    EXPECT,
    FINE,
    FOREIGN,
    PATH,
    READYZ,
    SOCKET,
    chunked,
    post,
    upgrade,
)
from tests.ports import free_port

pytestmark = pytest.mark.asyncio(loop_scope="module")

SECONDS = 10.0
WEBSOCKET = re.compile(rb"upgrade: websocket\r\n")
LAST = b"GET /last HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n"
TARGETS = {"/api/v1/orders", "/x", "/after", "/last", SOCKET.decode()}
"""Of requests; one for anything else was made of a body."""


class Behind:
    """Our side behind nginx, and the bytes that nginx sent on each connection."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.engine = Engine(Echo(), EngineLimits(unaccepted_per_address=0))
        self.reader = Reader(self.engine, PATH)
        self.sent: list[bytearray] = []

    def connection(self) -> Any:
        """One connection of nginx."""
        behind, protocol_class = self, self.reader.protocol_class

        class Recorded(protocol_class):  # type: ignore[misc,valid-type]  # made by a function
            def connection_made(self, transport: Any) -> None:
                self.taken = bytearray()
                behind.sent.append(self.taken)
                super().connection_made(transport)

            def data_received(self, data: bytes) -> None:
                self.taken += data
                super().data_received(data)

        return Recorded(config=self.reader.config, server_state=self.reader.state, app_state={})

    async def say(self, *pieces: bytes) -> list[int]:
        """Pieces of a stream to nginx, each read before the next; the statuses until nginx closes."""
        self.reader.whole.clear()
        for taken in self.sent:
            taken.clear()
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            async with asyncio.timeout(SECONDS):
                with suppress(ConnectionError):  # nginx closes on what it does not like
                    for piece in pieces:
                        writer.write(piece)
                        await writer.drain()
                        await asyncio.sleep(0)
                heard = bytearray()
                with suppress(ConnectionError):
                    while more := await reader.read(65536):
                        heard += more
        finally:
            writer.close()
        return statuses(bytes(heard))

    def forwarded(self) -> list[Seen]:
        """The requests in what nginx sent, as another reader finds them."""
        found: list[Seen] = []
        for taken in self.sent:
            found += as_h11_reads(bytes(taken))[0]
        return found


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def behind(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Behind]:
    tmp_path, port = tmp_path_factory.mktemp("nginx"), free_port()
    made = Behind(port)
    server = await asyncio.get_running_loop().create_server(made.connection, "127.0.0.1", 0)
    upstream = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    folder: Path = tmp_path / "nginx"
    configuration = configured(folder, dict.fromkeys(PLACES, upstream), f"127.0.0.1:{port}")
    nginx = subprocess.Popen(command(folder, configuration), stderr=subprocess.DEVNULL)  # noqa: ASYNC220 - it returns at once
    try:
        await is_up(port)
        yield made
    finally:
        nginx.terminate()
        nginx.wait()
        server.close()
        made.engine.close()


async def is_up(port: int) -> None:
    deadline = time.monotonic() + SECONDS
    while True:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            assert time.monotonic() < deadline
            await asyncio.sleep(0.02)
        else:
            writer.close()
            return


WITH_UPGRADES = {
    **{f"{name}: length": post(each) for name, each in FOREIGN.items()},
    **{f"{name}: chunks": chunked(each) for name, each in FOREIGN.items()},
    **{f"{name}: a body like a request": post(each, READYZ) for name, each in FOREIGN.items()},
    "a websocket with a body": upgrade(b"content-length: %d\r\n" % len(READYZ)) + READYZ,
    "a websocket with chunks": upgrade(b"transfer-encoding: chunked\r\n") + b"5\r\nhello\r\n0\r\n\r\n",
    "a websocket of the box office": upgrade(path=b"/api/v1/orders"),
    "a posted websocket": upgrade(method=b"POST", path=SOCKET + b"&sid=x"),
    "expect": post(EXPECT),
    "expect, and an early answer": post(EXPECT, path=b"/early").replace(b"/early", b"/x"),
}
ALL = {
    **{f"ambiguous: {name}": stream for name, stream in AMBIGUOUS.items()},
    **{f"fine: {name}": stream for name, (stream, _) in FINE.items()},
    **WITH_UPGRADES,
    **{f"stream {number}": stream for number, stream in enumerate(STREAMS)},
}


@pytest.mark.parametrize("stream", ALL.values(), ids=ALL)
async def test_nginx_and_we_see_the_same_requests(behind: Behind, stream: bytes) -> None:
    for pieces in ([stream + READYZ + LAST], [stream[: len(stream) // 2], stream[len(stream) // 2 :] + READYZ + LAST]):
        told = await behind.say(*pieces)
        seen, forwarded = Counter(behind.reader.whole), Counter(behind.forwarded())
        assert {one.target for one in seen} <= TARGETS
        assert seen <= forwarded
        if not WEBSOCKET.search(stream):  # of these we refuse some that nginx forwards
            assert seen == forwarded
        assert told.count(200) == seen.total()
