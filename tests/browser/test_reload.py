"""Reloading the page in the middle of a show: no message is missing, none stands there twice."""

import asyncio

import pytest
from playwright.async_api import Page, expect

from tests.browser.chromium import Watched
from tests.browser.moves import enters, fan_page, sees
from tests.integration.evening import evening
from tests.integration.running import Liveroom
from tests.integration.test_recovery import say

pytestmark = pytest.mark.asyncio(loop_scope="package")


async def lines(page: Page) -> list[str]:
    """Ids of what stands in the chat, top down."""
    found: list[str] = (
        await page.get_by_test_id("chat").locator("li[data-id]").evaluate_all("all => all.map((one) => one.dataset.id)")
    )
    return found


async def test_a_page_that_is_reloaded_mid_show_has_no_gap_and_nothing_twice(house: Liveroom, screen: Watched) -> None:
    async with evening(house, "live") as show:
        speaker = await show.fan("speaker")
        await show.ticket("reader")
        page = await screen.page()
        await enters(page, fan_page(house.url, show=show.show, user="reader"))
        said = await say(speaker, *(f"before {number}" for number in range(5)))
        await expect(page.get_by_test_id("chat").locator(f"li[data-id='{said[-1]}']")).to_be_visible()
        for turn in range(3):
            speaking = asyncio.create_task(say(speaker, *(f"meanwhile {turn}-{number}" for number in range(20))))
            await page.reload()
            await sees(page, "state", "online")
            said += await speaking
            await expect(page.get_by_test_id("chat").locator(f"li[data-id='{said[-1]}']")).to_be_visible()
            assert await lines(page) == said
        await expect(page.get_by_test_id("chat-gap")).to_have_count(0)
        # what was caught up on does not fly over the picture once more
        assert await page.get_by_test_id("danmaku-layer").locator(f"[data-id='{said[0]}']").count() == 0
