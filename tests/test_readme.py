"""The README's examples, run as they stand against a gateway."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from gateway.setup.settings import DEMO_JWT_SECRET
from tests.integration.clients import connected
from tests.integration.running import Liveroom, liveroom
from tests.integration.wire import wire
from tests.snippets import Desk
from tests.upgrade_proxy import Upgrades, upgrade_proxy

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    return Desk(tmp_path_factory.mktemp("desk"), {"JWT_SECRET": DEMO_JWT_SECRET}).lay("README.md")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Liveroom]:
    async with liveroom(tmp_path_factory.mktemp("house")) as running:
        yield running


@pytest.mark.parametrize("name", ["mint_token.py", "mint_token.mjs"])
async def test_a_token_minted_as_the_readme_says_is_accepted(house: Liveroom, desk: Desk, name: str) -> None:
    show = await house.show()
    token = await desk.answer(name, "fan-42", "梅")
    async with connected(house.url, token=token, room=show["room"]) as fan:
        you = (await fan.wait("welcome"))["you"]
        assert (you["user"], you["name"], you["role"]) == ("fan-42", "梅", "viewer")
    own = await house.http.get(f"/api/v1/orders?show={show['show']}", headers={"authorization": f"Bearer {token}"})
    assert own.json() == {"orders": []}


async def test_an_order_placed_as_the_readme_says_promotes_the_socket_it_says_how_to_open(
    house: Liveroom, desk: Desk
) -> None:
    show = await house.show()
    token = await house.login("buyer")
    product = next(product for product in show["products"] if product["tier"] == "vip")
    async with desk.run("watch.mjs", house.url, show["room"], token) as fan:
        assert json.loads(await fan.word("welcome"))["you"]["tier"] == "none"
        pay_url = await desk.answer("order.mjs", house.url, show["show"], product["id"], token)
        await house.cashier(pay_url)
        assert json.loads(await fan.word("tier"))["tier"] == "vip"
    assert await desk.answer("order.mjs", house.url, show["show"], "no-such-product", token) == "NOT_FOUND"


async def test_the_socket_of_the_readme_is_refused_with_what_to_buy_and_ends(tmp_path: Path, desk: Desk) -> None:
    async with liveroom(tmp_path) as house:
        show = await house.show()
        await into_the_show(house, show)
        async with desk.run("watch.mjs", house.url, show["room"], await house.login("stranger")) as stranger:
            code, products = (await stranger.word("refused")).split(" ", 1)
            assert code == "TICKET_REQUIRED"
            assert {product["tier"] for product in json.loads(products)} == {"main", "vip"}
            assert await stranger.ended() == 0, "nothing is left to wait for, so the program ends"


async def test_the_socket_of_the_readme_comes_back_when_the_door_was_busy(tmp_path: Path, desk: Desk) -> None:
    a_minute = 20  # and so one more is welcome every three seconds
    async with liveroom(tmp_path, handshakes_per_minute=a_minute) as house:
        show = await house.show()
        token = await house.login("eager")
        await asyncio.gather(*(short_visit(house, token, show["room"]) for _ in range(a_minute)))
        async with desk.run("watch.mjs", house.url, show["room"], token) as eager:
            assert (await eager.word("refused")).split()[0] == "BUSY"
            assert json.loads(await eager.word("welcome"))["you"]["user"] == "eager"


async def test_the_socket_of_the_readme_resumes_where_it_was_cut_off(tmp_path: Path, desk: Desk) -> None:
    # A cut between two polls, before the WebSocket stands, costs the fan nothing: it goes on, and is cut again. One in
    # the moment of the upgrade may leave the official client with neither (its polls rest, its probe is dead): then the
    # heartbeat finds out, which beats faster here than the test's patience lasts.
    async with liveroom(tmp_path, ping_interval_seconds=1, ping_timeout_seconds=2) as house:
        show = await house.show()
        token = await house.login("cut-off")
        async with wire(house.url) as way, desk.run("watch.mjs", way.url, show["room"], token) as fan:
            assert json.loads(await fan.word("welcome"))["recovered"] is False
            for _ in range(5):
                await way.cut()
                way.mend()
                with suppress(TimeoutError):
                    assert json.loads(await fan.word("welcome", seconds=8))["recovered"] is True
                    return
        raise AssertionError("the fan did not come back")


@pytest.mark.parametrize("upgrades", [each for each in Upgrades if each is not Upgrades.PASS])
async def test_the_socket_of_the_readme_comes_through_where_websockets_do_not(
    house: Liveroom, desk: Desk, upgrades: Upgrades
) -> None:
    show = await house.show()
    token = await house.login("walled-in")
    async with (
        upgrade_proxy(house.url, upgrades) as proxy,
        desk.run("watch.mjs", proxy.url, show["room"], token) as fan,
    ):
        assert json.loads(await fan.word("welcome", seconds=5))["you"]["user"] == "walled-in"
        assert proxy.asked == ["polling"], "the library's default: polling first, and a WebSocket where one works"


async def short_visit(house: Liveroom, token: str, room: str) -> None:
    async with connected(house.url, token=token, room=room):
        pass


async def into_the_show(house: Liveroom, show: dict[str, Any]) -> None:
    async with connected(house.url, "/console", token=await house.login("host", "host"), room=show["room"]) as host:
        for phase in ("doors", "live"):
            assert (await host.send("show:phase", {"phase": phase}))["ok"]


async def test_a_token_of_the_command_line_opens_the_demo_and_its_books_balance(house: Liveroom, desk: Desk) -> None:
    show = await house.show()
    token = await desk.shell("LIVEROOM_MODE=demo .venv/bin/liveroom token --user mei")
    async with connected(house.url, token=token, room=show["room"]) as fan:
        assert (await fan.wait("welcome"))["you"]["user"] == "mei"
    said = await desk.shell(".venv/bin/liveroom audit", LIVEROOM_DATA_DIR=str(house.settings.data_dir), COLUMNS="160")
    assert said.startswith("Nothing found")
