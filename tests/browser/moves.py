"""What people do on the pages, wherever a page or a frame shows them."""

from urllib.parse import urlencode

from playwright.async_api import FrameLocator, Locator, Page, expect

Place = Page | FrameLocator

AT_ONCE_MS = 1_000
"""How soon a payment, a refund or a host's act is to show."""


def fan_page(house_url: str, **query: str) -> str:
    """Address of the fan page."""
    return f"{house_url}/watch?{urlencode(query)}"


def console_page(house_url: str, **query: str) -> str:
    """Address of the console."""
    return f"{house_url}/console?{urlencode(query)}"


async def sees(place: Place, name: str, value: str, timeout_ms: float = 5_000) -> None:
    """The element of this name stands at a value, in whatever language."""
    await expect(place.get_by_test_id(name).first).to_have_attribute("data-value", value, timeout=timeout_ms)


async def enters(page: Page, address: str) -> None:
    """Open a page and be online."""
    await page.goto(address)
    await sees(page, "state", "online")


async def pays(cashier: Page, action: str = "pay") -> None:
    """Press a button at the cashier."""
    await cashier.locator(f"button[value={action}]").click()


async def buys(page: Page, button: Locator, *, stays_open: bool = True) -> None:
    """Press a button that opens the cashier, and pay there. `stays_open`: the cashier's tab is ours to close."""
    async with page.expect_popup() as opened:
        await button.click()
    cashier = await opened.value
    if stays_open:
        await pays(cashier)
        await cashier.locator(".card.paid").wait_for()
        await cashier.close()
    else:
        async with cashier.expect_event("close"):
            await pays(cashier)


async def says(place: Place, text: str) -> None:
    """Send a danmaku."""
    await place.get_by_test_id("say-input").fill(text)
    await place.get_by_test_id("say-button").click()
    await expect(place.get_by_test_id("say-input")).to_have_value("")


def line(place: Place, text: str) -> Locator:
    """A line of the chat."""
    return place.get_by_test_id("chat").locator(".line-text", has_text=text)


def flying(place: Place, text: str) -> Locator:
    """A danmaku over the picture."""
    return place.get_by_test_id("danmaku-layer").locator(".bullet", has_text=text)
