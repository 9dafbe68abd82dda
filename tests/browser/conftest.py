"""One browser and one gateway for all tests here: `pytestmark = pytest.mark.asyncio(loop_scope="package")`."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser

from gateway.setup.settings import Mode, Settings
from tests.browser.chromium import Watched, chromium, require, watched
from tests.integration.conftest import UNHURRIED
from tests.integration.running import Liveroom, liveroom


@pytest_asyncio.fixture(scope="package", loop_scope="package")
async def browser() -> AsyncIterator[Browser]:
    async with chromium() as started:
        yield started


@pytest_asyncio.fixture(scope="package", loop_scope="package")
async def house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Liveroom]:
    """A gateway that serves the built pages."""
    pages = Settings.load(Mode.TEST).web_dir
    require(pages / "index.html", "run `make build`")
    async with liveroom(tmp_path_factory.mktemp("house"), **UNHURRIED) as running:
        yield running


@pytest_asyncio.fixture(loop_scope="package")
async def screen(browser: Browser, house: Liveroom) -> AsyncIterator[Watched]:
    """Tabs of a test's own, held to the gateway and the cashier."""
    async with watched(browser, house.url, house.settings.sandbox_url) as tabs:
        yield tabs
