"""What an editor does with an item that is there, in Chromium: hold, kill, pin and flag it."""

from __future__ import annotations

import asyncio

import pytest
from playwright.async_api import Page, Response, Route, expect

from tests.browser.desks import Desk

pytestmark = pytest.mark.asyncio(loop_scope="session")


def is_unchanged_list(response: Response) -> bool:
    return "limit=100" in response.url and response.status == 304


async def test_an_item_is_held_released_with_another_text_and_killed(desk: Desk, page: Page) -> None:
    await desk.site.publish(desk.feed, headline="Ten ships")
    await desk.edit("Ten ships")
    await desk.deed("Hold").click()
    await page.get_by_label("Reason").fill("Not confirmed.")
    await page.locator("dialog.ask .yes").click()
    await expect(page.locator("li[data-state=withheld]")).to_have_count(1)
    await expect(page.locator("#composer-title")).to_have_text("Change item")
    await expect(page.get_by_role("button", name="Release")).to_be_visible()
    await expect(desk.headline).to_have_value("Ten ships")  # sealed from readers, not from the desk

    await desk.headline.fill("Two ships")
    await page.keyboard.press("Control+Enter")
    await expect(page.locator("li[data-state=usable] .title")).to_have_text("Two ships")

    await desk.edit("Two ships")
    await desk.deed("Kill").click()
    await page.locator("dialog.ask .yes").click()
    await expect(page.locator("dialog.ask")).to_be_visible()  # it has to say why
    await page.get_by_label("Reason").fill("It was wrong.")
    await page.locator("dialog.ask .yes").click()
    await expect(page.locator("li[data-state=canceled] .title")).to_have_text("It was wrong.")
    item = await desk.item()
    assert (item["pubStatus"], item["reason"]) == ("canceled", "It was wrong.")


async def test_pins_are_put_in_order(desk: Desk, page: Page) -> None:
    for name in ("One", "Two", "Three"):
        await desk.site.publish(desk.feed, headline=name)
    pins = page.locator(".pins .pin")
    for count, name in enumerate(("One", "Two", "Three"), 1):
        await desk.edit(name)
        await desk.deed("Pin").click()
        await expect(pins).to_have_count(count)
    await expect(pins).to_have_text(["Three", "Two", "One"])

    await page.get_by_role("button", name="Move down: Three").click()
    await expect(pins).to_have_text(["Two", "Three", "One"])
    await page.get_by_role("button", name="Move up: One").click()
    await expect(pins).to_have_text(["Two", "One", "Three"])
    ranks = sorted((item["pinRank"], item["headline"]) for item in await desk.items())
    assert [name for _, name in ranks] == ["Two", "One", "Three"]


async def test_key_events_and_picks_are_flags_of_the_moment(desk: Desk, page: Page) -> None:
    await desk.site.publish(desk.feed, headline="Vote")
    await desk.edit("Vote")
    await desk.deed("Key event").click()
    await desk.deed("Pick").click()
    await expect(page.locator(".items .flag")).to_have_text(["Key event", "Pick"])
    await desk.deed("No key event").click()
    await expect(page.locator(".items .flag")).to_have_text(["Pick"])


async def test_a_deed_on_a_version_that_was_just_replaced_by_ours_follows_it(desk: Desk, page: Page) -> None:
    """A second click falls between the answer to the first and the moment in which the buttons are drawn anew."""
    await desk.site.publish(desk.feed, headline="Vote")
    await desk.edit("Vote")
    drawn_before = await desk.deed("Pick").element_handle()
    await desk.deed("Key event").click()
    await expect(desk.deed("No key event")).to_be_visible()
    assert drawn_before is not None
    await drawn_before.evaluate("button => button.click()")
    await expect(page.locator(".items .flag")).to_have_text(["Key event", "Pick"])
    await expect(page.locator(".outbox")).to_be_hidden()


async def test_the_deeds_are_drawn_anew_when_the_list_was_faster_than_the_answer(desk: Desk, page: Page) -> None:
    await desk.site.publish(desk.feed, headline="Vote")
    await desk.edit("Vote")
    listed = asyncio.Event()

    async def late(route: Route) -> None:
        answer = await route.fetch()
        await asyncio.wait_for(listed.wait(), 30)
        await route.fulfill(response=answer)

    await page.route(f"**/items/{(await desk.item())['id']}", late)
    await desk.deed("Key event").click()
    await expect(page.locator(".items .flag")).to_have_text(["Key event"])
    await page.wait_for_event("response", is_unchanged_list)  # from here on, nothing that the list says is news
    listed.set()
    await expect(desk.deed("No key event")).to_be_visible()
