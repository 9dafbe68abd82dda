"""Nothing of a socket outlives it: what only the garbage collector could end would stay for an evening."""

import asyncio
import gc
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

import pytest
import pytest_asyncio
from websockets.protocol import Protocol

from auth.situation import Phase
from gateway.engine.session import Session
from gateway.engine.socket import Socket
from gateway.engine.websocket import WebSocketConnection
from gateway.live.member import Member
from gateway.sockets.connection import Connection
from gateway.sockets.peer import Peer
from tests.gateway.sockets.raw import DISCONNECT, RawSocket, WebSocket, raw_socket
from tests.gateway.sockets.venue import Venue, venue

pytestmark = pytest.mark.asyncio(loop_scope="module")

KINDS = (Member, Connection, Peer, Socket, Session, WebSocketConnection, Protocol)
"""What there is for each socket; the last is the core of `websockets`, on the server's side."""
SECONDS = 5.0


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def hall(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Venue]:
    async with venue(tmp_path_factory.mktemp("hall")) as running:
        await running.phase(Phase.DOORS, Phase.LIVE, room=running.open_room)
        yield running


@pytest.fixture(autouse=True)
def no_collector() -> Iterator[None]:
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def alive() -> Counter[str]:
    return Counter(type(one).__name__ for one in gc.get_objects() if type(one) in KINDS)


async def leave(fan: RawSocket) -> None:
    await fan.say(DISCONNECT, "/live")


async def cut(fan: RawSocket) -> None:
    assert isinstance(fan.transport, WebSocket)
    fan.transport.connection.transport.abort()


async def close(fan: RawSocket) -> None:
    assert isinstance(fan.transport, WebSocket)
    await fan.transport.connection.close()


async def break_a_frame(fan: RawSocket) -> None:
    assert isinstance(fan.transport, WebSocket)
    fan.transport.connection.transport.write(b"\x83\x00")
    await fan.until_end()


@pytest.mark.parametrize("codec", ["json", "msgpack"])
@pytest.mark.parametrize(
    ("transport", "end"),
    [
        *(("websocket", end) for end in (leave, cut, close, break_a_frame)),
        ("polling", leave),
    ],
)
async def test_a_socket_leaves_nothing_to_the_collector(
    hall: Venue, codec: str, transport: str, end: Callable[[RawSocket], Awaitable[None]]
) -> None:
    before = alive()
    async with raw_socket(hall.url, codec=codec, transport=transport) as fan:
        await fan.enter(token=hall.token(), room=hall.open_room)
        assert (await fan.ask("like", {"count": 1}))["ok"]
        assert alive() > before
        await end(fan)
    async with asyncio.timeout(SECONDS):
        while alive() - before:
            await asyncio.sleep(0.05)
