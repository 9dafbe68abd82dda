"""The official clients on our engine: whatever they can do, over each transport and with each parser."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
import socketio
from socketio.msgpack_packet import MsgPackPacket

from tests import protocol_app

pytestmark = pytest.mark.asyncio(loop_scope="module")

SCRIPT = Path(__file__).parents[2] / "clients" / "protocol.mjs"
DEADLINE_SECONDS = 20.0
PONG_SECONDS = 5.0
"""A client that starts on a busy machine is no test of the heartbeat."""
HELD = ["isLetIn", "keepsOrder", "isCarriedAsAsked", "saysAnything", "sharesItsTransport", "livesOn", "comesBack"]
NUMBERED = 200
TRANSPORTS = {"websocket": ["websocket"], "polling": ["polling"], "upgrade": ["polling", "websocket"]}


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=["json", "msgpack"])
async def app(request: pytest.FixtureRequest) -> AsyncIterator[tuple[str, str]]:
    """URL and codec of a running protocol app."""
    async with protocol_app.running("socketio", request.param, pong_seconds=PONG_SECONDS) as url:
        yield url, request.param


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_the_javascript_client_can_do_all_it_knows(app: tuple[str, str], transport: str) -> None:
    url, codec = app
    arguments = [str(SCRIPT), url, "--codec", codec, "--transport", transport]
    process = await asyncio.create_subprocess_exec(
        "node", *arguments, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    out, err = await asyncio.wait_for(process.communicate(), DEADLINE_SECONDS)
    assert (process.returncode, err.decode(), out.decode().split()) == (0, "", HELD)


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_the_python_client_can_do_all_it_knows(app: tuple[str, str], transport: str) -> None:
    url, codec = app
    heard = asyncio.Queue[tuple[str, list[Any]]]()
    client = socketio.AsyncClient(reconnection=False, serializer="default" if codec == "json" else MsgPackPacket)

    async def keep(event: str, *data: Any) -> Any:
        await heard.put((event, list(data)))
        return "because", b"\x01\xff"  # taken as the ack where the server asked for one

    client.on("*", keep)
    async with asyncio.timeout(DEADLINE_SECONDS):
        await client.connect(url, auth={"token": "123"}, transports=TRANSPORTS[transport])
        try:
            assert await heard.get() == ("auth", [{"token": "123"}])
            for number in range(NUMBERED):
                await client.emit("message", number)
            assert [await heard.get() for _ in range(NUMBERED)] == [("message-back", [n]) for n in range(NUMBERED)]
            assert await client.call("message-with-ack", {"deep": [b"\x00", "安可"]}) == {"deep": [b"\x00", "安可"]}
            await client.emit("ask", "why")
            assert [await heard.get() for _ in range(2)] == [
                ("question", ["why"]),
                ("answered", ["because", b"\x01\xff"]),
            ]
            assert client.transport() == ("polling" if transport == "polling" else "websocket")
        finally:
            await client.disconnect()
