"""The page that shows at one look what a ticket is worth."""

from urllib.parse import urlencode

import pytest
from playwright.async_api import FrameLocator, Page, expect

from tests.browser.chromium import Watched
from tests.browser.moves import AT_ONCE_MS, buys, flying, line, says, sees
from tests.integration.evening import evening
from tests.integration.running import Liveroom

pytestmark = pytest.mark.asyncio(loop_scope="package")

FANS = ("ann", "mei", "vic")
HOSTILE = '<script>window.owned = 1</script><img src="x" onerror="window.owned = 1"><b>bold</b>'


def pane(page: Page, fan: str) -> FrameLocator:
    return page.get_by_test_id(f"pane-{fan}").frame_locator("iframe")


async def test_one_look_shows_what_each_ticket_is_worth_and_it_changes_without_a_reload(
    house: Liveroom, screen: Watched
) -> None:
    async with evening(house, "presale") as show:
        page = await screen.page(1600, 1000, reduced_motion="no-preference")
        await page.goto(f"{house.url}/split?{urlencode({'show': show.show, 'fans': ','.join(FANS)})}")
        nothing, main, vip = (pane(page, fan) for fan in FANS)
        for fan in (nothing, main, vip):
            await sees(fan, "state", "online")
            await sees(fan, "tier", "none")
            await fan.locator("body").evaluate("() => { window.stayed = true; }")

        await buys(page, page.get_by_test_id("pane-mei").get_by_test_id("quick-main"), stays_open=False)
        await sees(main, "tier", "main", AT_ONCE_MS)
        await buys(page, vip.get_by_test_id("buy-vip"))
        await sees(vip, "tier", "vip", AT_ONCE_MS)
        await sees(nothing, "tier", "none")

        await page.get_by_test_id("phase-doors").click()
        await page.get_by_test_id("phase-live").click()
        for fan, stream, speaks in ((nothing, "none", "no"), (main, "main", "yes"), (vip, "vip", "yes")):
            await sees(fan, "stream", stream)
            await sees(fan, "speak", speaks)
        for fan in (main, vip):
            await sees(fan, "grant", "verified")
        await expect(nothing.get_by_test_id("say-input")).to_be_disabled()
        await sees(nothing, "say-reason", "ticket")

        await says(vip, "安可")
        for fan in (main, vip):
            await expect(flying(fan, "安可")).to_be_visible()
            await expect(line(fan, "安可")).to_have_count(1)
        await _html_is_only_text(main, vip)
        await _gifts_take_a_ticket_and_credits(nothing, main, vip)
        for what in (line, flying):
            await expect(what(nothing, "安可")).to_have_count(0)

        await main.get_by_test_id("refund").click()
        await main.get_by_test_id("refund-confirm").click()
        await sees(main, "tier", "none", AT_ONCE_MS)
        await sees(main, "stream", "none")
        await sees(main, "speak", "no")
        await says(vip, "where is mei?")
        await expect(line(vip, "where is mei?")).to_have_count(1)
        await expect(line(main, "where is mei?")).to_have_count(0)
        await sees(vip, "stream", "vip")

        for fan in (nothing, main, vip):
            assert await fan.locator("body").evaluate("() => window.stayed && !window.owned")
        assert screen.strays == []
        assert screen.complaints == []
        assert any(url.startswith("ws://") for url in screen.requests)
        assert any(url.startswith(house.settings.sandbox_url) for url in screen.requests)


async def _html_is_only_text(main: FrameLocator, vip: FrameLocator) -> None:
    await says(vip, HOSTILE)
    for fan in (main, vip):
        await expect(line(fan, "bold")).to_have_text(HOSTILE)
        await expect(flying(fan, "bold")).to_have_text(HOSTILE)
        for name in ("chat", "danmaku-layer"):
            assert await fan.get_by_test_id(name).locator("script, img, .line-text b, .bullet *").count() == 0


async def _gifts_take_a_ticket_and_credits(nothing: FrameLocator, main: FrameLocator, vip: FrameLocator) -> None:
    await expect(nothing.get_by_test_id("gift-rose")).to_be_disabled()
    await sees(vip, "wallet", "500")
    await vip.get_by_test_id("gift-rose").click()
    await sees(vip, "wallet", "499", AT_ONCE_MS)
    for fan in (main, vip):
        await expect(fan.get_by_test_id("chat").locator(".line.gift")).to_have_count(1)
    await expect(nothing.get_by_test_id("chat").locator(".line.gift")).to_have_count(0)
