"""Sockets that are inside: promoted, moved out, told in time, and never ended without a word."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from auth.denials import RETRYABLE, Code
from tests.gateway.sockets.raw import DISCONNECT, EVENT, Closed, RawSocket, WebSocket, raw_socket
from tests.integration.clients import connected
from tests.integration.conftest import UNHURRIED
from tests.integration.evening import denied, done, evening
from tests.integration.running import Liveroom, liveroom
from tests.integration.test_door import token_of

pytestmark = pytest.mark.asyncio(loop_scope="package")

WITHIN_SECONDS = 1.0
every_wire = pytest.mark.parametrize(
    ("codec", "transport"), [(codec, way) for codec in ("json", "msgpack") for way in ("websocket", "polling")]
)


# ---- the foyer of a ticketed show ------------------------------------------------------------------


async def test_who_is_inside_stays_in_the_foyer_when_a_ticketed_show_goes_live_and_is_promoted_when_they_pay(
    house: Liveroom,
) -> None:
    async with evening(house, "presale") as show:
        waiting = await show.enter("waiting")
        speaker = await show.fan("speaker")
        await show.phase("doors", "live")
        assert (await show.refusal("stranger"))["code"] == "TICKET_REQUIRED"  # from outside nobody gets in
        await done(speaker, "danmaku", {"text": "for ticket holders"})
        await speaker.wait("danmaku")
        room = await waiting.wait("room", lambda one: one["phase"] == "live")
        assert room["version"] > 0
        assert (await denied(waiting, "danmaku", {"text": "let me in"}))["code"] == "TICKET_REQUIRED"
        assert (await done(waiting, "streams:refresh"))["grants"] == []
        assert waiting.all("danmaku") == waiting.all("tier") == waiting.all("bye") == []

        order = await house.order(show.token("waiting"), show.show, show.products["vip"], f"late-{show.show}")
        await waiting.wait("order", lambda one: one["state"] == "pending")
        await house.cashier(order["pay_url"])
        tier = await waiting.wait("tier", seconds=WITHIN_SECONDS)
        assert (tier["tier"], tier["reason"]) == ("vip", "purchase")
        assert [grant["stream"] for grant in tier["streams"]] == ["main", "vip"]
        await done(speaker, "danmaku", {"text": "welcome"})
        assert (await waiting.wait("danmaku"))["items"][0]["text"] == "welcome"
        await done(waiting, "danmaku", {"text": "thank you"})
        assert not waiting.disconnected.is_set()


# ---- seats -------------------------------------------------------------------------------------------


@every_wire
async def test_the_newest_device_of_a_ticket_stays(house: Liveroom, codec: str, transport: str) -> None:
    async with evening(house, "live") as show:
        await show.ticket("fan")
        auth = {"token": show.token("fan"), "room": show.room}
        async with (
            raw_socket(house.url, codec=codec, transport=transport) as phone,
            raw_socket(house.url, codec=codec, transport=transport) as laptop,
        ):
            await phone.enter(device="phone", **auth)
            welcome = await laptop.enter(device="laptop", **auth)
            assert welcome["you"]["tier"] == "main"
            assert_terminal(phone, await phone.until_end(), Code.SEAT_TAKEN)
            assert (await laptop.ask("danmaku", {"text": "here"}))["ok"]
            assert "bye" not in laptop.events()


async def test_a_foyer_has_room_for_every_device_until_a_ticket_is_bought(house: Liveroom) -> None:
    async with evening(house, "presale") as show:
        phone, laptop = await show.enter("fan"), await show.enter("fan")
        assert phone.all("bye") == laptop.all("bye") == []
        await show.ticket("fan")
        assert (await phone.wait("bye"))["code"] == "SEAT_TAKEN"
        await laptop.wait("tier", lambda one: one["tier"] == "main")
        assert laptop.all("bye") == []


async def test_consoles_and_staff_take_no_seat(house: Liveroom) -> None:
    async with evening(house, "live") as show:
        watching = [await show.enter("host"), await show.enter("host"), await show.enter("host", "/console")]
        assert all(one.all("bye") == [] for one in (show.host, *watching))


async def test_so_many_devices_as_the_operator_allows_may_use_a_ticket(tmp_path: Path) -> None:
    async with liveroom(tmp_path, **UNHURRIED, sockets_per_seat=2) as house, evening(house, "live") as show:
        await show.ticket("fan")
        first, second, third = [await show.enter("fan") for _ in range(3)]
        assert (await first.wait("bye"))["code"] == "SEAT_TAKEN"
        assert second.all("bye") == third.all("bye") == []


# ---- tokens ------------------------------------------------------------------------------------------


async def test_a_token_is_announced_before_its_end_renewed_by_its_owner_and_ends_the_socket_else(
    house: Liveroom,
) -> None:
    async with evening(house, "presale") as show:

        def brief(user: str) -> dict[str, str]:
            return {"token": token_of(house, user, expires_in_seconds=2.5), "room": show.room}

        async with (
            raw_socket(house.url) as silent,
            raw_socket(house.url, transport="polling") as polled,
            raw_socket(house.url, codec="msgpack") as renewed,
            raw_socket(house.url) as mistaken,
            raw_socket(house.url) as steering,
        ):
            for fan, user in ((silent, "silent"), (polled, "polled"), (renewed, "renewed"), (mistaken, "mistaken")):
                await fan.enter(**brief(user))
            await steering.enter("/console", **brief("host"))
            for fan in (silent, polled, renewed, mistaken, steering):
                assert (await fan.event("token:expiring"))["expires_ms"] > 0
                assert fan.events()[0] == "welcome"
            for namespace, fan, user in (("/live", renewed, "renewed"), ("/console", steering, "host")):
                answer = await fan.ask("token:refresh", {"token": token_of(house, user)}, namespace=namespace)
                assert answer["ok"], answer
                assert answer["data"]["expires_ms"] > (await fan.event("token:expiring"))["expires_ms"]
            for wrong, code in (
                (token_of(house, "somebody-else"), "FORBIDDEN"),
                (token_of(house, "mistaken", secret="another-secret-of-32-bytes-or-more"), "TOKEN_INVALID"),
                (token_of(house, "mistaken", expires_in_seconds=-11), "TOKEN_EXPIRED"),
            ):
                error = (await mistaken.ask("token:refresh", {"token": wrong}))["error"]
                assert (error["code"], error["retryable"]) == (code, False)
            for fan in (silent, polled, mistaken):
                assert_terminal(fan, await fan.until_end(), Code.TOKEN_EXPIRED)
            # those who renewed have outlived their first token
            assert (await renewed.ask("clock", {"t0": 1}))["ok"]
            assert (await steering.ask("clock", {"t0": 1}, namespace="/console"))["ok"]
            assert "bye" not in renewed.events() + steering.events()


# ---- every end is announced ------------------------------------------------------------------------------


def assert_announced(fan: RawSocket, code: Code) -> None:
    """`bye` with its code is the last event."""
    assert fan.events()[-1] == "bye", fan.events()
    farewell = next(one for one in fan.heard if one.event == "bye").data[1]
    assert farewell["code"] == code
    assert farewell["retryable"] is (code in RETRYABLE)


def assert_terminal(fan: RawSocket, end: Closed, code: Code) -> None:
    """`bye`, then DISCONNECT, so that official clients stay away; the code is the WebSocket's reason."""
    assert_announced(fan, code)
    assert [one.kind for one in fan.heard[-2:]] == [EVENT, DISCONNECT]
    assert code not in RETRYABLE
    if isinstance(fan.transport, WebSocket):
        assert end == Closed(1000, code.value)


ENDS: dict[Code, tuple[str, dict[str, Any]]] = {
    Code.KICKED: ("kick", {"user": "fan"}),
    Code.BANNED: ("ban", {"user": "fan"}),
    Code.ROOM_ENDED: ("show:phase", {"phase": "ended"}),
    Code.ROOM_CANCELLED: ("show:phase", {"phase": "cancelled"}),
}


@every_wire
@pytest.mark.parametrize("code", ENDS)
async def test_who_is_sent_out_is_told_why_and_stays_out_as_long_as_the_reason_holds(
    house: Liveroom, codec: str, transport: str, code: Code
) -> None:
    async with evening(house, "paused" if code in {Code.ROOM_ENDED, Code.ROOM_CANCELLED} else "live") as show:
        await show.ticket("fan")
        auth = {"token": show.token("fan"), "room": show.room}
        async with raw_socket(house.url, codec=codec, transport=transport) as fan:
            await fan.enter(**auth)
            command, payload = ENDS[code]
            assert (await show.host.send(command, payload))["ok"]
            assert_terminal(fan, await fan.until_end(), code)
        async with raw_socket(house.url, codec=codec) as again:
            answer = await again.connect(**auth)
            assert (answer.data.get("message") or "welcome") == ("welcome" if code is Code.KICKED else code)


async def test_every_socket_of_an_ended_show_ends_but_its_consoles(house: Liveroom) -> None:
    async with evening(house, "paused") as show:
        inside = [await show.fan("ticket"), await show.enter("host")]
        steering = await show.enter("host", "/console")
        assert (await show.host.send("show:phase", {"phase": "ended"}))["ok"]
        for socket in inside:
            assert await socket.wait("bye") == {"code": "ROOM_ENDED", "retryable": False}
            await socket.gone()
        assert (await show.host.send("show:phase", {"phase": "replay"}))["ok"]
        assert steering.all("bye") == show.host.all("bye") == []


async def test_a_cancelled_show_ends_its_consoles_too(house: Liveroom) -> None:
    async with evening(house, "doors") as show:
        steering = await show.enter("host", "/console")
        answer = await show.host.send("show:phase", {"phase": "cancelled"})
        assert answer["ok"]  # the ack comes before the end
        assert (await steering.wait("bye"))["code"] == "ROOM_CANCELLED"
        assert (await show.host.wait("bye"))["code"] == "ROOM_CANCELLED"


async def test_one_namespace_of_a_transport_ends_and_the_other_lives_on(house: Liveroom) -> None:
    async with evening(house, "paused") as show, raw_socket(house.url) as both:
        auth = {"token": show.token("host"), "room": show.room}
        await both.enter("/live", **auth)
        await both.enter("/console", **auth)
        assert (await both.ask("show:phase", {"phase": "ended"}, namespace="/console"))["ok"]
        bye = await both.event("bye")
        assert bye["code"] == "ROOM_ENDED"
        assert (await both.ask("clock", {"t0": 1}, namespace="/console"))["ok"]
        ends = [(one.namespace, one.kind) for one in both.heard if one.kind == DISCONNECT or one.event == "bye"]
        assert ends == [("/live", EVENT), ("/live", DISCONNECT)]


async def test_after_bye_nothing_more_is_said_or_handled(house: Liveroom) -> None:
    async with (
        evening(house, "live") as show,
        connected(house.url, token=show.token("host"), room=show.room) as on,
    ):
        await show.ticket("fan")
        async with raw_socket(house.url, transport="polling") as fan:
            await fan.enter(token=show.token("fan"), room=show.room)
            assert (await show.host.send("kick", {"user": "fan"}))["ok"]
            bye = asyncio.create_task(fan.event("bye"))
            await bye
            await fan.emit("danmaku", {"text": "the last word"})
            await done(on, "danmaku", {"text": "goodbye"})
            await on.wait("danmaku", lambda one: one["items"][0]["text"] == "goodbye")
            await fan.until_end()
            assert fan.events()[-1] == "bye"
        assert [one["items"][0]["text"] for one in on.all("danmaku")] == ["goodbye"]


async def test_a_socket_that_does_not_read_is_cut_as_slow_and_may_come_back(house: Liveroom) -> None:
    async with evening(house, "live") as show:
        await show.ticket("fan")
        speaker = await show.enter("host")
        async with raw_socket(house.url, transport="polling") as fan:  # polls only when it is asked to
            await fan.enter(token=show.token("fan"), room=show.room)
            await speaker.wait("presence", lambda one: one["online"] == 2)
            async with asyncio.timeout(3 * house.settings.outbox_seconds):
                while speaker.all("presence")[-1]["online"] == 2:
                    await done(speaker, "danmaku", {"text": "anybody there?"})
                    await asyncio.sleep(0.2)
            end = await fan.until_end()
            assert_announced(fan, Code.SLOW)
            assert not any(one.kind == DISCONNECT for one in fan.heard), end
        await show.enter("fan")
