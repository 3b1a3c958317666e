"""The client's pure parts, called in a browser: each function that a file in `specs` exports is a test."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.async_api import Page, Route

from tests.browser.site import Site

pytestmark = pytest.mark.asyncio(loop_scope="session")

SPECS = Path(__file__).parent / "specs"
NAMES = re.compile(r"^export (?:async )?function (\w+)\(\)", re.M)
CASES = [(path.name, name) for path in sorted(SPECS.glob("*.js")) for name in NAMES.findall(path.read_text(encoding="utf-8"))]
BLANK = "<!doctype html><title>blank</title>"


async def _serve(route: Route) -> None:
    await route.fulfill(path=SPECS / route.request.url.rsplit("/", 1)[1], content_type="text/javascript")


@pytest.mark.parametrize(("file", "name"), CASES)
async def test_spec(page: Page, site: Site, file: str, name: str) -> None:
    await page.route("**/specs/*.js", _serve)
    await page.route("**/blank", lambda route: route.fulfill(body=BLANK, content_type="text/html"))
    await page.goto(f"{site.url}/blank")

    await page.evaluate("async ([file, name]) => { await (await import(`/specs/${file}`))[name](); }", [file, name])
