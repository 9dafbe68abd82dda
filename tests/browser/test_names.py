"""Names and texts of any script stand where they belong, whatever direction they are written in."""

import pytest
from playwright.async_api import expect

from auth.identity import UserId
from rooms.names.names import alias
from tests.browser.chromium import Watched
from tests.browser.moves import console_page, enters, fan_page, line
from tests.integration.evening import done, evening
from tests.integration.running import Liveroom

pytestmark = pytest.mark.asyncio(loop_scope="package")


async def test_an_arabic_name_does_not_change_places_with_its_message(house: Liveroom, screen: Watched) -> None:
    async with evening(house) as show:
        fatima = await show.fan("فاطمة 12", "main")
        await show.ticket("reader")
        page = await screen.page()
        await enters(page, fan_page(house.url, show=show.show, user="reader"))
        for text in ("123 تصفيق!", "bravo 45", "שלום, 7"):
            await done(fatima, "danmaku", {"text": text})
            said = line(page, text)
            await expect(said).to_have_count(1)
            name = said.locator("xpath=..").locator("bdi.line-name")
            await expect(name).to_have_text("فاطمة 12")
            name_box, text_box = await name.bounding_box(), await said.bounding_box()
            assert name_box is not None
            assert text_box is not None
            assert name_box["x"] + name_box["width"] <= text_box["x"] + 1
        directions = await page.eval_on_selector_all(
            ".line-text", "all => all.map(one => getComputedStyle(one).direction)"
        )
        assert directions == ["rtl", "ltr", "rtl"]


async def test_a_host_keeps_a_name_for_the_show_on_the_console(house: Liveroom, screen: Watched) -> None:
    async with evening(house) as show:
        page = await screen.page()
        await enters(page, console_page(house.url, show=show.show, user="host"))
        await page.get_by_test_id("names-input").fill("نجمة")
        await page.get_by_test_id("names-button").click()
        await expect(page.get_by_test_id("names").locator("bdi")).to_have_text(["نجمة"])
        pretends = "نَجْمَة"  # the same with its vowels
        pretender = await show.fan(pretends, "main")
        assert (await pretender.wait("welcome"))["you"]["name"] == alias(UserId(pretends))
