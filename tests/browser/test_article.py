"""The article page in Chromium."""

from __future__ import annotations

import pytest
from playwright.async_api import Page, expect

from tests.browser.site import Site

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def open_article(page: Page, site: Site, feed: str, item_id: str) -> None:
    await page.goto(f"{site.url}/read/{feed}/{item_id}")
    await expect(page.locator(".panel .state")).to_have_text("Live")


async def test_shows_what_an_article_has(page: Page, site: Site, feed: str) -> None:
    item = await site.publish(
        feed,
        headline="Storm over the coast",
        summary="The sea came in at night.",
        bodyHtml="<p>" + "word " * 440 + "</p>",
        by="Ada Reporter",
        located="Gdańsk",
        contentCreated="2026-11-20T12:00:00.000Z",
        renditions=[
            {"name": "main", "href": "https://example.com/a.jpg", "title": "Waves", "caption": "High waves", "credit": "A. Photo"}
        ],
        tags=["Weather"],
    )
    await page.route("https://example.com/**", lambda route: route.abort())
    await open_article(page, site, feed, item["id"])
    story = page.locator(".story")

    await expect(story.locator("h1")).to_have_text("Storm over the coast")
    await expect(story.locator(".standfirst")).to_have_text("The sea came in at night.")
    await expect(story.locator(".by")).to_have_text("By Ada Reporter · Gdańsk")
    await expect(story.locator(".dates")).to_contain_text("Published 20 November 2026 at 13:00 CET")
    await expect(story.locator(".minutes")).to_have_text("2 minutes read")
    await expect(story.get_by_alt_text("Waves")).to_have_count(1)
    await expect(story.locator("figcaption")).to_have_text("High waves Picture: A. Photo")
    await expect(story.get_by_role("link", name="Weather")).to_be_visible()
    await expect(page.locator(".panel [aria-current]")).to_have_text("Storm over the coast")
    assert await page.locator('meta[property="og:image"]').get_attribute("content") == "https://example.com/a.jpg"


async def test_the_panel_is_live_and_bounded(page: Page, site: Site, feed: str) -> None:
    item = await site.publish(feed, headline="The article")
    await open_article(page, site, feed, item["id"])
    for number in range(15):
        await site.publish(feed, headline=f"New {number}")

    await expect(page.locator(".panel h3").first).to_have_text("New 14")
    await expect(page.locator(".panel .entry")).to_have_count(12)


async def test_a_change_is_shown_and_the_line_that_is_read_stays(page: Page, site: Site, feed: str) -> None:
    item = await site.publish(feed, headline="Four ships", bodyText="\n\n".join(f"Paragraph {n}." for n in range(60)))
    await open_article(page, site, feed, item["id"])
    await page.evaluate("scrollTo(0, 900)")
    line = page.get_by_text("Paragraph 30.")
    before = await line.evaluate("(e) => e.getBoundingClientRect().top")

    await site.change(feed, item["id"], headline="Five ships", correction="There were five.")

    await expect(page.locator(".story h1")).to_have_text("Five ships")
    await expect(page.locator(".story > .correction")).to_have_text("Correction There were five.")
    await expect(page.locator(".changed")).to_have_text("This article was updated while you were reading.")
    assert abs(await line.evaluate("(e) => e.getBoundingClientRect().top") - before) < 1


async def test_a_killed_article_goes_at_once(page: Page, site: Site, feed: str) -> None:
    item = await site.publish(feed, headline="A secret", bodyText="Nobody may read this.")
    await open_article(page, site, feed, item["id"])
    await site.cancel(feed, item["id"])

    await expect(page.locator("h1")).to_have_text("This update has been withdrawn.")
    assert "Nobody may read this" not in await page.content()
    response = await page.reload()
    assert response is not None
    assert response.status == 410
    assert "A secret" not in await page.content()


async def test_listens_with_the_browsers_voice(page: Page, site: Site, feed: str) -> None:
    """Headless Chromium has no voices: what is said is heard here in their place."""
    await page.add_init_script(
        """window.said = [];
        window.speechSynthesis.speak = (utterance) => said.push([utterance.lang, utterance.text]);"""
    )
    item = await site.publish(feed, headline="Sturm", bodyText="Eins.\n\nZwei.", language="de")
    await open_article(page, site, feed, item["id"])
    await page.get_by_role("button", name="Listen").click()

    assert await page.evaluate("said") == [["de", "Sturm"], ["de", "Eins."], ["de", "Zwei."]]
    await expect(page.get_by_role("button", name="Stop")).to_have_attribute("aria-pressed", "true")


async def test_speaks_german_when_the_feed_does(page: Page, site: Site, feed: str) -> None:
    await site.make(feed, title="Welt", language="de")
    item = await site.publish(feed, headline="Sturm", bodyText="Eins.")
    await page.goto(f"{site.url}/read/{feed}")

    await expect(page.get_by_role("heading", name="Diesen Feed abonnieren")).to_be_visible()
    await page.goto(f"{site.url}/read/{feed}/{item['id']}")
    await expect(page.get_by_role("button", name="Anhören")).to_be_visible()
    await expect(page.locator(".minutes")).to_have_text("1 Minute Lesezeit")
