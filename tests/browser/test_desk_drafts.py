"""Text that was begun at the desk and is not sent yet: it outlives its tab, and stays with the tab in which it is written."""

from __future__ import annotations

import pytest
from playwright.async_api import BrowserContext, Page, expect

from tests.browser.desks import Desk

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_a_draft_survives_a_closed_tab(desk: Desk, page: Page, context: BrowserContext) -> None:
    await desk.write("Half a headl", "And some words.")
    await expect(page.locator(".saved")).to_contain_text("Kept on this computer")
    await page.close()

    again = await Desk.open(await context.new_page(), desk.site, desk.feed)
    await expect(again.headline).to_have_value("Half a headl")
    await expect(again.body).to_have_text("And some words.")
    await expect(again.page.locator(".restored")).to_contain_text("Unsent text from")
    await again.page.get_by_role("button", name="Discard").click()
    await expect(again.headline).to_have_value("")


async def test_the_last_letter_survives_too(desk: Desk, page: Page, context: BrowserContext) -> None:
    """The store is busy in another tab, and the tab is closed before it has written down a word."""
    other = await context.new_page()
    await other.goto(f"{desk.site.url}/docs")
    await other.evaluate(
        """() => new Promise((begun) => {
          indexedDB.open("livefeed.desk").onsuccess = ({ target: { result } }) => {
            const drafts = result.transaction(["drafts", "outbox"], "readwrite").objectStore("drafts");
            window.busy = true;
            const again = () => { begun(); if (window.busy) drafts.count().onsuccess = again; };
            again();
          };
        })"""
    )
    await desk.write("A headline", "Words that came")
    await page.keyboard.type(" at once")
    await page.close()
    await other.close()

    again = await Desk.open(await context.new_page(), desk.site, desk.feed)
    await expect(again.headline).to_have_value("A headline")
    await expect(again.body).to_have_text("Words that came at once")
    await again.page.keyboard.press("Control+Enter")
    await expect(again.headline).to_have_value("")
    await again.page.reload()
    await again.ready()
    await expect(again.headline).to_have_value("")


async def test_a_new_item_that_was_begun_waits_while_another_is_changed(desk: Desk, page: Page) -> None:
    await desk.site.publish(desk.feed, headline="Vote")
    await desk.write("Half a headl")
    await desk.edit("Vote")
    await page.keyboard.press("Alt+KeyN")
    await expect(desk.headline).to_have_value("Half a headl")
    await page.keyboard.press("Alt+KeyN")
    await expect(desk.headline).to_have_value("Half a headl")


async def test_another_tab_does_not_take_a_text_that_is_being_written(desk: Desk, page: Page, context: BrowserContext) -> None:
    await desk.write("Mine")
    await expect(page.locator(".saved")).to_contain_text("Kept on this computer")
    other = await Desk.open(await context.new_page(), desk.site, desk.feed)
    await expect(other.headline).to_have_value("")


async def test_the_copy_of_a_tab_writes_for_itself(desk: Desk, page: Page, context: BrowserContext) -> None:
    """A browser copies a tab with the name that it was given."""
    await desk.write("Mine")
    async with context.expect_page() as opened:
        await page.evaluate("void window.open(location.href)")
    copy = Desk(await opened.value, desk.site, desk.feed)
    await copy.ready()
    await expect(copy.headline).to_have_value("")
    await copy.write("Another")
    await page.reload()
    await desk.ready()
    await expect(desk.headline).to_have_value("Mine")
