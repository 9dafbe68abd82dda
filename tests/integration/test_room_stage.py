"""Coming on stage: asked for, invited, granted, full, left and lost."""

from typing import Any

import pytest

from gateway.live.upkeep import Upkeep
from tests.integration.clients import Client
from tests.integration.evening import Evening, denied, done, evening
from tests.integration.running import Liveroom

pytestmark = pytest.mark.asyncio(loop_scope="package")


async def state(socket: Client, wanted: str, **more: object) -> dict[str, Any]:
    """The newest `cohost` event once it says so."""
    wish = {"state": wanted, **more}
    found: dict[str, Any] = await socket.wait("cohost", lambda told: wish.items() <= told.items())
    return found


async def stage(socket: Client, *users: str) -> dict[str, Any]:
    """The `stage` event with these on it."""
    found: dict[str, Any] = await socket.wait(
        "stage", lambda told: [member["user"] for member in told["members"]] == list(users)
    )
    return found


async def may_publish(show: Evening, grant: dict[str, Any]) -> int:
    """What the media server is told about a grant."""
    answer = await show.house.http.get("/media/auth/nginx", headers={"x-original-uri": path_of(show.house, grant)})
    return answer.status_code


def path_of(house: Liveroom, grant: dict[str, Any]) -> str:
    url: str = grant["url"]
    return url.removeprefix(house.url)


async def on_stage(show: Evening, user: str) -> Client:
    """A fan who asked and was let on."""
    fan = await show.fan(user)
    await done(fan, "cohost:request", {})
    await done(show.host, "cohost:approve", {"user": user})
    await state(fan, "on_stage")
    return fan


async def test_a_request_waits_in_the_hosts_queue_and_is_granted_with_a_right_to_publish(house: Liveroom) -> None:
    async with evening(house) as show:
        fan, other = await show.fan("mei"), await show.fan("li", "vip")
        asked = await done(fan, "cohost:request", {"message": " let me  sing "})
        assert (asked["state"], asked.get("grant")) == ("requested", None)
        await done(other, "cohost:request", {})
        queue = await show.host.wait("cohost:queue", lambda told: len(told["items"]) == 2)
        assert [(item["user"], item["tier"], item["state"], item["message"]) for item in queue["items"]] == [
            ("mei", "main", "requested", "let me sing"),
            ("li", "vip", "requested", ""),
        ]
        assert fan.all("cohost:queue") == []  # for consoles only
        await done(show.host, "cohost:approve", {"user": "mei"})
        granted = await state(fan, "on_stage")
        assert granted["grant"]["right"] == "publish"
        assert granted["version"] > asked["version"]
        assert await may_publish(show, granted["grant"]) == 204
        told = await stage(other, "mei")
        assert told["capacity"] == 4
        welcome = await (await show.enter("mei")).wait("welcome")
        assert welcome["you"]["cohost"]["state"] == "on_stage"
        assert welcome["you"]["cohost"]["grant"]["right"] == "publish"
        assert [member["user"] for member in welcome["stage"]["members"]] == ["mei"]


async def test_a_request_can_be_taken_back_or_turned_down(house: Liveroom) -> None:
    async with evening(house) as show:
        fan = await show.fan("mei")
        await done(fan, "cohost:request", {})
        assert (await denied(fan, "cohost:request", {}))["code"] == "STAGE_STATE"
        assert (await done(fan, "cohost:cancel"))["state"] == "idle"
        await state(fan, "idle", reason="cancelled")
        await show.host.wait("cohost:queue", lambda told: told["items"] == [] and told["version"] > 1)
        await done(fan, "cohost:request", {})
        await done(show.host, "cohost:reject", {"user": "mei"})
        await state(fan, "idle", reason="rejected")
        for action in ("approve", "reject", "remove"):
            assert (await denied(show.host, f"cohost:{action}", {"user": "mei"}))["code"] == "STAGE_STATE"


async def test_an_invited_fan_accepts_and_leaves_or_declines(house: Liveroom) -> None:
    async with evening(house) as show:
        fan, other = await show.fan("mei"), await show.fan("li")
        assert (await denied(fan, "cohost:accept"))["code"] == "STAGE_STATE"
        await done(show.host, "cohost:invite", {"user": "mei"})
        await state(fan, "invited")
        assert (await done(fan, "cohost:accept"))["grant"]["right"] == "publish"
        await stage(other, "mei")
        mark = other.mark()
        assert (await done(fan, "cohost:leave"))["state"] == "idle"
        await state(fan, "idle", reason="left")
        assert (await other.wait("stage", since=mark))["members"] == []
        await done(show.host, "cohost:invite", {"user": "li"})
        await state(other, "invited")
        assert (await done(other, "cohost:cancel"))["state"] == "idle"


async def test_who_is_removed_may_not_publish_any_more(house: Liveroom) -> None:
    async with evening(house) as show:
        fan = await on_stage(show, "mei")
        grant = (await state(fan, "on_stage"))["grant"]
        assert await may_publish(show, grant) == 204
        await done(show.host, "cohost:remove", {"user": "mei"})
        await state(fan, "idle", reason="removed")
        assert await may_publish(show, grant) == 403


async def test_a_full_stage_takes_the_next_one_when_somebody_steps_down(house: Liveroom) -> None:
    async with evening(house) as show:
        cast = [await on_stage(show, f"singer-{number}") for number in range(4)]
        fifth = await show.fan("mei")
        await done(fifth, "cohost:request", {})
        assert (await denied(show.host, "cohost:approve", {"user": "mei"}))["code"] == "STAGE_FULL"
        await done(show.host, "cohost:invite", {"user": "mei"})
        await state(fifth, "invited")
        assert (await denied(fifth, "cohost:accept"))["code"] == "STAGE_FULL"
        await done(cast[1], "cohost:leave")
        await done(fifth, "cohost:accept")
        await stage(cast[0], "singer-0", "singer-2", "singer-3", "mei")


async def test_a_refund_takes_a_fan_off_the_stage(house: Liveroom) -> None:
    async with evening(house) as show:
        other = await show.fan("li")
        order = await show.ticket("mei")
        fan = await show.enter("mei")
        await done(fan, "cohost:request", {})
        await done(show.host, "cohost:approve", {"user": "mei"})
        grant = (await state(fan, "on_stage"))["grant"]
        await stage(other, "mei")
        mark = other.mark()
        await show.refund("mei", order)
        await state(fan, "idle", reason="rights_ended")
        assert (await other.wait("stage", since=mark))["members"] == []
        assert await may_publish(show, grant) == 403
        assert (await denied(fan, "cohost:request", {}))["code"] == "TICKET_REQUIRED"
        assert not fan.disconnected.is_set()


async def test_a_request_of_a_refunded_fan_leaves_the_queue(house: Liveroom) -> None:
    async with evening(house) as show:
        order = await show.ticket("mei")
        fan = await show.enter("mei")
        await done(fan, "cohost:request", {})
        await show.host.wait("cohost:queue", lambda told: len(told["items"]) == 1)
        mark = show.host.mark()
        await show.refund("mei", order)
        assert (await show.host.wait("cohost:queue", since=mark))["items"] == []


async def test_a_pause_rests_cohosting_and_takes_nobody_off(house: Liveroom) -> None:
    async with evening(house) as show:
        singer, fan = await on_stage(show, "singer"), await show.fan("mei")
        await show.phase("paused")
        assert (await denied(fan, "cohost:request", {}))["code"] == "CLOSED"
        assert (await denied(show.host, "cohost:invite", {"user": "mei"}))["code"] == "CLOSED"
        welcome = await (await show.enter("mei")).wait("welcome")
        assert [member["user"] for member in welcome["stage"]["members"]] == ["singer"]
        grant = (await state(singer, "on_stage"))["grant"]
        assert await may_publish(show, grant) == 204
        await done(singer, "cohost:leave")
        await show.phase("live")
        await done(show.inside[-1], "cohost:request", {})


async def test_the_end_of_the_show_empties_the_stage(house: Liveroom) -> None:
    async with evening(house) as show:
        await on_stage(show, "mei")
        await stage(show.host, "mei")
        mark = show.host.mark()
        await show.phase("ended")
        assert (await show.host.wait("stage", since=mark))["members"] == []


async def test_who_was_refunded_while_waiting_is_not_let_on_however_fast_the_host_is(
    house: Liveroom, monkeypatch: pytest.MonkeyPatch
) -> None:
    # `liveroom rehearse` met it: between a refund and the chore that clears the queue a host approved the fan, who
    # got a grant to publish without a ticket
    monkeypatch.setattr(Upkeep, "rights_ended", lambda *_: None)
    async with evening(house) as show:
        number = await show.ticket("mei")
        fan = await show.fan("mei", None)
        await done(fan, "cohost:request", {})
        await show.refund("mei", number)
        assert (await denied(show.host, "cohost:approve", {"user": "mei"}))["code"] == "FORBIDDEN"
        assert (await fan.wait("tier", lambda told: told["reason"] == "refund"))["tier"] == "none"
        assert [told["state"] for told in fan.all("cohost")] == ["requested"]
