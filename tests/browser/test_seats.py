"""One ticket, two tabs: the second asks first, the first is told and can take its seat back."""

import pytest
from playwright.async_api import Page, expect

from tests.browser.chromium import Watched
from tests.browser.moves import AT_ONCE_MS, enters, fan_page, says, sees
from tests.integration.evening import evening
from tests.integration.running import Liveroom

pytestmark = pytest.mark.asyncio(loop_scope="package")

QUESTIONS = {
    "en-US": "You are watching on another device. Watch here instead?",
    "zh-CN": "你正在另一台设备上观看。改在这里观看吗？",
}
NEWS = {"en-US": "You are watching elsewhere", "zh-CN": "你正在别处观看"}


@pytest.mark.parametrize("locale", QUESTIONS)
async def test_a_second_tab_asks_before_it_takes_the_seat_and_the_first_can_take_it_back(
    house: Liveroom, screen: Watched, locale: str
) -> None:
    async with evening(house, "live") as show:
        fan = f"twofold-{locale.lower()}"
        await show.ticket(fan)
        address = fan_page(house.url, show=show.show, user=fan)
        phone, laptop = await screen.page(locale=locale), await screen.page(locale=locale)
        await enters(phone, address)
        await laptop.goto(address)
        await _is_told(laptop, QUESTIONS[locale])
        await sees(phone, "state", "online")

        await laptop.get_by_test_id("take-seat").press("Enter")
        await sees(laptop, "state", "online")
        await says(laptop, "here now")
        await _is_told(phone, NEWS[locale])

        await phone.get_by_test_id("take-seat").press("Enter")
        await sees(phone, "state", "online")
        await _is_told(laptop, NEWS[locale])
        await says(phone, "back again")


async def test_a_tab_that_reloads_keeps_its_seat_without_being_asked(house: Liveroom, screen: Watched) -> None:
    async with evening(house, "live") as show:
        await show.ticket("reloader")
        page = await screen.page()
        await enters(page, fan_page(house.url, show=show.show, user="reloader"))
        for _ in range(3):
            await page.reload()
            await sees(page, "state", "online")
        await expect(page.get_by_test_id("door")).to_have_count(0)


async def _is_told(page: Page, text: str) -> None:
    await expect(page.get_by_test_id("door")).to_have_attribute("data-code", "SEAT_TAKEN", timeout=5 * AT_ONCE_MS)
    await expect(page.get_by_test_id("door").get_by_role("heading", level=2)).to_have_text(text)
    await expect(page.get_by_test_id("take-seat")).to_be_focused()
