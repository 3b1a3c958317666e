"""The long runs of the browser client and the reader's page: `python -m tests.browser.show [burst] [faults] [quiet] [desk]`.

Each prints its figures as one line of JSON and fails when a promise is broken. The suite has the same in small.
"""

from __future__ import annotations

import asyncio
import json
import shutil
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import httpx2
from playwright.async_api import Browser, BrowserContext, Page, async_playwright

from tests.browser.conftest import FLAGS
from tests.browser.desks import Desk
from tests.browser.following import Follower
from tests.browser.proxy import Fault, Proxy
from tests.browser.site import Site
from tests.waiting import until

_WATCH = """() => {
  window.announced = [];
  const status = document.querySelector("live-feed [role=status]");
  new MutationObserver(() => status.textContent && announced.push([performance.now(), status.textContent]))
    .observe(status, { childList: true, characterData: true, subtree: true });
}"""
_SHOWN = "() => [...document.querySelectorAll('ol.feed .entry')].map((entry) => entry.id.slice(2))"
_PRESSED = """() => {
  window.pressed = [];
  addEventListener("keydown", (event) => event.key === "Enter" && pressed.push(performance.timeOrigin + event.timeStamp), true);
}"""
_SEEN = """() => {
  window.seen = {};
  const painted = (done) => requestAnimationFrame(() => setTimeout(done));
  new MutationObserver((changes) => {
    const added = changes.flatMap(({ addedNodes }) => [...addedNodes]).filter((node) => node.matches?.(".entry"));
    const names = added.map((entry) => entry.querySelector("h3").textContent);
    painted(() => names.forEach((name) => (seen[name] = performance.timeOrigin + performance.now())));
  }).observe(document.querySelector("ol.feed"), { childList: true });
}"""
_TOP = "(id) => document.getElementById(id).getBoundingClientRect().top"


async def _long_page(site: Site, context: BrowserContext, feed: str) -> Page:
    """A reader's page with 60 older items, more than it shows at first."""
    await site.make(feed, title="Burst")
    for number in range(60):
        await site.publish(feed, headline=f"Old {number}", contentCreated=f"2026-11-20T12:{59 - number:02}:00.000Z")
    page = await context.new_page()
    await page.goto(f"{site.url}/read/{feed}")
    await page.wait_for_selector(".state[data-state=live]")
    for shown in (40, 60):
        await page.click(".more a")
        await until(partial(_count, page, shown))
    return page


async def _crash(site: Site) -> None:
    for _ in range(10):
        await asyncio.sleep(1)
        await site.kill()
        await site.start()


async def burst(site: Site, context: BrowserContext) -> dict[str, Any]:
    """1,000 items at 50/s into a reader's page that is scrolled to its middle; the server is killed ten times meanwhile."""
    feed = "burst"
    page = await _long_page(site, context, feed)
    await page.evaluate(_WATCH)
    await page.evaluate("scrollTo(0, document.documentElement.scrollHeight / 2)")
    anchor = await page.evaluate(
        "() => [...document.querySelectorAll('ol.feed .entry')].find((e) => e.getBoundingClientRect().top > 0).id"
    )
    before = await page.evaluate(_TOP, anchor)
    moved = 0.0
    crashing = asyncio.create_task(_crash(site))
    begun = time.monotonic()
    for number in range(1_000):
        await asyncio.sleep(max(0.0, begun + number / 50 - time.monotonic()))
        await _publish_surely(site, feed, uri=f"tag:burst,2026:{number}", headline=f"New {number}")
        if number % 20 == 0:
            moved = max(moved, abs(await page.evaluate(_TOP, anchor) - before))
    await crashing
    took = time.monotonic() - begun
    await until(lambda: _read(page, "() => document.querySelector('live-feed').pending === 1000"), timeout=60)
    moved = max(moved, abs(await page.evaluate(_TOP, anchor) - before))
    announced = await page.evaluate("announced")
    gaps = [later[0] - earlier[0] for earlier, later in pairwise(announced)]
    await page.click(".toast")
    await until(lambda: _count(page, 1_060))
    exact = await page.evaluate(_SHOWN) == [item["id"] for item in await site.items(feed)]
    await page.close()
    figures = {
        "items": 1_000,
        "kills": 10,
        "seconds": round(took, 1),
        "shown is the feed": exact,
        "moved px": moved,
        "announcements": len(announced),
        "least ms between them": round(min(gaps, default=0)),
    }
    assert exact
    assert moved == 0
    assert min(gaps, default=5_000) >= 4_900
    return figures


async def faults(site: Site, context: BrowserContext) -> dict[str, Any]:
    """What networks do to a stream: how long it is told as live though it is not, and how soon it is live again."""
    figures: dict[str, Any] = {}
    await site.make("faults")
    async with Proxy(site.port) as proxy:
        cases: tuple[Fault, ...] = ("bad gateway", "wrong type", "half", "reset", "black hole")
        for fault in cases:
            tab = await Follower.open(context, proxy.url, "faults", share=False)
            await tab.is_live()
            figures[fault] = await _outage(site, tab, partial(_set, proxy, fault), partial(_set, proxy, "none"))
            await tab.page.close()
    tab = await Follower.open(context, site.url, "faults")
    await tab.is_live()
    figures["SIGSTOP"] = await _outage(site, tab, site.freeze, site.thaw, publishes=False)
    session = await context.new_cdp_session(tab.page)
    await session.send("Page.setWebLifecycleState", {"state": "frozen"})
    await asyncio.sleep(60)
    await site.publish("faults", headline="while frozen")
    await session.send("Page.setWebLifecycleState", {"state": "active"})
    begun = time.monotonic()
    await until(lambda: _heard(tab, "while frozen"))
    await tab.is_live()
    figures["page frozen for 60 s"] = {"live again after s": round(time.monotonic() - begun, 2)}
    for name, case in figures.items():
        assert case.get("told as live for s", 0) <= 20, name
        assert case["live again after s"] <= 5, name
    return figures


async def quiet(site: Site, context: BrowserContext) -> dict[str, Any]:
    """Ten minutes in which nothing happens: no tab may say anything but live."""
    await site.make("quiet")
    tabs = [await Follower.open(context, site.url, "quiet") for _ in range(8)]
    for tab in tabs:
        await tab.is_live()
    await asyncio.sleep(600)
    alarms = [state for tab in tabs for state in await tab.states() if state != "live"]
    live = [await tab.state() for tab in tabs]
    readers = await site.readers("quiet")
    assert (alarms, live, readers) == ([], ["live"] * 8, 1)
    return {"tabs": 8, "connections": readers, "minutes": 10, "false alarms": len(alarms)}


async def desk(site: Site, context: BrowserContext) -> dict[str, Any]:
    """200 items from a desk to a reader in another browser: from the key that publishes to the picture that shows it."""
    await site.make("desk")
    page = await context.new_page()
    await page.goto(f"{site.url}/read/desk")
    await page.wait_for_selector(".state[data-state=live]")
    await page.evaluate(_SEEN)
    assert context.browser is not None
    other = await context.browser.new_context(viewport={"width": 1440, "height": 900})
    writer = await Desk.open(await other.new_page(), site, "desk")
    await writer.page.evaluate(_PRESSED)
    for number in range(200):
        await writer.headline.fill(f"Item {number}")
        await writer.page.keyboard.press("Control+Enter")
        await until(partial(_read, page, f"() => 'Item {number}' in seen"))
    pressed = await writer.page.evaluate("pressed")
    seen = await page.evaluate("seen")
    took = sorted(seen[f"Item {number}"] - pressed[number] for number in range(200))
    await other.close()
    figures = {"items": 200, "p50 ms": round(took[100]), "p99 ms": round(took[197]), "most ms": round(took[-1])}
    assert took[197] <= 150, figures
    return figures


async def _outage(
    site: Site, tab: Follower, begin: Callable[[], object], end: Callable[[], object], *, publishes: bool = True
) -> dict[str, float]:
    begin()
    begun = time.monotonic()

    async def noticed() -> bool:
        return await tab.state() != "live"

    await until(noticed, timeout=30)
    told = time.monotonic() - begun
    if publishes:
        await site.publish("faults", headline=f"during {begun}")
    await asyncio.sleep(15)
    end()
    begun_again = time.monotonic()
    if publishes:
        await until(lambda: _heard(tab, f"during {begun}"), timeout=60)
    await tab.is_live(timeout=60)
    return {"told as live for s": round(told, 2), "live again after s": round(time.monotonic() - begun_again, 2)}


def _set(proxy: Proxy, fault: Fault) -> None:
    proxy.fault = fault


async def _heard(tab: Follower, headline: str) -> bool:
    return headline in await tab.heard()


async def _read(page: Page, expression: str) -> bool:
    return bool(await page.evaluate(expression))


async def _count(page: Page, count: int) -> bool:
    return await page.locator("ol.feed .entry").count() == count


async def _publish_surely(site: Site, feed: str, **fields: Any) -> None:
    """Through a crash: the uri makes it safe to ask again."""
    while True:
        try:
            await site.publish(feed, **fields)
            return
        except (httpx2.TransportError, AssertionError):
            await asyncio.sleep(0.05)


@asynccontextmanager
async def stage() -> AsyncIterator[tuple[Site, Browser]]:
    path = shutil.which("chromium")
    assert path is not None, "Chromium is needed: install Debian's package `chromium`"
    with tempfile.TemporaryDirectory(prefix="livefeed-") as folder:
        site = Site(Path(folder))
        try:
            await site.open()
            async with async_playwright() as playwright:
                browser = await playwright.chromium.launch(executable_path=path, args=FLAGS)
                yield site, browser
                await browser.close()
        finally:
            await site.close()


SHOWS: dict[str, Callable[[Site, BrowserContext], Awaitable[dict[str, Any]]]] = {
    "burst": burst,
    "faults": faults,
    "quiet": quiet,
    "desk": desk,
}


async def main(names: list[str]) -> None:
    async with stage() as (site, browser):
        for name in names or list(SHOWS):
            context = await browser.new_context(viewport={"width": 1280, "height": 900})
            sys.stdout.write(json.dumps({name: await SHOWS[name](site, context)}) + "\n")
            sys.stdout.flush()
            await context.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:]))
