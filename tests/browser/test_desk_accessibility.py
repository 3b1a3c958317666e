"""axe-core on the desk, its dialogs, the wall and the page of all screens, light and dark, narrow and wide; and the keyboard."""

from __future__ import annotations

from typing import Literal

import pytest
from playwright.async_api import Page, expect

from tests.browser.desks import Desk
from tests.browser.site import Site
from tests.browser.test_accessibility import findings

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def _stock(site: Site, feed: str) -> None:
    """An item of each kind."""
    await site.publish(feed, headline="Pinned", pinned=True, keyEvent=True, highlight=True)
    await site.publish(feed, headline="Corrected", correction="It was two.", bodyText="One.\n\nTwo.", tags=["Weather"])
    await site.publish(feed, headline="Draft", draft=True)
    await site.publish(feed, headline="Later", embargoedUntil="2099-01-01T00:00:00Z")
    held = await site.publish(feed, headline="Held")
    await site.ask("POST", f"/v1/feeds/{feed}/items/{held['id']}/hold", {"reason": "Not confirmed."})
    await site.cancel(feed, (await site.publish(feed, headline="Killed"))["id"])
    await site.publish(feed, headline="Bridge closed", urgency=1)


@pytest.mark.parametrize("width", [360, 1600])
@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_no_findings(page: Page, site: Site, feed: str, axe: str, scheme: Literal["light", "dark"], width: int) -> None:
    await _stock(site, feed)
    await page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    await page.set_viewport_size({"width": width, "height": 900})
    await page.goto(f"{site.url}/desk/{feed}")
    assert await findings(page, axe) == [], "signing in"

    desk = await Desk.open(page, site, feed)
    await expect(desk.rows).to_have_count(7)
    await desk.write("New", "Words.")
    assert await findings(page, axe) == [], "a new item"
    for text in ("Corrected", "Draft", "Held"):
        await desk.row(text).first.click()
        await expect(page.locator("#composer-title")).to_have_text("Change item")
        assert await findings(page, axe) == [], text
    await page.get_by_role("button", name="Keys").click()
    assert await findings(page, axe) == [], "the keys"
    await page.keyboard.press("Escape")
    await page.goto(f"{site.url}/wall/{feed}?theme={scheme}")
    await expect(page.locator(".state").first).to_contain_text("Live")
    assert await findings(page, axe) == [], "the wall"
    await page.goto(f"{site.url}/wall/status")
    await expect(page.get_by_role("table")).to_be_visible()
    assert await findings(page, axe) == [], "the screens"


async def test_no_findings_in_trouble(page: Page, site: Site, feed: str, axe: str) -> None:
    """What waits, what can be undone, and two versions side by side."""
    item = await site.publish(feed, headline="Ten ships", bodyText="Ten.")
    desk = await Desk.open(page, site, feed)
    await desk.edit("Ten ships")
    await desk.headline.fill("Three ships")
    await site.change(feed, item["id"], headline="Two ships")
    await page.locator(".changed .compare").click()
    await expect(page.locator("dialog.two")).to_be_visible()
    assert await findings(page, axe) == [], "two versions"
    await page.get_by_role("button", name="Not now").click()
    await desk.deed("Kill").click()
    assert await findings(page, axe) == [], "a question"
    await page.keyboard.press("Escape")
    await page.keyboard.press("Alt+n")
    await site.kill()
    await desk.publish("One")
    await expect(page.locator(".outbox")).to_be_visible()
    assert await findings(page, axe) == [], "what waits"
    await site.start()
    await expect(page.locator(".outbox")).to_be_hidden()
    await desk.write("Bridge closed")
    await page.keyboard.press("Alt+b")
    assert await findings(page, axe) == [], "armed"
    await page.keyboard.press("Enter")
    assert await findings(page, axe) == [], "undo"
    await page.get_by_role("button", name="Undo").click()


async def test_an_item_is_written_and_pinned_with_the_keyboard_alone(page: Page, site: Site, feed: str) -> None:
    await site.publish(feed, headline="Vote", pinned=True)
    desk = await Desk.open(page, site, feed)
    await expect(desk.rows).to_have_count(1)
    await page.keyboard.press("Alt+l")
    await page.keyboard.press("Enter")
    await expect(page.locator("#composer-title")).to_have_text("Change item")
    await expect(desk.headline).to_be_focused()
    await page.keyboard.press("Shift+Tab")
    reached = []
    for _ in range(5):
        reached.append(await page.evaluate("document.activeElement.textContent.trim()"))
        await page.keyboard.press("Shift+Tab")
    assert reached == ["Kill", "Hold", "Pick", "Key event", "Unpin"]


async def test_the_desk_without_scripts_shows_the_way_to_the_news(page: Page, site: Site, feed: str) -> None:
    assert page.context.browser is not None
    plain = await page.context.browser.new_context(java_script_enabled=False)
    still = await plain.new_page()
    await still.goto(f"{site.url}/desk/{feed}")
    await expect(still.locator(".refusal")).to_have_text("Writing needs JavaScript. Reading does not:")
    await expect(still.locator(".refusal")).to_be_visible()
    await still.get_by_role("link", name="Readers’ page").first.click()
    await expect(still.locator("h1")).to_have_text("World news")
    await plain.close()
