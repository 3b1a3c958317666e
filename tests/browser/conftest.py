"""Chromium and a server for it, once for all tests of this folder; each test has a browser context and a feed of its own."""

from __future__ import annotations

import os
import secrets
import shutil
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, Page, async_playwright

from tests.browser.desks import Desk
from tests.browser.site import Site

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # A page of another site may not ask loopback without the user's leave; here every site is on loopback.
    "--disable-features=LocalNetworkAccessChecks",
]
AXE = Path(__file__).parent / "node_modules" / "axe-core" / "axe.min.js"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A test of outages waits for a client's patience several times over, and shares two cores with servers and browsers."""
    for item in items:
        if item.path.parent == Path(__file__).parent:
            item.add_marker(pytest.mark.timeout(180))


def missing(what: str) -> None:
    """What is not installed is skipped with its reason; where everything has to be there, it is an error."""
    if os.environ.get("CI") == "true":
        pytest.fail(what)
    pytest.skip(what)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    path = shutil.which("chromium") or shutil.which("google-chrome")
    if path is None:
        missing("these tests need Chromium: install Debian's package `chromium`")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        await browser.close()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def _session_site() -> AsyncIterator[Site]:
    with tempfile.TemporaryDirectory(prefix="livefeed-") as folder:
        site = Site(Path(folder))
        await site.open()
        yield site
        await site.close()


@pytest.fixture
def site(_session_site: Site) -> Site:
    return _session_site


@pytest_asyncio.fixture(loop_scope="session")
async def feed(site: Site) -> str:
    """The name of a new, empty feed."""
    name = f"feed-{secrets.token_hex(4)}"
    await site.make(name, title="World news", description="What happens, as it happens.")
    return name


@pytest_asyncio.fixture(loop_scope="session")
async def context(browser: Browser) -> AsyncIterator[BrowserContext]:
    context = await browser.new_context(viewport={"width": 1280, "height": 900}, locale="en-GB", timezone_id="Europe/Berlin")
    context.set_default_timeout(15_000)
    yield context
    await context.close()


@pytest_asyncio.fixture(loop_scope="session")
async def page(context: BrowserContext) -> AsyncIterator[Page]:
    """A page on which nothing may go wrong unseen."""
    page = await context.new_page()
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("console", lambda message: faults.append(message.text) if "Content Security Policy" in message.text else None)
    page.on("dialog", lambda dialog: faults.append(f"a dialog says {dialog.message!r}"))
    yield page
    assert faults == []


@pytest_asyncio.fixture(loop_scope="session")
async def desk(page: Page, site: Site, feed: str) -> Desk:
    """The desk of that feed, signed in."""
    return await Desk.open(page, site, feed)


@pytest.fixture
def axe() -> str:
    if not AXE.exists():
        missing("axe-core is not installed: run `npm install --prefix tests/browser`")
    return AXE.read_text(encoding="utf-8")
