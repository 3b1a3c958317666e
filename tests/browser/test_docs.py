"""The page that shows the interface, in Chromium, on the real server."""

from __future__ import annotations

import pytest
from playwright.async_api import Page, Request, expect

from tests.browser.site import Site

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_it_shows_both_documents_and_asks_nobody_else(page: Page, site: Site) -> None:
    asked: list[str] = []
    faults: list[str] = []

    def note(request: Request) -> None:
        asked.append(request.url)

    page.on("request", note)
    page.on("console", lambda message: faults.append(message.text))
    page.on("pageerror", lambda error: faults.append(str(error)))
    await page.goto(f"{site.url}/docs")
    publish = page.locator("#operations details", has_text="Publish an item").first
    await expect(publish).to_be_visible()
    await publish.locator("summary").click()
    await expect(publish.locator("table").first).to_contain_text("Idempotency-Key")
    await expect(page.locator("#channels")).to_contain_text("/v1/ws")
    await publish.get_by_role("link", name="ItemInput").click()
    await expect(page.locator("#shape-ItemInput")).to_contain_text("embargoedUntil")
    await expect(page.locator("#shape-ItemInput table").first).to_be_visible()
    assert {url.split("/")[2] for url in asked} == {site.url.split("/")[2]}
    assert faults == []


async def test_finding_leaves_what_was_asked_for(page: Page, site: Site) -> None:
    await page.goto(f"{site.url}/docs")
    await expect(page.locator("#operations details").first).to_be_visible()
    await page.get_by_label("Find").fill("kill an item")
    await expect(page.locator("#operations details:visible")).to_have_count(1)
    await page.goto(f"{site.url}/docs#shape-Hello")
    await page.reload()
    await expect(page.locator("#shape-Hello table").first).to_be_visible()
