"""The seat of a ticket: asked for first, taken over, taken back; through one gateway."""

import asyncio
from pathlib import Path

import pytest

from tests.gateway.sockets.raw import CONNECT, raw_socket
from tests.integration.conftest import UNHURRIED
from tests.integration.evening import Evening, evening
from tests.integration.running import Liveroom, liveroom

pytestmark = pytest.mark.asyncio(loop_scope="package")


async def test_who_asks_first_is_told_that_the_seat_is_taken_and_may_take_it_over(house: Liveroom) -> None:
    async with evening(house, "live") as show:
        phone = await show.fan("fan", device="phone", takeover="ask")
        refused = await show.refusal("fan", device="laptop", takeover="ask")
        assert refused == {"code": "SEAT_TAKEN", "retryable": False, "devices": 1}
        assert phone.all("bye") == []
        laptop = await show.enter("fan", device="laptop", takeover="yes")
        assert await phone.wait("bye") == {"code": "SEAT_TAKEN", "retryable": False}
        assert (await show.refusal("fan", device="phone", takeover="ask"))["code"] == "SEAT_TAKEN"
        assert laptop.all("bye") == []


async def test_a_device_that_asks_takes_the_place_of_its_own_socket(house: Liveroom) -> None:
    async with evening(house, "live") as show:
        before = await show.fan("fan", device="phone", takeover="ask")
        after = await show.enter("fan", device="phone", takeover="ask")
        assert (await before.wait("bye"))["code"] == "SEAT_TAKEN"
        assert after.all("bye") == []


async def test_a_seat_that_was_left_is_not_taken(house: Liveroom) -> None:
    async with evening(house, "live") as show:
        await show.ticket("fan")
        async with raw_socket(house.url) as phone:
            await phone.enter(token=show.token("fan"), room=show.room, device="phone")
            assert (await show.refusal("fan", device="laptop", takeover="ask"))["code"] == "SEAT_TAKEN"
        async with asyncio.timeout(5):
            while not await welcome(show, device="laptop"):  # the gateway may hear of the laptop first
                pass


async def welcome(show: Evening, **auth: str) -> bool:
    """Whether the fan is let in where they ask first."""
    async with raw_socket(show.house.url) as fan:
        answer = await fan.connect(token=show.token("fan"), room=show.room, takeover="ask", **auth)
        return answer.kind == CONNECT


async def test_nobody_asks_in_vain_where_no_seat_is_needed(house: Liveroom) -> None:
    async with evening(house, "presale") as show:
        for device in ("phone", "laptop"):
            await show.enter("fan", device=device, takeover="ask")
        for device in ("phone", "laptop"):
            await show.enter("host", device=device, takeover="ask")
        assert all(socket.all("bye") == [] for socket in show.inside)


async def test_the_refusal_says_how_many_devices_would_have_to_make_way(tmp_path: Path) -> None:
    async with liveroom(tmp_path, **UNHURRIED, sockets_per_seat=2) as house, evening(house, "live") as show:
        await show.fan("fan", device="phone")
        await show.enter("fan", device="tv", takeover="ask")
        assert (await show.refusal("fan", device="laptop", takeover="ask"))["devices"] == 2
