"""The screens: what an address may say, and what a screen shows of a feed, without one, and while the store is away."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator

import pytest
from redis.asyncio import Redis
from starlette.applications import Starlette

from livefeed.api.pages.endpoints import Pages
from livefeed.api.pages.wall import Scene, Wall, arranged, read_scene
from livefeed.api.presence import Presence
from livefeed.api.problems import HANDLERS
from livefeed.exceptions import BadRequest
from livefeed.grants import Caller
from livefeed.items import Item
from livefeed.log.catalog import Catalog
from livefeed.log.connect import connect
from livefeed.log.itemstore import ItemStore
from livefeed.log.roster import Roster
from livefeed.queries import Query
from tests.api.desk import READER, Desk, open_desk
from tests.stores import Store

PARAMETERS = ("rows", "tags", "lang", "tz", "theme", "scale", "screen", "dim")


def scene(query: str) -> Scene:
    return read_scene(Query(query.encode(), PARAMETERS))


def test_an_address_may_say_nothing() -> None:
    assert scene("") == Scene(rows=6, tags=(), zone="", theme="dark", scale=1.0, screen="", dim="")


def test_an_address_may_say_everything() -> None:
    told = scene("rows=9&tags=Sea,%20Rail&tz=America/Argentina/Salta&theme=auto&scale=1.25&screen=Lobby%20%C3%A9&dim=22:00-06:30")
    assert told == Scene(9, ("Sea", "Rail"), "America/Argentina/Salta", "auto", 1.25, "Lobby é", "22:00-06:30")
    assert told.only.tags == {"sea", "rail"}


@pytest.mark.parametrize(
    "query",
    [
        "rows=0",
        "rows=21",
        "tags=" + "x" * 65,
        "tags=" + ",".join(map(str, range(21))),
        "tz=Europe%20Berlin",
        "tz=../etc/passwd",
        "theme=blue",
        "scale=0.1",
        "scale=nan",
        "screen=%3Cb%3E",
        "dim=22:00",
        "dim=25:00-06:00",
    ],
)
def test_a_mistake_is_told_by_the_parameters_name(query: str) -> None:
    with pytest.raises(BadRequest, match=query.partition("=")[0]):
        scene(query)


def test_pins_come_first_on_a_third_of_the_rows() -> None:
    items = [
        Item(
            id=str(n),
            uri=f"urn:{n}",
            version=1,
            pub_status="usable",
            first_created="",
            version_created="",
            content_created="",
            pinned=n in (4, 5),
            pin_rank=9 - n,
        )
        for n in range(6)
    ]
    assert [item.id for item in arranged(items, 3)] == ["5", "0", "1"]
    assert [item.id for item in arranged(items, 6)] == ["5", "4", "0", "1", "2", "3"]


NOW = 1_795_435_200_000
"""2026-11-23, noon."""


async def open_walls(redis: Redis, url: str) -> Desk:
    """The screens beside the endpoints that fill them."""
    desk = await open_desk(redis, url)
    catalog = Catalog(redis)
    pages = Pages(catalog, ItemStore(redis), lambda _: 3, lambda: NOW, base="https://news.example", version="1.2.3")
    presence = Presence(catalog, Roster(redis, keep=60, most=20), Roster(redis, keep=60, most=20))
    assert isinstance(desk.app, Starlette)
    routes = [*desk.app.routes, *Wall(pages, presence).routes(), *presence.routes()]
    return Desk(desk.editor, desk.audit, Starlette(routes=routes, exception_handlers=HANDLERS))


@pytest.fixture
async def walls(redis: Redis, redis_url: str) -> Desk:
    return await open_walls(redis, redis_url)


@pytest.fixture
async def cut_off(store: Store) -> AsyncIterator[Desk]:
    """Screens whose Redis had a feed with an item, and has gone."""
    await store.start_soon()
    async with connect(store.url, timeout=1.0, connections=4) as redis:
        walls = await open_walls(redis, store.url)
        await walls.publish(headline="Before")
        assert headlines((await walls.ask("GET", "/wall/world")).text) == ["Before"]
        store.kill()
        yield walls


def headlines(page: str) -> list[str]:
    return re.findall(r'<p class="headline"[^>]*>(.*?)</p>', page)


async def test_a_screen_shows_the_newest_of_its_tags(walls: Desk) -> None:
    for hour, headline in enumerate(("Rain", "Sea storm", "Sea calm", "Sea ice")):
        await walls.publish(headline=headline, tags=headline.split(), contentCreated=f"2026-11-23T0{hour}:00:00Z")
    answer = await walls.ask("GET", "/wall/world?tags=sea&rows=2", caller=Caller.ANONYMOUS)
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    assert headlines(answer.text) == ["Sea ice", "Sea calm"]


async def test_a_screen_without_a_key_waits_for_one_and_shows_nothing(walls: Desk) -> None:
    await walls.ask("PUT", "/v1/feeds/world", {"title": "Our own", "public": False})
    await walls.publish(headline="Secret")
    answer = await walls.ask("GET", "/wall/world", caller=Caller.ANONYMOUS)
    assert answer.status_code == 200
    assert "data-denied" in answer.text
    assert "Secret" not in answer.text
    assert "Our own" not in answer.text
    assert headlines((await walls.ask("GET", "/wall/world", caller=READER)).text) == ["Secret"]


@pytest.mark.parametrize(("path", "status"), [("/wall/nowhere", 404), ("/wall/world?rows=99", 400), ("/wall/a%20b", 400)])
async def test_what_cannot_become_a_screen_is_a_page_that_says_so(walls: Desk, path: str, status: int) -> None:
    answer = await walls.ask("GET", path)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert "data-feed" not in answer.text


async def test_a_screen_is_served_while_the_store_is_away(cut_off: Desk) -> None:
    """Nobody stands at it to load it again: it gets its page, with all of its scene, and its script keeps asking."""
    answer = await cut_off.ask("GET", "/wall/world?tags=Sea&rows=9&screen=Lobby")
    assert answer.status_code == 200
    assert 'data-feed="world" data-rows="9" data-tags="Sea"' in answer.text
    assert 'data-screen="Lobby"' in answer.text
    assert "data-denied" not in answer.text
    assert headlines(answer.text) == []


async def test_the_page_of_all_screens_says_that_the_store_is_away(cut_off: Desk) -> None:
    answer = await cut_off.ask("GET", "/wall/status")
    assert answer.status_code == 503
    assert answer.headers["retry-after"].isdigit()
    assert answer.headers["content-type"] == "text/html; charset=utf-8"


async def test_the_page_of_all_screens_names_those_whose_feed_the_caller_may_read(walls: Desk) -> None:
    await walls.ask("PUT", "/v1/feeds/world", {"public": False})
    report = {"screen": "lobby", "state": "live"}
    assert (await walls.ask("POST", "/v1/feeds/world/screens", report, caller=READER)).status_code == 204
    assert "lobby" in (await walls.ask("GET", "/wall/status", caller=READER)).text
    assert "lobby" not in (await walls.ask("GET", "/wall/status", caller=Caller.ANONYMOUS)).text
    assert (await walls.ask("GET", "/wall/status?x=1")).status_code == 400
