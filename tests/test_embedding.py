"""The embedding guide, acted out: its back ends, keys and clients as they stand there, on running gateways."""

import asyncio
import functools
import json
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import httpx2
import pytest
import pytest_asyncio

from gateway.setup.settings import DEMO_JWT_SECRET
from tests.integration.clients import Client, client, connected
from tests.integration.evening import Evening, evening
from tests.integration.running import Liveroom, liveroom
from tests.integration.wire import wire
from tests.ports import free_port
from tests.snippets import Desk, Program
from tests.upgrade_proxy import UpgradeProxy, Upgrades, upgrade_proxy

pytestmark = pytest.mark.asyncio(loop_scope="module")

PAGE = "docs/embedding.md"
BACK_ENDS = ("backend.py", "backend.mjs")


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    return Desk(tmp_path_factory.mktemp("desk"), {"JWT_SECRET": DEMO_JWT_SECRET}).lay(PAGE)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Liveroom]:
    async with liveroom(tmp_path_factory.mktemp("house"), grant_seconds=10) as running:
        yield running


@asynccontextmanager
async def platform(desk: Desk, name: str, gateway: str, show: Evening, **environment: str) -> AsyncIterator[str]:
    """A back end of the page that answers; its address."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    live = {"LIVE_GATEWAY": gateway, "LIVE_SHOW": show.show, "LIVE_ROOM": show.room, "PORT": str(port)}
    async with desk.run(name, **live, **environment), httpx2.AsyncClient(trust_env=False) as http:
        deadline = time.monotonic() + 10
        while True:
            try:
                await http.get(f"{url}/live.json")
            except httpx2.TransportError:
                assert time.monotonic() < deadline, f"{name} did not start"
                await asyncio.sleep(0.05)
            else:
                break
        yield url


@asynccontextmanager
async def audience(desk: Desk, house: Liveroom, phase: str, **environment: str) -> AsyncIterator[tuple[Evening, str]]:
    """A show and the platform of its fans."""
    async with AsyncExitStack() as stack:
        show = await stack.enter_async_context(evening(house, phase))
        yield show, await stack.enter_async_context(platform(desk, "backend.mjs", house.url, show, **environment))


# ---- the platform's back end


@pytest.mark.parametrize("name", BACK_ENDS)
async def test_a_back_end_says_where_the_room_is_and_mints_tokens_for_those_who_are_logged_in(
    house: Liveroom, desk: Desk, name: str
) -> None:
    async with (
        evening(house, "presale") as show,
        platform(desk, name, house.url, show) as url,
        httpx2.AsyncClient() as browser,
    ):
        assert (await browser.get(f"{url}/live.json")).json() == {
            "gateway": house.url,
            "show": show.show,
            "room": show.room,
        }
        refused = await browser.post(f"{url}/live-token")
        assert (refused.status_code, refused.json()["error"]["code"]) == (401, "LOGIN_REQUIRED")
        entered = await browser.post(f"{url}/login", json={"user": "fan-7", "name": "梅"})
        assert "httponly" in entered.headers["set-cookie"].lower()
        minted = await browser.post(f"{url}/live-token")
        assert minted.headers["cache-control"] == "no-store"
        async with connected(house.url, token=minted.json()["token"], room=show.room) as fan:
            you = (await fan.wait("welcome"))["you"]
            assert (you["user"], you["name"]) == ("fan-7", "梅")


# ---- keys of its own


class Quiet(SimpleHTTPRequestHandler):
    """Serves a folder without a word."""

    def log_message(self, *_: object) -> None:
        pass


@asynccontextmanager
async def published(folder: Path) -> AsyncIterator[str]:
    """A web server over a folder, as a platform publishes its JWKS."""
    handler = functools.partial(Quiet, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/jwks.json"
        server.shutdown()


async def is_accepted(house: Liveroom, token: str) -> bool:
    answer = await house.http.get("/api/v1/orders?show=none", headers={"authorization": f"Bearer {token}"})
    assert answer.status_code in (401, 404)  # whoever is believed is told that there is no such show
    return answer.status_code == 404


@pytest.mark.parametrize(("first", "second"), [("ES256", "RS256"), ("RS256", "ES256")])
async def test_keys_rotate_with_two_active_and_nobody_turned_away(tmp_path: Path, first: str, second: str) -> None:
    keyring = Desk(tmp_path / "keyring").lay(PAGE)
    site = tmp_path / "site"
    site.mkdir()
    publish = site / "jwks.json"
    await keyring.answer("keys.py", "new", "spring", first)
    publish.write_text(await keyring.answer("keys.py", "jwks"))
    async with published(site) as address, liveroom(tmp_path / "house", jwt_jwks_url=address) as house:
        old = await keyring.answer("keys.py", "token", "spring", "mei")
        assert await is_accepted(house, old)
        assert await is_accepted(house, await keyring.answer("keys.mjs", "token", "spring", "mei"))
        await keyring.answer("keys.py", "new", "summer", second)
        publish.write_text(await keyring.answer("keys.mjs", "jwks"))
        new = await keyring.answer("keys.py", "token", "summer", "mei")
        async with asyncio.timeout(10):
            while not await is_accepted(house, new):
                await asyncio.sleep(0.05)
        assert await is_accepted(house, await keyring.answer("keys.mjs", "token", "summer", "mei"))
        assert await is_accepted(house, old), "the key before stays good while it is published"
    (keyring.folder / "keys" / f"spring.{first}").unlink()
    for program in ("keys.py", "keys.mjs"):
        (left,) = json.loads(await keyring.answer(program, "jwks"))["keys"]
        assert (left["kid"], left["alg"]) == ("summer", second)
        assert not {"d", "p", "q"} & set(left), "no private half is published"


# ---- roles


async def test_roles_are_given_and_taken_on_the_command_line(house: Liveroom, desk: Desk) -> None:
    async with evening(house, "presale") as show:
        said = await desk.answer(
            "roles.sh", LIVE_SHOW=show.show, LIVEROOM_DATA_DIR=str(house.settings.data_dir), COLUMNS="160"
        )
        assert f"hugo is host of {show.show}." in said
        assert "alice" in said.split("hugo is host")[1], "the list names those who hold a role everywhere"
        assert f"hugo is no longer host of {show.show}." in said


async def test_an_operator_puts_a_show_on_and_names_its_host(house: Liveroom, desk: Desk) -> None:
    token = await house.login("boss", "operator")
    said = dict(part.split("=") for part in (await desk.answer("put_on.mjs", house.url, token, "hugo")).split())
    listed = (await house.http.get(f"/api/v1/shows/{said['LIVE_SHOW']}")).json()
    assert (listed["phase"], listed["room"]) == ("presale", said["LIVE_ROOM"])
    roles = await house.http.get(
        f"/api/v1/shows/{said['LIVE_SHOW']}/roles", headers={"authorization": f"Bearer {token}"}
    )
    assert {"user": "hugo", "role": "host", "scope": "show"} in roles.json()["roles"]


# ---- the client


async def test_a_fan_goes_all_the_way_from_the_foyer_to_the_stage_door(house: Liveroom, desk: Desk) -> None:
    async with audience(desk, house, "presale") as (show, url), desk.run("fan.mjs", url, "mei") as fan:
        assert (await fan.told("inside"))["you"]["tier"] == "none"
        await fan.say('danmaku {"text": "let me in"}')
        offer = await fan.told("sell", code="TICKET_REQUIRED")
        assert {each["tier"] for each in offer["products"]} == {"main", "vip"}
        await fan.word("ack")
        await fan.say(f"buy {offer['show']} {show.products['vip']}")
        await house.cashier(json.loads(await fan.word("pay")))
        assert (await fan.told("tier"))["tier"] == "vip"
        await show.phase("doors", "live")
        grants = await playing(fan)
        said = await fan.call("danmaku", {"text": "hello"})
        assert said["ok"]
        assert (await fan.item("danmaku", said["data"]["id"]))["text"] == "hello"
        await fan.say(f"left {json.dumps({'target_ms': int(time.time() * 1000) + 60_000})}")
        assert 55_000 < float(await fan.word("left")) < 65_000
        renewed = await playing(fan, since_ms=max(grant["expires_ms"] for grant in grants))
        assert {grant["stream"] for grant in renewed} == {"main", "vip"}


async def playing(fan: Program, since_ms: int = 0) -> list[dict[str, Any]]:
    """The next grants that there are, all of them younger than that."""
    while True:
        grants: list[dict[str, Any]] = json.loads(await fan.word("play"))
        if grants and all(grant["expires_ms"] > since_ms for grant in grants):
            return grants


async def test_a_stranger_at_the_door_buys_and_is_let_in(house: Liveroom, desk: Desk) -> None:
    async with audience(desk, house, "live") as (show, url), desk.run("fan.mjs", url, "late") as fan:
        offer = await fan.told("sell", code="TICKET_REQUIRED")
        await fan.say(f"buy {offer['show']} {show.products['main']}")
        await house.cashier(json.loads(await fan.word("pay")))
        assert (await fan.told("inside"))["you"]["tier"] == "main"


async def test_a_fan_who_is_cut_off_misses_nothing_and_sees_nothing_twice(house: Liveroom, desk: Desk) -> None:
    async with AsyncExitStack() as stack:
        show = await stack.enter_async_context(evening(house, "live"))
        way = await stack.enter_async_context(wire(house.url))
        url = await stack.enter_async_context(platform(desk, "backend.py", way.url, show))
        host = show.host
        await show.ticket("cut-off")
        fan = await stack.enter_async_context(desk.run("fan.mjs", url, "cut-off"))
        assert (await fan.told("inside"))["recovered"] is False
        await speak(host, "before")
        await fan.told("danmaku")
        await way.cut()
        await speak(host, "meanwhile")
        way.mend()
        back = await fan.told("inside")
        assert back["recovered"] is True
        assert [item["text"] for missed in back["missed"] for item in missed["data"]["items"]] == ["meanwhile"]
        await speak(host, "after")
        await fan.told("danmaku")
        while "after" not in (
            texts := [item["text"] for data in fan.since_the_start("danmaku") for item in data["items"]]
        ):
            await fan.told("danmaku")
        assert texts == ["before", "meanwhile", "after"]


async def speak(host: Client, text: str) -> None:
    assert (await host.send("danmaku", {"text": text}))["ok"]


async def test_a_login_is_renewed_before_it_ends_and_after(tmp_path: Path, desk: Desk) -> None:
    async with liveroom(tmp_path, token_warning_seconds=60) as house:
        async with audience(desk, house, "doors", TOKEN_SECONDS="61") as (_, url), desk.run("fan.mjs", url, "a") as fan:
            await fan.told("inside")
            assert (await fan.told("renewed"))["ok"]
        async with audience(desk, house, "doors", TOKEN_SECONDS="1") as (_, url), desk.run("fan.mjs", url, "b") as fan:
            # too short to be renewed in time again and again: then the socket ends, and another one opens
            await fan.told("inside")
            await fan.told("reconnecting", wait_ms=0)
            await fan.told("inside")


async def short_visit(house: Liveroom, token: str, room: str) -> None:
    async with connected(house.url, token=token, room=room):
        pass


async def test_a_busy_door_lets_the_fan_in_a_little_later(tmp_path: Path, desk: Desk) -> None:
    a_minute = 20
    async with (
        liveroom(tmp_path, handshakes_per_minute=a_minute) as house,
        audience(desk, house, "doors") as (show, url),
    ):
        token = await house.login("eager")
        await asyncio.gather(*(short_visit(house, token, show.room) for _ in range(a_minute)))
        async with desk.run("fan.mjs", url, "eager") as fan:
            assert 0 < (await fan.told("reconnecting"))["wait_ms"] <= 3_000
            await fan.told("inside")


async def test_a_fan_sent_out_stays_out_until_asked_and_a_banned_one_for_good(house: Liveroom, desk: Desk) -> None:
    async with audience(desk, house, "doors") as (show, url), desk.run("fan.mjs", url, "rowdy") as fan:
        await fan.told("inside")
        assert (await show.host.send("kick", {"user": "rowdy"}))["ok"]
        await fan.told("KICKED", retryable=False)
        await fan.say("connect")
        await fan.told("inside")
        assert (await show.host.send("ban", {"user": "rowdy"}))["ok"]
        await fan.told("BANNED")
        await fan.say("connect")
        await fan.told("BANNED")


async def test_a_gateway_that_goes_down_is_announced_and_waited_for(tmp_path: Path, desk: Desk) -> None:
    async with (
        liveroom(tmp_path, drain_seconds=0.5) as house,
        audience(desk, house, "doors") as (_, url),
        desk.run("fan.mjs", url, "mei") as fan,
    ):
        await fan.told("inside")
        house.stop.set()
        wait_ms = (await fan.told("draining"))["wait_ms"]
        assert (await fan.told("reconnecting"))["wait_ms"] == wait_ms


async def test_a_cursor_that_no_gateway_knows_is_dropped(house: Liveroom) -> None:
    show = await house.show()
    async with client(house.url) as fan:
        refusal = await fan.refused(token=await house.login("old"), room=show["room"], cursor="of another house")
    assert (refusal["code"], refusal["field"]) == ("BAD_REQUEST", "cursor")  # what live.mjs looks for


# ---- where WebSockets do not come through

AT_ONCE_SECONDS = 5.0
AFTER_A_WHILE_SECONDS = 16.0
"""`ANSWER_MS`, a reconnect's delay, and a busy machine."""


@asynccontextmanager
async def behind(
    desk: Desk, house: Liveroom, upgrades: Upgrades, tier: str = "main"
) -> AsyncIterator[tuple[UpgradeProxy, Program, Evening]]:
    """A fan, mei, whose only way to the gateway is a proxy that does this to upgrades."""
    async with AsyncExitStack() as stack:
        show = await stack.enter_async_context(evening(house, "live"))
        if tier != "none":
            await show.ticket("mei", tier)
        proxy = await stack.enter_async_context(upgrade_proxy(house.url, upgrades))
        url = await stack.enter_async_context(platform(desk, "backend.mjs", proxy.url, show))
        yield proxy, await stack.enter_async_context(desk.run("fan.mjs", url, "mei")), show


@pytest.mark.parametrize("upgrades", [Upgrades.DROPPED, Upgrades.REFUSED, Upgrades.PLAIN])
async def test_a_fan_behind_a_proxy_without_upgrades_polls_at_once(
    house: Liveroom, desk: Desk, upgrades: Upgrades
) -> None:
    # Without `tryAllTransports` the client tried WebSockets for ever: its second transport was never tried.
    async with behind(desk, house, upgrades) as (proxy, fan, show):
        await fan.word("inside", seconds=AT_ONCE_SECONDS)
        assert proxy.asked == ["websocket", "polling"], "in one attempt"
        proxy.cut()
        await speak(show.host, "there you are")
        await fan.told("danmaku")


async def test_a_fan_behind_a_proxy_that_takes_upgrades_and_no_frames_polls_after_a_while(
    house: Liveroom, desk: Desk
) -> None:
    # Such a WebSocket opens, so `tryAllTransports` alone stays with it.
    async def comes_in(upgrades: Upgrades) -> None:
        async with behind(desk, house, upgrades) as (proxy, fan, _):
            await fan.word("inside", seconds=AFTER_A_WHILE_SECONDS)
            assert proxy.asked[:2] == ["websocket", "polling"]

    async with asyncio.TaskGroup() as together:
        for upgrades in (Upgrades.SILENT, Upgrades.SWALLOWED, Upgrades.DEAF):
            together.create_task(comes_in(upgrades))


async def test_a_refusal_leaves_the_transports_as_they_are(house: Liveroom, desk: Desk) -> None:
    async with behind(desk, house, Upgrades.PASS, "none") as (proxy, fan, _):
        for _ in range(2):
            await fan.told("sell", code="TICKET_REQUIRED")
            await fan.say("connect")
        await fan.told("sell", code="TICKET_REQUIRED")
        assert proxy.asked == ["websocket"] * 3


async def test_a_fan_whose_websocket_broke_comes_back_by_a_websocket(house: Liveroom, desk: Desk) -> None:
    async with behind(desk, house, Upgrades.PASS) as (proxy, fan, _):
        await fan.told("inside")
        proxy.cut()
        assert (await fan.told("inside"))["recovered"] is True
        assert proxy.asked == ["websocket"] * 2
