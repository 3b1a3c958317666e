"""A wall screen in a browser."""

from __future__ import annotations

from playwright.async_api import Page, expect

from tests.browser.site import Site

ROWS = ".rows li:visible .headline"


async def open_wall(page: Page, site: Site, feed: str, query: str = "") -> None:
    await page.goto(f"{site.url}/wall/{feed}{query}")
    await expect(page.locator(".state .word")).to_have_text("Live")
