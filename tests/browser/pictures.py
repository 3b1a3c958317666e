"""The pictures in the docs: `python -m tests.browser.pictures docs/images` draws them from a feed of invented news."""

from __future__ import annotations

import asyncio
import sys
import time
from pathlib import Path
from typing import Any

from playwright.async_api import Browser, BrowserContext, Page, Route, expect

from livefeed.events import rfc3339
from tests.browser.desks import Desk
from tests.browser.show import stage
from tests.browser.site import Site

FEED = "coast"
MINUTE = 60_000

_WAVE = "0t150 0 150 0 150 0 150 0 150 0 150 0 150 0"
_SKY = f"""<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1200 675">
<linearGradient id="sky" x2="0" y2="1"><stop stop-color="#24384a"/><stop offset=".9" stop-color="#b9b6ab"/></linearGradient>
<linearGradient id="sea" x2="0" y2="1"><stop stop-color="#4f6673"/><stop offset="1" stop-color="#16242e"/></linearGradient>
<path fill="url(#sky)" d="M0 0h1200v675H0z"/>
<path fill="url(#sea)" d="M0 380c180-26 260 10 420-6s300-40 780 4v297H0z"/>
<g fill="none" stroke="#c9d6da" stroke-width="8">
<path stroke-opacity=".5" d="M0 470q75-34 150 {_WAVE}"/><path stroke-opacity=".3" d="M0 560q75-34 150 {_WAVE}"/></g>
<path fill="#ece5d8" d="M842 384l16-168h26l16 168z"/><path fill="#a3160e" d="M848 320l5-52h36l5 52z"/>
<path fill="#22282d" d="M852 216h38l-6-26h-26z"/></svg>"""

_ITEMS: list[dict[str, Any]] = [
    {
        "headline": "Coastal railway closed between Halden and Ostvik after the sea wall gives way.",
        "bodyText": "Trains are turning back at both ends, and buses will not run before the evening tide. The railway says that "
        "nobody was on the line when the wall broke shortly after noon.",
        "infoSources": [{"name": "Northern Railways"}],
        "tags": ["Transport"],
        "urgency": 2,
        "keyEvent": True,
    },
    {
        "headline": "“The harbour is under water, but the boats are safe.”",
        "bodyText": "The harbour master moved the last eleven boats to the inner basin overnight.",
        "tags": ["Halden"],
        "infoSources": [{"name": "Harbour office"}],
    },
    {
        "headline": "Sturmflut: Fähren nach Ostvik fallen bis Mittwoch aus.",
        "bodyText": "Die Reederei bittet alle Reisenden, auf den Zug über Norden auszuweichen.",
        "language": "de",
        "tags": ["Transport"],
    },
    {
        "headline": "Power is back in 4,100 of 5,600 homes.",
        "bodyText": "Crews have repaired the two lines along the fjord. The rest will take until tomorrow morning.",
        "tags": ["Power"],
        "correction": "An earlier version gave the number of homes that were still without power as the number that had it back.",
    },
    {
        "headline": "How a storm surge works, and why this one came twice",
        "bodyText": "A low over the sea lifts the water, wind piles it up against the coast, and when the wind turns it comes "
        "back. What happened last night was both, six hours apart.",
        "by": "Ines Aagaard",
        "located": "Halden",
        "summary": "The second wave was not a second storm. It was the same water on its way back.",
        "tags": ["Weather"],
        "highlight": True,
        "keyEvent": True,
        "renditions": [
            {
                "name": "main",
                "href": "https://pictures.example/light.svg",
                "contentType": "image/svg+xml",
                "width": 1200,
                "height": 675,
                "title": "A lighthouse above a rough sea at dusk",
                "caption": "The light at Ostvik before the second wave.",
                "credit": "M. Dahl",
            }
        ],
    },
    {"headline": "Schools in three districts stay closed on Tuesday.", "tags": ["Halden"], "highlight": True},
    {"headline": "Two people rescued from the roof of a camping site.", "tags": ["Rescue"], "keyEvent": True},
    {"headline": "Insurers open a desk in the town hall from eight.", "tags": ["Halden"], "highlight": True},
]
_PINNED = {
    "headline": "What we know so far",
    "bodyHtml": "<ul><li>Nobody is missing any more.</li><li>The sea wall broke in two places.</li>"
    "<li>The next high tide is at 21:40, half a metre lower.</li></ul>",
    "pinned": True,
    "tags": ["Weather"],
}


async def _publish(site: Site) -> str:
    """The news of an afternoon; the id of the item that the article page shows."""
    await site.make(FEED, title="Storm on the coast", description="The storm surge between Halden and Ostvik, as we learn of it.")
    await site.make("sport", title="Sport", description="Results and reports.")
    now = time.time_ns() // 1_000_000
    await site.publish(FEED, **_PINNED, contentCreated=rfc3339(now - 70 * MINUTE))
    article = ""
    for number, item in enumerate(_ITEMS):
        published = await site.publish(FEED, **item, contentCreated=rfc3339(now - (2 + number * 7) * MINUTE))
        if "by" in item:
            article = published["id"]
    await site.publish("sport", headline="Halden draw with the champions.", contentCreated=rfc3339(now - 12 * MINUTE))
    return article


async def _picture(route: Route) -> None:
    await route.fulfill(body=_SKY, content_type="image/svg+xml")


async def _draw(page: Page, address: str, path: Path) -> None:
    await page.route("https://pictures.example/**", _picture)
    await page.goto(address)
    await page.wait_for_selector(".state[data-state=live]" if "/read/" in address else ".health")
    await page.wait_for_load_state("load")
    await page.screenshot(path=path)
    await page.close()


async def _draw_desk(browser: Browser, site: Site, folder: Path) -> None:
    """An editor in the middle of it, a colleague at the same item, and something of each kind in the list."""
    await site.publish(FEED, headline="Interview with the harbour master: what the night cost", draft=True)
    await site.publish(FEED, headline="Rail timetable for Tuesday", embargoedUntil="2099-01-01T05:00:00Z", tags=["Transport"])
    held = await site.publish(FEED, headline="Third breach in the wall")
    await site.ask("POST", f"/v1/feeds/{FEED}/items/{held['id']}/hold", {"reason": "The coast guard has not confirmed it."})
    wide: dict[str, Any] = {"viewport": {"width": 1440, "height": 900}, "locale": "en-GB", "timezone_id": "Europe/Oslo"}
    contexts = [await browser.new_context(**wide), await browser.new_context(**wide)]
    ben, ada = [
        await Desk.open(await context.new_page(), site, FEED, name)
        for context, name in zip(contexts, ("Ben", "Ada"), strict=True)
    ]
    for desk in (ben, ada):
        await desk.edit("Power is back")
    await ada.body.click()
    await ada.page.keyboard.press("Control+End")
    await ada.page.keyboard.press("Enter")
    await ada.page.keyboard.type("The town hall stays open as a shelter until they are back.")
    await expect(ada.page.locator(".with")).to_be_visible(timeout=15_000)
    await ada.page.screenshot(path=folder / "desk.png")
    for context in contexts:
        await context.close()


async def _draw_walls(browser: Browser, site: Site, folder: Path) -> None:
    """A screen on a quiet afternoon and one with breaking news, and the page that lists them."""
    screen: dict[str, Any] = {"viewport": {"width": 1600, "height": 900}, "locale": "en-GB", "timezone_id": "Europe/Oslo"}
    context = await browser.new_context(**screen)
    for name, query in (
        ("wall", "?screen=newsroom-2&tz=Europe/Oslo"),
        ("wall-light", "?screen=lobby&theme=light&lang=de&tags=Transport,Halden"),
    ):
        page = await context.new_page()
        await page.goto(f"{site.url}/wall/{FEED}{query}")
        await expect(page.locator(".state .word")).to_have_text("Live")
        await page.screenshot(path=folder / f"{name}.png", scale="css")
    page = await (await browser.new_context(viewport={"width": 1200, "height": 600}, locale="en-GB")).new_page()
    await page.goto(f"{site.url}/wall/status")
    await expect(page.locator(".sum")).to_have_text("2 of 2 screens are live.", timeout=20_000)
    await page.screenshot(path=folder / "wall-status.png")
    await context.close()


async def main(folder: Path) -> None:
    async with stage() as (site, browser):
        article = await _publish(site)
        wide: dict[str, Any] = {"viewport": {"width": 1200, "height": 900}, "locale": "en-GB", "timezone_id": "Europe/Oslo"}
        contexts: dict[str, BrowserContext] = {
            "wide": await browser.new_context(**wide),
            "dark": await browser.new_context(**wide, color_scheme="dark"),
            "phone": await browser.new_context(**wide | {"viewport": {"width": 390, "height": 844}}, device_scale_factor=1.5),
        }
        folder.mkdir(parents=True, exist_ok=True)
        for name, kind, address in (
            ("reader", "wide", f"/read/{FEED}"),
            ("reader-dark", "dark", f"/read/{FEED}"),
            ("reader-phone", "phone", f"/read/{FEED}"),
            ("article", "wide", f"/read/{FEED}/{article}"),
            ("start", "wide", "/"),
        ):
            await _draw(await contexts[kind].new_page(), site.url + address, folder / f"{name}.png")
        await _draw_walls(browser, site, folder)
        await _draw_desk(browser, site, folder)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
