"""Mutes, kicks, bans, retractions, pins and announcements on real sockets."""

from pathlib import Path

import pytest

from gateway.contract.scalars import FOREVER_MS
from gateway.setup import clock
from tests.integration.clients import Client
from tests.integration.conftest import UNHURRIED
from tests.integration.evening import denied, done, evening
from tests.integration.running import Liveroom, liveroom

pytestmark = pytest.mark.asyncio(loop_scope="package")

MINUTE_MS = 60_000
SAY = {"text": "hello"}


async def test_a_mute_silences_one_viewer_until_it_is_lifted(house: Liveroom) -> None:
    async with evening(house) as show:
        fan, other = await show.fan("mei"), await show.fan("li")
        await done(show.host, "mute", {"user": "mei"})
        notice = await fan.wait("inbox")
        assert (notice["kind"], notice["until_ms"]) == ("muted", None)
        refused = await denied(fan, "danmaku", SAY)
        assert (refused["code"], refused.get("retry_after_ms")) == ("MUTED", None)
        assert (await denied(fan, "cohost:request", {"message": "me"}))["code"] == "MUTED"
        await done(other, "danmaku", SAY)
        assert other.all("inbox") == []

        again = await show.enter("mei")
        assert (await again.wait("welcome"))["you"]["muted_until_ms"] == FOREVER_MS
        await done(show.host, "unmute", {"user": "mei"})
        await again.wait("inbox", lambda told: told["kind"] == "unmuted")
        await done(again, "danmaku", SAY)
        assert (await denied(show.host, "unmute", {"user": "mei"}))["code"] == "NOT_FOUND"


async def test_a_mute_with_minutes_ends_by_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ahead_ms, real = [0], clock.now_ms
    monkeypatch.setattr(clock, "now_ms", lambda: real() + ahead_ms[0])
    async with liveroom(tmp_path, **UNHURRIED) as house, evening(house) as show:
        fan = await show.fan("mei")
        before_ms = clock.now_ms()
        await done(show.host, "mute", {"user": "mei", "minutes": 1})
        until_ms = (await fan.wait("inbox"))["until_ms"]
        assert before_ms + MINUTE_MS <= until_ms <= clock.now_ms() + MINUTE_MS
        refused = await denied(fan, "danmaku", SAY)
        assert refused["code"] == "MUTED"
        assert 0 < refused["retry_after_ms"] <= MINUTE_MS
        ahead_ms[0] = MINUTE_MS - 20_000
        assert (await denied(fan, "danmaku", SAY))["retry_after_ms"] <= 20_000
        ahead_ms[0] = MINUTE_MS
        await done(fan, "danmaku", SAY)
        again = await show.enter("mei")
        assert (await again.wait("welcome"))["you"]["muted_until_ms"] is None


async def test_a_kick_closes_every_socket_of_a_viewer_once(house: Liveroom) -> None:
    async with evening(house, "doors") as show:
        foyer = [await show.fan("wanderer", None) for _ in range(2)]
        await done(show.host, "kick", {"user": "wanderer"})
        for socket in foyer:
            assert (await socket.wait("bye"))["code"] == "KICKED"
            await socket.gone()
        await show.enter("wanderer")


async def test_a_ban_keeps_a_viewer_out_until_it_is_lifted(house: Liveroom) -> None:
    async with evening(house) as show:
        fan = await show.fan("mei")
        await done(show.host, "ban", {"user": "mei"})
        bye = await fan.wait("bye")
        assert (bye["code"], bye["retryable"]) == ("BANNED", False)
        assert (await show.refusal("mei"))["code"] == "BANNED"
        await done(show.host, "unban", {"user": "mei"})
        await show.host.wait("audit", lambda told: told["items"][-1]["action"] == "unban")
        await show.enter("mei")


async def test_nobody_disciplines_their_equals_or_those_above(house: Liveroom) -> None:
    async with evening(house) as show:
        for moderator in ("mod", "mod-2"):
            await show.role(moderator, "moderator")
        mod = await show.enter("mod", "/console")
        for user in ("mod-2", "host", "operator", "mod"):
            for command in ("mute", "kick", "ban"):
                assert (await denied(mod, command, {"user": user}))["code"] == "FORBIDDEN"
        await done(show.host, "mute", {"user": "mod"})


async def test_a_danmaku_taken_back_leaves_every_screen_and_its_pin(house: Liveroom) -> None:
    async with evening(house) as show:
        fan, other = await show.fan("mei"), await show.fan("li")
        item = await said(fan, "regrettable")
        await done(show.host, "pin", {"id": item})
        await other.wait("pins", lambda pins: [pin["id"] for pin in pins["items"]] == [item])
        mark = other.mark()
        await done(show.host, "retract", {"id": item})
        assert (await other.wait("retract"))["items"] == [{"id": item}]
        assert (await other.wait("pins", since=mark))["items"] == []
        await done(show.host, "retract", {"id": item})  # idempotent
        await said(fan, "marker")
        await other.wait("danmaku", lambda told: told["items"][0]["text"] == "marker")
        assert len(other.all("retract")) == 1
        assert (await denied(show.host, "retract", {"id": "never said"}))["code"] == "NOT_FOUND"
        assert (await denied(show.host, "pin", {"id": item}))["code"] == "NOT_FOUND"


async def test_a_foyer_sees_announcements_and_no_pinned_danmaku(house: Liveroom) -> None:
    async with evening(house, "doors") as show:
        fan, foyer = await show.fan("mei"), await show.fan("passer-by", None)
        item = await said(fan, "for those inside")
        await done(show.host, "pin", {"id": item})
        pins = await done(show.host, "announce", {"text": "Doors are  open\u202e"})
        assert [pin["kind"] for pin in pins["items"]] == ["danmaku", "announcement"]
        inside = await fan.wait("pins", lambda told: len(told["items"]) == 2)
        outside = await foyer.wait("pins", lambda told: told["items"] != [])
        assert inside["items"] == pins["items"]
        assert outside["items"] == pins["items"][1:]
        assert outside["items"][0]["text"] == "Doors are open"
        assert "for those inside" not in str(foyer.heard)
        for user, expected in (("mei", pins["items"]), ("passer-by", outside["items"])):
            assert (await (await show.enter(user)).wait("welcome"))["pins"]["items"] == expected
        mark = foyer.mark()
        await done(show.host, "unpin", {"id": outside["items"][0]["id"]})
        assert (await foyer.wait("pins", since=mark))["items"] == []


async def test_who_comes_in_sees_the_pins_of_those_inside_and_who_is_sent_out_does_not(house: Liveroom) -> None:
    # A fan who bought in the foyer kept the foyer's pins until somebody changed them.
    async with evening(house, "doors") as show:
        fan, late = await show.fan("mei"), await show.fan("late", None)
        item = await said(fan, "for those inside")
        await done(show.host, "pin", {"id": item})
        await fan.wait("pins")
        mark = late.mark()
        order = await show.ticket("late")
        await late.wait("tier", lambda told: told["tier"] == "main")
        inside = await late.wait("pins", lambda told: told["items"] != [], since=mark)
        assert [pin["id"] for pin in inside["items"]] == [item]
        mark = late.mark()
        await show.refund("late", order)
        await late.wait("tier", lambda told: told["tier"] == "none")
        assert (await late.wait("pins", since=mark))["items"] == []


async def said(socket: Client, text: str) -> str:
    item: str = (await done(socket, "danmaku", {"text": text}))["id"]
    return item
