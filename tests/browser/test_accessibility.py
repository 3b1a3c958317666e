"""axe-core on each page, light and dark, narrow and wide."""

from __future__ import annotations

from typing import Any, Literal

import pytest
from playwright.async_api import Page

from tests.browser.site import Site

pytestmark = pytest.mark.asyncio(loop_scope="session")

_RUN = "() => axe.run(document, { resultTypes: ['violations'] })"


async def findings(page: Page, axe: str) -> list[str]:
    await page.evaluate(axe)
    result: dict[str, Any] = await page.evaluate(_RUN)
    return [
        f"{violation['impact']}: {violation['id']} at {node['target']}: {node['failureSummary']}"
        for violation in result["violations"]
        for node in violation["nodes"]
    ]


@pytest.mark.parametrize("width", [320, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_no_findings(page: Page, site: Site, feed: str, axe: str, scheme: Literal["light", "dark"], width: int) -> None:
    fields: dict[str, Any] = {
        "bodyText": "One.\n\nTwo.",
        "tags": ["Weather"],
        "link": "https://example.com/",
        "infoSources": [{"name": "A"}],
    }
    await site.publish(feed, **fields, headline="Killed")
    await site.cancel(feed, (await site.items(feed))[0]["id"])
    item = await site.publish(feed, **fields, urgency=1, pinned=True, keyEvent=True, highlight=True, correction="It was two.")
    await site.publish(feed, **fields)
    await page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    await page.set_viewport_size({"width": width, "height": 900})
    for path in ("/", f"/read/{feed}", f"/read/{feed}/{item['id']}", "/read/no-such-feed"):
        await page.goto(f"{site.url}{path}")
        await page.wait_for_load_state("networkidle") if path == "/" else None
        assert await findings(page, axe) == [], path
        assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth"), f"{path} is wider than the window"


async def test_everything_is_reached_with_the_keyboard(page: Page, site: Site, feed: str) -> None:
    await site.publish(feed, headline="Storm", tags=["Weather"])
    await page.goto(f"{site.url}/read/{feed}")
    await page.wait_for_selector(".state[data-state=live]")
    reached = []
    for _ in range(20):
        await page.keyboard.press("Tab")
        reached.append(await page.evaluate("document.activeElement.textContent.trim() || document.activeElement.ariaLabel"))

    assert reached[0] == "Skip to the news"
    for name in ("Storm", "Share", "Weather", "JSON Feed"):
        assert name in reached
