"""The console: what a host steers, what a moderator may, and what either sees move."""

import pytest
from playwright.async_api import Locator, Page, expect

from tests.browser.chromium import Watched
from tests.browser.moves import AT_ONCE_MS, console_page, enters, fan_page, line, says, sees
from tests.integration.evening import Evening, done, evening
from tests.integration.running import Liveroom

pytestmark = pytest.mark.asyncio(loop_scope="package")

PHASES = ("draft", "presale", "doors", "live", "paused", "ended", "replay", "cancelled")


async def test_only_lawful_phases_can_be_pressed(house: Liveroom, screen: Watched) -> None:
    async with evening(house, "presale") as show:
        page = await screen.page()
        await page.goto(console_page(house.url, show=show.show))
        await page.get_by_test_id("login-name").fill("host")
        await page.get_by_test_id("login-button").click()
        await sees(page, "state", "online")
        assert await _possible_phases(page, "presale") == {"doors", "cancelled"}
        for phase, possible in (
            ("doors", {"live", "cancelled"}),
            ("live", {"paused", "ended"}),
            ("paused", {"live", "ended", "cancelled"}),
            ("ended", {"replay"}),
            ("replay", set[str]()),
        ):
            await page.get_by_test_id(f"phase-{phase}").click()
            assert await _possible_phases(page, phase) == possible
        await expect(_audited(page, "show:phase")).to_have_count(1 + 5)
        assert (screen.strays, screen.complaints) == ([], [])


async def test_a_host_sees_and_sets_until_when_tickets_may_be_returned(house: Liveroom, screen: Watched) -> None:
    async with evening(house, "presale", refund_until_ms=None) as show:
        page = await screen.page(1440)
        await enters(page, console_page(house.url, show=show.show, user="host"))
        told, day_ms = page.get_by_test_id("refund-until"), 86_400_000
        await expect(told).to_have_text("Fans may return tickets until the doors open.")
        await page.get_by_test_id("refund-date").fill(await page.evaluate(LOCAL, show.doors_ms))
        await page.get_by_test_id("refund-set").click()
        await expect(told).to_contain_text(await page.evaluate(CLOCK, show.doors_ms))
        until_ms = show.doors_ms // 60_000 * 60_000
        assert await _refund_until(house, show) == until_ms
        await done(show.host, "countdown:set", {"kind": "show", "target_ms": show.start_ms + day_ms})
        moved_ms = show.start_ms + day_ms  # soon, so that all may think it over until it begins
        await expect(told).to_contain_text(await page.evaluate(DAY, moved_ms))
        assert await _refund_until(house, show) == moved_ms
        await page.get_by_test_id("refund-doors").click()
        await expect(told).to_have_text("Fans may return tickets until the doors open.")
        assert await _refund_until(house, show) is None


LOCAL = "ms => new Date(ms - new Date(ms).getTimezoneOffset() * 60000).toISOString().slice(0, 16)"
CLOCK = "ms => new Date(ms).toLocaleTimeString('en', { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' })"
DAY = "ms => new Date(ms).toLocaleDateString('en-GB', { day: 'numeric', month: 'long', year: 'numeric' })"
"""A moment as the page's own time zone has it: in a field, as a clock and as a day."""


async def _refund_until(house: Liveroom, show: Evening) -> object:
    return (await house.http.get(f"/api/v1/shows/{show.show}")).json()["refund_until_ms"]


async def test_a_host_brings_a_fan_on_stage_and_off_again(house: Liveroom, screen: Watched) -> None:
    async with evening(house, "live") as show:
        console, fan = await _console_and_fan(screen, show, "guest")
        await fan.get_by_test_id("cohost-request").click()
        await sees(fan, "cohost", "requested")
        await console.get_by_test_id("approve-guest").click()
        await sees(fan, "cohost", "on_stage", AT_ONCE_MS)
        for page in (console, fan):
            await expect(page.get_by_test_id("stage")).to_contain_text("guest")
        await expect(console.get_by_test_id("approve-guest")).to_have_count(0)

        await console.get_by_test_id("remove-guest").click()
        await sees(fan, "cohost", "idle", AT_ONCE_MS)
        await expect(fan.get_by_test_id("stage")).not_to_contain_text("guest")

        await fan.get_by_test_id("cohost-request").click()
        await console.get_by_test_id("reject-guest").click()
        await expect(fan.get_by_text("Not this time.")).to_be_visible()

        await says(fan, "pick me")
        await _press(console, "pick me", "Invite")
        await fan.get_by_test_id("cohost-accept").click()
        await sees(fan, "cohost", "on_stage")
        await fan.get_by_test_id("cohost-leave").click()
        await sees(fan, "cohost", "idle")
        for action in ("approve", "remove", "reject", "invite"):
            await expect(_audited(console, f"cohost:{action}")).to_contain_text("guest")


async def test_a_host_keeps_the_chat_in_order(house: Liveroom, screen: Watched) -> None:
    async with evening(house, "live") as show:
        console, fan = await _console_and_fan(screen, show, "loud")
        await says(fan, "first")
        await says(fan, "second")

        await _press(console, "first", "Retract")
        await expect(line(fan, "first")).to_have_count(0)
        await expect(line(console, "first")).to_have_count(0)
        await _press(console, "second", "Pin")
        await expect(fan.get_by_test_id("pins")).to_contain_text("second")
        await console.get_by_test_id("announce-input").fill("Encore at ten")
        await console.get_by_test_id("announce-button").click()
        await expect(fan.get_by_test_id("pins")).to_contain_text("Encore at ten")
        await console.get_by_test_id("pins").locator("li", has_text="second").get_by_role("button").click()
        await expect(fan.get_by_test_id("pins")).not_to_contain_text("second")

        await _press(console, "second", "Mute")
        await sees(fan, "say-reason", "muted", AT_ONCE_MS)
        await expect(fan.get_by_test_id("say-input")).to_be_disabled()
        await console.get_by_role("button", name="loud · Unmute").click()
        await sees(fan, "say-reason", "", AT_ONCE_MS)

        await _press(console, "second", "Kick")
        await sees(fan, "state", "ended")
        await fan.get_by_test_id("connect-again").click()
        await sees(fan, "state", "online")
        await _press(console, "second", "Ban")
        await expect(fan.get_by_test_id("door")).to_have_attribute("data-code", "BANNED")
        await console.get_by_role("button", name="loud · Unban").click()
        await fan.reload()
        await sees(fan, "state", "online")
        for action in ("retract", "pin", "announce", "unpin", "mute", "unmute", "kick", "ban", "unban"):
            await expect(_audited(console, action)).to_have_count(1)


async def test_switches_and_panic_reach_the_fans_at_once(house: Liveroom, screen: Watched) -> None:
    async with evening(house, "live") as show:
        console, fan = await _console_and_fan(screen, show, "fan")
        for scale, reason in (("off", "off"), ("vip", "vip_only"), ("ticket", "")):
            await console.get_by_test_id(f"switch-chat-{scale}").click()
            await sees(fan, "say-reason", reason, AT_ONCE_MS)
        await console.get_by_test_id("switch-gifts-off").click()
        await expect(fan.get_by_test_id("gift-rose")).to_be_disabled()
        await console.get_by_test_id("switch-cohost-off").click()
        await expect(fan.get_by_test_id("cohost-request")).to_be_disabled()

        await console.get_by_test_id("switch-chat-everyone").click()
        await expect(console.get_by_test_id("switch-links")).to_be_checked()
        await console.get_by_test_id("panic").click()
        await expect(console.get_by_test_id("switch-chat-ticket")).to_have_attribute("aria-pressed", "true")
        await expect(console.get_by_test_id("switch-links")).not_to_be_checked()
        await says(fan, "calm")
        await expect(fan.get_by_test_id("say-reason")).to_contain_text("Slow mode")
        await expect(_audited(console, "panic")).to_have_count(1)


async def test_counters_and_revenue_move_with_the_box_office(house: Liveroom, screen: Watched) -> None:
    async with evening(house, "live") as show:
        page = await screen.page(1440)
        await enters(page, console_page(house.url, show=show.show, user="host"))
        await _number(page, "orders-paid", "0")
        order = await show.ticket("payer", "main")
        await show.ticket("patron", "vip")
        await _number(page, "orders-paid", "2")
        await _number(page, "gross", "¥256")
        await expect(page.get_by_test_id("sales-vip")).to_have_attribute("data-sold", "1")

        patron = await show.enter("patron")
        await _number(page, "online", "1")
        await done(patron, "gift", {"gift": "star", "count": 2, "key": "two-stars"})
        await _number(page, "gift-credits", "40")
        await done(patron, "like", {"count": 7})
        await _number(page, "likes", "7")
        await expect(page.get_by_test_id("chat").locator(".line.gift")).to_contain_text("patron")

        await show.refund("payer", order)
        await _number(page, "refunded", "¥68")
        await expect(page.get_by_test_id("sales-main")).to_have_attribute("data-sold", "0")


async def test_a_moderator_looks_after_the_people_and_leaves_the_show_to_its_host(
    house: Liveroom, screen: Watched
) -> None:
    async with evening(house, "live") as show:
        await show.ticket("fan")
        fan = await screen.page()
        await enters(fan, fan_page(house.url, show=show.show, user="fan"))
        page = await screen.page()
        await page.goto(console_page(house.url, show=show.show))
        await page.get_by_test_id("login-name").fill("mod")
        await page.get_by_test_id("login-moderator").click()
        await page.get_by_test_id("login-button").click()
        await sees(page, "state", "online")

        assert await _possible_phases(page, "live") == set()
        for name in ("switch-chat-off", "switch-likes-everyone", "switch-links"):
            await expect(page.get_by_test_id(name)).to_be_disabled()
        for name in ("announce-input", "countdown-set"):
            await expect(page.get_by_test_id(name)).to_have_count(0)

        await done(show.host, "danmaku", {"text": "good evening"})
        await expect(_feed(page, "good evening").get_by_role("button")).to_have_text(["Pin", "Retract"])
        await says(fan, "psst")
        await _press(page, "psst", "Pin")
        await expect(fan.get_by_test_id("pins")).to_contain_text("psst")
        await _press(page, "psst", "Mute")
        await sees(fan, "say-reason", "muted")
        await page.get_by_test_id("panic").click()
        await expect(page.get_by_test_id("switch-links")).not_to_be_checked()
        await expect(_audited(page, "panic")).to_contain_text("mod")
        await page.reload()
        await sees(page, "state", "online")
        await expect(page.get_by_text("Moderator", exact=True)).to_be_visible()


async def _console_and_fan(screen: Watched, show: Evening, user: str) -> tuple[Page, Page]:
    await show.ticket(user)
    console, fan = await screen.page(1440), await screen.page()
    await enters(console, console_page(show.house.url, show=show.show, user="host"))
    await enters(fan, fan_page(show.house.url, show=show.show, user=user))
    return console, fan


async def _possible_phases(page: Page, current: str) -> set[str]:
    await expect(page.get_by_test_id(f"phase-{current}")).to_have_attribute("aria-current", "step")
    return {phase for phase in PHASES if await page.get_by_test_id(f"phase-{phase}").is_enabled()}


def _feed(console: Page, text: str) -> Locator:
    return console.get_by_test_id("chat").locator(".feed-line", has_text=text)


async def _press(console: Page, text: str, button: str) -> None:
    await _feed(console, text).get_by_role("button", name=button, exact=True).click()


def _audited(console: Page, action: str) -> Locator:
    return console.get_by_test_id("audit").locator("li").filter(has=console.get_by_text(action, exact=True))


async def _number(page: Page, name: str, text: str) -> None:
    await expect(page.get_by_test_id(name)).to_have_text(text)
