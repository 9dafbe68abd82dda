"""Outside a shut door: the page shows what the ticket is worth now, and a login that ran out is found again."""

from collections.abc import Callable

import pytest
from playwright.async_api import Browser, Page, Route, expect

from tests.browser.chromium import Watched, watched
from tests.browser.line import line_to
from tests.browser.moves import AT_ONCE_MS, buys, console_page, enters, fan_page, line, says, sees
from tests.integration.evening import done, evening
from tests.integration.running import Liveroom
from tests.integration.test_door import token_of

pytestmark = pytest.mark.asyncio(loop_scope="package")

BRIEF_SECONDS = 3.0
RUN_OUT_SECONDS = -60.0


class Logins:
    """The platform behind a page's logins: each takes the next answer, and the gateway answers once none is left."""

    def __init__(self) -> None:
        self.answers: list[Callable[[], str | None]] = []

    async def stand_before(self, page: Page) -> None:
        """Answer this page's logins."""
        await page.route("**/demo/login", self.answer)

    async def answer(self, route: Route) -> None:
        """A token, or a refusal for None."""
        if not self.answers:
            await route.continue_()
        elif (token := self.answers.pop(0)()) is None:
            await route.fulfill(status=403, json={"error": {"code": "FORBIDDEN", "retryable": False}})
        else:
            await route.fulfill(json={"token": token})


# ---- tickets -----------------------------------------------------------------------------------------


async def test_a_ticket_returned_while_the_line_was_down_is_gone_from_the_page_that_comes_back(
    house: Liveroom, browser: Browser
) -> None:
    # The page once kept the badge it had inside, and called "Yours" what its own purchase sheet should have sold.
    async with (
        evening(house, "live") as show,
        line_to(house.url) as wire,
        watched(browser, wire.url, house.settings.sandbox_url) as screen,
    ):
        order = await show.ticket("returner")
        page = await screen.page()
        await enters(page, fan_page(wire.url, show=show.show, user="returner"))
        await sees(page, "tier", "main")
        wire.cut()
        await sees(page, "state", "reconnecting")
        await show.refund("returner", order)
        wire.mend()
        await _door(page, "TICKET_REQUIRED", "refused")
        await sees(page, "tier", "none", AT_ONCE_MS)
        buy = page.get_by_test_id("door").get_by_test_id("buy-main")
        await expect(buy).to_be_enabled()
        await buys(page, buy)
        await sees(page, "state", "online")
        await sees(page, "tier", "main")


async def test_a_ticket_returned_in_the_show_leaves_a_fan_of_the_foyer_inside_and_outside(
    house: Liveroom, screen: Watched
) -> None:
    async with evening(house, "live") as show:
        await show.ticket("changed")
        page = await screen.page()
        await enters(page, fan_page(house.url, show=show.show, user="changed"))
        await sees(page, "stream", "main")
        await page.get_by_test_id("refund").click()
        await page.get_by_test_id("refund-confirm").click()
        await sees(page, "tier", "none", AT_ONCE_MS)
        await sees(page, "stream", "none")
        await sees(page, "say-reason", "ticket")
        await page.reload()
        await _door(page, "TICKET_REQUIRED", "refused")
        await sees(page, "tier", "none")


async def test_a_ticket_returned_at_the_door_of_a_cancelled_show_is_gone_at_once(
    house: Liveroom, screen: Watched
) -> None:
    async with evening(house, "paused") as show:
        await show.ticket("let-down", "vip")
        page = await screen.page()
        await enters(page, fan_page(house.url, show=show.show, user="let-down"))
        await done(show.host, "show:phase", {"phase": "cancelled"})
        await _door(page, "ROOM_CANCELLED", "ended")
        await page.reload()
        await _door(page, "ROOM_CANCELLED", "refused")
        await sees(page, "tier", "vip")
        await page.get_by_test_id("refund").click()
        await page.get_by_test_id("refund-confirm").click()
        await sees(page, "tier", "none", AT_ONCE_MS)
        await expect(page.get_by_test_id("order")).not_to_have_attribute("data-state", "paid")


# ---- logins ------------------------------------------------------------------------------------------


async def test_a_login_that_ends_in_the_show_is_announced_told_and_renewed_with_one_press_and_nothing_lost(
    house: Liveroom, screen: Watched
) -> None:
    async with evening(house, "live") as show:
        await show.ticket("tired")
        page, logins = await screen.page(), Logins()
        await logins.stand_before(page)
        logins.answers = [lambda: token_of(house, "tired", expires_in_seconds=BRIEF_SECONDS), *[lambda: None] * 3]
        await enters(page, fan_page(house.url, show=show.show, user="tired"))
        await expect(page.get_by_test_id("banner")).to_contain_text("Your login runs out in")
        await says(page, "before")
        await page.evaluate("window.stayed = true")

        await _door(page, "TOKEN_EXPIRED", "refused")
        door = page.get_by_test_id("door")
        await expect(door).to_contain_text("Your login has run out")
        await expect(door).to_contain_text("You may not do that")
        await done(show.host, "danmaku", {"text": "meanwhile"})
        again = page.get_by_test_id("log-in-again")
        await expect(again).to_be_focused()
        await again.press("Enter")
        await expect(door.get_by_role("alert")).to_be_visible()
        logins.answers = []
        await again.press("Enter")

        await sees(page, "state", "online")
        for text in ("before", "meanwhile"):
            await expect(line(page, text)).to_have_count(1)
        await says(page, "after")
        assert await page.evaluate("window.stayed")


async def test_a_login_that_ended_is_renewed_by_itself_where_that_is_possible_and_the_fan_is_told(
    house: Liveroom, screen: Watched
) -> None:
    async with evening(house, "live") as show:
        await show.ticket("lucky")
        page, logins = await screen.page(), Logins()
        await logins.stand_before(page)
        # The renewal in time fails, the one after the bye does not.
        logins.answers = [lambda: token_of(house, "lucky", expires_in_seconds=BRIEF_SECONDS), lambda: None]
        await enters(page, fan_page(house.url, show=show.show, user="lucky"))
        await expect(page.locator(".toast", has_text="You are logged in again")).to_be_visible(timeout=10_000)
        await sees(page, "state", "online")
        await expect(page.get_by_test_id("banner")).to_have_count(0)


@pytest.mark.parametrize("role", ["viewer", "host"])
async def test_who_knocks_with_a_login_that_ran_out_is_told_and_logs_in_again_with_one_press(
    house: Liveroom, screen: Watched, role: str
) -> None:
    async with evening(house, "presale") as show:
        page, logins = await screen.page(), Logins()
        await logins.stand_before(page)
        # Only the socket is to meet the old token.
        good = {"authorization": f"Bearer {show.token('late')}"}
        await page.route("**/api/**", lambda route: route.continue_(headers={**route.request.headers, **good}))
        logins.answers = [lambda: token_of(house, "late", expires_in_seconds=RUN_OUT_SECONDS)] * 2
        address = fan_page if role == "viewer" else console_page
        await page.goto(address(house.url, show=show.show, user="late"))
        await _door(page, "TOKEN_EXPIRED", "refused")
        await show.role("late", "host")
        await page.get_by_test_id("log-in-again").click()
        await sees(page, "state", "online")


async def test_a_page_opened_with_a_login_that_ran_out_says_so_and_logs_in_again_with_one_press(
    house: Liveroom, screen: Watched
) -> None:
    async with evening(house, "presale") as show:
        page, logins = await screen.page(), Logins()
        await logins.stand_before(page)
        logins.answers = [lambda: token_of(house, "sleeper", expires_in_seconds=RUN_OUT_SECONDS)] * 2
        await page.goto(fan_page(house.url, show=show.show, user="sleeper"))
        await expect(page.get_by_test_id("no-show")).to_have_attribute("data-code", "TOKEN_EXPIRED")
        await page.get_by_test_id("log-in-again").click()
        await sees(page, "state", "online")


async def test_a_purchase_with_a_login_that_ran_out_goes_through(house: Liveroom, screen: Watched) -> None:
    async with evening(house, "live") as show:
        page, logins = await screen.page(), Logins()
        await logins.stand_before(page)
        await page.goto(fan_page(house.url, show=show.show, user="slow-buyer"))
        await _door(page, "TICKET_REQUIRED", "refused")
        stale = f"Bearer {token_of(house, 'slow-buyer', expires_in_seconds=RUN_OUT_SECONDS)}"
        await page.route(
            "**/api/v1/orders",
            lambda route: route.continue_(headers={**route.request.headers, "authorization": stale}),
            times=1,
        )
        await buys(page, page.get_by_test_id("door").get_by_test_id("buy-main"))
        await sees(page, "state", "online")


async def _door(page: Page, code: str, state: str) -> None:
    await sees(page, "state", state, 10_000)
    await expect(page.get_by_test_id("door")).to_have_attribute("data-code", code)
