"""Pages behind proxies that WebSockets do not get through: the fan is inside all the same, and speaks."""

import asyncio

import pytest
from playwright.async_api import Browser, expect

from tests.browser.chromium import watched
from tests.browser.moves import fan_page, line, says, sees
from tests.integration.evening import done, evening
from tests.integration.running import Liveroom
from tests.upgrade_proxy import Upgrades, upgrade_proxy

pytestmark = pytest.mark.asyncio(loop_scope="package")

AT_ONCE_MS = 6_000
AFTER_A_WHILE_MS = 20_000
"""`ANSWER_MS` of src/transports.ts, a reconnect's delay, and a busy machine."""


async def comes_in(house: Liveroom, browser: Browser, upgrades: Upgrades, within_ms: float) -> list[str]:
    """A fan's page through such a proxy; the transports that it asked for until it was inside."""
    async with (
        evening(house, "live") as show,
        upgrade_proxy(house.url, upgrades) as proxy,
        watched(browser, proxy.url) as screen,
    ):
        await show.ticket("walled-in")
        page = await screen.page()
        await page.goto(fan_page(proxy.url, show=show.show, user="walled-in"))
        await sees(page, "state", "online", within_ms)
        asked = list(proxy.asked)
        await says(page, "through the wall")
        await expect(line(page, "through the wall")).to_have_count(1)
        await done(show.host, "danmaku", {"text": "I hear you"})
        await expect(line(page, "I hear you")).to_have_count(1)
        return asked


@pytest.mark.parametrize("upgrades", [Upgrades.DROPPED, Upgrades.REFUSED, Upgrades.PLAIN])
async def test_a_page_behind_a_proxy_without_upgrades_polls_at_once(
    house: Liveroom, browser: Browser, upgrades: Upgrades
) -> None:
    # The page said "connecting" for ever: without `tryAllTransports` the second transport was never tried.
    assert await comes_in(house, browser, upgrades, AT_ONCE_MS) == ["websocket", "polling"]


async def test_a_page_behind_a_proxy_that_takes_upgrades_and_no_frames_polls_after_a_while(
    house: Liveroom, browser: Browser
) -> None:
    # Such a WebSocket opens, so `tryAllTransports` alone stays with it.
    kinds = (Upgrades.SILENT, Upgrades.SWALLOWED, Upgrades.DEAF)
    asked = await asyncio.gather(*(comes_in(house, browser, kind, AFTER_A_WHILE_MS) for kind in kinds))
    assert [transports[:2] for transports in asked] == [["websocket", "polling"]] * len(kinds)


async def test_a_refused_page_asks_again_by_a_websocket_and_so_does_one_that_was_cut_off(
    house: Liveroom, browser: Browser
) -> None:
    async with (
        evening(house, "live") as show,
        upgrade_proxy(house.url, Upgrades.PASS) as proxy,
        watched(browser, proxy.url) as screen,
    ):
        page = await screen.page()
        await page.goto(fan_page(proxy.url, show=show.show, user="late"))
        await expect(page.get_by_test_id("door")).to_have_attribute("data-code", "TICKET_REQUIRED")
        assert proxy.asked == ["websocket"]
        await show.ticket("late")
        await page.reload()
        await sees(page, "state", "online")
        proxy.cut()
        await sees(page, "state", "reconnecting")
        await sees(page, "state", "online")
        assert proxy.asked == ["websocket"] * 3
