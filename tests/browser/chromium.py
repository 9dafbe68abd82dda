"""Debian's Chromium under Playwright, and a watch on everything its pages ask for or complain about."""

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Page, Request, async_playwright

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
    """A browser context of which every request, error and policy violation is on record."""

    context: BrowserContext
    origins: frozenset[str]
    requests: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    @property
    def strays(self) -> list[str]:
        """What was asked for anywhere but at our own origins."""
        return [url for url in self.requests if origin(url) not in self.origins]

    async def page(self, width: int = 1280, height: int = 900) -> Page:
        """A new tab."""
        page = await self.context.new_page()
        await page.set_viewport_size({"width": width, "height": height})
        return page

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
    """A fresh context that is to speak to these addresses alone."""
    context = await browser.new_context(**{"locale": "en-US", "color_scheme": "dark", **settings})
    context.set_default_timeout(10_000)
    await context.add_init_script(TELLS_OF_VIOLATIONS)
    record = Watched(context, frozenset({"", *map(origin, urls)}))

    def asked(request: Request) -> None:
        record.requests.append(request.url)

    context.on("request", asked)
    context.on("console", record.hear)
    context.on("weberror", lambda error: record.complaints.append(str(error.error)))
    context.on("page", record.note)
    try:
        yield record
    finally:
        await context.close()
