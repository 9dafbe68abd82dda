"""Pictures of every page at three widths, and the three fans in motion, for var/pictures.

`python -m tests.browser.pictures [FOLDER [webp|png]]`
"""

import asyncio
import base64
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from playwright.async_api import Browser, FrameLocator, Page

from gateway.setup.settings import Mode, Settings
from tests.browser.chromium import ROOT, Watched, chromium, require, watched
from tests.browser.moves import buys, console_page, enters, fan_page, sees
from tests.browser.webp import Frame, animation
from tests.integration.clients import Client, connected
from tests.integration.conftest import UNHURRIED
from tests.integration.evening import done
from tests.integration.running import Liveroom, liveroom

WIDTHS = {"phone": (390, 844), "tablet": (820, 1180), "desktop": (1440, 900)}
QUALITY = 80
AT_MOST_SCREENS = 2
PATIENCE_MS = 20_000
ANIMATION_WIDTH, ANIMATION_HEIGHT, ANIMATION_SCALE, ANIMATION_QUALITY = 1400, 790, 0.6, 40
FANS = {"小林": "main", "Ada": "vip", "Jun": "vip", "星野": "main", "Mina": "main", "Leo": "main"}
SAID = (
    ("小林", "等了三年，终于等到了！"),
    ("Ada", "Front row of the internet"),
    ("Jun", "安可！安可！"),
    ("Mina", "That bass line"),
    ("星野", "灯光绝了"),
    ("Leo", "Hello from Lisbon"),
)


@dataclass
class House:
    """A show with people in it."""

    running: Liveroom
    browser: Browser
    folder: Path
    kind: str
    show: str
    room: str
    products: dict[str, str]
    host: Client
    guests: AsyncExitStack
    inside: dict[str, Client] = field(default_factory=dict)

    async def ticket(self, user: str, tier: str) -> None:
        """A paid ticket."""
        token = await self.running.login(user)
        key = f"ticket-of-{user.encode().hex()}"
        await self.running.buy(token, self.show, self.products[tier], key)

    async def take(self, name: str, page: Page) -> None:
        """Keep what a page shows, at most two screens of it."""
        size = page.viewport_size
        assert size is not None
        width, height = size["width"], size["height"]
        whole = await page.evaluate("document.documentElement.scrollHeight")
        clip = {"x": 0, "y": 0, "width": width, "height": min(whole, AT_MOST_SCREENS * height), "scale": 1}
        (self.folder / f"{name}.{self.kind}").write_bytes(await shot(page, self.kind, QUALITY, clip))


async def shot(page: Page, kind: str, quality: int, clip: dict[str, Any]) -> bytes:
    """A screenshot as Chromium itself encodes it."""
    session = await page.context.new_cdp_session(page)
    settings = {"format": kind, "clip": clip, "captureBeyondViewport": True}
    answer = await session.send("Page.captureScreenshot", settings | ({"quality": quality} if kind == "webp" else {}))
    await session.detach()
    return base64.b64decode(answer["data"])


async def main(folder: Path, kind: str) -> None:
    """Play an evening, and take pictures on the way."""
    require(Settings.load(Mode.TEST).web_dir / "index.html", "run `make build`")
    async with chromium() as browser:
        async with _house(browser, folder, kind) as house:
            await _before_the_show(house)
            await _during_the_show(house)
        async with _house(browser, folder, kind) as house:
            await _three_fans_move(house)


@asynccontextmanager
async def _house(browser: Browser, folder: Path, kind: str) -> AsyncIterator[House]:
    with tempfile.TemporaryDirectory() as data:
        async with liveroom(Path(data), **UNHURRIED) as running:
            show = await running.show()
            products = {product["tier"]: product["id"] for product in show["products"]}
            token = await running.login("Nova", "host")
            async with (
                connected(running.url, "/console", token=token, room=show["room"]) as host,
                AsyncExitStack() as guests,
            ):
                yield House(running, browser, folder, kind, show["show"], show["room"], products, host, guests)


@asynccontextmanager
async def _tabs(house: House, **settings: Any) -> AsyncIterator[Watched]:
    async with watched(house.browser, house.running.url, house.running.settings.sandbox_url, **settings) as tabs:
        yield tabs


async def _before_the_show(house: House) -> None:
    url = house.running.url
    for user, tier in FANS.items():
        await house.ticket(user, tier)
    for name, (width, height) in WIDTHS.items():
        async with _tabs(house) as tabs:
            page = await tabs.page(width, height)
            await page.goto(f"{url}/?show={house.show}")
            await page.get_by_test_id("bill").wait_for()
            await house.take(f"introduction-{name}", page)
            await page.emulate_media(color_scheme="light")
            await house.take(f"introduction-light-{name}", page)
            page = await tabs.page(width, height)
            await enters(page, fan_page(url, user=f"Robin-{name}", show=house.show))
            await page.wait_for_timeout(1_200)  # for the count of who is here
            await house.take(f"foyer-{name}", page)
            async with page.expect_popup() as opened:
                await page.get_by_test_id("buy-main").click()
            cashier = await opened.value
            await cashier.set_viewport_size({"width": width, "height": height})
            await cashier.locator("button[value=pay]").wait_for()
            await house.take(f"cashier-{name}", cashier)


async def _during_the_show(house: House) -> None:
    url = house.running.url
    for phase in ("doors", "live"):
        await done(house.host, "show:phase", {"phase": phase})
    await done(house.host, "announce", {"text": "Encore at 22:00 · 返场 22:00"})
    await _people_come(house)
    for name, (width, height) in WIDTHS.items():
        async with _tabs(house, reduced_motion="no-preference") as tabs:
            for user, tier in (("小林", "main"), ("Ada", "vip")):
                page = await tabs.page(width, height)
                await enters(page, fan_page(url, user=user, show=house.show))
                await sees(page, "grant", "verified")
                await _talk(house, page)
                await house.take(f"live-{tier}-{name}", page)
                await page.close()  # a seat is for one screen
            page = await tabs.page(width, height)
            await page.goto(fan_page(url, user="Robin", show=house.show))
            await sees(page, "state", "refused")
            await house.take(f"purchase-sheet-{name}", page)
            page = await tabs.page(width, height)
            await enters(page, console_page(url, user="Nova", show=house.show))
            await _talk(house, None)
            await page.get_by_test_id("chat").locator(".feed-line").first.wait_for()
            await house.take(f"console-{name}", page)
            page = await tabs.page(width, height)
            await page.goto(f"{url}/split?fans=Guest,小林,Ada&show={house.show}&host=Nova")
            await sees(_pane(page, "小林"), "grant", "verified", PATIENCE_MS)
            await sees(_pane(page, "Ada"), "grant", "verified", PATIENCE_MS)
            await _talk(house, None)
            await page.wait_for_timeout(1_500)
            await house.take(f"three-fans-{name}", page)


async def _people_come(house: House) -> None:
    for user in ("Jun", "Mina", "星野", "Leo"):
        token = await house.running.login(user)
        guest = connected(house.running.url, token=token, room=house.room)
        house.inside[user] = await house.guests.enter_async_context(guest)
    await done(house.inside["Mina"], "cohost:request", {"message": "let me sing"})
    await done(house.inside["Leo"], "cohost:request", {})
    await done(house.host, "cohost:approve", {"user": "Leo"})


async def _talk(house: House, page: Page | None) -> None:
    """What is said comes as it does in a crowd: bit by bit where somebody watches."""
    for user, text in SAID:
        speaker = house.inside.get(user)
        if speaker is not None:
            await done(speaker, "danmaku", {"text": text})
            await asyncio.sleep(0.45 if page else 0)
    await done(house.inside["Jun"], "gift", {"gift": "star", "count": 1, "key": f"gift-{id(page)}-of-jun"})
    await done(house.inside["Mina"], "like", {"count": 12})
    if page:
        await page.wait_for_timeout(600)


def _pane(page: Page, fan: str) -> FrameLocator:
    return page.get_by_test_id(f"pane-{fan}").frame_locator("iframe")


async def _three_fans_move(house: House) -> None:
    """The three-fan page from presale to a refund, as an animation."""
    frames: list[Frame] = []
    clip = {"x": 0, "y": 0, "width": ANIMATION_WIDTH, "height": ANIMATION_HEIGHT, "scale": ANIMATION_SCALE}
    async with _tabs(house, reduced_motion="no-preference") as tabs:
        page = await tabs.page(ANIMATION_WIDTH, ANIMATION_HEIGHT)

        async def keep(milliseconds: int) -> None:
            frames.append(Frame(await shot(page, "webp", ANIMATION_QUALITY, clip), milliseconds))

        await page.goto(f"{house.running.url}/split?fans=Robin,Mina,Ada&show={house.show}&host=Nova")
        for fan in ("Robin", "Mina", "Ada"):
            await sees(_pane(page, fan), "state", "online")
        await keep(1500)
        for fan, tier in (("Mina", "main"), ("Ada", "vip")):
            await buys(page, page.get_by_test_id(f"pane-{fan}").get_by_test_id(f"quick-{tier}"), stays_open=False)
            await sees(_pane(page, fan), "tier", tier)
            await keep(1200)
        await page.get_by_test_id("phase-doors").click()
        await sees(_pane(page, "Ada"), "speak", "yes")
        await keep(900)
        await page.get_by_test_id("phase-live").click()
        await sees(_pane(page, "Ada"), "grant", "verified")
        await sees(_pane(page, "Mina"), "grant", "verified")
        await keep(1200)
        for text in ("安可！安可！", "Front row of the internet", "灯光绝了"):
            say = _pane(page, "Ada").get_by_test_id("say-input")
            await say.fill(text)
            await say.press("Enter")
            for _ in range(2):
                await page.wait_for_timeout(350)
                await keep(450)
        await page.get_by_test_id("pane-Mina").get_by_test_id("quick-return").click()
        await sees(_pane(page, "Mina"), "tier", "none")
        await keep(2000)
    (house.folder / "three-fans.webp").write_bytes(animation(frames))


if __name__ == "__main__":
    where, kind, *_ = [*sys.argv[1:], *(str(ROOT / "var" / "pictures"), "webp")[len(sys.argv) - 1 :]]
    Path(where).mkdir(parents=True, exist_ok=True)
    asyncio.run(main(Path(where), kind))
