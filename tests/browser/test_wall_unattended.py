"""The wall in Chromium, left alone: outages, new versions of the server, and what a screen costs in weeks."""

from __future__ import annotations

import asyncio
import os
import re
import time
from typing import Any

import pytest
from playwright.async_api import CDPSession, Page, Request, Route, expect

from tests.browser.site import Site
from tests.browser.walls import ROWS, open_wall

pytestmark = pytest.mark.asyncio(loop_scope="session")

ITEMS = int(os.environ.get("SHOW_WALL_ITEMS", "1200"))
STEP = 10
"""Items at once."""
BETWEEN = 14_400
"""Simulated milliseconds between them: 20,000 items fill eight hours."""
REPORTS = 18
"""Reports in a real second; the server takes 20."""


async def test_a_server_that_is_gone_looks_different_and_the_news_stay(page: Page, site: Site, feed: str) -> None:
    await page.clock.install()
    await site.publish(feed, headline="Storm")
    await open_wall(page, site, feed)
    await site.kill()
    await page.clock.run_for(3_000)
    await expect(page.locator(".state")).to_have_attribute("data-state", "reconnecting")
    await expect(page.locator(".state .shape")).to_have_text("▲")
    await expect(page.locator(".state .word")).to_have_text(re.compile(r"^Reconnecting since \d\d:\d\d$"))
    await page.clock.run_for(70_000)
    await expect(page.locator(".state")).to_have_attribute("data-state", "offline")
    await expect(page.locator(".outage")).to_contain_text("No connection for 1 min. This is how it stood at")
    await expect(page.locator(ROWS)).to_have_text(["Storm"])
    await site.start()
    await page.clock.run_for(35_000)
    await expect(page.locator(".state .word")).to_have_text("Live")
    await expect(page.locator(".outage")).to_be_hidden()


async def test_a_server_that_stopped_talking_is_noticed(page: Page, site: Site, feed: str) -> None:
    """By the age of what was heard: the connection itself looks as good as ever."""
    await page.clock.install()
    await open_wall(page, site, feed)
    site.freeze()
    try:
        await page.clock.run_for(20_000)
        await expect(page.locator(".state")).to_have_attribute("data-state", "reconnecting")
    finally:
        site.thaw()
    await page.clock.run_for(10_000)
    await expect(page.locator(".state .word")).to_have_text("Live")


async def test_a_quiet_feed_is_not_a_dead_one(page: Page, site: Site, feed: str) -> None:
    await site.publish(feed, headline="Storm", contentCreated="2026-11-20T12:00:00Z")
    await open_wall(page, site, feed)
    await expect(page.locator(".last")).to_have_text(re.compile(r"^Last item \d+ d ago$"))
    await expect(page.locator(".checked")).to_have_text(re.compile(r"^Checked \d+ s ago$"))
    await expect(page.locator(".state")).to_have_attribute("data-state", "live")


async def test_nothing_burns_in(page: Page, site: Site, feed: str) -> None:
    await page.clock.install()
    await open_wall(page, site, feed, "?dim=00:00-23:59")
    await expect(page.locator("body.dim .dimmer")).to_be_attached()
    places = set()
    for _ in range(9):
        places.add(await page.evaluate("getComputedStyle(document.querySelector('.wall')).transform"))
        await page.clock.fast_forward(180_000)
        await page.clock.run_for(1_000)
    assert len(places) > 1


async def test_a_new_version_of_the_server_is_loaded_once(page: Page, site: Site, feed: str) -> None:
    """The page that is loaded anew is of the old version too, as behind a cache or half-way through a change of servers."""
    loads: list[str] = []

    async def older(route: Route) -> None:
        loads.append(route.request.url)
        response = await route.fetch()
        body = (await response.text()).replace('data-version="', 'data-version="0-')
        await route.fulfill(response=response, body=body)

    await page.route(f"**/wall/{feed}", older)
    await page.clock.install()
    await open_wall(page, site, feed)
    for _ in range(6):
        await page.clock.run_for(60_000)
        await expect(page.locator(".state .word")).to_have_text("Live")
    assert len(loads) == 3  # opened, looked whether it is there, loaded anew


async def test_an_item_has_a_version_and_it_is_not_the_servers(page: Page, site: Site, feed: str) -> None:
    """A screen that took it for one would load itself anew after each item."""
    loads: list[str] = []
    reports: list[Any] = []

    def hear(request: Request) -> None:
        if request.url.endswith("/screens"):
            reports.append(request.post_data_json)

    page.on("framenavigated", lambda frame: loads.append(frame.url))
    page.on("request", hear)
    await page.clock.install()
    await open_wall(page, site, feed)
    await site.publish(feed, headline="Storm")
    await expect(page.locator(ROWS)).to_have_text(["Storm"])
    for _ in range(3):
        await page.clock.run_for(60_000)
        await expect(page.locator(".state .word")).to_have_text("Live")
    assert len(loads) == 1
    version = await page.locator(".wall").get_attribute("data-version")
    assert {report["version"] for report in reports[1:]} == {version}


async def test_a_screen_whose_reports_are_refused_is_quiet_for_as_long_as_it_was_told(page: Page, site: Site, feed: str) -> None:
    reports: list[int] = []

    async def refuse(route: Route) -> None:
        reports.append(1)
        await route.fulfill(status=429, headers={"Retry-After": "300"})

    await page.route("**/screens", refuse)
    await page.clock.install()
    async with page.expect_response("**/screens"):
        await open_wall(page, site, feed)
        await page.clock.run_for(1_000)
    told = len(reports)
    for _ in range(14):
        await page.clock.run_for(20_000)
    assert len(reports) == told
    async with page.expect_response("**/screens"):
        await page.clock.run_for(30_000)


async def _measure(page: Page, session: CDPSession) -> tuple[int, int]:
    """The heap after a collection, in bytes, and the number of DOM nodes."""
    for _ in range(2):
        await session.send("HeapProfiler.collectGarbage")
    usage = await session.send("Runtime.getHeapUsage")
    return int(usage["usedSize"]), int(await page.evaluate("document.querySelectorAll('*').length"))


@pytest.mark.timeout(1800)
async def test_a_screen_costs_the_same_after_hours(page: Page, site: Site, feed: str) -> None:
    """Many items by a fast clock (20,000 are eight hours): memory and nodes as after the first 500, and never loaded anew."""
    loads: list[str] = []
    errors: list[str] = []
    page.on("framenavigated", lambda frame: loads.append(frame.url))
    page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    await page.clock.install()
    await open_wall(page, site, feed)
    session = await page.context.new_cdp_session(page)
    heap, nodes = 0, 0
    begun = time.monotonic()
    for first in range(0, ITEMS, STEP):
        # A report of the screen in each step: no more of them in a real second than the server takes of one address.
        await asyncio.sleep(max(0.0, begun + first / STEP / REPORTS - time.monotonic()))
        batch = [{"headline": f"Item {n}", "bodyText": "Words. " * 60, "tags": ["a"]} for n in range(first, first + STEP)]
        await site.batch(feed, batch)
        await page.clock.run_for(BETWEEN)
        if first in (500 - STEP, ITEMS - STEP):
            await page.clock.run_for(2_000)
            await expect(page.locator(ROWS).first).to_have_text(re.compile(f"^Item {first // 10}\\d$"))
            before, (heap, nodes) = (heap, nodes), await _measure(page, session)
    print(f"{ITEMS} items: {before[0]:,} -> {heap:,} bytes, {before[1]} -> {nodes} nodes")  # noqa: T201  # the figures
    assert nodes == before[1]
    # What the browser compiles as it goes weighs more in a short run than in a long one.
    assert heap <= (1.1 if ITEMS >= 20_000 else 1.5) * before[0]
    assert errors == []
    assert len(loads) == 1
