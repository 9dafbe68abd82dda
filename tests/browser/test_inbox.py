"""What became of a fan's money is on their page, also where it happened while they were away: each notice once."""

import asyncio

import pytest
from playwright.async_api import Locator, Page, expect

from tests.browser.chromium import Watched
from tests.browser.line import line_to
from tests.browser.moves import enters, fan_page, sees
from tests.integration.evening import Evening, evening
from tests.integration.running import Liveroom
from tests.integration.test_door import script_faults

pytestmark = pytest.mark.asyncio(loop_scope="package")


@pytest.mark.parametrize(
    ("language", "words"),
    [("en", "Your payment of ¥68 came when it could buy nothing"), ("zh", "你支付的 ¥68 到账时已无票可买")],
)
async def test_whoever_comes_back_to_a_show_that_is_over_reads_once_that_their_money_returns(
    house: Liveroom, screen: Watched, language: str, words: str
) -> None:
    user = f"late-{language}"
    async with evening(house, "live") as show:
        order = await _pays_too_late(house, show, user)
        page = await screen.page(390, 844)
        address = fan_page(house.url, show=show.show, user=user, lang=language)
        await page.goto(address)
        await sees(page, "state", "refused")
        await expect(_notices(page)).to_have_count(1)
        await expect(_notices(page)).to_contain_text(words)
        await expect(_notices(page)).to_contain_text(order)
        await page.reload()
        await sees(page, "state", "refused")
        await _inbox_is_read(page)
        await expect(_notices(page)).to_have_count(0)


async def test_a_notice_stands_until_it_is_dismissed_and_a_return_brings_what_came_meanwhile(
    house: Liveroom, screen: Watched
) -> None:
    async with evening(house, "live") as show:
        told: list[dict[str, object]] = []
        page = await screen.page()
        await show.ticket("away")
        await page.route("**/api/v1/inbox", lambda route: route.fulfill(json={"notices": told}))
        await enters(page, fan_page(house.url, show=show.show, user="away"))
        await _inbox_is_read(page)
        await expect(_notices(page)).to_have_count(0)
        for number in (1, 2):
            kind = {1: "money_returning", 2: "refund_failed"}[number]
            told.insert(0, _notice(show.show, f"R{number}.{kind}", kind, number))
            await _comes_back(page)
            await expect(_notices(page)).to_have_count(number)
        await _notices(page).first.get_by_test_id("dismiss-notice").click()
        await expect(_notices(page)).to_have_count(1)
        await expect(_notices(page)).to_have_attribute("data-kind", "refund_failed")
        await _comes_back(page)
        await _inbox_is_read(page)
        await expect(_notices(page)).to_have_count(1)


async def test_a_page_whose_line_was_down_asks_what_it_missed(house: Liveroom, screen: Watched) -> None:
    async with evening(house, "live") as show, line_to(house.url) as wire:
        told: list[dict[str, object]] = []
        await show.ticket("cut-off")
        page = await screen.page()
        await page.route("**/api/v1/inbox", lambda route: route.fulfill(json={"notices": told}))
        screen.origins = screen.origins | {wire.url.removeprefix("http://")}
        await enters(page, fan_page(wire.url, show=show.show, user="cut-off"))
        wire.cut()
        await sees(page, "state", "reconnecting")
        told.append(_notice(show.show, "R9.refund_failed", "refund_failed", 9))
        wire.mend()
        await sees(page, "state", "online")
        await expect(_notices(page)).to_have_count(1)


async def test_an_inbox_that_does_not_answer_is_asked_again(house: Liveroom, screen: Watched) -> None:
    async with evening(house, "live") as show:
        busy = {"error": {"code": "BUSY", "retryable": True, "retry_after_ms": 50}}
        page = await screen.page()
        notices = {"notices": [_notice(show.show, "R5.money_returning", "money_returning", 5)]}
        await page.route("**/api/v1/inbox", lambda route: route.fulfill(json=notices))
        await page.route("**/api/v1/inbox", lambda route: route.fulfill(status=503, json=busy), times=2)
        await show.ticket("patient")
        await enters(page, fan_page(house.url, show=show.show, user="patient"))
        await expect(_notices(page)).to_have_count(1)


async def test_a_ticket_that_is_being_refunded_cannot_be_bought_and_the_page_says_why(
    house: Liveroom, screen: Watched
) -> None:
    # The page once said "You have this ticket already" to somebody who had just returned it.
    async with evening(house, "presale") as show:
        script_faults(house, refund_delay_ms=600_000)
        await show.ticket("regrets")
        page = await screen.page()
        await enters(page, fan_page(house.url, show=show.show, user="regrets"))
        await page.get_by_test_id("refund").click()
        await page.get_by_test_id("refund-confirm").click()
        await sees(page, "tier", "none")
        await page.get_by_test_id("buy-main").click()
        toast = page.locator(".toast", has_text="The refund of this ticket is still under way")
        await expect(toast).to_be_visible()


async def _pays_too_late(house: Liveroom, show: Evening, user: str) -> str:
    """Money that comes when the show is over, and is on its way back; answers the order's number."""
    token = show.token(user)
    script_faults(house, lost=True)
    order = await house.order(token, show.show, show.products["main"], f"late-{show.show}")
    await house.cashier(order["pay_url"])
    await show.phase("ended")
    await show.refusal(user)  # at the door the provider is asked
    async with asyncio.timeout(10):
        while (await show.order(user, order["order"]))["state"] not in {"refunding", "refunded"}:
            await asyncio.sleep(0.05)
    number: str = order["order"]
    return number


def _notice(show: str, number: str, kind: str, at_ms: int) -> dict[str, object]:
    money = {"order": "01A", "amount_minor": 6_800, "currency": "CNY"}
    return {"id": number, "kind": kind, "show": show, **money, "at_ms": at_ms, "until_ms": None}


def _notices(page: Page) -> Locator:
    return page.get_by_test_id("notice")


async def _comes_back(page: Page) -> None:
    """To the tab, from another."""
    await page.evaluate('document.dispatchEvent(new Event("visibilitychange"))')


async def _inbox_is_read(page: Page) -> None:
    """The page's next look at the inbox has been answered and shown."""
    async with page.expect_response("**/api/v1/inbox"):
        await _comes_back(page)
    await page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
