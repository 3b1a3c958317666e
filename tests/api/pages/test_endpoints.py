"""The pages as they leave the server: what a reader without scripts, a search engine and a proxy get."""

from __future__ import annotations

import html
import json
import re
from typing import Any

import httpx2
import pytest
from redis.asyncio import Redis
from starlette.applications import Starlette

from livefeed.api.pages.endpoints import Pages
from livefeed.api.problems import HANDLERS
from livefeed.grants import Caller
from livefeed.log.catalog import Catalog
from livefeed.log.itemstore import ItemStore
from tests.api.desk import EDITOR, ITEMS, READER, Desk, open_desk

NOW = 1_795_435_200_000
"""2026-11-23, noon."""


class Site(Desk):
    """The pages beside the endpoints that fill them."""

    async def read(self, path: str, *, caller: Caller = Caller.ANONYMOUS, if_none_match: str = "") -> httpx2.Response:
        return await self.ask("GET", path, caller=caller, if_none_match=if_none_match)


@pytest.fixture
async def site(redis: Redis, redis_url: str) -> Site:
    desk = await open_desk(redis, redis_url)
    pages = Pages(Catalog(redis), ItemStore(redis), lambda _: 3, lambda: NOW, base="https://news.example", version="1.2.3")
    assert isinstance(desk.app, Starlette)
    app = Starlette(routes=[*desk.app.routes, *pages.routes()], exception_handlers=HANDLERS)
    return Site(desk.editor, desk.audit, app)


def structured(page: str) -> Any:
    found = re.findall(r'<script type="application/ld\+json">(.*?)</script>', page, re.DOTALL)
    assert len(found) == 1
    return json.loads(found[0])


async def test_reader_has_the_news_its_position_and_its_structure(site: Site) -> None:
    item = await site.publish(headline="Storm", bodyText="One.\n\nTwo.", contentCreated="2026-11-23T11:00:00.000Z")
    response = await site.read("/read/world")
    listed = (await site.ask("GET", ITEMS)).json()

    assert response.headers["content-type"] == "text/html; charset=utf-8"
    assert f'cursor="{listed["cursor"]}"' in response.text
    assert f'<a href="/read/world/{item["id"]}">Storm</a>' in response.text
    assert "<p>One.</p><p>Two.</p>" in response.text
    assert "3 readers now" in response.text
    posting = structured(response.text)
    assert posting["@type"] == "LiveBlogPosting"
    assert [update["headline"] for update in posting["liveBlogUpdate"]] == ["Storm"]
    assert '<meta property="og:url" content="https://news.example/read/world">' in response.text


async def test_article_has_its_structure(site: Site) -> None:
    item = await site.publish(headline="Storm", summary="At night.", tags=["Sea"], language="en")
    page = (await site.read(f"/read/world/{item['id']}")).text

    assert structured(page)["@type"] == "BlogPosting"
    assert f'<link rel="canonical" href="https://news.example/read/world/{item["id"]}">' in page
    assert '<meta property="og:type" content="article">' in page
    assert '<meta property="article:tag" content="Sea">' in page


async def test_unchanged_is_304_and_nobody_may_keep_it_unasked(site: Site) -> None:
    await site.publish()
    first = await site.read("/read/world")
    assert first.headers["cache-control"] == "public, no-cache"
    assert (await site.read("/read/world", if_none_match=first.headers["etag"])).status_code == 304

    item = await site.publish()
    assert (await site.read("/read/world", if_none_match=first.headers["etag"])).status_code == 200
    article = await site.read(f"/read/world/{item['id']}")
    assert (await site.read(f"/read/world/{item['id']}", if_none_match=article.headers["etag"])).status_code == 304
    await site.ask("POST", f"{ITEMS}/{item['id']}/cancel", {})
    assert (await site.read(f"/read/world/{item['id']}", if_none_match=article.headers["etag"])).status_code == 410


async def test_every_language_and_caller_has_a_page_of_its_own(site: Site) -> None:
    english, german = await site.read("/read/world"), await site.read("/read/world?lang=de")
    pages = [english, german, await site.read("/read/world", caller=EDITOR)]
    assert len({page.headers["etag"] for page in pages}) == 3


async def test_older_news_and_permalinks_need_no_scripts(site: Site) -> None:
    items = [await site.publish(headline=f"Item {n}", contentCreated=f"2026-11-23T10:{59 - n}:00.000Z") for n in range(45)]
    first = (await site.read("/read/world")).text
    following = html.unescape(re.findall(r'<p class="more"><a href="([^"]+)"', first)[0])
    second = (await site.read(following)).text
    assert re.findall(r">(Item \d+)</a></h3>", first) == [f"Item {n}" for n in range(20)]
    assert re.findall(r">(Item \d+)</a></h3>", second) == [f"Item {n}" for n in range(20, 40)]
    assert " older" in second

    linked = (await site.read(f"/read/world?with={items[33]['id']}")).text
    assert re.findall(r">(Item \d+)</a></h3>", linked) == [f"Item {n}" for n in range(33, 45)]
    assert f'id="u-{items[33]["id"]}"' in linked


async def test_a_tag_filters(site: Site) -> None:
    await site.publish(headline="Goal", tags=["Sport"])
    await site.publish(headline="Vote", tags=["Politics"])
    page = (await site.read("/read/world?tag=sport")).text
    assert "Goal" in page
    assert "Vote" not in page


async def test_killed_held_expired_and_unpublished_are_not_shown(site: Site) -> None:
    killed, held = await site.publish(headline="Secret 1"), await site.publish(headline="Secret 2")
    expired = await site.publish(headline="Secret 3", expires="2026-11-23T11:59:00.000Z")
    draft = await site.publish(headline="Secret 4", draft=True)
    await site.ask("POST", f"{ITEMS}/{killed['id']}/cancel", {})
    await site.ask("POST", f"{ITEMS}/{held['id']}/hold", {})
    statuses = []
    for item in (killed, held, expired, draft):
        response = await site.read(f"/read/world/{item['id']}")
        statuses.append(response.status_code)
        assert "Secret" not in response.text
    assert statuses == [410, 404, 404, 404]
    for path in ("/", "/read/world"):
        assert "Secret" not in (await site.read(path)).text


async def test_a_private_feed_is_for_its_readers(site: Site) -> None:
    await site.ask("PUT", "/v1/feeds/world", {"public": False})
    item = await site.publish(headline="Inside")
    for path in ("/read/world", f"/read/world/{item['id']}"):
        refused = await site.read(path)
        assert refused.status_code == 401
        assert "Inside" not in refused.text
        allowed = await site.read(path, caller=READER)
        assert "Inside" in allowed.text
        assert allowed.headers["cache-control"] == "private, no-cache"
    assert 'href="/read/world"' not in (await site.read("/")).text


async def test_only_editors_are_offered_to_edit(site: Site) -> None:
    item = await site.publish()
    for path in ("/read/world", f"/read/world/{item['id']}"):
        assert "/desk/world?item=" not in (await site.read(path, caller=READER)).text
        assert f"/desk/world?item={item['id']}" in (await site.read(path, caller=EDITOR)).text


@pytest.mark.parametrize(
    ("path", "status", "words"),
    [
        ("/read/nowhere", 404, "There is no feed called “nowhere”."),
        ("/read/WORLD", 400, "is not a feed name"),
        ("/read/world/none", 404, "There is no such item"),
        ("/read/world?tags=a", 400, "tag"),
        ("/read/world?before=%0a", 400, "before="),
        ("/read/world?with=none", 404, "There is no feed called “world”.|There is no such item"),
        ("/read/world?lang=de", 200, "Diesen Feed abonnieren"),
    ],
)
async def test_errors_are_pages(site: Site, path: str, status: int, words: str) -> None:
    response = await site.read(path)
    assert response.status_code == status
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    assert any(text in html.unescape(response.text) for text in words.split("|"))


async def test_start_page_says_when_the_log_is_away(redis: Redis, redis_url: str) -> None:
    await redis.connection_pool.disconnect()
    gone = Redis.from_url("redis://127.0.0.1:1", protocol=3)
    pages = Pages(Catalog(gone), ItemStore(gone), lambda _: 0, lambda: NOW)
    app = Starlette(routes=[*pages.routes()], exception_handlers=HANDLERS)
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://127.0.0.1") as client:
        start, reader = await client.get("/"), await client.get("/read/world")
    assert start.status_code == 200
    assert "The log cannot be reached." in start.text
    assert reader.status_code == 503
    assert reader.headers["retry-after"].isdecimal()
