"""The wall in Chromium, on the real server: what a screen shows, and how it is configured."""

from __future__ import annotations

import itertools
import re
from typing import Any

import pytest
from playwright.async_api import Browser, Page, expect

from tests.browser.site import Site
from tests.browser.walls import ROWS, open_wall

pytestmark = pytest.mark.asyncio(loop_scope="session")


CONTRAST = """() => {
  const channels = (color) => color.match(/[\\d.]+/g).map(Number);
  const light = ([r, g, b]) => [r, g, b].map((c) => c / 255)
    .map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4))
    .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
  const ground = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const color = channels(getComputedStyle(at).backgroundColor);
      if (color.length === 3 || color[3] === 1) return color;
    }
    return [255, 255, 255];
  };
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const found = [];
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || !element.checkVisibility() || element.closest("noscript")) continue;
    const [a, b] = [light(channels(getComputedStyle(element).color)), light(ground(element))];
    found.push([walker.currentNode.data.trim(), (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05)]);
  }
  return found;
}"""


async def test_the_screen_is_there_without_scripts(browser: Browser, site: Site, feed: str) -> None:
    await site.publish(feed, headline="Storm", contentCreated="2026-11-20T12:00:00Z")
    context = await browser.new_context(java_script_enabled=False)
    page = await context.new_page()
    await page.goto(f"{site.url}/wall/{feed}")
    await expect(page.locator(ROWS)).to_have_text(["Storm"])
    await expect(page.locator(".when time")).to_have_text("12:00 UTC")
    await expect(page.locator(".still")).to_contain_text("drawn anew once a minute")
    await context.close()


async def test_its_address_says_all_of_it(page: Page, site: Site, feed: str) -> None:
    for number in range(8):
        await site.publish(feed, headline=f"Item {number}", tags=["odd" if number % 2 else "even"])
    query = "?rows=3&tags=odd,none&lang=de&tz=Asia/Kolkata&theme=light&scale=0.8&screen=Newsroom%202"
    await page.goto(f"{site.url}/wall/{feed}{query}")
    await expect(page.locator(".state .word")).to_have_text("Live")
    await expect(page.locator(ROWS)).to_have_text(["Item 7", "Item 5", "Item 3"])
    await expect(page.locator(".checked")).to_have_text(re.compile(r"^Geprüft vor \d+ s$"))
    await expect(page.locator(".zone")).to_have_text("GMT+5:30")
    await expect(page.locator(".screen")).to_have_text("Newsroom 2")
    assert await page.evaluate("document.documentElement.dataset.theme") == "light"
    assert await page.evaluate("getComputedStyle(document.querySelector('.wall')).getPropertyValue('--scale')") == "0.8"


@pytest.mark.parametrize(
    "query",
    [
        "tag=odd",
        "rows=0",
        "rows=x",
        "rows=21",
        "scale=9",
        "theme=blue",
        "tz=Europe/%20",
        "dim=22-6",
        "screen=%3Cb%3E",
        "rows=1&rows=2",
    ],
)
async def test_an_address_that_is_not_right_is_refused(page: Page, site: Site, feed: str, query: str) -> None:
    """A misspelt filter must not hang on a wall as no filter."""
    response = await page.goto(f"{site.url}/wall/{feed}?{query}")
    assert response is not None
    assert response.status == 400
    await expect(page.locator("main")).to_contain_text(query.partition("=")[0])


async def test_a_zone_that_the_browser_does_not_know_is_told(page: Page, site: Site, feed: str) -> None:
    await open_wall(page, site, feed, "?tz=Europe/Atlantis")
    await expect(page.locator(".zone")).to_have_text("Europe/Atlantis? Local time")


async def test_news_arrive_stand_out_for_a_moment_and_leave_at_once_when_killed(page: Page, site: Site, feed: str) -> None:
    await site.publish(feed, headline="Old")
    await open_wall(page, site, feed)
    assert await page.locator(".fresh").count() == 0
    item = await site.publish(feed, headline="New")
    await expect(page.locator(ROWS)).to_have_text(["New", "Old"])
    await expect(page.locator(".fresh .headline")).to_have_text("New")
    await expect(page.locator(".fresh")).to_have_count(0)
    await site.change(feed, item["id"], headline="Newer")
    await expect(page.locator(ROWS)).to_have_text(["Newer", "Old"])
    await site.cancel(feed, item["id"])
    await expect(page.locator(ROWS)).to_have_text(["Old"])
    assert "Newer" not in await page.content()


async def test_older_items_fill_the_rows_of_the_killed(page: Page, site: Site, feed: str) -> None:
    items = [await site.publish(feed, headline=f"Item {number}") for number in range(70)]
    await open_wall(page, site, feed, "?rows=4")
    for item in items[8:]:
        await site.cancel(feed, item["id"])
    await expect(page.locator(ROWS)).to_have_text(["Item 7", "Item 6", "Item 5", "Item 4"])


async def test_breaking_news_have_a_band_that_does_not_blink(page: Page, site: Site, feed: str) -> None:
    await site.publish(feed, headline="Vote")
    await open_wall(page, site, feed)
    item = await site.publish(feed, headline="Bridge closed", urgency=1)
    await expect(page.locator(".breaking p")).to_have_text("Bridge closed")
    await expect(page.locator(ROWS)).to_have_text(["Vote"])
    assert await page.evaluate("document.querySelector('.breaking').getAnimations({ subtree: true }).length") == 0
    await site.change(feed, item["id"], urgency=5)
    await expect(page.locator(".breaking")).to_be_hidden()
    await expect(page.locator(ROWS)).to_have_text(["Bridge closed", "Vote"])


async def test_a_rush_of_news_is_no_flicker(page: Page, site: Site, feed: str) -> None:
    """Rows change at most once a second, however much arrives: three flashes in one are the limit (WCAG 2.3.1)."""
    await open_wall(page, site, feed)
    await page.evaluate(
        """() => {
          window.changes = [];
          new MutationObserver(() => window.changes.push(performance.now()))
            .observe(document.querySelector(".rows"), { subtree: true, characterData: true });
        }"""
    )
    for number in range(60):
        await site.publish(feed, headline=f"Item {number}")
    await expect(page.locator(ROWS).first).to_have_text("Item 59")
    times: list[float] = await page.evaluate("window.changes")
    moments = [time for i, time in enumerate(times) if i == 0 or time - times[i - 1] > 5]
    assert all(later - earlier > 300 for earlier, later in itertools.pairwise(moments))


async def test_a_feed_that_is_not_public_waits_for_a_key(page: Page, site: Site, feed: str) -> None:
    await site.publish(feed, headline="Secret")
    await site.make(feed, title="Board room", public=False)
    await page.goto(f"{site.url}/wall/{feed}")
    await expect(page.locator(".empty")).to_contain_text("This feed is not public.")
    assert "Board room" not in await page.content()
    await page.goto("about:blank")
    await open_wall(page, site, feed, f"#token={site.key}")
    await expect(page.locator(ROWS)).to_have_text(["Secret"])


async def test_the_page_of_all_screens(page: Page, browser: Browser, site: Site, feed: str) -> None:
    context = await browser.new_context()
    screen = await context.new_page()
    await site.publish(feed, headline="Storm")
    await open_wall(screen, site, feed, "?screen=lobby")
    await page.goto(f"{site.url}/wall/status")
    row = page.locator("tbody tr", has=page.locator("a", has_text=feed))
    await expect(row.locator("th")).to_have_text("lobby", timeout=20_000)
    await expect(row.locator(".state")).to_have_text("Live")
    await expect(row).to_contain_text(re.compile(r"\d+ s ago"))
    report: dict[str, Any] = next(s for s in (await site.ask("GET", "/v1/screens"))["screens"] if s["feed"] == feed)
    assert (report["screen"], report["state"], report["items"]) == ("lobby", "live", 1)
    assert 0 <= report["age"] < 60_000
    await context.close()


@pytest.mark.parametrize("theme", ["dark", "light"])
async def test_everything_can_be_read_from_afar(page: Page, site: Site, feed: str, theme: str) -> None:
    """Contrast of at least 7:1, and nothing smaller than 32 pt on a screen of 1,080 lines."""
    await page.set_viewport_size({"width": 1920, "height": 1080})
    await page.clock.install()
    await site.publish(feed, headline="Bridge closed between both banks of the river until the water has gone down", urgency=1)
    await site.publish(feed, headline="Storm", pinned=True)
    await site.publish(feed, headline="Vote", correction="It was two.")
    for number in range(5):
        await site.publish(feed, headline=f"Item {number}")
    await open_wall(page, site, feed, f"?theme={theme}")
    await site.publish(feed, headline="New")
    await page.clock.run_for(1_500)
    await expect(page.locator(".fresh")).to_have_count(1)
    await _assert_contrast(page)
    sizes = await page.evaluate(
        """() => [...document.querySelectorAll(".wall *")]
          .filter((e) => e.checkVisibility() && [...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim()))
          .map((e) => [e.textContent.trim(), parseFloat(getComputedStyle(e).fontSize) * 0.75])"""
    )
    assert [(text, size) for text, size in sizes if size < 32] == []
    await page.route("**/events?*", lambda route: route.abort())
    site.freeze()
    try:
        await page.clock.run_for(80_000)
        await expect(page.locator(".outage")).to_be_visible()
        await _assert_contrast(page)
    finally:
        site.thaw()


async def _assert_contrast(page: Page) -> None:
    ratios = await page.evaluate(CONTRAST)
    assert len(ratios) > 10
    assert [(text, ratio) for text, ratio in ratios if ratio < 7] == []
