"""The reference page in a real Chromium: all of the contract, to search and to link to, from this gateway alone."""

import msgspec
import pytest
from playwright.async_api import Page, expect

from auth.denials import Code
from gateway.features.registry import CONSOLE_COMMANDS, SERVER_EVENTS, VIEWER_COMMANDS
from gateway.reference import facts, vocabulary
from gateway.reference.openapi import openapi
from tests.browser.chromium import AXE, Watched, require
from tests.integration.running import Liveroom

pytestmark = pytest.mark.asyncio(loop_scope="package")

FAULTS = "async () => (await axe.run()).violations.map(({ id, nodes }) => `${id}: ${nodes[0].html}`)"


async def opened(house: Liveroom, screen: Watched, address: str = "/docs", **settings: object) -> Page:
    page = await screen.page(**settings)  # type: ignore[arg-type]
    await page.goto(f"{house.url}{address}")
    await page.get_by_test_id("docs-found").wait_for(state="attached")
    return page


async def test_the_page_shows_every_event_command_code_route_and_type(house: Liveroom, screen: Watched) -> None:
    page = await opened(house, screen)
    shown = set(
        await page.evaluate("() => [...document.querySelectorAll('[data-testid]')].map((each) => each.dataset.testid)")
    )
    assert {f"event-{event.name}" for event in SERVER_EVENTS} <= shown
    assert {f"command-{command.name}" for command in (*VIEWER_COMMANDS, *CONSOLE_COMMANDS)} <= shown
    assert {f"code-{code}" for code in Code} <= shown
    assert {f"type-{kind.__name__}" for kind in (*vocabulary.structs(), *vocabulary.enums())} <= shown
    paths = msgspec.json.decode(openapi())["paths"]
    routes = {f"route-{route['operationId']}" for methods in paths.values() for route in methods.values()}
    assert len(routes) > 10
    assert routes <= shown
    assert (screen.strays, screen.complaints) == ([], [])


async def test_an_entry_says_what_the_registry_says(house: Liveroom, screen: Watched) -> None:
    page = await opened(house, screen)
    gift = page.get_by_test_id("command-gift")
    for told in ("/live", "asks for gift", "budget gift", "GiftAck", "INSUFFICIENT_CREDITS", "Of the client, unique"):
        await expect(gift).to_contain_text(told)
    await expect(page.get_by_test_id("code-BUSY")).to_contain_text("yes")
    await expect(page.get_by_test_id("code-MUTED")).to_contain_text("no")
    await expect(page.get_by_test_id("route-place_order_v1_orders_post")).to_contain_text("for viewer")


async def test_the_states_are_drawn_from_the_tables(house: Liveroom, screen: Watched) -> None:
    page = await opened(house, screen)
    drawn = await page.evaluate(
        "() => [...document.querySelectorAll('[data-testid=machine]')].map((each) => "
        "[...each.querySelectorAll('.machine-step')].map(({ dataset }) => [dataset.from, dataset.to]))"
    )
    expected = [{(edge.at, edge.to) for edge in machine.edges} for machine in facts.machines()]
    assert [{(at, to) for at, to in steps} for steps in drawn] == expected


async def test_a_search_leaves_what_was_looked_for_and_a_link_brings_the_rest_back(
    house: Liveroom, screen: Watched
) -> None:
    page = await opened(house, screen)
    await page.keyboard.press("/")
    await page.keyboard.type("insufficient_credits")
    await expect(page.get_by_test_id("command-gift")).to_be_visible()
    await expect(page.get_by_test_id("command-like")).to_have_count(0)
    await expect(page).to_have_url(f"{house.url}/docs?q=insufficient_credits")
    await (
        page.get_by_test_id("command-gift")
        .get_by_role("link", name="SendGift")
        .or_(page.get_by_test_id("command-gift").get_by_role("link", name="TICKET_REQUIRED"))
        .first.click()
    )
    await expect(page.get_by_test_id("code-TICKET_REQUIRED")).to_be_in_viewport()
    await page.get_by_test_id("docs-search").fill("zebra")
    await expect(page.get_by_test_id("docs-found")).to_have_attribute("data-value", "0")
    assert screen.complaints == []


async def test_every_entry_has_an_address(house: Liveroom, screen: Watched) -> None:
    page = await opened(house, screen, "/docs#event-token:expiring")
    await expect(page.get_by_test_id("event-token:expiring")).to_be_in_viewport()


@pytest.mark.parametrize("scheme", ["dark", "light"])
async def test_everybody_can_use_it_in_both_languages(house: Liveroom, screen: Watched, scheme: str) -> None:
    page = await opened(house, screen, width=390, color_scheme=scheme)
    await page.get_by_test_id("language").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("参考手册")
    assert await page.evaluate("document.documentElement.scrollWidth") == 390
    await page.evaluate(require(AXE, "run `make build`").read_text("utf-8"))
    assert await page.evaluate(FAULTS) == []


async def test_the_introduction_leads_to_it(house: Liveroom, screen: Watched) -> None:
    page = await screen.page()
    await page.goto(house.url)
    await page.get_by_test_id("to-docs").click()
    await page.get_by_test_id("event-welcome").wait_for()
    assert (screen.strays, screen.complaints) == ([], [])
