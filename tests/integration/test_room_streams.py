"""Which stream a ticket opens, what media servers are told about it, and what a role taken mid-show takes along."""

from pathlib import Path
from typing import Any

import pytest

from gateway.setup import clock
from tests.integration.clients import Client
from tests.integration.conftest import UNHURRIED
from tests.integration.evening import Evening, denied, done, evening
from tests.integration.running import Liveroom, liveroom

pytestmark = pytest.mark.asyncio(loop_scope="package")


async def streams(fan: Client) -> dict[str, str]:
    """Fresh grants: stream -> URL."""
    grants = (await done(fan, "streams:refresh"))["grants"]
    assert {grant["right"] for grant in grants} <= {"play"}
    return {grant["stream"]: grant["url"] for grant in grants}


async def media(house: Liveroom, uri: str | None, method: str = "GET") -> int:
    """What nginx's auth_request is answered."""
    headers = {} if uri is None else {"x-original-uri": uri}
    return (await house.http.request(method, "/media/auth/nginx", headers=headers)).status_code


def path_of(house: Liveroom, url: str) -> str:
    return url.removeprefix(house.url)


async def test_a_vip_gets_both_streams_and_a_main_fan_one(house: Liveroom) -> None:
    async with evening(house, "doors") as show:
        main, vip = await show.fan("mei"), await show.fan("vic", "vip")
        assert (await streams(main), await streams(vip)) == ({}, {})
        await show.phase("live")
        for fan, wanted in ((main, ["main"]), (vip, ["main", "vip"])):
            told = await fan.wait("tier", lambda one: one["reason"] == "phase" and one["streams"] != [])
            assert [grant["stream"] for grant in told["streams"]] == wanted
            granted = await streams(fan)
            assert sorted(granted) == wanted
            for url in granted.values():
                assert await media(house, path_of(house, url)) == 204
        [main_url] = (await streams(main)).values()
        climbing = path_of(house, main_url).replace("/main/", "/vip/")
        assert await media(house, climbing) == 401
        assert (await house.http.get(climbing)).status_code == 401


async def test_an_upgrade_opens_the_second_stream_on_the_open_socket(house: Liveroom) -> None:
    async with evening(house) as show:
        fan = await show.fan("mei")
        await show.ticket("mei", "vip")
        told = await fan.wait("tier", lambda one: one["tier"] == "vip")
        assert [grant["stream"] for grant in told["streams"]] == ["main", "vip"]


async def test_an_open_show_gives_its_main_stream_to_anybody_and_vip_to_vips(house: Liveroom) -> None:
    async with evening(house, access="open") as show:
        stranger, vip = await show.fan("passer-by", None), await show.fan("vic", "vip")
        welcome = await stranger.wait("welcome")
        assert (welcome["you"]["tier"], sorted(welcome["you"]["permissions"])) == (
            "none",
            ["chat:read", "like", "stream:main", "vote"],
        )
        assert sorted(await streams(stranger)) == ["main"]
        assert sorted(await streams(vip)) == ["main", "vip"]
        await done(stranger, "like", {"count": 1})
        [url] = (await streams(stranger)).values()
        assert await media(house, path_of(house, url)) == 204


async def test_a_ticketed_show_lets_nobody_without_a_ticket_in(house: Liveroom) -> None:
    async with evening(house) as show:
        refusal = await show.refusal("passer-by")
        assert (refusal["code"], refusal["show"], refusal["room"]) == ("TICKET_REQUIRED", show.show, show.room)
        assert [(one["tier"], one["price_minor"], one["currency"]) for one in refusal["products"]] == [
            ("main", 6_800, "CNY"),
            ("vip", 18_800, "CNY"),
        ]


@pytest.mark.parametrize("phases", [["live", "paused"], ["live", "ended", "replay"]], ids=lambda phases: phases[-1])
async def test_streams_play_on_in_a_pause_and_in_a_replay(house: Liveroom, phases: list[str]) -> None:
    async with evening(house, "doors") as show:
        await show.ticket("mei")
        await show.phase(*phases)
        assert sorted(await streams(await show.enter("mei"))) == ["main"]
        assert (await show.refusal("passer-by"))["code"] == "TICKET_REQUIRED"


async def test_a_refunded_fans_grant_is_worth_nothing_though_it_has_not_run_out(house: Liveroom) -> None:
    async with evening(house) as show:
        order = await show.ticket("mei")
        fan = await show.enter("mei")
        [url] = (await streams(fan)).values()
        path = path_of(house, url)
        assert await media(house, path) == 204
        assert await media(house, f"{path}?from=player") == 204
        assert await media(house, path.replace("index.m3u8", "segment-17.ts")) == 204
        await show.refund("mei", order)
        assert await media(house, path) == 403
        assert (await house.http.get(path)).status_code == 403
        await fan.wait("tier", lambda told: told["reason"] == "refund")
        assert await streams(fan) == {}


async def test_a_banned_viewers_grant_is_worth_nothing_either(house: Liveroom) -> None:
    async with evening(house) as show:
        fan = await show.fan("mei")
        [url] = (await streams(fan)).values()
        await done(show.host, "ban", {"user": "mei"})
        assert await media(house, path_of(house, url)) == 403


async def test_no_grant_outlives_the_show(house: Liveroom) -> None:
    async with evening(house) as show:
        [url] = (await streams(await show.fan("mei"))).values()
        await show.phase("ended")
        assert await media(house, path_of(house, url)) == 403


async def test_only_a_grant_of_ours_opens_a_stream(house: Liveroom) -> None:
    async with evening(house) as show:
        [url] = (await streams(await show.fan("mei"))).values()
        path = path_of(house, url)
        _, _, token, room, *rest = path.split("/")
        forged = ("A" if token[0] != "A" else "B") + token[1:]
        cut_off = token[:-1]
        for bad in (
            None,
            "",
            "/",
            "/hls/",
            path[1:],
            f"/hls/{forged}/{room}/{'/'.join(rest)}",
            f"/hls/{cut_off}/{room}/{'/'.join(rest)}",
            f"/hls/{token}/another-room/{'/'.join(rest)}",
            f"/hls/{token}/{room}/main/../vip/index.m3u8",
            f"/ingest/{token}/{room}/mei",
        ):
            assert await media(house, bad) == 401, bad
        assert await media(house, path, "POST") == 204
        answer = await house.http.get("/media/auth/pigeon", headers={"x-original-uri": path})
        assert answer.status_code == 404


async def test_a_grant_runs_out_and_is_renewed_over_the_socket(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ahead_ms, real = [0], clock.now_ms
    monkeypatch.setattr(clock, "now_ms", lambda: real() + ahead_ms[0])
    async with liveroom(tmp_path, grant_seconds=60, **UNHURRIED) as house, evening(house) as show:
        fan = await show.fan("mei")
        [url] = (await streams(fan)).values()
        ahead_ms[0] = 61_000
        assert await media(house, path_of(house, url)) == 401
        [renewed] = (await streams(fan)).values()
        assert await media(house, path_of(house, renewed)) == 204


async def test_a_role_taken_mid_show_ends_the_console_and_what_it_could_see(house: Liveroom) -> None:
    async with evening(house) as show:
        await show.role("mod", "moderator")
        console, seat = await show.enter("mod", "/console"), await show.enter("mod")
        assert sorted(await streams(seat)) == ["main", "vip"]
        [grant, *_] = (await done(seat, "streams:refresh"))["grants"]
        await done(console, "mute", {"user": "somebody"})
        await show.role("mod", "moderator", method="DELETE")
        bye = await console.wait("bye")
        assert (bye["code"], bye["retryable"]) == ("KICKED", False)
        told = await seat.wait("tier", lambda one: one["reason"] == "role")
        assert (told["permissions"], told["streams"]) == ([], [])
        assert (await denied(seat, "danmaku", {"text": "still me"}))["code"] == "TICKET_REQUIRED"
        assert await media(house, path_of(house, grant["url"])) == 403
        assert (await show.refusal("mod", "/console"))["code"] == "FORBIDDEN"
        assert await _in_audit(show, "role:revoke")


async def test_a_role_given_mid_show_counts_at_once(house: Liveroom) -> None:
    async with evening(house) as show:
        fan = await show.fan("mei")
        assert (await show.refusal("mei", "/console"))["code"] == "FORBIDDEN"
        await show.role("mei", "moderator")
        told = await fan.wait("tier", lambda one: one["reason"] == "role")
        assert [grant["stream"] for grant in told["streams"]] == ["main", "vip"]
        console = await show.enter("mei", "/console")
        await done(console, "panic")
        assert (await denied(console, "show:phase", {"phase": "ended"}))["code"] == "FORBIDDEN"


async def _in_audit(show: Evening, action: str) -> Any:
    return await show.host.wait("audit", lambda told: told["items"][-1]["action"] == action)
