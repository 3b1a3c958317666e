"""The reader page in Chromium: addresses, times, the parts of an item, and who reads it."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.async_api import BrowserContext, Page, expect

from tests.browser.desks import Desk
from tests.browser.readers import ENTRIES, fill, headlines, open_reader
from tests.browser.site import Site
from tests.waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_a_permalink_opens_the_page_that_contains_the_item(page: Page, site: Site, feed: str) -> None:
    await fill(site, feed, 45)
    await page.goto(f"{site.url}/read/{feed}?before=")
    old = next(item for item in await site.items(feed) if item["headline"] == "Old 30")
    await open_reader(page, site, feed, f"?with={old['id']}#u-{old['id']}")

    assert (await headlines(page))[0] == "Old 30"
    await site.publish(feed, headline="New")
    await expect(page.locator(".toast")).to_have_text("1 new update")  # this page is older news: nothing goes in on top
    await page.locator(".toast").click()
    await expect(page.locator(ENTRIES).first).to_contain_text("New")


async def test_key_events_are_jumped_to(page: Page, site: Site, feed: str) -> None:
    """Within the page, and to one that it does not have."""
    await fill(site, feed, 45)
    items = await site.items(feed)
    for number in (15, 35):
        await site.change(feed, items[number]["id"], keyEvent=True)
    await open_reader(page, site, feed)
    events = page.locator(".key-events")
    await events.get_by_role("link", name="Old 15").click()
    await expect(page.locator(f"#u-{items[15]['id']}")).to_be_in_viewport()
    assert await page.locator(ENTRIES).count() == 20
    await events.get_by_role("link", name="Old 35").click()
    await expect(page.locator(ENTRIES).first).to_contain_text("Old 35")


async def test_a_tag_filters_the_list_and_the_stream(page: Page, site: Site, feed: str) -> None:
    await site.publish(feed, headline="Goal", tags=["Sport"])
    vote = await site.publish(feed, headline="Vote", tags=["Politics"])
    await open_reader(page, site, feed)
    await page.get_by_role("navigation", name="Topics").get_by_role("link", name="Sport").click()
    await expect(page.locator(".masthead .state")).to_have_text("Live")
    assert await headlines(page) == ["Goal"]

    await site.publish(feed, headline="Another vote", tags=["Politics"])
    await site.change(feed, vote["id"], tags=["sport"])

    await expect(page.locator(ENTRIES)).to_have_count(2)
    assert await headlines(page) == ["Vote", "Goal"]


async def test_times_are_the_readers_own_and_days_begin_at_his_midnight(page: Page, site: Site, feed: str) -> None:
    """The browser is in Berlin: an hour ahead of the server's UTC."""
    await site.publish(feed, headline="Before", contentCreated="2026-11-20T22:59:00.000Z")
    await site.publish(feed, headline="After", contentCreated="2026-11-20T23:01:00.000Z")
    await open_reader(page, site, feed)

    assert await page.locator(".when time").all_inner_texts() == ["00:01 CET", "23:59 CET"]
    assert await page.locator(".day").all_inner_texts() == ["Saturday, 21 November 2026", "Friday, 20 November 2026"]


async def test_hostile_items_stay_data(page: Page, site: Site, feed: str) -> None:
    """On the first view and live, in every field that is shown; `page` fails the test for a dialog or a refused script."""
    attack = '"><img src=x onerror=alert(1)><script>alert(2)</script></script>'
    fields: dict[str, Any] = {
        "headline": attack,
        "bodyHtml": "<p>a</p><svg onload=alert(3)><a href='javascript:alert(4)'>b</a><iframe srcdoc='<script>alert(5)</script>'>",
        "by": attack,
        "summary": attack,
        "tags": [attack[:60]],
        "correction": attack,
        "infoSources": [{"name": attack}],
        "link": "https://example.com/?q=%22%3E%3Cscript%3E",
        "pinned": True,
        "keyEvent": True,
        "highlight": True,
        "urgency": 1,
    }
    item = await site.publish(feed, **fields)
    await open_reader(page, site, feed)
    await site.publish(feed, **fields)
    await expect(page.locator(ENTRIES)).to_have_count(2)
    await page.goto(f"{site.url}/read/{feed}/{item['id']}")
    await expect(page.locator(".panel .state")).to_have_text("Live")

    assert await page.locator("main script, main iframe, main svg, main img").count() == 0


async def test_share_copies_the_link(context: BrowserContext, page: Page, site: Site, feed: str) -> None:
    await context.grant_permissions(["clipboard-read", "clipboard-write"])
    item = await site.publish(feed)
    await open_reader(page, site, feed)
    await page.get_by_role("button", name="Share").click()

    await expect(page.get_by_role("button", name="Link copied")).to_be_visible()
    assert await page.evaluate("navigator.clipboard.readText()") == f"{site.url}/read/{feed}/{item['id']}"


async def test_server_and_browser_draw_an_item_alike(page: Page, site: Site, feed: str) -> None:
    """What arrived live looks as it does on a page that is opened later."""
    await page.context.route("https://example.com/**", lambda route: route.abort())
    await open_reader(page, site, feed)
    await site.publish(
        feed,
        headline="Storm",
        bodyText="One.\nTwo.\n\n" + "Three. " * 200,
        language="de",
        tags=["Wetter", "Meer & Küste"],
        infoSources=[{"name": "TASR"}, {"name": "DWD"}],
        link="https://example.com/storm",
        correction="Not yet.",
        urgency=1,
        keyEvent=True,
        highlight=True,
        renditions=[{"name": "main", "href": "https://example.com/a.jpg", "title": "Waves", "caption": "Waves", "credit": "AP"}],
    )
    outline = """() => {
      const outline = (node) => node.nodeType === Node.TEXT_NODE ? node.data.replace(/\\s+/g, " ").trim() : [
        node.tagName, [...node.attributes].filter(({ name }) => !["data-item", "part", "style"].includes(name))
          .map(({ name, value }) => `${name}=${value.replace(/ ?(missing|fresh)/, "")}`).sort(),
        ...[...node.childNodes].map(outline).filter((child) => child.length),
      ];
      const entry = document.querySelector("ol.feed .entry");
      return outline(entry);
    }"""
    await expect(page.locator(ENTRIES)).to_have_count(1)
    later = await page.context.new_page()
    await open_reader(later, site, feed)

    # Either page still has its picture to miss.
    async def alike() -> bool:
        return bool(await page.evaluate(outline) == await later.evaluate(outline))

    await until(alike, timeout=10)


async def test_who_is_signed_in_reads_what_is_private_and_may_edit(page: Page, site: Site, feed: str) -> None:
    await site.make(feed, title="World news", public=False)
    first = await site.publish(feed, headline="Inside")
    refused = await page.goto(f"{site.url}/read/{feed}")
    assert refused is not None
    assert refused.status == 401
    await Desk.open(page, site, feed)

    await open_reader(page, site, feed)
    await site.publish(feed, headline="Live inside")
    await expect(page.locator(ENTRIES).first).to_contain_text("Live inside")
    assert await page.get_by_role("link", name="Edit").count() == 2  # what came live can be edited too
    assert await page.get_by_role("link", name="Edit").last.get_attribute("href") == f"/desk/{feed}?item={first['id']}"
