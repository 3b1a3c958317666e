"""A page that follows a feed with the client alone, and what it has heard."""

from __future__ import annotations

from playwright.async_api import BrowserContext, Page

from tests.waiting import until

_BLANK = "<!doctype html><meta charset=utf-8><title>blank</title>"
_FOLLOW = """async ([feed, options]) => {
  const { connect, readItems } = await import("/static/livefeed.js");
  const page = await readItems(feed);
  window.heard = [];
  window.states = [];
  window.feed = connect(feed, { after: page.cursor, ...options });
  window.feed.addEventListener("event", ({ detail }) => heard.push(detail.data.headline));
  window.feed.addEventListener("reset", () => heard.push("reset"));
  window.feed.addEventListener("state", ({ detail }) => states.push(detail.state));
}"""


class Follower:
    """One tab."""

    def __init__(self, page: Page) -> None:
        self.page = page

    @classmethod
    async def open(cls, context: BrowserContext, url: str, feed: str, *, without: str = "", **options: object) -> Follower:
        """A tab at *url* that follows *feed*; *without* names what its browser does not have."""
        page = await context.new_page()
        if without:
            await page.add_init_script(f"delete window.{without}")
        await page.route("**/blank", lambda route: route.fulfill(body=_BLANK, content_type="text/html"))
        return await cls.follow(page, url, feed, **options)

    @classmethod
    async def follow(cls, page: Page, url: str, feed: str, **options: object) -> Follower:
        """The same on a *page* whose `/blank` the test has made."""
        await page.goto(f"{url}/blank")
        await page.evaluate(_FOLLOW, [feed, options])
        return cls(page)

    async def state(self) -> str:
        return str(await self.page.evaluate("feed.state"))

    async def heard(self) -> list[str]:
        return list(await self.page.evaluate("heard"))

    async def states(self) -> list[str]:
        return list(await self.page.evaluate("states"))

    async def is_live(self, timeout: float = 15) -> None:
        await self.is_told("live", timeout)

    async def is_told(self, state: str, timeout: float = 15) -> None:
        async def check() -> bool:
            return await self.state() == state

        await until(check, timeout)

    async def hears(self, *headlines: str, timeout: float = 15) -> None:
        """Exactly these, in this order."""

        async def check() -> bool:
            return len(await self.heard()) >= len(headlines)

        await until(check, timeout)
        assert await self.heard() == list(headlines)
