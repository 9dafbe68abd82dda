"""The host's switches, as the sockets of fans, staff and strangers feel them."""

import pytest

from tests.integration.clients import Client
from tests.integration.evening import Evening, denied, done, evening
from tests.integration.running import Liveroom

pytestmark = pytest.mark.asyncio(loop_scope="package")

SAY = {"text": "hello"}


async def code(socket: Client, command: str, payload: object = None) -> str:
    """OK or why not."""
    answer = await socket.send(command, payload)
    return "OK" if answer["ok"] else str(answer["error"]["code"])


@pytest.mark.parametrize(
    ("chat", "main", "vip"),
    [
        ("off", "CLOSED", "CLOSED"),
        ("vip", "TICKET_REQUIRED", "OK"),
        ("ticket", "OK", "OK"),
        ("everyone", "OK", "OK"),
    ],
)
async def test_chat_is_open_to_whom_its_switch_names(house: Liveroom, chat: str, main: str, vip: str) -> None:
    async with evening(house) as show:
        fan, lounge = await show.fan("mei", "main"), await show.fan("vic", "vip")
        await show.switch(chat=chat)
        assert (await code(fan, "danmaku", SAY), await code(lounge, "danmaku", SAY)) == (main, vip)
        assert await code(show.host, "danmaku", SAY) == "OK"  # no switch silences the staff


async def test_everybody_at_an_open_show_may_speak_where_chat_is_for_everyone(house: Liveroom) -> None:
    async with evening(house, access="open") as show:
        stranger = await show.fan("passer-by", None)
        refused = await denied(stranger, "danmaku", SAY)
        assert (refused["code"], refused["needs"], refused["show"]) == ("TICKET_REQUIRED", "main", show.show)
        await show.switch(chat="everyone")
        assert "danmaku" in (await stranger.wait("tier", lambda told: told["reason"] == "switches"))["permissions"]
        said = await done(stranger, "danmaku", SAY)
        heard = await show.host.wait("danmaku", lambda told: told["items"][0]["id"] == said["id"])
        assert heard["items"][0]["tier"] == "none"


async def test_the_foyer_of_a_ticketed_show_stays_silent_whatever_the_switches_say(house: Liveroom) -> None:
    async with evening(house, "doors") as show:
        stranger = await show.fan("passer-by", None)
        await show.switch(chat="everyone", gifts="everyone", cohost="everyone")
        await show.phase("live")
        for command, payload in (
            ("danmaku", SAY),
            ("gift", {"gift": "rose", "key": "key-of-a-stranger"}),
            ("like", {"count": 1}),
            ("cohost:request", {}),
        ):
            assert await code(stranger, command, payload) == "TICKET_REQUIRED"
        assert stranger.all("danmaku") == []


@pytest.mark.parametrize(
    ("switch", "command", "payload"),
    [
        ("gifts", "gift", {"gift": "rose", "key": "key-of-switches"}),
        ("cohost", "cohost:request", {}),
        ("likes", "like", {"count": 1}),
    ],
)
async def test_gifts_cohosting_and_likes_have_the_same_scale(
    house: Liveroom, switch: str, command: str, payload: dict[str, object]
) -> None:
    async with evening(house) as show:
        fan = await show.fan("mei", "main")
        await show.switch(**{switch: "off"})
        assert await code(fan, command, payload) == "CLOSED"
        await show.switch(**{switch: "vip"})
        refused = await denied(fan, command, payload)
        assert (refused["code"], refused["needs"]) == ("TICKET_REQUIRED", "vip")
        assert [product["tier"] for product in refused["products"]] == ["vip"]
        await show.switch(**{switch: "ticket"})
        assert await code(fan, command, payload) == "OK"


async def test_slow_mode_holds_fans_apart_and_not_the_staff(house: Liveroom) -> None:
    async with evening(house) as show:
        fan = await show.fan("mei")
        await show.switch(slow_ms=60_000)
        assert await code(fan, "danmaku", SAY) == "OK"
        refused = await denied(fan, "danmaku", SAY)
        assert (refused["code"], refused["retryable"]) == ("RATE_LIMITED", True)
        assert 50_000 < refused["retry_after_ms"] <= 60_000
        assert [await code(show.host, "danmaku", SAY) for _ in range(2)] == ["OK", "OK"]
        await show.switch(slow_ms=0)
        assert await code(fan, "danmaku", SAY) == "OK"


async def test_a_refused_text_does_not_start_the_wait_of_slow_mode(house: Liveroom) -> None:
    async with evening(house) as show:
        fan = await show.fan("mei")
        await show.switch(slow_ms=60_000, links=False)
        assert await code(fan, "danmaku", {"text": "see https://elsewhere.example/"}) == "LINKS_OFF"
        assert await code(fan, "danmaku", SAY) == "OK"


async def test_links_and_words_are_let_in_or_not_as_the_host_likes(house: Liveroom) -> None:
    async with evening(house) as show:
        fan = await show.fan("mei")
        link, emoji = {"text": "www.elsewhere.example"}, {"text": "🎉 👩‍🎤"}
        assert await code(fan, "danmaku", link) == "OK"
        await show.switch(links=False, emoji_only=True)
        assert [await code(fan, "danmaku", text) for text in (link, SAY, emoji)] == ["EMOJI_ONLY", "EMOJI_ONLY", "OK"]
        await show.switch(emoji_only=False)
        assert [await code(fan, "danmaku", text) for text in (link, SAY, emoji)] == ["LINKS_OFF", "OK", "OK"]
        assert await code(show.host, "danmaku", link) == "OK"


async def test_panic_narrows_the_room_with_one_button(house: Liveroom) -> None:
    async with evening(house, access="open") as show:
        stranger, fan = await show.fan("passer-by", None), await show.fan("mei")
        await show.switch(chat="everyone", gifts="off")
        assert await code(stranger, "danmaku", SAY) == "OK"
        room = await done(show.host, "panic")
        await show.told(room)
        switches = room["switches"]
        assert (switches["chat"], switches["slow_ms"], switches["links"]) == ("ticket", 5_000, False)
        assert switches["gifts"] == "off"  # what was narrower stays
        assert await code(stranger, "danmaku", SAY) == "TICKET_REQUIRED"
        assert await code(fan, "danmaku", {"text": "www.elsewhere.example"}) == "LINKS_OFF"
        assert [await code(fan, "danmaku", SAY) for _ in range(2)] == ["OK", "RATE_LIMITED"]


async def test_a_moderator_may_panic_and_may_not_flip_switches(house: Liveroom) -> None:
    async with evening(house) as show:
        moderator = await _moderator(show)
        assert await code(moderator, "room:switches", {"chat": "off"}) == "FORBIDDEN"
        assert await code(moderator, "panic") == "OK"


async def test_a_switch_that_does_not_exist_in_that_value_changes_nothing(house: Liveroom) -> None:
    async with evening(house) as show:
        refused = await denied(show.host, "room:switches", {"chat": "nobody", "links": False})
        assert (refused["code"], refused["field"]) == ("BAD_REQUEST", "chat")
        room = await done(show.host, "room:switches", {})
        assert (room["switches"]["chat"], room["switches"]["links"]) == ("ticket", True)


async def _moderator(show: Evening) -> Client:
    await show.role("mod", "moderator")
    return await show.enter("mod", "/console")
