"""The reader page in a browser, and older items for it."""

from __future__ import annotations

from typing import Any

from playwright.async_api import Page, expect

from tests.browser.site import Site

ENTRIES = "ol.feed .entry"
HEADLINES = f"() => [...document.querySelectorAll('{ENTRIES}')].map((e) => (e.querySelector('h3') ?? e).textContent.trim())"


async def open_reader(page: Page, site: Site, feed: str, query: str = "") -> None:
    await page.goto(f"{site.url}/read/{feed}{query}")
    await expect(page.locator(".masthead .state")).to_have_text("Live")


async def headlines(page: Page) -> list[str]:
    return list(await page.evaluate(HEADLINES))


async def fill(site: Site, feed: str, count: int, **fields: Any) -> None:
    """Older items, the first of them an hour old."""
    items = [
        {
            "headline": f"Old {number}",
            "bodyText": f"The story of {number}.\n\nMore of it.",
            "contentCreated": f"2026-11-20T{23 - number // 60:02}:{59 - number % 60:02}:00.000Z",
            **fields,
        }
        for number in range(count)
    ]
    for item in items:
        await site.publish(feed, **item)
