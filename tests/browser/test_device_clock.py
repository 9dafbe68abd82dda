"""A phone whose clock is an hour off: what the page plans, it plans by the server's clock."""

import time
from pathlib import Path

import pytest
from playwright.async_api import Browser, expect

from tests.browser.chromium import watched
from tests.browser.moves import enters, fan_page, sees
from tests.integration.conftest import UNHURRIED
from tests.integration.evening import evening
from tests.integration.running import liveroom

pytestmark = pytest.mark.asyncio(loop_scope="package")

GRANT_SECONDS = 10
OFF = "const real = Date.now.bind(Date); Date.now = () => real() + ({hours}) * 3600000;"


@pytest.mark.parametrize("hours", [-1, 1])
async def test_grants_are_renewed_in_time_whatever_the_device_says(
    browser: Browser, tmp_path: Path, hours: int
) -> None:
    # an hour behind, the renewal was planned an hour late, and the page went on saying that the grant is verified
    async with (
        liveroom(tmp_path, **UNHURRIED, grant_seconds=GRANT_SECONDS) as house,
        evening(house, "live") as show,
        watched(browser, house.url, house.settings.sandbox_url) as screen,
    ):
        await show.ticket("mei")
        page = await screen.page()
        await page.add_init_script(OFF.format(hours=hours))
        await enters(page, fan_page(house.url, show=show.show, user="mei"))
        await sees(page, "grant", "verified")

        def playlists() -> set[str]:
            return {url for url in screen.requests if url.endswith(".m3u8")}

        deadline = time.monotonic() + 2 * GRANT_SECONDS
        while len(playlists()) < 3:
            assert time.monotonic() < deadline, "the grant was not renewed before its end"
            await page.wait_for_timeout(100)
        await sees(page, "grant", "verified")
        await expect(page.get_by_test_id("grant")).to_contain_text("renews in")
