"""Clients whose parser and path do not fit, and what parsers make of nothing: answered at once, in their own words."""

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

import msgpack
import pytest
import pytest_asyncio

from tests.gateway.sockets.raw import CONNECT, CONNECT_ERROR, EVENT, PATHS, Closed, raw_socket
from tests.gateway.sockets.venue import Venue, venue
from tests.integration.clients import Client

pytestmark = pytest.mark.asyncio(loop_scope="module")

WITHIN_SECONDS = 5.0
UNDEFINED = msgpack.ExtType(0, b"\x00")
OTHER = {"json": "msgpack", "msgpack": "json"}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def hall(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Venue]:
    async with venue(tmp_path_factory.mktemp("hall")) as running:
        yield running


@pytest.mark.parametrize("transport", ["websocket", "polling"])
@pytest.mark.parametrize("auth", [UNDEFINED, None, {}, {"token": UNDEFINED, "room": UNDEFINED}, {"token": None}])
async def test_a_msgpack_client_without_auth_is_refused_with_a_code(hall: Venue, transport: str, auth: Any) -> None:
    async with raw_socket(hall.url, codec="msgpack", transport=transport) as fan:
        await fan.say(CONNECT, "/live", auth)
        refused = await fan.next()
        assert (refused.kind, refused.namespace) == (CONNECT_ERROR, "/live")
        assert refused.data == {"message": "TOKEN_INVALID", "data": {"code": "TOKEN_INVALID", "retryable": False}}
        # and the same transport is let in once it says who it is
        await fan.enter(token=hall.token(), room=hall.room)


@pytest.mark.parametrize("codec", ["json", "msgpack"])
async def test_a_connect_packet_without_the_field_is_refused_with_a_code(hall: Venue, codec: str) -> None:
    async with raw_socket(hall.url, codec=codec) as fan:
        await fan.say(CONNECT, "/live")
        assert (await fan.next()).data["message"] == "TOKEN_INVALID"


async def test_undefined_is_absent_wherever_it_stands(hall: Venue) -> None:
    async with raw_socket(hall.url, codec="msgpack") as fan:
        await fan.say(CONNECT, "/live", {"token": hall.token(), "room": hall.room, "cursor": UNDEFINED})
        assert (await fan.next()).kind == CONNECT
        assert (await fan.ask("streams:refresh", UNDEFINED))["ok"]
        assert (await fan.ask("clock", {"t0": 1, "more": UNDEFINED}))["ok"]
        missing = await fan.ask("clock", UNDEFINED)
        assert missing["error"] == {"code": "BAD_REQUEST", "retryable": False, "field": "t0"}


async def test_an_event_without_an_id_as_undefined_is_handled_without_an_ack(hall: Venue) -> None:
    async with raw_socket(hall.url, codec="msgpack") as fan:
        await fan.enter(token=hall.token(), room=hall.room)
        fields = {"type": EVENT, "nsp": "/live", "data": ["clock", {"t0": 1}], "id": UNDEFINED}
        await fan.transport.send(msgpack.packb(fields))
        answered = await fan.ask("clock", {"t0": 2})
        assert answered["data"]["t0"] == 2
        assert sum(one.ack_id is not None for one in fan.heard) == 1


@pytest.mark.parametrize("transport", ["websocket", "polling"])
@pytest.mark.parametrize("codec", ["json", "msgpack"])
@pytest.mark.parametrize("namespace", ["/live", "/console"])
async def test_the_wrong_parser_is_refused_in_its_own_words_and_ended(
    hall: Venue, transport: str, codec: str, namespace: str
) -> None:
    async with raw_socket(hall.url, codec=codec, path_of=OTHER[codec], transport=transport) as fan:
        asked = time.monotonic()
        await fan.say(CONNECT, namespace, {"token": hall.token(), "room": hall.room})
        refused = await fan.next()
        while refused.namespace != namespace:
            refused = await fan.next()
        assert refused.kind == CONNECT_ERROR
        assert refused.data == {
            "message": "BAD_REQUEST",
            "data": {"code": "BAD_REQUEST", "retryable": False, "field": "parser", "expected": OTHER[codec]},
        }
        assert time.monotonic() - asked < WITHIN_SECONDS
        assert isinstance(await fan.until_end(), Closed)


@pytest.mark.parametrize("transport", ["websocket", "polling"])
@pytest.mark.parametrize("codec", ["json", "msgpack"])
async def test_the_official_client_with_the_wrong_parser_is_told_why(hall: Venue, transport: str, codec: str) -> None:
    fan = Client(hall.url, "/live", codec, [transport])
    path = PATHS[OTHER[codec]].strip("/")
    auth = {"token": hall.token(), "room": hall.room}
    try:
        # the client's own wait goes on after a refusal, so that only its handler tells when it came
        await fan.sio.connect(
            hall.url, auth=auth, namespaces=["/live"], transports=[transport], socketio_path=path, wait=False
        )
        async with asyncio.timeout(WITHIN_SECONDS):
            while fan.refusal is None:
                await asyncio.sleep(0.01)
    finally:
        await fan.close()
    assert fan.refusal["message"] == "BAD_REQUEST"
    assert fan.refusal["data"]["expected"] == OTHER[codec]
