"""The README's examples, run as they stand against a gateway."""

import asyncio
import json
import os
import re
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from gateway.settings import DEMO_JWT_SECRET
from tests.integration.clients import connected
from tests.integration.running import Liveroom, liveroom
from tests.integration.wire import wire

ROOT = Path(__file__).parents[1]
SNIPPETS = dict(
    re.findall(r"^```\w+ file=(\S+)\n(.*?)^```$", (ROOT / "README.md").read_text("utf-8"), re.DOTALL | re.MULTILINE)
)
DEADLINE_SECONDS = 10.0

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A reader's folder: the snippets as files, the browser packages installed."""
    folder = tmp_path_factory.mktemp("desk")
    for name, text in SNIPPETS.items():
        (folder / name).write_text(text, "utf-8")
    (folder / "node_modules").symlink_to(ROOT / "web-demo" / "node_modules", target_is_directory=True)
    return folder


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Liveroom]:
    async with liveroom(tmp_path_factory.mktemp("house")) as running:
        yield running


@asynccontextmanager
async def run(desk: Path, name: str, *arguments: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """A snippet with its arguments; ended at the end."""
    interpreter = "node" if name.endswith(".mjs") else sys.executable
    process = await asyncio.create_subprocess_exec(
        interpreter,
        name,
        *arguments,
        cwd=desk,
        env={**os.environ, "JWT_SECRET": DEMO_JWT_SECRET},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def answer_of(desk: Path, name: str, *arguments: str) -> str:
    async with run(desk, name, *arguments) as process, asyncio.timeout(DEADLINE_SECONDS):
        out, _ = await process.communicate()
        assert process.returncode == 0
        return out.decode().strip()


async def line_with(process: asyncio.subprocess.Process, beginning: str) -> str:
    """The rest of the first line to come that begins so."""
    assert process.stdout is not None
    async with asyncio.timeout(DEADLINE_SECONDS):
        while line := (await process.stdout.readline()).decode():
            if line.startswith(beginning + " "):
                return line.removeprefix(beginning).strip()
    raise AssertionError(f"the snippet ended without a word of {beginning}")


@pytest.mark.parametrize("name", ["mint_token.py", "mint_token.mjs"])
async def test_a_token_minted_as_the_readme_says_is_accepted(house: Liveroom, desk: Path, name: str) -> None:
    show = await house.show()
    token = await answer_of(desk, name, "fan-42", "梅")
    async with connected(house.url, token=token, room=show["room"]) as fan:
        you = (await fan.wait("welcome"))["you"]
        assert (you["user"], you["name"], you["role"]) == ("fan-42", "梅", "viewer")
    own = await house.http.get(f"/api/v1/orders?show={show['show']}", headers={"authorization": f"Bearer {token}"})
    assert own.json() == {"orders": []}


async def test_an_order_placed_as_the_readme_says_promotes_the_socket_it_says_how_to_open(
    house: Liveroom, desk: Path
) -> None:
    show = await house.show()
    token = await house.login("buyer")
    product = next(product for product in show["products"] if product["tier"] == "vip")
    async with run(desk, "watch.mjs", house.url, show["room"], token) as fan:
        assert json.loads(await line_with(fan, "welcome"))["you"]["tier"] == "none"
        pay_url = await answer_of(desk, "order.mjs", house.url, show["show"], product["id"], token)
        await house.cashier(pay_url)
        assert json.loads(await line_with(fan, "tier"))["tier"] == "vip"
    assert await answer_of(desk, "order.mjs", house.url, show["show"], "no-such-product", token) == "NOT_FOUND"


async def test_the_socket_of_the_readme_is_refused_with_what_to_buy_and_ends(tmp_path: Path, desk: Path) -> None:
    async with liveroom(tmp_path) as house:
        show = await house.show()
        await into_the_show(house, show)
        async with run(desk, "watch.mjs", house.url, show["room"], await house.login("stranger")) as stranger:
            code, products = (await line_with(stranger, "refused")).split(" ", 1)
            assert code == "TICKET_REQUIRED"
            assert {product["tier"] for product in json.loads(products)} == {"main", "vip"}
            async with asyncio.timeout(DEADLINE_SECONDS):
                assert await stranger.wait() == 0, "nothing is left to wait for, so the program ends"


async def test_the_socket_of_the_readme_comes_back_when_the_door_was_busy(tmp_path: Path, desk: Path) -> None:
    a_minute = 30  # and so one more is welcome every two seconds
    async with liveroom(tmp_path, handshakes_per_minute=a_minute) as house:
        show = await house.show()
        token = await house.login("eager")
        for _ in range(a_minute):
            async with connected(house.url, token=token, room=show["room"]):
                pass
        async with run(desk, "watch.mjs", house.url, show["room"], token) as eager:
            assert (await line_with(eager, "refused")).split()[0] == "BUSY"
            assert json.loads(await line_with(eager, "welcome"))["you"]["user"] == "eager"


async def test_the_socket_of_the_readme_resumes_where_it_was_cut_off(house: Liveroom, desk: Path) -> None:
    show = await house.show()
    token = await house.login("cut-off")
    async with wire(house.url) as way, run(desk, "watch.mjs", way.url, show["room"], token) as fan:
        assert json.loads(await line_with(fan, "welcome"))["recovered"] is False
        await way.cut()
        await way.mend()
        assert json.loads(await line_with(fan, "welcome"))["recovered"] is True


async def into_the_show(house: Liveroom, show: dict[str, Any]) -> None:
    async with connected(house.url, "/console", token=await house.login("host", "host"), room=show["room"]) as host:
        for phase in ("doors", "live"):
            assert (await host.send("show:phase", {"phase": phase}))["ok"]
