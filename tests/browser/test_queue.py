"""What a fan sees who waits at the door: a place, a time, and then the show, on one page."""

import pytest
from playwright.async_api import expect

from tests.browser.chromium import Watched
from tests.browser.moves import AT_ONCE_MS, enters, fan_page, says, sees
from tests.integration.evening import evening
from tests.integration.gate import Gate
from tests.integration.running import Liveroom

pytestmark = pytest.mark.asyncio(loop_scope="package")


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> Gate:
    return Gate.of_all_budgets(monkeypatch)


@pytest.mark.parametrize(
    ("language", "place", "first", "lead"),
    [("en", "Place 2", "Place 1", "VIP tickets go first."), ("zh", "第 2 位", "第 1 位", "VIP 票优先入场。")],
)
async def test_a_fan_in_the_queue_sees_their_place_and_is_in_the_show_without_a_reload_when_it_is_their_turn(
    house: Liveroom, screen: Watched, gate: Gate, language: str, place: str, first: str, lead: str
) -> None:
    async with evening(house, "live") as show:
        await show.ticket("patient")
        await show.ticket("keen", "vip")
        gate.left = 0
        page = await screen.page()
        await enters(page, fan_page(house.url, show=show.show, user="patient", lang=language))
        ahead = await show.enter("keen")
        await page.evaluate("window.stayed = true")
        queue = page.get_by_test_id("queue")
        await expect(queue).to_contain_text(place)
        await expect(queue).to_contain_text(lead)
        await expect(page.get_by_test_id("queue-eta")).not_to_be_empty()
        await sees(page, "tier", "main")
        await sees(page, "stream", "none")
        await sees(page, "say-reason", "queue")
        await expect(page.get_by_test_id("say-input")).to_be_disabled()

        gate.left = 1
        await ahead.wait("tier")
        await expect(queue).to_contain_text(first)
        gate.left = 1
        await sees(page, "stream", "main", AT_ONCE_MS)
        await expect(queue).to_have_count(0)
        await says(page, "at last")
        assert await page.evaluate("window.stayed")
        assert (screen.strays, screen.complaints) == ([], [])


async def test_the_console_shows_how_many_wait(house: Liveroom, screen: Watched, gate: Gate) -> None:
    async with evening(house, "live") as show:
        await show.ticket("patient")
        gate.left = 0
        await show.enter("patient")
        page = await screen.page()
        await page.goto(f"{house.url}/console?show={show.show}&user=host")
        await expect(page.get_by_test_id("waiting")).to_have_text("1", timeout=10_000)
