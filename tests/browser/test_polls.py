"""A poll on the pages: the host asks and ends, fans choose and choose again, and all see it counted."""

import pytest
from playwright.async_api import Locator, Page, expect

from tests.browser.chromium import Watched
from tests.browser.moves import AT_ONCE_MS, console_page, enters, fan_page, sees
from tests.integration.evening import Evening, done, evening
from tests.integration.running import Liveroom

pytestmark = pytest.mark.asyncio(loop_scope="package")


async def test_a_host_asks_fans_choose_and_the_result_is_kept(house: Liveroom, screen: Watched) -> None:
    async with evening(house) as show:
        host, mei, li = await _host(screen, show), await _fan(screen, show, "mei"), await _fan(screen, show, "li")
        await expect(mei.get_by_test_id("poll")).to_have_count(0)
        await _writes(host, "<b>Encore?</b>", "yes", "no", "and another song by the band that came before")
        await host.get_by_test_id("poll-ask").click()
        await sees(host, "poll-flaw", "option_long")
        await host.get_by_test_id("poll-option-2").fill("one more song")
        await host.get_by_test_id("poll-ask").click()
        await sees(host, "poll", "open", AT_ONCE_MS)
        for fan in (mei, li):
            await sees(fan, "poll", "open", AT_ONCE_MS)
            await expect(fan.locator(".toast", has_text="New poll")).to_contain_text("<b>Encore?</b>")
            await fan.get_by_test_id("vote-0").click()
        await _counted(host, 2, 0, 0)
        await mei.get_by_test_id("vote-2").click()
        await expect(mei.get_by_test_id("vote-2")).to_have_attribute("aria-pressed", "true")
        await expect(mei.get_by_test_id("vote-0")).to_have_attribute("aria-pressed", "false")
        for page in (host, mei, li):
            await _counted(page, 1, 0, 1)

        # a second question waits for the end of this one
        await expect(host.get_by_test_id("poll-ask")).to_be_disabled()
        await mei.reload()
        await expect(mei.get_by_test_id("vote-2")).to_have_attribute("aria-pressed", "true")
        await expect(mei.get_by_text("New poll")).to_have_count(0)  # it was open when the page came

        await host.get_by_test_id("poll-end").click()
        for fan in (mei, li):
            await sees(fan, "poll", "ended", AT_ONCE_MS)
            await expect(fan.get_by_test_id("vote-0")).to_have_count(0)
            await _counted(fan, 1, 0, 1)
        await expect(host.get_by_test_id("poll-ended")).to_contain_text("<b>Encore?</b>")
        await mei.get_by_test_id("poll-close").click()
        await expect(mei.get_by_test_id("poll")).to_have_count(0)
        await mei.reload()
        await sees(mei, "state", "online")
        await expect(mei.get_by_test_id("poll")).to_have_count(0)

        await _writes(host, "And tomorrow?", "yes", "no")
        await host.get_by_test_id("poll-ask").click()
        await sees(mei, "poll", "open", AT_ONCE_MS)
        await expect(mei.get_by_test_id("vote-0")).to_have_attribute("aria-pressed", "false")
        assert (screen.strays, screen.complaints) == ([], [])


async def test_staff_take_the_results_along_and_only_the_host_asks(house: Liveroom, screen: Watched) -> None:
    async with evening(house) as show:
        poll = (await done(show.host, "poll:ask", {"question": "安可吗？", "options": ["好", "=1+1"]}))["id"]
        await done(await show.fan("mei"), "poll:vote", {"poll": poll, "option": 0})
        page = await screen.page(1440)
        await enters(page, console_page(house.url, show=show.show, user="mod", role="moderator"))
        await sees(page, "poll", "open")
        for name in ("poll-end", "poll-question", "poll-ask"):
            await expect(page.get_by_test_id(name)).to_have_count(0)
        await _counted(page, 1, 0)
        async with page.expect_download() as taken:
            await page.get_by_role("button", name="Results (CSV)").click()
        file = await taken.value
        assert file.suggested_filename == f"polls-{show.show}.csv"
        written = (await file.path()).read_bytes()
        assert written.startswith(b"\xef\xbb\xbfquestion,option,votes,asked,ended\r\n")
        assert "安可吗？,好,1,".encode() in written


async def test_who_may_not_vote_sees_how_it_stands_and_why(house: Liveroom, screen: Watched) -> None:
    async with evening(house) as show:
        await show.switch(polls="vip")
        await done(show.host, "poll:ask", {"question": "Encore?", "options": ["yes", "no"]})
        mei = await _fan(screen, show, "mei")
        patron = await show.fan("patron", "vip")
        poll = (await patron.wait("welcome"))["polls"]["items"][-1]["id"]
        await done(patron, "poll:vote", {"poll": poll, "option": 1})
        await _counted(mei, 0, 1)
        await expect(mei.get_by_test_id("vote-0")).to_be_disabled()
        await expect(mei.get_by_test_id("poll")).to_contain_text("For VIP tickets")
        await show.switch(polls="ticket")
        await mei.get_by_test_id("vote-0").click()
        await _counted(mei, 1, 1)


@pytest.mark.parametrize("language", ["en", "zh"])
async def test_long_words_stay_within_any_width(house: Liveroom, screen: Watched, language: str) -> None:
    async with evening(house) as show:
        await show.ticket("mei")
        words = {"question": "Q" * 120, "options": [letter * 40 for letter in "ABCDEF"]}
        await done(show.host, "poll:ask", words)
        said = {"show": show.show, "lang": language}
        for width, height in ((390, 844), (1440, 900)):
            for address in (fan_page(house.url, user="mei", **said), console_page(house.url, user="host", **said)):
                page = await screen.page(width, height)
                await enters(page, address)
                await sees(page, "poll", "open")
                assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
                await page.context.close()


async def _host(screen: Watched, show: Evening) -> Page:
    page = await screen.page(1440)
    await enters(page, console_page(show.house.url, show=show.show, user="host"))
    return page


async def _fan(screen: Watched, show: Evening, user: str) -> Page:
    await show.ticket(user)
    page = await screen.page(390, 844)
    await enters(page, fan_page(show.house.url, show=show.show, user=user))
    return page


async def _writes(host: Page, question: str, *options: str) -> None:
    await host.get_by_test_id("poll-question").fill(question)
    for number, option in enumerate(options):
        field = host.get_by_test_id(f"poll-option-{number}")
        if not await field.count():
            await host.get_by_test_id("poll-more").click()
        await field.fill(option)


async def _counted(page: Page, *votes: int) -> None:
    counts: Locator = page.get_by_test_id("poll").get_by_test_id("poll-votes")
    for number, count in enumerate(votes):
        await expect(counts.nth(number)).to_have_attribute("data-value", str(count))
