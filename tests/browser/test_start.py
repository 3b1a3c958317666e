"""The start page, and the element on a site of somebody else's."""

from __future__ import annotations

import asyncio
import re
import sys
from asyncio.subprocess import PIPE

import pytest
from playwright.async_api import BrowserContext, Page, expect

from tests.browser.site import Site

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_start_page_shows_the_feeds_and_how_to_use_them(context: BrowserContext, page: Page, site: Site, feed: str) -> None:
    await context.grant_permissions(["clipboard-read", "clipboard-write"])
    await site.publish(feed, headline="Storm")
    await page.goto(site.url)
    card = page.locator(".card", has=page.locator(f'a[href="/read/{feed}"]'))
    await expect(card).to_contain_text("Storm")
    await expect(page.locator(".health")).to_contain_text("Reads and publishes.")

    await page.locator(".snippet", has_text="From a shell").first.get_by_role("button").click()

    assert f"curl -N {site.url}/v1/feeds/" in await page.evaluate("navigator.clipboard.readText()")
    await card.get_by_role("link", name="Read").click()
    await expect(page.locator(".masthead .state")).to_have_text("Live")


async def test_the_python_that_is_shown_runs(page: Page, site: Site, feed: str) -> None:
    await page.goto(site.url)
    code = await page.locator(".snippet", has_text="In Python").locator("code").inner_text()
    shown = re.search(r'events\("([^"]+)"', code)
    assert shown is not None
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", code, stdout=PIPE)
    assert process.stdout is not None
    await site.ask("POST", f"/v1/feeds/{shown[1]}/items", {"bodyText": "An item may do without a headline."})
    await site.publish(shown[1], headline="From the start page")
    try:
        while (line := await process.stdout.readline()) != b"published From the start page\n":
            assert line
    finally:
        process.kill()
        await process.wait()


async def test_start_page_speaks_german(page: Page, site: Site) -> None:
    await page.goto(f"{site.url}/?lang=de")
    await expect(page.get_by_role("heading", name="Einen Feed lesen")).to_be_visible()
    assert await page.locator("html").get_attribute("lang") == "de"


async def test_dark_or_light_is_remembered(page: Page, site: Site) -> None:
    await page.goto(site.url)
    await page.get_by_role("button", name="Dark or light").click()
    await page.reload()

    assert await page.locator("html").get_attribute("data-theme") == "dark"


async def test_the_element_works_on_any_site(context: BrowserContext, page: Page, site: Site, feed: str) -> None:
    """On another origin: in a shadow of its own, styled through parts; what was inside it is shown until the news is there."""
    await site.publish(feed, headline="Storm")
    html = f"""<!doctype html><html lang="en"><title>Elsewhere</title>
      <style>live-feed::part(headline) {{ color: rgb(1, 2, 3) }}</style>
      <live-feed feed="{feed}"><a href="{site.url}/read/{feed}">The news</a></live-feed>
      <script type="module" src="{site.url}/static/live-feed.js"></script>"""
    await page.route("https://elsewhere.example/", lambda route: route.fulfill(body=html, content_type="text/html"))
    await page.goto("https://elsewhere.example/")
    await expect(page.locator("live-feed h3")).to_have_text("Storm")
    await expect(page.get_by_text("The news")).to_be_hidden()

    await site.publish(feed, headline="Calm")

    await expect(page.locator("live-feed h3")).to_have_text(["Calm", "Storm"])
    await page.evaluate("document.body.prepend(document.querySelector('live-feed'))")  # a page that rearranges itself
    await site.publish(feed, headline="Sun")
    await expect(page.locator("live-feed h3")).to_have_text(["Sun", "Calm", "Storm"])
    assert await page.locator("live-feed h3").first.evaluate("(e) => getComputedStyle(e).color") == "rgb(1, 2, 3)"
    assert await page.locator("live-feed h3 a").first.get_attribute("href") == (
        f"{site.url}/read/{feed}/{(await site.items(feed))[0]['id']}"
    )
