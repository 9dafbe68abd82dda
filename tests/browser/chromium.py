"""Debian's Chromium under Playwright, and a watch on everything its pages ask for or complain about."""

import shutil
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from playwright.async_api import Browser, ConsoleMessage, Page, async_playwright

ROOT = Path(__file__).parents[2]
WEB_DEMO = ROOT / "web-demo"
AXE = WEB_DEMO / "node_modules" / "axe-core" / "axe.min.js"
QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
AT_REST = {"locale": "en-US", "color_scheme": "dark", "reduced_motion": "reduce"}
WITHOUT_NETWORK = frozenset({"data", "blob", "about"})
TELLS_OF_VIOLATIONS = """
addEventListener("securitypolicyviolation", (event) =>
  console.error(`content security policy: ${event.violatedDirective} ${event.blockedURI}`));
"""


def require(path: Path, remedy: str) -> Path:
    """The path, or a failure that says in one sentence what is to be done."""
    assert path.exists(), f"{path.relative_to(ROOT) if path.is_relative_to(ROOT) else path} is missing: {remedy}."
    return path


@asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    """A browser with an empty profile; AssertionError where no Chromium is installed."""
    executable = shutil.which("chromium") or shutil.which("chromium-browser")
    assert executable is not None, "chromium is missing: install it (on Debian `apt-get install chromium`)."
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=executable, args=list(QUIET))
        try:
            yield browser
        finally:
            await browser.close()


@dataclass
class Watched:
    """Tabs, each in a window and with a memory of its own, of which every request and complaint is on record."""

    browser: Browser
    origins: frozenset[str]
    settings: dict[str, Any]
    contexts: AsyncExitStack
    requests: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    @property
    def strays(self) -> list[str]:
        """What was asked for anywhere but at our own origins."""
        return [url for url in self.requests if origin(url) not in self.origins]

    async def page(self, width: int = 1280, height: int = 900, **settings: Any) -> Page:
        """A new tab, unless told otherwise in English, dark and at rest."""
        context = await self.browser.new_context(
            viewport={"width": width, "height": height}, **{**AT_REST, **self.settings, **settings}
        )
        self.contexts.push_async_callback(context.close)
        context.set_default_timeout(10_000)
        await context.add_init_script(TELLS_OF_VIOLATIONS)
        context.on("request", lambda request: self.requests.append(request.url))
        context.on("console", self.hear)
        context.on("weberror", lambda error: self.complaints.append(str(error.error)))
        context.on("page", self.note)
        return await context.new_page()

    def note(self, page: Page) -> None:
        """Also what its sockets ask for."""
        page.on("websocket", lambda socket: self.requests.append(socket.url))

    def hear(self, message: ConsoleMessage) -> None:
        """An error on a page's console."""
        if message.type == "error":
            self.complaints.append(f"{message.text} ({message.location.get('url', '')})")


def origin(url: str) -> str:
    """Scheme-less host and port of an address; nothing of those that never leave the browser."""
    parts = urlsplit(url)
    return "" if parts.scheme in WITHOUT_NETWORK else parts.netloc


@asynccontextmanager
async def watched(browser: Browser, *urls: str, **settings: Any) -> AsyncIterator[Watched]:
    """Tabs that are to speak to these addresses alone."""
    async with AsyncExitStack() as contexts:
        yield Watched(browser, frozenset({"", *map(origin, urls)}), settings, contexts)
