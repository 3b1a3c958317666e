"""The browser client against the real server, through what happens on the way."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import BrowserContext

from tests.browser.following import Follower
from tests.browser.proxy import Fault, Proxy
from tests.browser.site import Site
from tests.waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest_asyncio.fixture(loop_scope="session")
async def proxy(site: Site) -> AsyncIterator[Proxy]:
    async with Proxy(site.port) as proxy:
        yield proxy


async def test_a_late_reader_gets_what_came_since_its_page(context: BrowserContext, site: Site, feed: str) -> None:
    await site.publish(feed, headline="before")
    tab = await Follower.open(context, site.url, feed)
    await site.publish(feed, headline="after")

    await tab.hears("after")


@pytest.mark.parametrize("without", ["", "SharedWorker"])
async def test_eight_tabs_are_one_connection(context: BrowserContext, site: Site, feed: str, without: str) -> None:
    """HTTP/1.1 allows six to a host; a tab that goes, the leader too, takes nothing with it."""
    tabs = []
    for number in range(8):
        tabs.append(await Follower.open(context, site.url, feed, without=without))
        await tabs[-1].is_live()
        await site.publish(feed, headline=f"item {number}")
    for number, tab in enumerate(tabs):
        await tab.hears(*(f"item {n}" for n in range(number, 8)))
    assert await site.readers(feed) == 1

    await tabs[0].page.close()
    await site.publish(feed, headline="last")

    for number, tab in enumerate(tabs[1:], 1):
        await tab.hears(*(f"item {n}" for n in range(number, 8)), "last")
    assert await site.readers(feed) == 1


async def test_the_last_tab_ends_the_connection(context: BrowserContext, site: Site, feed: str) -> None:
    tab = await Follower.open(context, site.url, feed)
    other = await Follower.open(context, site.url, feed)
    await tab.is_live()
    await other.is_live()
    await tab.page.close()
    await other.page.close()

    async def gone() -> bool:
        return await site.readers(feed) == 0

    await until(gone)


@pytest.mark.parametrize("fault", ["bad gateway", "wrong type", "half", "reset"])
async def test_revives_after_any_answer_where_it_was(
    context: BrowserContext, site: Site, feed: str, proxy: Proxy, fault: Fault
) -> None:
    """A native EventSource never comes back from the first two of these."""
    tab = await Follower.open(context, proxy.url, feed, share=False)
    await tab.is_live()
    before = proxy.streams
    proxy.fault = fault
    await site.publish(feed, headline="meanwhile")
    await until(lambda: proxy.streams >= before + 3, timeout=30)
    await tab.is_told("reconnecting")

    proxy.fault = "none"
    await tab.hears("meanwhile")
    await tab.is_live()
    await site.publish(feed, headline="and on")

    await tab.hears("meanwhile", "and on")


@pytest.mark.parametrize("fault", ["no events", "only polls"])
async def test_falls_back_to_websocket_and_to_long_poll(
    context: BrowserContext, site: Site, feed: str, proxy: Proxy, fault: Fault
) -> None:
    proxy.fault = fault
    tab = await Follower.open(context, proxy.url, feed, share=False)
    await tab.is_live(timeout=30)
    await site.publish(feed, headline="one")
    await tab.hears("one")
    await site.publish(feed, headline="two")

    await tab.hears("one", "two")


async def test_a_server_that_is_killed_and_started_again_is_continued(context: BrowserContext, site: Site, feed: str) -> None:
    tab = await Follower.open(context, site.url, feed)
    await tab.is_live()
    await site.publish(feed, headline="one")
    await tab.hears("one")

    await site.kill()
    await site.start()
    await site.publish(feed, headline="two")

    await tab.hears("one", "two")


async def test_a_server_that_says_goodbye_is_waited_for(context: BrowserContext, site: Site, feed: str) -> None:
    tab = await Follower.open(context, site.url, feed)
    await tab.is_live()
    await site.stop()
    await site.start()
    await site.publish(feed, headline="after")

    await tab.hears("after", timeout=30)
    assert "offline" not in await tab.states()


async def test_a_lost_position_is_told(context: BrowserContext, site: Site, feed: str) -> None:
    tab = await Follower.open(context, site.url, feed, after="1795435200123-999", share=False)

    await tab.hears("reset")


async def test_a_private_feed_is_read_over_every_transport(context: BrowserContext, site: Site, proxy: Proxy) -> None:
    feed = "private-wire"
    await site.make(feed, public=False)
    faults: tuple[Fault, ...] = ("none", "no events", "only polls")
    for fault in faults:
        proxy.fault = fault
        page = await context.new_page()
        await page.route("**/blank", lambda route: route.fulfill(body="<!doctype html>", content_type="text/html"))
        await page.goto(f"{proxy.url}/blank")
        await page.evaluate(
            """async ([feed, token]) => {
              const { connect } = await import("/static/livefeed.js");
              window.feed = connect(feed, { token, share: false, last: 1 });
            }""",
            [feed, site.key],
        )
        await Follower(page).is_live(timeout=30)
        await page.close()


async def test_a_browser_that_refuses_the_worker_goes_on_alone(context: BrowserContext, site: Site, feed: str) -> None:
    """A site's own policy may forbid it."""
    page = await context.new_page()
    policy = "default-src 'self'; script-src 'self' 'unsafe-eval'; worker-src 'none'"
    await page.route("**/blank", lambda route: route.fulfill(body="<!doctype html>", headers={"Content-Security-Policy": policy}))
    tab = await Follower.follow(page, site.url, feed)

    await tab.is_live()
