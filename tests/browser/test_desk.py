"""The desk in Chromium, on the real server: signing in, writing, breaking, and who else is there."""

from __future__ import annotations

import pytest
from playwright.async_api import Browser, BrowserContext, Page, expect

from tests.browser.desks import Desk, other_browser
from tests.browser.site import Site
from tests.waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="session")

PASTE = """(html) => {
  const data = new DataTransfer();
  data.setData("text/html", html);
  const paste = new ClipboardEvent("paste", { clipboardData: data, bubbles: true, cancelable: true });
  document.querySelector("#f-body").dispatchEvent(paste);
}"""


async def test_a_key_opens_the_desk(page: Page, context: BrowserContext, site: Site, feed: str) -> None:
    await page.goto(f"{site.url}/desk/{feed}")
    await page.fill("#key", "not the key")
    await page.get_by_role("button", name="Sign in").click()
    await expect(page.get_by_role("alert")).to_have_text("That key is not known here, or it has been revoked.")

    await Desk.open(page, site, feed)
    [cookie] = [cookie for cookie in await context.cookies() if "session" in cookie["name"]]
    assert cookie["httpOnly"]
    assert cookie["sameSite"] == "Strict"
    stored = await page.evaluate("JSON.stringify({ ...localStorage, ...sessionStorage })")
    assert site.key not in stored

    await page.get_by_role("button", name="Sign out").click()
    await expect(page.locator("#key")).to_be_visible()


async def test_what_is_published_is_out_once_and_as_it_was_written(desk: Desk, page: Page) -> None:
    await desk.headline.fill("Ferries sail again")
    await desk.body.click()
    await page.keyboard.type("Two of ")
    await page.keyboard.press("Control+b")
    await page.keyboard.type("three")
    await page.keyboard.press("Control+b")
    await page.keyboard.type(" ships.")
    await page.keyboard.press("Enter")
    await page.get_by_role("button", name="List", exact=True).click()
    await page.keyboard.type("Cars")
    await page.fill("#f-tags", "sea, transport")
    await page.select_option("#f-urgency", "3")
    await page.fill("#f-sources", "Coast guard https://coast.example/\nNewsroom")
    await page.locator("summary", has_text="Picture").click()
    await page.fill("#f-href", "https://pictures.example/ferry.jpg")
    await page.fill("#f-alt", "A ferry in the harbour")
    await page.keyboard.press("Control+Enter")

    await expect(desk.rows).to_have_text(["Ferries sail again"])
    await expect(page.locator(".toast")).to_have_text("Published: Ferries sail again")
    item = await desk.item()
    assert item["bodyHtml"] == "<p>Two of <strong>three</strong> ships.</p><ul><li>Cars</li></ul>" or item["bodyHtml"] == (
        "<p>Two of <b>three</b> ships.</p><ul><li>Cars</li></ul>"
    )
    assert item["tags"] == ["sea", "transport"]
    assert item["urgency"] == 3
    assert item["infoSources"] == [{"name": "Coast guard", "uri": "https://coast.example/"}, {"name": "Newsroom"}]
    assert item["renditions"] == [
        {"name": "main", "href": "https://pictures.example/ferry.jpg", "title": "A ferry in the harbour"}
    ]


async def test_a_paragraph_is_added_to_what_is_there(desk: Desk, page: Page) -> None:
    await desk.site.publish(desk.feed, headline="Ten ships", bodyText="One.")
    await desk.edit("Ten ships")
    await desk.body.click()
    await page.keyboard.press("Control+End")
    await page.keyboard.press("Enter")
    await page.keyboard.type("Two.")
    await page.keyboard.press("Control+Enter")
    await expect(page.locator(".items .version")).to_have_text("v2")
    item = await desk.item()
    assert item["bodyHtml"] == "<p>One.</p><p>Two.</p>"
    assert "bodyText" not in item


async def test_two_breaths_of_ctrl_enter_publish_once(desk: Desk, page: Page) -> None:
    await desk.write("Once")
    await page.evaluate(
        """() => { for (let n = 0; n < 3; n += 1)
          dispatchEvent(new KeyboardEvent("keydown", { code: "Enter", key: "Enter", ctrlKey: true, cancelable: true })); }"""
    )
    await expect(desk.rows).to_have_text(["Once"])
    assert len(await desk.items()) == 1


async def test_readers_see_it_as_the_preview_showed_it(desk: Desk, page: Page, context: BrowserContext) -> None:
    reader = await context.new_page()
    await reader.goto(f"{desk.site.url}/read/{desk.feed}")
    await expect(reader.locator(".masthead .state")).to_have_text("Live")
    await desk.write("Ferries sail again", "Two of three.")
    preview = await page.locator(".preview .what").inner_text()
    await page.keyboard.press("Control+Enter")

    entry = reader.locator("ol.feed .entry .what")
    await expect(entry).to_have_count(1)
    seen = await entry.inner_text()
    assert seen.startswith(preview.strip())


async def test_pasted_html_is_cleaned(desk: Desk, page: Page) -> None:
    await desk.headline.fill("Pasted")
    await desk.body.click()
    await page.evaluate(
        PASTE,
        '<div style="font-size:40px"><p class="x">One <b onclick="alert(1)">two</b> <a href="javascript:alert(1)">three</a></p>'
        '<script>alert(1)</script><img src="x" onerror="alert(1)"><ul><li>four</li></ul></div>',
    )
    shown = await desk.body.inner_html()
    assert "script" not in shown
    assert "style" not in shown
    await page.keyboard.press("Control+Enter")
    await expect(desk.rows).to_have_count(1)
    assert (await desk.item())["bodyHtml"] == "<p>One <strong>two</strong> three</p><ul><li>four</li></ul>"


async def test_drafts_scheduled_and_held_are_in_the_list(desk: Desk, page: Page) -> None:
    await desk.write("A draft")
    await page.keyboard.press("Control+s")
    await expect(page.locator("li[data-state=draft] .title")).to_have_text("A draft")
    await desk.write("Later")
    await page.locator("summary", has_text="Embargo").click()
    await page.fill("#f-embargo", "2099-01-01T12:00")
    await page.keyboard.press("Control+Enter")
    await expect(page.locator("li[data-state=scheduled] .title")).to_have_text("Later")
    assert {item["state"] for item in await desk.items()} == {"draft", "scheduled"}
    assert (
        next(item for item in await desk.items() if item["state"] == "scheduled")["embargoedUntil"] == "2099-01-01T11:00:00.000Z"
    )

    await page.get_by_role("button", name="Drafts 1").click()
    await expect(desk.rows).to_have_text(["A draft"])
    await desk.edit("A draft")
    await page.keyboard.press("Control+Enter")
    await expect(desk.row("A draft")).to_have_count(0)  # it is none any more
    await page.get_by_role("button", name="Out 1").click()
    await expect(desk.rows).to_have_text(["A draft"])


async def test_drafts_of_others_appear_by_themselves(desk: Desk) -> None:
    await desk.site.publish(desk.feed, headline="Theirs", draft=True)
    await expect(desk.rows).to_have_text(["Theirs"])


async def test_breaking_takes_two_keystrokes_and_can_be_undone(desk: Desk, page: Page) -> None:
    await desk.write("Bridge closed", "Since noon.")
    await page.keyboard.press("Alt+b")
    await expect(page.locator(".armed")).to_be_visible()
    await page.keyboard.press("Enter")
    await expect(page.locator(".undo p")).to_have_text("Breaking in 6 s: Bridge closed")
    assert await desk.items() == []

    await page.keyboard.press("Escape")
    await expect(desk.headline).to_have_value("Bridge closed")
    await expect(desk.body).to_have_text("Since noon.")
    await expect(page.locator(".undo")).to_be_hidden()
    assert await desk.items() == []

    await page.keyboard.press("Alt+b")
    await page.keyboard.press("Enter")
    await page.get_by_role("button", name="Send now").click()
    await expect(page.locator(".items .urgent")).to_have_text("Breaking")
    assert (await desk.item())["urgency"] == 1


async def test_breaking_goes_out_by_itself(desk: Desk, page: Page) -> None:
    await desk.write("Bridge closed")
    await page.keyboard.press("Alt+b")
    await page.keyboard.press("Enter")
    await expect(desk.rows).to_have_text(["Bridge closed"], timeout=15_000)
    await expect(page.locator(".undo")).to_be_hidden()


async def test_an_item_is_corrected(desk: Desk, page: Page) -> None:
    await desk.site.publish(desk.feed, headline="Ten ships", bodyText="Ten.", edNote="Ask the port.")
    await desk.edit("Ten ships")
    await expect(page.locator("#f-note")).to_have_value("Ask the port.")
    await desk.headline.fill("Two ships")
    await page.fill("#f-correction", "It was two ships, not ten.")
    await page.keyboard.press("Control+Enter")

    await expect(desk.rows).to_have_text(["Two ships"])
    item = await desk.item()
    assert item["correction"] == "It was two ships, not ten."
    assert item["bodyText"] == "Ten."  # nobody touched it
    assert item["edNote"] == "Ask the port."
    assert item["version"] == 2


async def test_who_else_has_an_item_open_is_shown_and_nobody_is_locked_out(desk: Desk, page: Page, browser: Browser) -> None:
    await desk.site.publish(desk.feed, headline="Vote")
    context = await other_browser(browser)
    other = await Desk.open(await context.new_page(), desk.site, desk.feed, name="Ben")
    await desk.edit("Vote")
    await other.edit("Vote")

    await expect(page.locator(".with")).to_contain_text("Ben has this item open as well.", timeout=15_000)
    await expect(page.locator(".people li")).to_have_text(["Ben"])
    await expect(other.page.locator(".items .editing")).to_have_text("Ada writing", timeout=15_000)
    await context.close()
    await expect(page.locator(".with")).to_be_hidden(timeout=25_000)


async def test_the_list_is_searched(desk: Desk, page: Page) -> None:
    for name in ("Storm at sea", "Calm at home"):
        await desk.site.publish(desk.feed, headline=name)
    await page.fill(".find", "storm")
    await expect(desk.rows).to_have_text(["Storm at sea"])
    await page.fill(".find", "")
    await expect(desk.rows).to_have_count(2)


async def test_what_the_server_refuses_is_told_and_kept(desk: Desk, page: Page) -> None:
    await desk.write("Picture")
    await page.locator("summary", has_text="Picture").click()
    await page.fill("#f-href", "ftp://pictures.example/a.jpg")
    await page.keyboard.press("Control+Enter")
    await expect(page.locator(".outbox .problem")).to_contain_text("renditions/0/href")
    await page.get_by_role("button", name="Back into the form").click()
    await expect(desk.headline).to_have_value("Picture")
    await page.fill("#f-href", "https://pictures.example/a.jpg")
    await page.keyboard.press("Control+Enter")
    await expect(desk.rows).to_have_text(["Picture"])


async def test_a_contributor_submits_drafts(page: Page, site: Site, feed: str) -> None:
    made = await site.ask("POST", "/v1/keys", {"name": "guest", "grants": {"contribute": [feed]}})
    await page.goto(f"{site.url}/desk/{feed}")
    await page.fill("#key", made["key"])
    await page.get_by_role("button", name="Sign in").click()
    desk = Desk(page, site, feed)
    await desk.ready()
    await desk.write("From a guest")
    await page.get_by_role("button", name="Submit as draft").click()
    await until(lambda: _has(desk, "draft"))


async def _has(desk: Desk, state: str) -> bool:
    return [item["state"] for item in await desk.items()] == [state]


async def test_who_may_not_write_is_told(page: Page, site: Site, feed: str) -> None:
    made = await site.ask("POST", "/v1/keys", {"name": "guest", "grants": {"read": ["*"]}})
    await page.goto(f"{site.url}/desk/{feed}")
    await page.fill("#key", made["key"])
    await page.get_by_role("button", name="Sign in").click()
    await expect(page.locator(".refusal")).to_contain_text(f"may not write for “{feed}”")


async def test_the_desk_speaks_german(page: Page, site: Site, feed: str) -> None:
    await Desk.open(page, site, feed)
    await page.goto(f"{site.url}/desk/{feed}?lang=de")
    await expect(page.locator("#composer-title")).to_have_text("Neue Meldung")
    await expect(page.locator(".desk-state")).to_have_text("Live")
