"""Countdowns on every screen: the schedule's own and those the host sets, each with a version."""

from typing import Any

import pytest

from tests.integration.clients import Client
from tests.integration.evening import HOUR_MS, Evening, denied, done, evening
from tests.integration.running import Liveroom

pytestmark = pytest.mark.asyncio(loop_scope="package")

MINUTE_MS = 60_000


def of(countdowns: list[dict[str, object]], kind: str) -> dict[str, object]:
    return next(one for one in countdowns if one["kind"] == kind)


async def test_a_foyer_waits_for_doors_and_show_by_the_servers_clock(house: Liveroom) -> None:
    async with evening(house, "presale") as show:
        foyer = await show.fan("mei", None)
        welcome = await foyer.wait("welcome")
        doors, start = of(welcome["countdowns"], "doors"), of(welcome["countdowns"], "show")
        assert (doors["target_ms"], start["target_ms"]) == (show.doors_ms, show.start_ms)
        assert {one["scope"] for one in (doors, start)} == {"room"}
        assert doors["server_ms"] == welcome["server_ms"]
        await show.phase("doors")
        gone = await foyer.wait("countdown", lambda told: told["kind"] == "doors")
        assert gone["target_ms"] is None
        assert of((await (await show.enter("mei")).wait("welcome"))["countdowns"], "show")["target_ms"] == show.start_ms
        await show.phase("live")
        gone = await foyer.wait("countdown", lambda told: told["kind"] == "show")
        assert gone["target_ms"] is None


async def test_moving_the_schedule_tells_every_screen_and_the_box_office(house: Liveroom) -> None:
    async with evening(house, "presale") as show:
        foyer = await show.fan("mei", None)
        before = of((await foyer.wait("welcome"))["countdowns"], "show")
        later_ms = show.start_ms + HOUR_MS
        assert await done(show.host, "countdown:set", {"kind": "show", "target_ms": later_ms}) == {"id": "show"}
        moved = await foyer.wait("countdown", lambda told: told["kind"] == "show")
        assert moved["target_ms"] == later_ms
        assert moved["version"] > before["version"]
        room = await foyer.wait("room")
        assert room["schedule"] == {"doors_ms": show.doors_ms, "start_ms": later_ms}
        told = (await house.http.get(f"/api/v1/shows/{show.show}")).json()
        assert told["schedule"] == {"doors_ms": show.doors_ms, "start_ms": later_ms}
        assert told["refund_until_ms"] == show.doors_ms + 25 * HOUR_MS, "it goes along with the start"
        refused = await denied(show.host, "countdown:set", {"kind": "doors", "target_ms": later_ms + 1})
        assert (refused["code"], refused["field"]) == ("BAD_REQUEST", "doors_ms")
        assert (await denied(show.host, "countdown:clear", {"id": "doors"}))["code"] == "NOT_FOUND"


async def test_a_show_that_is_moved_after_its_doors_tells_those_with_a_ticket_that_they_may_return_it(
    house: Liveroom,
) -> None:
    """Refunds opened for three days, and nobody heard of it who did not try."""
    async with evening(house, "doors", refund_until_ms=None) as show:
        fan, away, stranger = await show.fan("mei"), await show.ticket("li"), await show.fan("ann", None)
        later_ms = show.start_ms + 24 * HOUR_MS
        await done(show.host, "countdown:set", {"kind": "show", "target_ms": later_ms})
        told = await fan.wait("inbox")
        assert (told["kind"], told["until_ms"]) == ("refunds_open", later_ms)
        assert await inbox(house, show, "li") == await inbox(house, show, "mei")
        [kept] = await inbox(house, show, "mei")
        assert {name: kept[name] for name in ("id", "kind", "at_ms", "until_ms")} == told
        assert (await show.refund("li", away)).status_code == 202
        assert await inbox(house, show, "li") == await inbox(house, show, "ann") == []
        trail = await show.host.wait("audit", lambda told: told["items"][-1]["action"] == "show:refunds")
        assert trail["items"][-1]["target"] == f"refund_until_ms={later_ms}"
        await show.phase("live")  # which everybody hears
        await stranger.wait("countdown", lambda told: told["kind"] == "show" and told["target_ms"] is None)
        assert stranger.all("inbox") == []


async def inbox(house: Liveroom, show: Evening, user: str) -> list[dict[str, Any]]:
    answer = await house.http.get("/api/v1/inbox", headers={"authorization": f"Bearer {show.token(user)}"})
    notices: list[dict[str, Any]] = answer.json()["notices"]
    return [notice for notice in notices if notice["show"] == show.show]


@pytest.mark.parametrize("kind", ["doors", "show", "custom"])
async def test_a_time_that_cannot_be_meant_is_refused(house: Liveroom, kind: str) -> None:
    async with evening(house, "presale") as show:
        # 1970, seconds and microseconds taken for milliseconds, the year 287396
        for at_ms in (0, show.start_ms // 1000, show.start_ms * 1000, 2**53):
            refused = await denied(show.host, "countdown:set", {"kind": kind, "target_ms": at_ms})
            assert (refused["code"], refused["field"]) == ("BAD_REQUEST", "target_ms")
        told = (await house.http.get(f"/api/v1/shows/{show.show}")).json()
        assert told["schedule"] == {"doors_ms": show.doors_ms, "start_ms": show.start_ms}


async def test_a_countdown_of_the_host_is_set_moved_and_cleared_with_rising_versions(house: Liveroom) -> None:
    async with evening(house) as show:
        fan = await show.fan("mei")
        target_ms = show.start_ms
        made = await done(show.host, "countdown:set", {"target_ms": target_ms, "label": " Encore  soon "})
        first = await _told(fan, made["id"])
        assert (first["scope"], first["kind"], first["label"]) == ("room", "custom", "Encore soon")
        assert first["target_ms"] == target_ms

        moved = {"id": made["id"], "target_ms": target_ms + MINUTE_MS, "label": "Encore"}
        assert (await done(show.host, "countdown:set", moved))["id"] == made["id"]
        second = await _told(fan, made["id"], after=first["version"])
        assert second["target_ms"] == target_ms + MINUTE_MS
        seen = of((await (await show.enter("mei")).wait("welcome"))["countdowns"], "custom")
        assert (seen["target_ms"], seen["version"]) == (second["target_ms"], second["version"])

        fan = show.inside[-1]
        await done(show.host, "countdown:clear", {"id": made["id"]})
        last = await _told(fan, made["id"], after=second["version"])
        assert last["target_ms"] is None
        again = await (await show.enter("mei")).wait("welcome")
        assert [one for one in again["countdowns"] if one["kind"] == "custom"] == []
        for command, payload in (("countdown:clear", {"id": made["id"]}), ("countdown:set", moved)):
            assert (await denied(show.host, command, payload))["code"] == "NOT_FOUND"


async def test_a_host_may_show_only_so_many_countdowns_at_once(house: Liveroom) -> None:
    async with evening(house) as show:
        for _ in range(8):
            await done(show.host, "countdown:set", {"target_ms": show.start_ms})
        refused = await denied(show.host, "countdown:set", {"target_ms": show.start_ms})
        assert (refused["code"], refused["max"]) == ("BAD_REQUEST", 8)


async def test_an_unpaid_order_counts_down_for_its_buyer_alone(house: Liveroom) -> None:
    async with evening(house, "presale") as show:
        fan, other = await show.fan("mei", None), await show.fan("li", None)
        order = await house.order(show.token("mei"), show.show, show.products["main"], "an-unpaid-order")
        ticking = await fan.wait("countdown", lambda told: told["kind"] == "order")
        assert ticking["scope"] == "me"
        assert ticking["target_ms"] == (await fan.wait("order"))["expires_ms"]
        again = await show.enter("mei")
        assert of((await again.wait("welcome"))["countdowns"], "order")["target_ms"] == ticking["target_ms"]
        await house.cashier(order["pay_url"])
        await again.wait("countdown", lambda told: told["kind"] == "order" and told["target_ms"] is None)
        assert [one for one in other.all("countdown") if one["scope"] == "me"] == []


async def _told(socket: Client, countdown: str, *, after: int = 0) -> dict[str, Any]:
    found: dict[str, Any] = await socket.wait(
        "countdown", lambda told: told["id"] == countdown and told["version"] > after
    )
    return found
