"""tests/clients/both.mjs: the official JavaScript client with both namespaces on one transport."""

import asyncio
from pathlib import Path

import pytest

from tests.integration.evening import evening
from tests.integration.running import Liveroom

pytestmark = pytest.mark.asyncio(loop_scope="package")

BOTH = Path(__file__).parents[1] / "clients" / "both.mjs"
SECONDS = 30.0
HELD = [
    "comeInTogether",
    "areCarriedByOneTransport",
    "hearTheSame",
    "leaveAndComeBackAlone",
    "changeTheirMinds",
    "comeBackTogether",
    "endAlone",
]


@pytest.mark.parametrize("codec", ["json", "msgpack"])
@pytest.mark.parametrize("transport", ["websocket", "polling", "upgrade"])
async def test_both_namespaces_of_the_official_client_live_on_one_transport(
    house: Liveroom, codec: str, transport: str
) -> None:
    async with evening(house) as show:
        arguments = [str(BOTH), house.url, "--room", show.room, "--codec", codec, "--transport", transport]
        process = await asyncio.create_subprocess_exec(
            "node",
            *arguments,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        out, err = await asyncio.wait_for(process.communicate(f"{show.token('host')}\n".encode()), SECONDS)
        assert (process.returncode, err.decode(), out.decode().split()) == (0, "", HELD)
