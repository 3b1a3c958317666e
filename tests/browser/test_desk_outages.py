"""Nothing typed is ever lost, and nothing is sent twice: desks while the server goes away, and two desks on one item."""

from __future__ import annotations

import asyncio
import os

import pytest
from playwright.async_api import Browser, BrowserContext, Page, Route, expect

from tests.browser.desks import Desk, other_browser
from tests.browser.site import Site
from tests.waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="session")

GONE = float(os.environ.get("SHOW_OUTAGE", "1"))
"""Seconds for which the server is away at least."""


async def in_order(desk: Desk) -> list[str]:
    """The headlines in the order in which they went out."""
    items = await desk.site.items(desk.feed)
    return [item["headline"] for item in sorted(items, key=lambda item: str(item["firstCreated"]))]


async def test_ten_items_from_two_desks_while_the_server_is_away(page: Page, browser: Browser, site: Site, feed: str) -> None:
    context = await other_browser(browser)
    ada = await Desk.open(page, site, feed)
    ben = await Desk.open(await context.new_page(), site, feed, name="Ben")
    await site.kill()
    for number in range(5):
        await ada.publish(f"Ada {number}")
        await ben.publish(f"Ben {number}")
    await expect(page.locator(".outbox .why")).to_contain_text("The server is away. 5 wait here")
    await asyncio.sleep(GONE)
    await site.start()

    await until(lambda: _count(ada, 10), timeout=30)
    for desk in (ada, ben):
        await expect(desk.rows).to_have_count(10)
        await expect(desk.page.locator(".outbox")).to_be_hidden()
    order = await in_order(ada)
    assert [name for name in order if name.startswith("Ada")] == [f"Ada {n}" for n in range(5)]
    assert [name for name in order if name.startswith("Ben")] == [f"Ben {n}" for n in range(5)]
    assert len(order) == 10
    await context.close()


async def _count(desk: Desk, count: int) -> bool:
    return len(await desk.site.items(desk.feed)) >= count


async def test_a_lost_answer_publishes_once(page: Page, site: Site, feed: str) -> None:
    """The item arrives, its answer does not: it is sent again and recognised."""
    desk = await Desk.open(page, site, feed)
    await _lose_first_answer(page, "**/items", "POST")
    await desk.publish("Once")
    await expect(page.locator(".toast")).to_have_text("Published: Once")
    assert len(await site.items(feed)) == 1


async def _lose_first_answer(page: Page, pattern: str, method: str) -> None:
    lost: list[str] = []

    async def handle(route: Route) -> None:
        if route.request.method != method or lost:
            await route.continue_()
            return
        lost.append(route.request.url)
        await route.fetch()
        await route.abort()

    await page.route(pattern, handle)


async def test_a_lost_answer_to_a_change_is_no_conflict(page: Page, site: Site, feed: str) -> None:
    await site.publish(feed, headline="Ten ships")
    desk = await Desk.open(page, site, feed)
    await desk.edit("Ten ships")
    await _lose_first_answer(page, "**/items/*", "PATCH")
    await desk.headline.fill("Two ships")
    await page.keyboard.press("Control+Enter")
    await expect(page.locator(".toast")).to_have_text("Changed: Two ships")
    [item] = await site.items(feed)
    assert (item["headline"], item["version"]) == ("Two ships", 2)
    await expect(page.locator(".outbox")).to_be_hidden()


async def test_what_waits_outlives_the_tab(page: Page, context: BrowserContext, site: Site, feed: str) -> None:
    desk = await Desk.open(page, site, feed)
    await site.kill()
    await desk.publish("From a closed tab")
    await expect(page.locator(".outbox .why")).to_contain_text("1 waits here")
    await page.close()
    await site.start()
    again = await Desk.open(await context.new_page(), site, feed)
    await expect(again.rows).to_have_text(["From a closed tab"])
    assert len(await site.items(feed)) == 1


async def test_changes_to_one_item_follow_each_other(page: Page, site: Site, feed: str) -> None:
    """Two changes that wait for the same item: the second was made on what the first will have made of it."""
    await site.publish(feed, headline="Vote")
    desk = await Desk.open(page, site, feed)
    await desk.edit("Vote")
    await site.kill()
    await desk.deed("Key event").click()
    await desk.deed("Pick").click()
    await expect(page.locator(".outbox .why")).to_contain_text("2 wait here")
    await site.start()
    await expect(page.locator(".items .flag")).to_have_text(["Key event", "Pick"])
    [item] = await site.items(feed)
    assert (item["keyEvent"], item["highlight"], item["version"]) == (True, True, 3)


async def test_a_session_that_ended_keeps_what_was_written(page: Page, context: BrowserContext, site: Site, feed: str) -> None:
    desk = await Desk.open(page, site, feed)
    await context.clear_cookies()
    await desk.publish("After the shift")
    await expect(page.locator("dialog.ask h2")).to_have_text("Your session has ended")
    await page.fill("#ask-text", site.key)
    await page.locator("dialog.ask .yes").click()
    await expect(desk.rows).to_have_text(["After the shift"])
    assert len(await site.items(feed)) == 1


async def test_two_people_who_change_different_fields_both_get_through(
    page: Page, browser: Browser, site: Site, feed: str
) -> None:
    await site.publish(feed, headline="Ten ships", tags=["sea"])
    context = await other_browser(browser)
    ada = await Desk.open(page, site, feed)
    ben = await Desk.open(await context.new_page(), site, feed, name="Ben")
    await ada.edit("Ten ships")
    await ben.edit("Ten ships")
    await ada.headline.fill("Two ships")
    await ben.page.fill("#f-tags", "sea, ferries")
    await page.keyboard.press("Control+Enter")
    await expect(ben.headline).to_have_value("Two ships")
    await ben.page.keyboard.press("Control+Enter")
    await until(lambda: _tags(ada, ["sea", "ferries"]))
    [item] = await site.items(feed)
    assert item["headline"] == "Two ships"
    await context.close()


async def _tags(desk: Desk, tags: list[str]) -> bool:
    return [item["tags"] for item in await desk.site.items(desk.feed)] == [tags]


async def test_two_people_who_change_the_same_words_see_both(page: Page, browser: Browser, site: Site, feed: str) -> None:
    await site.publish(feed, headline="Ten ships", bodyText="Ten.")
    context = await other_browser(browser)
    ada = await Desk.open(page, site, feed)
    ben = await Desk.open(await context.new_page(), site, feed, name="Ben")
    await ada.edit("Ten ships")
    await ben.edit("Ten ships")
    await ben.headline.fill("Three ships")
    await ada.headline.fill("Two ships")
    await page.keyboard.press("Control+Enter")

    await expect(ben.page.locator(".changed")).to_contain_text("Somebody else has saved version 2")
    await ben.page.keyboard.press("Control+Enter")  # does not send: it shows
    dialog = ben.page.locator("dialog.two")
    await expect(dialog.locator("td .said")).to_have_text(["Three ships", "Two ships"])
    [item] = await site.items(feed)
    assert item["headline"] == "Two ships"

    await dialog.get_by_label("Take theirs").check()
    await dialog.get_by_role("button", name="Put into the form").click()
    await expect(ben.headline).to_have_value("Two ships")
    await ben.headline.fill("Two or three ships")
    await ben.page.keyboard.press("Control+Enter")
    await until(lambda: _headline(ada, "Two or three ships"))
    await context.close()


async def _headline(desk: Desk, headline: str) -> bool:
    return [item["headline"] for item in await desk.site.items(desk.feed)] == [headline]


async def test_a_change_that_was_overtaken_while_it_waited_is_shown(page: Page, site: Site, feed: str) -> None:
    """The server was away for both; whoever comes second is told, with both texts, and overwrites nothing."""
    item = await site.publish(feed, headline="Ten ships")
    desk = await Desk.open(page, site, feed)
    await desk.edit("Ten ships")

    async def hold(route: Route) -> None:
        if route.request.method == "PATCH":
            await route.abort()
        else:
            await route.continue_()

    await page.route("**/items/*", hold)
    await desk.headline.fill("Three ships")
    await page.keyboard.press("Control+Enter")
    await expect(page.locator(".outbox .why")).to_contain_text("1 waits here")
    await site.change(feed, item["id"], headline="Two ships")
    await page.unroute("**/items/*")

    await expect(page.locator(".outbox .problem")).to_contain_text("Nothing was overwritten.")
    await page.locator(".outbox").get_by_role("button", name="Compare").click()
    await expect(page.locator("dialog.two td .said")).to_have_text(["Three ships", "Two ships"])
    await page.get_by_role("button", name="Put into the form").click()
    await expect(page.locator(".changed")).to_be_hidden()
    await expect(desk.headline).to_have_value("Three ships")
    await page.keyboard.press("Control+Enter")
    await until(lambda: _headline(desk, "Three ships"))


async def test_a_kill_that_was_overtaken_asks_again(page: Page, site: Site, feed: str) -> None:
    item = await site.publish(feed, headline="Ten ships")
    desk = await Desk.open(page, site, feed)
    await page.route("**/cancel", lambda route: route.abort())
    await desk.edit("Ten ships")
    await desk.deed("Kill").click()
    await page.get_by_label("Reason").fill("It was wrong.")
    await page.locator("dialog.ask .yes").click()
    await expect(page.locator(".outbox .why")).to_contain_text("1 waits here")
    await site.change(feed, item["id"], headline="Two ships")
    await page.unroute("**/cancel")

    await page.locator(".outbox").get_by_role("button", name="Compare").click()
    await expect(page.locator("dialog.two")).to_contain_text("Two ships")
    await page.get_by_role("button", name="Do it anyway").click()
    await expect(page.locator("li[data-state=canceled]")).to_have_count(1)
