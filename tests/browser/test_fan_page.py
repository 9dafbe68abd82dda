"""The fan page: the way in, to a ticket, and back after a lost connection."""

from pathlib import Path

import pytest
from playwright.async_api import Browser, Locator, Page, expect

from tests.browser.chromium import Watched, watched
from tests.browser.line import line_to
from tests.browser.moves import AT_ONCE_MS, buys, enters, fan_page, line, pays, says, sees
from tests.integration.evening import done, evening
from tests.integration.running import Liveroom, liveroom
from tests.ports import free_port

pytestmark = pytest.mark.asyncio(loop_scope="package")

KEEPS_WHAT_BANNERS_SAY = """
window.said = [];
new MutationObserver(() => {
  for (const banner of document.querySelectorAll("[data-testid=banner]")) window.said.push(banner.textContent);
}).observe(document.body, { childList: true, subtree: true, characterData: true });
"""


async def test_anybody_comes_in_by_name_and_is_promoted_by_paying_without_a_reload(
    house: Liveroom, screen: Watched
) -> None:
    async with evening(house, "presale") as show:
        page = await screen.page()
        await page.goto(fan_page(house.url, show=show.show))
        await page.get_by_test_id("login-name").fill("小林")
        await page.get_by_test_id("login-button").click()
        await sees(page, "state", "online")
        await expect(page.locator(".top-me .who")).to_have_text("小林")
        await sees(page, "tier", "none")
        await sees(page, "phase", "presale")
        await _ticks(page.get_by_test_id("countdown").locator("time").first)
        await page.evaluate("window.stayed = true")

        await buys(page, page.get_by_test_id("buy-main"))
        await sees(page, "tier", "main", AT_ONCE_MS)
        await sees(page, "wallet", "100")
        await expect(page.get_by_test_id("order")).to_have_attribute("data-state", "paid")
        await expect(page.get_by_test_id("pending-order")).to_have_count(0)
        await sees(page, "say-reason", "phase")
        await show.phase("doors", "live")
        await sees(page, "stream", "main", AT_ONCE_MS)
        await says(page, "到了")
        await expect(line(page, "到了")).to_have_count(1)
        assert await page.evaluate("window.stayed")
        assert (screen.strays, screen.complaints) == ([], [])


async def test_a_declined_payment_leaves_the_order_to_be_paid_after_all(house: Liveroom, screen: Watched) -> None:
    async with evening(house, "presale") as show:
        page = await screen.page()
        await enters(page, fan_page(house.url, show=show.show, user="declined"))
        async with page.expect_popup() as opened:
            await page.get_by_test_id("buy-vip").click()
        cashier = await opened.value
        await pays(cashier, "decline")
        await cashier.locator(".card.declined").wait_for()
        await cashier.close()
        await sees(page, "tier", "none")
        await _ticks(page.get_by_test_id("pending-order").locator("time"))
        await buys(page, page.get_by_test_id("pay-link"))
        await sees(page, "tier", "vip", AT_ONCE_MS)


async def test_a_refusal_for_want_of_a_ticket_opens_the_purchase_sheet_and_a_payment_the_door(
    house: Liveroom, screen: Watched
) -> None:
    async with evening(house, "live") as show:
        page = await screen.page()
        await page.goto(fan_page(house.url, show=show.show, user="latecomer"))
        await sees(page, "state", "refused")
        door = page.get_by_test_id("door")
        await expect(door).to_have_attribute("data-code", "TICKET_REQUIRED")
        for tier in ("main", "vip"):
            await expect(door.get_by_test_id(f"buy-{tier}")).to_be_enabled()
        await buys(page, door.get_by_test_id("buy-vip"))
        await sees(page, "state", "online")
        await sees(page, "stream", "vip")
        await sees(page, "say-reason", "")
        assert screen.strays == []


@pytest.mark.parametrize("named_by", ["link", "demo"])
async def test_a_show_that_the_list_does_not_know_yet_is_found_and_no_other_opened(
    house: Liveroom, screen: Watched, named_by: str
) -> None:
    # the list is up to a second old: a link to a show put on just now once opened another one
    async with evening(house, "presale") as other, evening(house, "presale") as show:
        page = await screen.page()
        known = [(await house.http.get(f"/api/v1/shows/{other.show}")).json()] if named_by == "link" else []
        await page.route("**/api/v1/shows", lambda route: route.fulfill(json={"shows": known}))
        await page.route("**/demo/show", lambda route: route.fulfill(json={"show": show.show, "room": show.room}))
        link = {"show": show.show} if named_by == "link" else {}
        await enters(page, fan_page(house.url, user="early", **link))
        await expect(page.get_by_test_id("show")).to_have_value(show.show)


async def test_who_comes_back_finds_every_danmaku_once_and_in_order(house: Liveroom, browser: Browser) -> None:
    async with (
        evening(house, "live") as show,
        line_to(house.url) as wire,
        watched(browser, wire.url) as screen,
    ):
        await show.ticket("traveller")
        page = await screen.page()
        await enters(page, fan_page(wire.url, show=show.show, user="traveller"))
        for number in range(3):
            await done(show.host, "danmaku", {"text": f"before {number}"})
        await says(page, "mine")
        await expect(line(page, "mine")).to_have_count(1)

        wire.cut()
        await sees(page, "state", "reconnecting")
        await expect(page.get_by_test_id("banner")).to_be_visible()
        await expect(page.get_by_test_id("say-input")).to_be_disabled()
        for number in range(5):
            await done(show.host, "danmaku", {"text": f"meanwhile {number}"})
        wire.mend()
        await sees(page, "state", "online", 10_000)
        await done(show.host, "danmaku", {"text": "after"})

        await expect(line(page, "after")).to_have_count(1)
        heard = await page.get_by_test_id("chat").locator(".line-text").all_text_contents()
        whole = [*(f"before {number}" for number in range(3)), "mine", *(f"meanwhile {n}" for n in range(5)), "after"]
        assert heard == whole
        await expect(page.locator(".toast", has_text="5 missed events")).to_be_visible()
        assert screen.strays == []


async def test_a_kick_a_ban_and_the_end_of_a_show_are_told_to_a_person(house: Liveroom, screen: Watched) -> None:
    async with evening(house, "live") as show:
        for user in ("kicked", "banned", "guest"):
            await show.ticket(user)
        kicked, banned, guest = [await screen.page() for _ in range(3)]
        for page, user in ((kicked, "kicked"), (banned, "banned"), (guest, "guest")):
            await enters(page, fan_page(house.url, show=show.show, user=user))

        await done(show.host, "kick", {"user": "kicked"})
        await _door(kicked, "KICKED", "The host asked you to leave")
        await kicked.get_by_test_id("connect-again").click()
        await sees(kicked, "state", "online")

        await done(show.host, "ban", {"user": "banned"})
        await _door(banned, "BANNED", "You are banned")
        await expect(banned.get_by_test_id("connect-again")).to_have_count(0)

        await done(show.host, "show:phase", {"phase": "ended"})
        for page in (guest, kicked):
            await _door(page, "ROOM_ENDED", "The show is over")
        await guest.reload()
        await _door(guest, "ROOM_ENDED", "The show is over", state="refused")


async def test_a_server_that_moves_house_is_told_and_found_again(tmp_path: Path, browser: Browser) -> None:
    port = free_port()
    settings = {"port": port, "drain_seconds": 0.6}
    async with watched(browser, f"http://127.0.0.1:{port}") as screen:
        page = await screen.page()
        async with liveroom(tmp_path, **settings) as first:
            show = await first.show()
            await enters(page, fan_page(first.url, show=show["show"], user="patient"))
            await page.evaluate(KEEPS_WHAT_BANNERS_SAY)
            first.stop.set()
        await sees(page, "state", "reconnecting")
        async with liveroom(tmp_path, **settings):
            await sees(page, "state", "online", 10_000)
            await expect(page.get_by_test_id("banner")).to_have_count(0)
        assert "Moving to another server" in await page.evaluate("window.said")


async def test_the_language_can_be_switched_and_is_remembered(house: Liveroom, screen: Watched) -> None:
    async with evening(house, "presale") as show:
        page = await screen.page()
        await enters(page, fan_page(house.url, show=show.show, user="polyglot"))
        buy = page.get_by_test_id("buy-main")
        await expect(buy).to_have_text("Buy ¥68")
        await page.get_by_test_id("language").click()
        await expect(buy).to_have_text("购买 ¥68")
        await expect(page.locator("html")).to_have_attribute("lang", "zh-CN")
        await page.reload()
        await expect(buy).to_have_text("购买 ¥68")
        await page.get_by_test_id("language").click()
        await expect(buy).to_have_text("Buy ¥68")
        await expect(page.locator("html")).to_have_attribute("lang", "en")


async def test_the_keyboard_alone_logs_in_buys_and_speaks(house: Liveroom, screen: Watched) -> None:
    async with evening(house, "presale") as show:
        page = await screen.page()
        await page.goto(fan_page(house.url, show=show.show))
        await _tabs_to(page, page.get_by_test_id("login-name"))
        await page.keyboard.type("keys")
        await page.keyboard.press("Enter")
        await sees(page, "state", "online")

        await _tabs_to(page, page.get_by_test_id("buy-main"))
        async with page.expect_popup() as opened:
            await page.keyboard.press("Enter")
        cashier = await opened.value
        await _tabs_to(cashier, cashier.locator("button[value=pay]"))
        await cashier.keyboard.press("Enter")
        await cashier.locator(".card.paid").wait_for()
        await cashier.close()
        await sees(page, "tier", "main")

        await show.phase("doors")
        await expect(page.get_by_test_id("say-input")).to_be_enabled()
        await _tabs_to(page, page.get_by_test_id("say-input"))
        await page.keyboard.type("no mouse")
        await page.keyboard.press("Enter")
        await expect(line(page, "no mouse")).to_have_count(1)


async def _ticks(clock: Locator) -> None:
    shown = await clock.inner_text()
    assert ":" in shown
    await expect(clock).not_to_have_text(shown, timeout=3_000)


async def _door(page: Page, code: str, words: str, state: str = "ended") -> None:
    await sees(page, "state", state)
    door = page.get_by_test_id("door")
    await expect(door).to_have_attribute("data-code", code)
    await expect(door).to_contain_text(words)


async def _tabs_to(page: Page, target: Locator) -> None:
    """Press Tab until the target has the focus, and see that it shows."""
    await target.wait_for()
    for _ in range(60):
        if await target.evaluate("(element) => element === document.activeElement"):
            break
        await page.keyboard.press("Tab")
    await expect(target).to_be_focused()
    assert await target.evaluate("(element) => element.matches(':focus-visible')")
