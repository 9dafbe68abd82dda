"""No page, in any state a person meets, light or dark, has what axe-core calls a serious or critical fault."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from playwright.async_api import Page, expect

from tests.browser.chromium import AXE, Watched, require
from tests.browser.moves import console_page, enters, fan_page, says, sees
from tests.integration.evening import Evening, done, evening
from tests.integration.running import Liveroom

pytestmark = pytest.mark.asyncio(loop_scope="package")

FINDS_FAULTS = """
async () => (await axe.run(document, { resultTypes: ["violations"] })).violations
  .filter((violation) => ["serious", "critical"].includes(violation.impact))
  .flatMap(({ id, nodes }) => nodes.map((node) => `${id}: ${node.target.join(" ")}: ${node.failureSummary}`))
"""


async def test_the_introduction_and_the_logins(house: Liveroom, screen: Watched) -> None:
    async with evening(house, "presale") as show:
        for address, shown in (
            (f"{house.url}/?show={show.show}", "bill"),
            (fan_page(house.url, show=show.show), "login-name"),
            (console_page(house.url, show=show.show), "login-name"),
        ):
            page = await _page(screen)
            await page.goto(address)
            await page.get_by_test_id(shown).wait_for()
            await _is_sound(page)


async def test_the_foyer_with_an_order_and_the_cashier(house: Liveroom, screen: Watched) -> None:
    async with evening(house, "presale") as show:
        page = await _page(screen)
        await enters(page, fan_page(house.url, show=show.show, user="foyer"))
        async with page.expect_popup() as opened:
            await page.get_by_test_id("buy-main").click()
        cashier = await opened.value
        await page.get_by_test_id("pending-order").wait_for()
        await cashier.locator("button[value=pay]").wait_for()
        await _is_sound(cashier)
        await cashier.locator("button[value=pay]").click()
        await cashier.locator(".card.paid").wait_for()
        await _is_sound(cashier)
        await cashier.close()
        await page.get_by_test_id("refund").click()
        await _is_sound(page)


async def test_the_show_with_either_ticket_and_its_door(house: Liveroom, screen: Watched) -> None:
    async with _lively_evening(house) as show:
        for user in ("main", "vip"):
            page = await _page(screen)
            await enters(page, fan_page(house.url, show=show.show, user=user))
            await sees(page, "stream", user)
            await sees(page, "grant", "verified")
            if user == "vip":
                await says(page, "安可")
                await page.get_by_test_id("cohost-request").click()
            await _is_sound(page)
        door = await _page(screen)
        await door.goto(fan_page(house.url, show=show.show, user="stranger"))
        await sees(door, "state", "refused")
        await _is_sound(door)
        await done(show.host, "ban", {"user": "main"})
        await door.goto(fan_page(house.url, show=show.show, user="main"))
        await expect(door.get_by_test_id("door")).to_have_attribute("data-code", "BANNED")
        await _is_sound(door)


async def test_notices_about_money(house: Liveroom, screen: Watched) -> None:
    async with evening(house, "presale") as show:
        money = {
            "show": show.show,
            "order": "01A",
            "amount_minor": 6_800,
            "currency": "CNY",
            "at_ms": 1,
            "until_ms": None,
        }
        kinds = ("money_returning", "refund_failed", "refunds_open")
        notices = [{"id": kind, "kind": kind, **money} for kind in kinds]
        page = await _page(screen)
        await page.route("**/api/v1/inbox", lambda route: route.fulfill(json={"notices": notices}))
        await enters(page, fan_page(house.url, show=show.show, user="told"))
        await expect(page.get_by_test_id("notice")).to_have_count(len(kinds))
        await _is_sound(page)


async def test_the_console_of_host_and_moderator(house: Liveroom, screen: Watched) -> None:
    async with _lively_evening(house) as show:
        fan = await show.enter("main")
        await done(fan, "danmaku", {"text": "hello"})
        await done(fan, "cohost:request", {})
        for user, role in (("host", "host"), ("mod", "moderator")):
            page = await _page(screen, 1440)
            await enters(page, console_page(house.url, show=show.show, user=user, role=role))
            await done(fan, "danmaku", {"text": "is anybody there?"})
            await page.get_by_test_id("chat").locator(".feed-line").first.wait_for()
            await page.get_by_test_id("approve-main").wait_for()
            await _is_sound(page)


async def test_the_three_fans(house: Liveroom, screen: Watched) -> None:
    async with _lively_evening(house, "doors") as show:
        page = await _page(screen, 1600)
        await page.goto(f"{house.url}/split?show={show.show}&fans=nobody,main,vip")
        for fan in ("nobody", "main", "vip"):
            await sees(page.get_by_test_id(f"pane-{fan}").frame_locator("iframe"), "state", "online")
        await page.get_by_test_id("phase-live").click()
        await sees(page.get_by_test_id("pane-vip").frame_locator("iframe"), "grant", "verified")
        await _is_sound(page)


@asynccontextmanager
async def _lively_evening(house: Liveroom, phase: str = "live") -> AsyncIterator[Evening]:
    """A show with two ticket holders named after their tickets, a pin, a countdown, a poll and a gift given."""
    async with evening(house, phase) as show:
        for tier in ("main", "vip"):
            await show.ticket(tier, tier)
        await done(show.host, "announce", {"text": "Encore at ten"})
        await done(
            show.host, "countdown:set", {"target_ms": show.start_ms, "kind": "custom", "label": "Meet and greet"}
        )
        song = await done(show.host, "poll:ask", {"question": "Which song?", "options": ["The first", "The last"]})
        giver = await show.enter("vip")
        await done(giver, "poll:vote", {"poll": song["id"], "option": 1})
        await done(giver, "gift", {"gift": "star", "count": 1, "key": "the-first-star"})
        await giver.close()  # its page asks before it takes a seat
        yield show


async def _page(screen: Watched, width: int = 1280) -> Page:
    page = await screen.page(width)
    await page.context.add_init_script(path=require(AXE, "run `npm ci` in web-demo"))
    return page


async def _is_sound(page: Page) -> None:
    faults: list[str] = []
    for scheme in ("dark", "light"):
        await page.emulate_media(color_scheme=scheme)
        faults += [f"{scheme}: {fault}" for fault in await page.evaluate(FINDS_FAULTS)]
    assert not faults, "\n".join(faults)
