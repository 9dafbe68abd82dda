"""What a person is to see at any width: no page runs out of its side, and trouble stays in sight wherever one reads."""

import pytest
from playwright.async_api import Page, WebSocketRoute, expect

from tests.browser.chromium import Watched
from tests.browser.moves import console_page, enters, fan_page, sees
from tests.integration.evening import evening
from tests.integration.running import Liveroom

pytestmark = pytest.mark.asyncio(loop_scope="package")

WIDTHS = ((390, 844), (820, 1180), (1440, 900))


@pytest.mark.parametrize("language", ["en", "zh"])
async def test_no_page_scrolls_sideways(house: Liveroom, screen: Watched, language: str) -> None:
    async with evening(house, "live") as show:
        await show.ticket("holder", "vip")
        said = {"show": show.show, "lang": language}
        for width, height in WIDTHS:
            page = await screen.page(width, height)
            await page.goto(f"{house.url}/?show={show.show}&lang={language}")
            await page.get_by_test_id("bill").wait_for()
            await _fits(page)
            await page.goto(fan_page(house.url, user="stranger", **said))
            await sees(page, "state", "refused")
            await _fits(page)
            for address in (fan_page(house.url, user="holder", **said), console_page(house.url, user="host", **said)):
                await enters(page, address)
                await _fits(page)
            await page.goto(f"{house.url}/split?show={show.show}&fans=one,holder&lang={language}")
            await sees(page, "state", "online")
            await _fits(page)
            for fan in ("one", "holder"):
                pane = page.get_by_test_id(f"pane-{fan}").frame_locator("iframe")
                await pane.get_by_test_id("state").wait_for()
                assert await pane.locator("html").evaluate("(root) => root.scrollWidth <= root.clientWidth")
            await page.context.close()


async def test_a_room_in_trouble_says_so_wherever_one_reads_until_it_is_over(house: Liveroom, screen: Watched) -> None:
    async with evening(house, "live") as show:
        await show.ticket("reader")
        page = await screen.page(*WIDTHS[0])
        lines: list[WebSocketRoute] = []

        def listens_in(line: WebSocketRoute) -> None:
            line.connect_to_server()
            lines.append(line)

        await page.route_web_socket("**/socket.io/**", listens_in)
        await enters(page, fan_page(house.url, show=show.show, user="reader"))
        await page.get_by_test_id("cohost").scroll_into_view_if_needed()
        for packet, state, words in (
            ('["degraded",{"since_ms":1}]', "degraded", "Servers are out of touch"),
            ('["draining",{"reconnect_after_ms":1000}]', "draining", "Moving to another server"),
        ):
            lines[-1].send(f"42/live,{packet}")
            await sees(page, "state", state)
            await expect(page.get_by_test_id("banner")).to_contain_text(words)
            await expect(page.get_by_test_id("banner")).to_be_in_viewport(ratio=1)
        await sees(page, "state", "online", 10_000)
        await expect(page.get_by_test_id("banner")).to_have_count(0)


async def _fits(page: Page) -> None:
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth"), page.url
