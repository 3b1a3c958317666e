"""The reader page in Chromium, on the real server: what happens to it while somebody reads."""

from __future__ import annotations

import pytest
from playwright.async_api import BrowserContext, Page, expect
from redis import Redis

from tests.browser.proxy import Proxy
from tests.browser.readers import ENTRIES, fill, headlines, open_reader
from tests.browser.site import Site

pytestmark = pytest.mark.asyncio(loop_scope="session")

PLACES = f"""() => [...document.querySelectorAll('{ENTRIES}')]
  .map((e) => [e.id, e.getBoundingClientRect()])
  .filter(([, r]) => r.bottom > 0 && r.top < innerHeight)
  .map(([id, r]) => [id, r.top])"""


async def test_the_news_is_there_without_scripts(context: BrowserContext, site: Site, feed: str) -> None:
    await fill(site, feed, 25)
    plain = await context.browser.new_context(java_script_enabled=False)  # type: ignore[union-attr]  # it has one
    page = await plain.new_page()
    await page.goto(f"{site.url}/read/{feed}")

    await expect(page.locator(ENTRIES)).to_have_count(20)
    await expect(page.locator(".day h2")).to_have_text("Friday, 20 November 2026")
    await expect(page.locator(".masthead .state")).to_be_hidden()  # it cannot know
    await page.get_by_role("link", name="More news").click()
    await expect(page.locator(ENTRIES)).to_have_count(5)
    await page.locator("h3 a").first.click()
    await expect(page.locator("h1")).to_have_text("Old 20")
    await plain.close()


async def test_a_reader_at_the_top_sees_new_items_by_themselves(page: Page, site: Site, feed: str) -> None:
    await fill(site, feed, 3)
    await open_reader(page, site, feed)
    await site.publish(feed, headline="Storm", bodyHtml="<p>It is <b>here</b>.</p>")

    await expect(page.locator(ENTRIES)).to_have_count(4)
    assert await headlines(page) == ["Storm", "Old 0", "Old 1", "Old 2"]
    await expect(page.locator(ENTRIES).first.locator(".body b")).to_have_text("here")
    await expect(page.locator(ENTRIES).first.locator(".age")).to_have_text("just now")
    await expect(page.get_by_role("status")).to_have_text("1 new update")


async def test_an_item_that_comes_in_the_picture_of_a_scroll_waits_too(page: Page, site: Site, feed: str) -> None:
    """What is told of a scroll is told a picture later: until then the page has to look itself."""
    await fill(site, feed, 20)
    item = await site.publish(feed, headline="Seed")
    await open_reader(page, site, feed)
    await page.evaluate(
        """(data) => {
          const { live } = document.querySelector("live-feed");
          scrollTo(0, document.body.scrollHeight / 2);
          live.dispatchEvent(new CustomEvent("event", { detail: { type: "live.item.published", id: "1-1", data } }));
        }""",
        {**item, "id": "other", "uri": "tag:other,2026:1", "headline": "New", "contentCreated": "2099-01-01T00:00:00.000Z"},
    )
    await expect(page.locator(".toast")).to_have_text("1 new update")
    assert (await headlines(page))[0] == "Seed"


async def test_what_is_read_does_not_move(page: Page, site: Site, feed: str) -> None:
    """Not for new items, nor for a change, a kill, a pin or breaking news above it; the sign counts, the title too."""
    await fill(site, feed, 20)
    first = await site.publish(feed, headline="First", bodyText="Words.\n\n" * 10)
    await open_reader(page, site, feed)
    await page.evaluate("scrollTo(0, document.body.scrollHeight / 2)")
    await expect(page.locator(".mark")).not_to_be_in_viewport()
    before = await page.evaluate(PLACES)

    for number in range(5):
        await site.publish(feed, headline=f"New {number}", urgency=1 if number == 2 else 5, pinned=number == 3, keyEvent=True)
    await site.change(feed, first["id"], correction="It was the second.", bodyText="Words.\n\n" * 30)
    await expect(page.locator(".toast")).to_have_text("5 new updates")
    await site.cancel(feed, first["id"])
    await expect(page.locator(f"#u-{first['id']}")).to_have_text("This update has been withdrawn.")

    assert await page.evaluate(PLACES) == before
    await expect(page).to_have_title("(5) World news")
    await expect(page.get_by_role("status")).to_have_text("5 new updates", timeout=10_000)
    await page.locator(".toast").click()
    await expect(page.locator(ENTRIES)).to_have_count(25)
    assert (await headlines(page))[:6] == [*(f"New {n}" for n in (4, 3, 2, 1, 0)), "This update has been withdrawn."]
    await expect(page).to_have_title("World news")
    await site.publish(feed, headline="And on")
    await expect(page.locator(ENTRIES).first).to_contain_text("And on")


async def test_a_reset_brings_the_truth_and_moves_nothing(page: Page, site: Site, feed: str) -> None:
    """The log was lost while the reader was away; one of the items that it shows was killed meanwhile."""
    await fill(site, feed, 50)
    async with Proxy(site.port) as proxy:
        await page.goto(f"{proxy.url}/read/{feed}")
        await expect(page.locator(".masthead .state")).to_have_text("Live")
        await page.get_by_role("link", name="More news").click()
        await expect(page.locator(ENTRIES)).to_have_count(40)
        await page.evaluate("scrollTo(0, document.body.scrollHeight / 2)")
        before = await page.evaluate(PLACES)
        proxy.fault = "reset"
        await site.cancel(feed, (await site.items(feed))[2]["id"])
        for number in range(20):
            await site.publish(feed, headline=f"New {number}")
        await site.kill()  # what the server remembers would be enough
        with Redis.from_url(site.store.url) as redis:
            redis.delete(f"livefeed:{{{feed}}}:log")
        await site.start()
        proxy.fault = "none"

        await expect(page.locator(ENTRIES)).to_have_count(69, timeout=20_000)
        assert await headlines(page) == [item["headline"] for item in await site.items(feed)]
        assert await page.evaluate(PLACES) == before


async def test_a_killed_item_is_gone_everywhere_at_once(page: Page, site: Site, feed: str) -> None:
    item = await site.publish(feed, headline="A secret", urgency=1, pinned=True, keyEvent=True, highlight=True)
    await open_reader(page, site, feed)
    for part in (".pinned", ".key-events", ".picks", ".breaking-band", "ol.feed"):
        await expect(page.locator(part)).to_contain_text("A secret")

    await site.cancel(feed, item["id"])

    await expect(page.locator("ol.feed")).to_contain_text("This update has been withdrawn.")
    await expect(page.locator(".breaking-band")).to_be_hidden()
    assert "A secret" not in await page.locator("body").inner_text()


async def test_pins_key_events_and_picks_come_and_go(page: Page, site: Site, feed: str) -> None:
    await fill(site, feed, 2)
    item = await site.publish(feed, headline="Storm")
    await open_reader(page, site, feed)
    for part in (".pinned", ".key-events", ".picks"):
        await expect(page.locator(part)).to_be_hidden()

    await site.change(feed, item["id"], pinned=True, keyEvent=True, highlight=True)
    for part in (".pinned", ".key-events", ".picks"):
        await expect(page.locator(part)).to_contain_text("Storm")
    assert (await headlines(page))[0] == "Storm"  # the original keeps its place
    await site.change(feed, item["id"], pinned=False, keyEvent=False, highlight=False)

    for part in (".pinned", ".key-events", ".picks"):
        await expect(page.locator(part)).to_be_hidden()


async def test_a_correction_is_labelled(page: Page, site: Site, feed: str) -> None:
    item = await site.publish(feed, headline="Four ships")
    await open_reader(page, site, feed)
    await site.change(feed, item["id"], headline="Five ships", correction="There were five, not four.")

    entry = page.locator(f"#u-{item['id']}")
    await expect(entry.locator("h3")).to_have_text("Five ships")
    await expect(entry.locator(".label")).to_have_text("Correction")
    await expect(entry.locator(".correction")).to_have_text("There were five, not four.")


async def test_more_news_goes_on_while_items_arrive(page: Page, site: Site, feed: str) -> None:
    await fill(site, feed, 50)
    await open_reader(page, site, feed)
    await page.get_by_role("link", name="More news").click()
    await expect(page.locator(ENTRIES)).to_have_count(40)
    await site.publish(feed, headline="New")
    await expect(page.locator(".toast")).to_have_text("1 new update")
    await page.get_by_role("link", name="More news").click()
    await expect(page.locator(".more")).to_have_text("You have reached the beginning.")

    assert await headlines(page) == [f"Old {number}" for number in range(50)]


async def test_state_is_told_in_words(page: Page, site: Site, feed: str) -> None:
    await open_reader(page, site, feed)
    await site.kill()
    await expect(page.locator(".masthead .state")).to_have_text("Reconnecting")
    await site.start()

    await expect(page.locator(".masthead .state")).to_have_text("Live")


async def test_a_log_that_cannot_be_heard_is_not_told_as_live(page: Page, site: Site, feed: str) -> None:
    await open_reader(page, site, feed)
    site.store.freeze()
    try:
        await expect(page.locator(".masthead .state")).to_have_text("Waiting for the newsroom", timeout=20_000)
    finally:
        site.store.thaw()

    await expect(page.locator(".masthead .state")).to_have_text("Live", timeout=20_000)


async def test_a_closed_feed_says_so(page: Page, site: Site, feed: str) -> None:
    await open_reader(page, site, feed)
    await site.make(feed, title="World news", open=False)

    await expect(page.locator(".masthead .state")).to_have_text("Closed")


async def test_an_expired_item_is_hidden_without_an_event(page: Page, site: Site, feed: str) -> None:
    await site.publish(feed, headline="Stays")
    await open_reader(page, site, feed)
    await site.publish(feed, headline="Goes", expires="2099-01-01T00:00:00.000Z")
    await expect(page.locator(ENTRIES)).to_have_count(2)
    await page.evaluate(
        """() => {
          const feed = document.querySelector("live-feed");
          feed.live.now = () => Date.parse("2099-01-01T00:00:01Z");
          feed.board.tick();
        }"""
    )

    assert await headlines(page) == ["Stays"]
