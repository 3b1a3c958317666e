"""The client's pure parts, called in a browser: each function that a file in `specs` exports is a test."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, Route

from tests.browser.site import Site

pytestmark = pytest.mark.asyncio(loop_scope="session")

SPECS = Path(__file__).parent / "specs"
NAMES = re.compile(r"^export (?:async )?function (\w+)\(\)", re.M)
CASES = [(path.name, name) for path in sorted(SPECS.glob("*.js")) for name in NAMES.findall(path.read_text(encoding="utf-8"))]
BLANK = "<!doctype html><title>blank</title>"


async def _serve(route: Route) -> None:
    await route.fulfill(path=SPECS / route.request.url.rsplit("/", 1)[1], content_type="text/javascript")


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def blank(browser: Browser, _session_site: Site) -> AsyncIterator[Page]:
    """One page for all: what is called here keeps nothing in the browser, and each test loads its modules anew."""
    async with await browser.new_context() as context:
        page = await context.new_page()
        await page.route("**/specs/*.js", _serve)
        await page.route("**/blank", lambda route: route.fulfill(body=BLANK, content_type="text/html"))
        yield page


@pytest.mark.parametrize(("file", "name"), CASES)
async def test_spec(blank: Page, site: Site, file: str, name: str) -> None:
    await blank.goto(f"{site.url}/blank")

    await blank.evaluate("async ([file, name]) => { await (await import(`/specs/${file}`))[name](); }", [file, name])
