"""An editor at a desk, in a browser."""

from __future__ import annotations

from typing import Any

from playwright.async_api import Browser, BrowserContext, Locator, Page, expect

from tests.browser.site import Site


class Desk:
    """One open desk: what an editor does there, in the words of an editor."""

    def __init__(self, page: Page, site: Site, feed: str) -> None:
        self.page = page
        self.site = site
        self.feed = feed

    @classmethod
    async def open(cls, page: Page, site: Site, feed: str, name: str = "Ada") -> Desk:
        """Sign in and wait until the desk is there."""
        desk = cls(page, site, feed)
        await page.goto(f"{site.url}/desk/{feed}")
        if await page.locator("#key").count():
            await page.fill("#key", site.key)
            await page.fill("#name", name)
            await page.get_by_role("button", name="Sign in").click()
        await desk.ready()
        return desk

    async def ready(self) -> None:
        await expect(self.page.locator(".desk[data-ready]")).to_be_attached(timeout=15_000)
        await expect(self.page.locator(".desk-state")).to_have_text("Live", timeout=15_000)

    @property
    def headline(self) -> Locator:
        return self.page.locator("#f-headline")

    @property
    def body(self) -> Locator:
        return self.page.locator("#f-body")

    @property
    def rows(self) -> Locator:
        return self.page.locator(".items .title")

    def row(self, text: str) -> Locator:
        return self.page.locator(".items button", has_text=text)

    def deed(self, name: str) -> Locator:
        return self.page.locator(".deeds").get_by_role("button", name=name, exact=True)

    async def write(self, headline: str, body: str = "") -> None:
        await self.headline.fill(headline)
        if body:
            await self.body.click()
            await self.page.keyboard.type(body)

    async def publish(self, headline: str, body: str = "") -> None:
        await self.write(headline, body)
        await self.page.keyboard.press("Control+Enter")
        await expect(self.headline).to_have_value("")

    async def edit(self, text: str) -> None:
        await self.row(text).click()
        await expect(self.page.locator("#composer-title")).to_have_text("Change item")

    async def items(self) -> list[dict[str, Any]]:
        """What the desk's own view of the feed has, newest first."""
        page = await self.site.ask("GET", f"/v1/feeds/{self.feed}/items?view=desk&limit=200")
        return list(page["items"])

    async def item(self) -> dict[str, Any]:
        """The only item there is."""
        [item] = await self.items()
        return item


async def other_browser(browser: Browser) -> BrowserContext:
    """A browser of its own, with its own cookies and its own store."""
    context = await browser.new_context(viewport={"width": 1440, "height": 900}, locale="en-GB", timezone_id="Europe/Berlin")
    context.set_default_timeout(15_000)
    return context
